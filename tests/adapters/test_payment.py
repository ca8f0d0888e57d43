"""The payment port's contract, at the stand-in over HTTP, at Stripe's test mode when STRIPE_TEST_KEY is set, and as far
as it applies where customers pay by transfer only. Requests also before Stripe's own OpenAPI (`stripe-mock`)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import stripe as sdk

from adapters.payment.bank_only import BankOnly
from adapters.payment.port import KeySpent, Payments
from adapters.payment.stripe import Stripe
from adapters.payment.stripe_amounts import from_stripe, to_stripe
from adapters.standins.stripe.server import StandIn
from domain.currencies import EXPONENTS
from domain.errors import NotFound, ProviderDown, Refused
from domain.payments import SessionRequest
from tests.adapters.standins.stripe.test_stripe_mock import free_port, program

TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")
WHERE = ["stand-in", pytest.param("test mode", marks=pytest.mark.skipif(not TEST_KEY, reason="no STRIPE_TEST_KEY"))]


@pytest.fixture(scope="module")
def running() -> Iterator[StandIn]:
    with StandIn() as found:
        yield found


@pytest.fixture
def sim(running: StandIn) -> Iterator[StandIn]:
    yield running
    running.faults.up()
    running.faults.latency = 0.0


@pytest.fixture
async def ours(sim: StandIn) -> AsyncIterator[Stripe]:
    made = Stripe(sim.secret_key, sim.base, answer_seconds=1)
    yield made
    await made.close()


@pytest.fixture(params=WHERE)
async def provider(request: pytest.FixtureRequest, sim: StandIn) -> AsyncIterator[Stripe]:
    made = Stripe(TEST_KEY) if request.param == "test mode" else Stripe(sim.secret_key, sim.base)
    yield made
    await made.close()


def wanted(**changed: Any) -> SessionRequest:
    """A request under a key of its own; whole seconds, as Stripe keeps them."""
    now = datetime.now(UTC).replace(microsecond=0)
    reference = uuid4().hex[:12]
    asked = SessionRequest(
        key=f"invoice-demo-{reference}/checkout-1",
        seller="demo",
        invoice=f"invoice-demo-{reference}",
        number="RE-2026-00001",
        amount=119_00,
        currency="EUR",
        minted_at=now,
        expires_at=now + timedelta(hours=20),
        language="de",
        back_url="https://pay.example/i/token",
    )
    return replace(asked, **changed)


async def test_the_same_key_opens_the_same_page(provider: Stripe) -> None:
    asked = wanted()
    first, again = await provider.open(asked), await provider.open(asked)
    assert first.id == again.id
    assert (first.status, first.payment) == ("open", None)
    assert first.url.startswith("http")
    assert first.expires_at == asked.expires_at
    found = await provider.session(first.id)
    assert (found.id, found.status, found.payment) == (first.id, "open", None)


async def test_the_same_key_with_another_request_is_a_defect_of_ours(provider: Stripe) -> None:
    asked = wanted()
    await provider.open(asked)
    with pytest.raises(Refused, match=f"idempotency key {asked.key} .* other parameters"):
        await provider.open(replace(asked, amount=1_00))


async def test_an_ended_page_stays_ended(provider: Stripe) -> None:
    page = await provider.open(wanted())
    assert [(await provider.expire(page.id)).status for _ in range(2)] == ["expired", "expired"]
    assert (await provider.session(page.id)).status == "expired"


@pytest.mark.parametrize(("changed", "code"), [({"amount": 1}, "amount_too_small"),
                                               ({"amount": 10**9}, "amount_too_large")])  # fmt: skip
async def test_what_stripe_never_takes_is_refused_by_its_code(
    provider: Stripe, changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused, match=code):
        await provider.open(wanted(**changed))


@pytest.mark.parametrize(
    ("name", "id_"),
    [("session", "cs_test_a1"), ("expire", "cs_test_a1"), ("payment", "pi_nothing"), ("payout", "po_nothing")],
)
async def test_an_id_nobody_knows_is_not_found(provider: Stripe, name: str, id_: str) -> None:
    with pytest.raises(NotFound, match=id_):
        await getattr(provider, name)(id_)


@pytest.mark.parametrize("currency", ["JPY", "ISK", "UGX", "KRW"])
async def test_a_currency_without_decimals(provider: Stripe, currency: str) -> None:
    assert (await provider.open(wanted(currency=currency, amount=50_000))).status == "open"


async def test_by_transfer_only_nothing_can_be_opened_or_read() -> None:
    none: Payments = BankOnly()
    assert (none.name, none.online) == ("bank", False)
    with pytest.raises(Refused, match="DUELY_PAYMENT=bank"):
        await none.open(wanted())
    with pytest.raises(Refused, match="DUELY_PAYMENT=bank"):
        await none.refund("k", "pi_1", 1)
    for name in ("session", "expire", "payment", "payout"):
        with pytest.raises(NotFound):
            await getattr(none, name)("id_1")
    assert await none.payment_of("charge.succeeded", "ch_1") is None
    since = datetime.now(UTC)
    assert [each async for each in none.undelivered(since)] == []
    assert [each async for each in none.movements(since)] == []
    await none.close()


async def test_a_card_payment_with_what_comes_back(ours: Stripe, sim: StandIn) -> None:
    asked = wanted()
    page = await ours.open(asked)
    sim.pay(page.id)
    found = (await ours.session(page.id)).payment
    assert found is not None
    assert (found.status, found.paid, found.currency, found.method) == ("succeeded", 119_00, "EUR", "card")
    assert (found.seller, found.invoice, found.session) == ("demo", asked.invoice, asked.key)
    assert (found.fee, found.tried_at, found.at) == (204, asked.minted_at, asked.minted_at)
    back = await ours.refund("refund-1", found.id, 19_00)
    assert (back.amount, back.status, back.key) == (19_00, "succeeded", "refund-1")
    assert (await ours.refund("refund-1", found.id, 19_00)).id == back.id
    sim.fail_refund(back.id)
    sim.dispute(found.id, amount=50_00)
    late = await ours.payment(found.id)
    assert [(r.id, r.status) for r in late.refunds] == [(back.id, "failed")]
    [dispute] = late.disputes
    assert (dispute.amount, dispute.status, dispute.taken, dispute.fee) == (50_00, "open", True, 2000)
    assert dispute.due_by is not None
    sim.close_dispute(dispute.id, "won")
    [won] = (await ours.payment(found.id)).disputes
    assert (won.status, won.taken) == ("won", False)
    charge = sim.state.tables["payment_intent"][found.id]["latest_charge"]
    for object_ in (page.id, found.id, charge, back.id, dispute.id):
        assert await ours.payment_of("any", object_) == found.id
    assert await ours.payment_of("payout.paid", "po_1") is None


async def test_a_debit_is_processing_then_done_or_failed(ours: Stripe, sim: StandIn) -> None:
    said = []
    for ends in (sim.settle, sim.fail):
        page = await ours.open(wanted())
        sim.pay(page.id, "sepa_debit")
        for _ in range(2):
            found = await ours.session(page.id)
            assert found.payment is not None
            said.append((found.status, found.payment.status, found.payment.paid, found.payment.failure))
            if len(said) % 2:
                ends(page.id)
    assert said == [
        ("complete", "processing", 0, ""),
        ("complete", "succeeded", 119_00, ""),
        ("complete", "processing", 0, ""),
        ("complete", "failed", 0, "insufficient_funds"),
    ]


async def test_a_transfer_that_came_in_part_is_processing(ours: Stripe, sim: StandIn) -> None:
    """Stripe's own virtual accounts; a seller may add them by hand in the dashboard."""
    http = sdk.HTTPXClient(allow_sync_methods=True)
    client = sdk.StripeClient(sim.secret_key, base_addresses={"api": sim.base}, http_client=http)
    customer = client.v1.customers.create({})
    price: Any = {"currency": "eur", "unit_amount": 100_00, "product_data": {"name": "x"}}
    page = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": customer.id,
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": "https://pay.example",
        }
    )
    http.close()  # type: ignore[no-untyped-call]
    await http.close_async()  # type: ignore[no-untyped-call]
    sim.pay(page.id, "customer_balance")
    sim.fund(page.id, 40_00)
    found = (await ours.session(page.id)).payment
    assert found is not None
    assert (found.status, found.paid) == ("processing", 0)
    sim.fund(page.id, 60_00)
    found = (await ours.session(page.id)).payment
    assert found is not None
    assert (found.status, found.paid) == ("succeeded", 100_00)


