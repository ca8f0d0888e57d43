"""The same requests before Stripe's own OpenAPI: what our judge takes, `stripe-mock` takes too. It is not asked what
it refuses: it lets unknown nested parameters through, and its spec is a version behind the SDK's.

The program is looked for on PATH and where `go install github.com/stripe/stripe-mock@v0.203.0` puts it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stripe._encode import _api_encode

from adapters.standins.stripe.api import _find
from adapters.standins.stripe.judge import decode, judge
from tests.adapters.standins.stripe.support import SDK_WARNS, asked, sdk_at

pytestmark = pytest.mark.filterwarnings(SDK_WARNS)
BANK = {"customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {
    "type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}}}}  # fmt: skip
REQUESTS: list[tuple[str, str, Any]] = [
    ("post", "/v1/checkout/sessions", asked()),
    ("post", "/v1/checkout/sessions", asked(
        expires_at=1_800_000_000, customer_email="ap@globex.example", cancel_url="https://duely.example", locale="de",
        submit_type="pay", adaptive_pricing={"enabled": False}, excluded_payment_method_types=["sepa_debit"])),
    ("post", "/v1/checkout/sessions", asked(customer="cus_1", payment_method_options=BANK)),
    ("get", "/v1/checkout/sessions", {"payment_intent": "pi_1", "expand": ["data.payment_intent"]}),
    ("get", "/v1/checkout/sessions/cs_1", {"expand": ["payment_intent.latest_charge.balance_transaction"]}),
    ("post", "/v1/checkout/sessions/cs_1/expire", {}),
    ("get", "/v1/payment_intents/pi_1", {"expand": ["latest_charge"]}),
    ("get", "/v1/charges", {"payment_intent": "pi_1"}),
    ("post", "/v1/refunds", {"payment_intent": "pi_1", "amount": 100, "metadata": {"credit": "c"}}),
    ("post", "/v1/refunds", {"charge": "ch_1", "reason": "requested_by_customer"}),
    ("get", "/v1/refunds", {"payment_intent": "pi_1", "limit": 100}),
    ("post", "/v1/disputes/du_1", {"evidence": {"receipt": "file_1"}, "submit": True}),
    ("post", "/v1/disputes/du_1/close", {}),
    ("get", "/v1/disputes", {"payment_intent": "pi_1"}),
    ("get", "/v1/events", {"delivery_success": False, "created": {"gte": 1}, "types": ["charge.refunded"]}),
    ("get", "/v1/balance_transactions", {"payout": "po_1", "type": "charge", "starting_after": "txn_1", "limit": 100}),
    ("get", "/v1/payouts", {"arrival_date": {"gte": 1}, "status": "paid"}),
    ("post", "/v1/customers", {"name": "Globex", "email": "ap@globex.example"}),
]  # fmt: skip


def program() -> str | None:
    found = shutil.which("stripe-mock")
    if found or not shutil.which("go"):
        return found
    go = subprocess.run(["go", "env", "GOPATH"], capture_output=True, text=True, check=False).stdout.strip()
    path = Path(go) / "bin" / "stripe-mock"
    return str(path) if path.is_file() else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="session")
def mock() -> Iterator[str]:
    path = program()
    if path is None:
        pytest.skip("stripe-mock is neither on PATH nor in GOPATH/bin")
    http, https = free_port(), free_port()
    command = [path, "-http-addr", f"127.0.0.1:{http}", "-https-addr", f"127.0.0.1:{https}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if f"127.0.0.1:{http}" in line:
                break
        yield f"http://127.0.0.1:{http}"
        running.terminate()


@pytest.mark.parametrize(("method", "path", "wanted"), REQUESTS)
def test_what_our_judge_takes_stripes_openapi_takes_too(mock: str, method: Any, path: str, wanted: Any) -> None:
    route, _ = _find(method.upper(), path)
    judge(route.params, decode([(key, str(value)) for key, value in _api_encode(wanted)]))
    with sdk_at(mock, "sk_test_123") as client:
        assert client.raw_request(method, path, **wanted).code == 200
