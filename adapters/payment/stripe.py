"""Stripe through its own package: hosted checkouts, payments, refunds, payouts. Every POST carries a key of ours, and
nothing is retried in here: whoever calls repeats.

Stripe keeps the first answer to a key for a day, a 500 of its own too. A key that answers so is dead: `open` and
`refund` then look for what may have been made under it, by the key that we keep in the metadata, and answer that; else
they raise KeySpent. A checkout made under a dead key and found by nobody harms nobody: its address was never told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import stripe

from adapters.payment import stripe_states as states
from adapters.payment.port import KeySpent
from adapters.payment.stripe_amounts import to_stripe
from adapters.payment.stripe_errors import told
from domain.errors import Refused
from domain.payments import Movement, PaymentState, PayoutState, RefundState, SessionRequest, SessionState

if TYPE_CHECKING:
    from stripe.checkout import Session
    from stripe.params.checkout import SessionCreateParams

CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 6.0
SKEW = timedelta(hours=1)
"""How far our clock and Stripe's may differ when something is looked for by its time."""
PAGE = 100
INTENT = ("latest_charge.balance_transaction",)
_LOCALES = frozenset(
    "bg cs da de el en es et fi fil fr hr hu id it ja ko lt lv ms mt nb nl pl pt ro ru sk sl sv th tr vi zh".split()
)
_TITLES = {"de": "Rechnung {}", "en": "Invoice {}"}