async def test_movements_name_what_is_behind_them(ours: Stripe, sim: StandIn) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    page = await ours.open(wanted())
    sim.pay(page.id)
    found = (await ours.session(page.id)).payment
    assert found is not None
    back = await ours.refund(f"r-{found.id}", found.id, 1_00)
    sim.dispute(found.id, amount=10_00)
    dispute = (await ours.payment(found.id)).disputes[0]
    told = {m.source: (m.type, m.amount, m.fee, m.currency) async for m in ours.movements(since)}
    assert told[found.id] == ("charge", 119_00, 204, "EUR")
    assert told[back.id] == ("refund", -1_00, 0, "EUR")
    assert told[dispute.id] == ("dispute", -10_00, 2000, "EUR")


async def test_events_that_did_not_arrive_and_a_payout() -> None:
    with StandIn(webhook_url=f"http://127.0.0.1:{free_port()}") as sim:
        ours = Stripe(sim.secret_key, sim.base)
        start = datetime.now(UTC) - timedelta(minutes=1)
        page = await ours.open(wanted())
        sim.pay(page.id)
        sim.webhooks.drain()
        lost = {(type_, object_.partition("_")[0]) async for _, type_, object_ in ours.undelivered(start)}
        assert ("checkout.session.completed", "cs") in lost
        assert ("payment_intent.succeeded", "pi") in lost
        later = datetime.now(UTC) + timedelta(days=5)
        made = sim.payout(at=later)
        paid = await ours.payout(made["id"])
        assert (paid.status, paid.amount, paid.currency, paid.arrives_on) == ("paid", 116_96, "EUR", later.date())
        await ours.close()


