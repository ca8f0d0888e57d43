"""What the tests of the Stripe stand-in share: a session as we ask for it, an endpoint that takes webhooks, and a
client with which the SDK calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe

from adapters.standins.stripe.server import StandIn

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAMP = int(NOW.timestamp())
SDK_WARNS = "ignore:Use 'content=<...>':DeprecationWarning"
"""stripe 16.1 hands httpx 0.28 its body in a way that httpx will drop."""


def asked(amount: int = 12_000, **more: Any) -> Any:
    """The parameters of a Checkout Session for one invoice."""
    price = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "RE-2026-0042"}}
    return {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": price}],
        "success_url": "https://duely.example/paid/{CHECKOUT_SESSION_ID}",
        "client_reference_id": "invoice-demo-1",
        "metadata": {"invoice": "invoice-demo-1"},
        "payment_intent_data": {"metadata": {"invoice": "invoice-demo-1"}},
        **more,
    }


@contextmanager
def sdk_at(base: str, key: str, timeout: float = 5) -> Iterator[stripe.StripeClient]:
    """The SDK, calling `base`; no retries."""
    http = stripe.HTTPXClient(allow_sync_methods=True, timeout=timeout)
    yield stripe.StripeClient(key, base_addresses={"api": base}, http_client=http)
    http.close()  # type: ignore[no-untyped-call]


def sdk(sim: StandIn, *, key: str = "", timeout: float = 5) -> AbstractContextManager[stripe.StripeClient]:
    return sdk_at(sim.base, key or sim.secret_key, timeout)


class Endpoint:
    """Takes webhooks and answers `status`; `taken` has (body, Stripe-Signature) in the order of arrival."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, str]] = []
        self.status = 200
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.taken.append((body, self.headers["Stripe-Signature"]))
                self.send_response(endpoint.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe"

    @contextmanager
    def open(self) -> Iterator[Endpoint]:
        self._thread.start()
        yield self
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