class Stripe:
    name = states.PROVIDER
    online = True

    def __init__(
        self,
        api_key: str,
        base: str | None = None,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ):
        """`base` is another address of the API. Connections belong to the event loop that first uses them."""
        timeout = httpx.Timeout(answer_seconds, connect=connect_seconds)
        self._http = stripe.HTTPXClient(timeout=timeout)
        client = stripe.StripeClient(
            api_key,
            http_client=self._http,
            max_network_retries=0,
            base_addresses={"api": base.rstrip("/")} if base else {},
        )
        self._v1 = client.v1

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]

    async def open(self, request: SessionRequest) -> SessionState:
        params = _checkout(request)
        try:
            with told(request.key):
                made = await self._v1.checkout.sessions.create_async(params, {"idempotency_key": request.key})
        except KeySpent:
            found = await self._made_under(request)
            if found is None:
                raise
            made = found
        return states.session_of(made, None)

    async def session(self, id_: str) -> SessionState:
        with told(id_):
            found = await self._v1.checkout.sessions.retrieve_async(id_)
        return await self._whole(found)

    async def expire(self, id_: str) -> SessionState:
        """Ending twice harms nothing, so each call has a key of its own: no failure that is kept stands in the way."""
        try:
            with told(id_):
                key = f"{id_}/expire-{uuid4()}"
                ended = await self._v1.checkout.sessions.expire_async(id_, None, {"idempotency_key": key})
        except Refused:
            # Stripe ends only what is open: it was paid in meanwhile, or has ended.
            found = await self.session(id_)
            if found.status == "open":
                raise
            return found
        return await self._whole(ended)

    async def payment(self, id_: str) -> PaymentState:
        with told(id_):
            intent = await self._v1.payment_intents.retrieve_async(id_, {"expand": list(INTENT)})
            refunds, disputes = await self._what_came_back(intent)
        return states.payment_of(intent, refunds, disputes)

    async def refund(self, key: str, payment: str, amount: int) -> RefundState:
        currency = (await self.payment(payment)).currency
        try:
            with told(key):
                made = await self._v1.refunds.create_async(
                    {
                        "payment_intent": payment,
                        "amount": to_stripe(amount, currency),
                        "metadata": {states.REFUND_KEY: key},
                    },
                    {"idempotency_key": key},
                )
        except KeySpent:
            found = next((each for each in (await self.payment(payment)).refunds if each.key == key), None)
            if found is None:
                raise
            return found
        return states.refund_of(made)

    async def payment_of(self, type_: str, object_: str) -> str | None:
        """By the kind of the object, which its id begins with; `type_` says no more."""
        prefix, v1 = object_.partition("_")[0], self._v1
        found: Any
        with told(object_):
            match prefix:
                case "pi":
                    return object_
                case "cs":
                    found = await v1.checkout.sessions.retrieve_async(object_)
                case "ch" | "py":
                    found = await v1.charges.retrieve_async(object_)
                case "re" | "pyr":
                    found = await v1.refunds.retrieve_async(object_)
                case "dp" | "du":
                    found = await v1.disputes.retrieve_async(object_)
                case _:
                    return None
        return states.id_of(states.field(found, "payment_intent"))

    async def payout(self, id_: str) -> PayoutState:
        with told(id_):
            return states.payout_of(await self._v1.payouts.retrieve_async(id_))

    async def undelivered(self, since: datetime) -> AsyncIterator[tuple[str, str, str]]:
        """Newest first. Stripe keeps events for 30 days."""
        with told("events"):
            page = await self._v1.events.list_async(
                {"delivery_success": False, "created": {"gte": int(since.timestamp())}, "limit": PAGE}
            )
            async for event in page.auto_paging_iter():
                yield event.id, event.type, states.id_of(event.data.object) or ""

    async def movements(self, since: datetime) -> AsyncIterator[Movement]:
        """Newest first."""
        with told("balance_transactions"):
            page = await self._v1.balance_transactions.list_async(
                {"created": {"gte": int(since.timestamp())}, "limit": PAGE, "expand": ["data.source"]}
            )
            async for moved in page.auto_paging_iter():
                yield states.movement_of(moved)

    async def _whole(self, session: Session) -> SessionState:
        intent = states.id_of(states.field(session, "payment_intent"))
        payment = await self.payment(intent) if intent else None
        if payment is not None and payment.status == "open" and session.status == "complete":
            # A way of paying whose steps we do not know: the page is done with, so the money is on its way.
            payment = replace(payment, status="processing", tried_at=payment.tried_at or states.at(session.created))
        return states.session_of(session, payment)

    async def _what_came_back(self, intent: stripe.PaymentIntent) -> tuple[list[stripe.Refund], list[stripe.Dispute]]:
        """Both lists whole: a refund that failed and a dispute that was won leave no trace on the charge."""
        if intent.status != "succeeded":
            return [], []
        refunds, disputes = await asyncio.gather(
            self._v1.refunds.list_async({"payment_intent": intent.id, "limit": PAGE}),
            self._v1.disputes.list_async({"payment_intent": intent.id, "limit": PAGE}),
        )
        return (
            [each async for each in refunds.auto_paging_iter()],
            [each async for each in disputes.auto_paging_iter()],
        )

    async def _made_under(self, request: SessionRequest) -> Session | None:
        """The checkout that a failed call left behind. Stripe searches sessions by time only."""
        since = int((request.minted_at - SKEW).timestamp())
        with told(request.key):
            page = await self._v1.checkout.sessions.list_async(
                {"status": "open", "created": {"gte": since}, "limit": PAGE}
            )
            async for each in page.auto_paging_iter():
                if states.metadata_of(each).get("session") == request.key:
                    return each
        return None


def _checkout(request: SessionRequest) -> SessionCreateParams:
    """Keys and the document's number only: who the customer is they tell Stripe themselves."""
    metadata = {
        "seller": request.seller,
        "invoice": request.invoice,
        "session": request.key,
        "minted_at": request.minted_at.isoformat(),
    }
    title = _TITLES.get(request.language, _TITLES["en"]).format(request.number)
    return {
        "mode": "payment",
        "client_reference_id": request.invoice,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": to_stripe(request.amount, request.currency),
                    "product_data": {"name": title},
                },
            }
        ],
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": request.paid_url or request.back_url,
        "cancel_url": request.back_url,
        "expires_at": int(request.expires_at.timestamp()),
        "locale": request.language if request.language in _LOCALES else "auto",
    }