async def test_an_outage_can_be_repeated(ours: Stripe, sim: StandIn) -> None:
    asked = wanted()
    for status, text in ((500, "HTTP 500"), (503, "HTTP 503"), (429, "busy")):
        sim.faults.fail_next(status=status)
        with pytest.raises(ProviderDown, match=text):
            await ours.open(asked)
    sim.faults.hang_after(seconds=2)
    with pytest.raises(ProviderDown, match="does not answer"):
        await ours.open(asked)
    assert (await ours.open(asked)).status == "open"


async def test_a_call_that_an_earlier_attempt_is_still_at_can_be_repeated(ours: Stripe, sim: StandIn) -> None:
    asked, sim.faults.latency = wanted(), 0.3
    said = await asyncio.gather(*(ours.open(asked) for _ in range(4)), return_exceptions=True)
    pages = {each.id for each in said if not isinstance(each, BaseException)}
    assert len(pages) == 1
    assert {type(each) for each in said if isinstance(each, BaseException)} <= {ProviderDown}


async def test_a_failure_that_is_kept_is_told_apart(ours: Stripe, sim: StandIn) -> None:
    sim.faults.fail_next(kept=True)
    asked = wanted()
    with pytest.raises(ProviderDown) as first:
        await ours.open(asked)
    assert not isinstance(first.value, KeySpent)
    with pytest.raises(KeySpent):
        await ours.open(asked)


async def test_nobody_and_nonsense_at_the_address() -> None:
    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n<html>no</html>"[:60])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    ports = (free_port(), server.sockets[0].getsockname()[1])
    for port in ports:
        made = Stripe("sk_test_x", f"http://127.0.0.1:{port}", answer_seconds=1)
        with pytest.raises(ProviderDown, match="Stripe does not answer"):
            await made.session("cs_1")
        await made.close()
    server.close()
    await server.wait_closed()


async def test_errors_name_no_secret(sim: StandIn) -> None:
    made = Stripe("sk_test_wrongkey", sim.base)
    with pytest.raises(ProviderDown, match="STRIPE_API_KEY") as raised:
        await made.session("cs_1")
    assert "wrongkey" not in str(raised.value)
    await made.close()


@pytest.fixture
def mock() -> Iterator[str]:
    path = program()
    if path is None:
        pytest.skip("stripe-mock is neither on PATH nor in GOPATH/bin")
    http, https = (f"127.0.0.1:{free_port()}" for _ in range(2))
    command = [path, "-http-addr", http, "-https-addr", https]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if http in line)
        yield f"http://{http}"
        process.terminate()


async def test_stripes_own_openapi_takes_our_requests(mock: str) -> None:
    ours = Stripe("sk_test_123", mock)
    since = datetime.now(UTC) - timedelta(days=1)
    for made in (await ours.open(wanted()), await ours.session("cs_1"), await ours.expire("cs_1")):
        assert made.id.startswith("cs_")
    assert (await ours.payment("pi_1")).provider == "stripe"
    assert (await ours.refund("k", "pi_1", 100)).id.startswith("re_")
    assert (await ours.payout("po_1")).id.startswith("po_")
    assert [id_[:3] async for id_, _, _ in ours.undelivered(since)] == ["evt"]
    assert [moved.id[:3] async for moved in ours.movements(since)] == ["txn"]
    await ours.close()


@pytest.mark.parametrize(
    ("amount", "currency", "theirs"),
    [(119_00, "EUR", 119_00), (500, "JPY", 500), (500, "ISK", 50_000), (500, "UGX", 50_000), (500_00, "MGA", 500),
     (5_120, "KWD", 5_120), (1_000, "HUF", 1_000)],
)  # fmt: skip
def test_amounts_as_stripe_writes_them(amount: int, currency: str, theirs: int) -> None:
    assert to_stripe(amount, currency) == theirs
    assert from_stripe(theirs, currency.lower()) == amount
    assert from_stripe(-theirs, currency) == -amount


@pytest.mark.parametrize(("amount", "currency"), [(500_50, "MGA"), (5_124, "KWD")])
def test_amounts_stripe_cannot_be_asked_for(amount: int, currency: str) -> None:
    with pytest.raises(Refused, match=currency):
        to_stripe(amount, currency)


@pytest.mark.parametrize("currency", sorted(EXPONENTS))
def test_every_currency_comes_back_as_it_went(currency: str) -> None:
    assert from_stripe(to_stripe(1_000_000, currency), currency) == 1_000_000
