"""What the stand-in remembers: Stripe's objects by id, in memory, under one lock. Nothing is decided here."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from datetime import datetime

from adapters.standins.stripe import objects
from adapters.standins.stripe.errors import Json, Wrong, missing

MINTED_AT = "minted_at"
"""Metadata (RFC 3339): for an object that has it, this instant is 'now'. Invoices of a demo live on clocks of
their own, and Stripe's rules about time are to be played on the clock of the invoice."""

Clock = Callable[[], datetime]


class State:
    def __init__(self, clock: Clock, waiting: int):
        """`waiting`: how many webhook endpoints there are (0 or 1)."""
        self.lock = threading.RLock()
        self.clock = clock
        self.base = ""
        self.waiting = waiting
        self.tables: dict[str, dict[str, Json]] = {
            name: {} for name in ("checkout.session", "payment_intent", "charge", "refund", "dispute",
                                  "balance_transaction", "payout", "event", "customer")
        }  # fmt: skip
        self.intent_data: dict[str, Json] = {}
        """By session: what its PaymentIntent will carry. Stripe makes the intent when the customer pays."""
        self.lines: dict[str, str] = {}
        """By session: the names on the payment page."""
        self.payout_of: dict[str, str] = {}
        """By balance transaction: Stripe lists the movements of a payout, but does not write it on them."""
        self.undelivered: set[str] = set()
        self.on_event: Callable[[str], None] = lambda _: None

    def add(self, thing: Json) -> Json:
        self.tables[thing["object"]][thing["id"]] = thing
        return thing

    def get(self, name: str, key: str, param: str = "id") -> Json:
        found = self.tables[name].get(key)
        if found is None:
            raise missing(name.replace(".", " "), key, param)
        return found

    def emit(self, kind: str, shown: Json, at: int) -> None:
        """The event of a type, with the object as it is now, and its delivery."""
        happened = self.add(objects.event(at, kind, copy.deepcopy(shown), self.waiting))
        if self.waiting:
            self.undelivered.add(happened["id"])
            self.on_event(happened["id"])

    def delivered(self, event: str) -> None:
        with self.lock:
            self.undelivered.discard(event)
            self.get("event", event)["pending_webhooks"] = 0

    def move(self, moved: Json) -> str:
        """Books a movement of the balance; its id."""
        return str(self.add(moved)["id"])

    def session_of(self, intent: str) -> Json | None:
        every = self.tables["checkout.session"].values()
        return next((one for one in every if one["payment_intent"] == intent), None)

    def now(self, metadata: Json | None = None) -> int:
        """The clock, or the instant that the metadata name."""
        named = (metadata or {}).get(MINTED_AT)
        if not named:
            return objects.stamp(self.clock())
        try:
            return objects.stamp(datetime.fromisoformat(named))
        except ValueError:
            param = f"metadata[{MINTED_AT}]"
            raise Wrong("Stand-in: write an instant with its time zone, as in RFC 3339", param=param) from None

    def instant(self, at: datetime | None, of: Json | None) -> int:
        """When something happens to a session (or to what came of it): as told, or the session's own now."""
        return objects.stamp(at) if at else self.now(of["metadata"] if of else None)

    def tick(self) -> None:
        """What time does by itself, on the stand-in's clock. Sessions on clocks of their own end when told."""
        now = objects.stamp(self.clock())
        for moved in self.tables["balance_transaction"].values():
            if moved["available_on"] <= now:
                moved["status"] = "available"
        for one in self.tables["checkout.session"].values():
            if one["status"] == "open" and one["expires_at"] <= now and MINTED_AT not in one["metadata"]:
                self.expire(one, one["expires_at"])

    def expire(self, session: Json, at: int) -> None:
        if session["status"] != "open":
            raise Wrong(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of {session['status']}."
            )
        session.update(status="expired", url=None)
        self.emit("checkout.session.expired", session, at)
