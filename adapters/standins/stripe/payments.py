"""The world pays, or does not: what happens to an open session. Each act takes the instant `at` which it has in
business time (without it: the session's own now, see `state.MINTED_AT`), gives the session back as it is then, and
raises `Wrong` for what cannot happen at Stripe.

    card               completed and paid at once
    sepa_debit         completed, unpaid, the intent is processing      settle() | fail()
    customer_balance   completed, unpaid, the intent waits for money    fund() … fund(), or settle() for the rest

Money reaches the balance at Stripe when a payment succeeds, never before.
"""

from __future__ import annotations

import copy
from datetime import datetime

from adapters.standins.stripe import objects
from adapters.standins.stripe.errors import Json, Wrong
from adapters.standins.stripe.state import State


class Payments:
    def __init__(self, state: State):
        self.state = state

    def pay(self, session_id: str, method: str = "card", at: datetime | None = None) -> Json:
        """The customer pays on the page. The session is complete afterwards, whatever the method."""
        with self.state.lock:
            session = self.state.get("checkout.session", session_id)
            now = self.state.instant(at, session)
            self._check_open(session, method, now)
            data = self.state.intent_data[session_id]
            intent = self.state.add(objects.intent(now, method, session, data))
            session.update(payment_intent=intent["id"], status="complete", url=None)
            email = session["customer_email"]
            session["customer_details"] = {"address": None, "business_name": None, "email": email,
                                           "individual_name": None, "name": None, "phone": None,
                                           "tax_exempt": "none", "tax_ids": None}  # fmt: skip
            if method == "card":
                self._succeed(session, intent, method, now)
            elif method == "sepa_debit":
                pending = self.state.add(objects.charge(now, intent, method, "pending"))
                intent.update(status="processing", latest_charge=pending["id"])
                self.state.emit("payment_intent.processing", intent, now)
                self.state.emit("charge.pending", pending, now)
            else:
                waits = objects.bank_instructions(intent["amount"], intent["currency"])
                intent.update(status="requires_action", next_action=waits)
                self.state.emit("payment_intent.requires_action", intent, now)
            self.state.emit("checkout.session.completed", session, now)
            return copy.deepcopy(session)

    def settle(self, session_id: str, at: datetime | None = None) -> Json:
        """The bank says yes, days later; for a bank transfer: what is missing arrives."""
        with self.state.lock:
            session, intent, method = self._unpaid(session_id)
            if intent["status"] not in ("processing", "requires_action"):
                raise Wrong(f"This PaymentIntent has a status of {intent['status']}: nothing is under way.")
            now = self.state.instant(at, session)
            self._succeed(session, intent, method, now)
            self.state.emit("checkout.session.async_payment_succeeded", session, now)
            return copy.deepcopy(session)

    def fail(self, session_id: str, at: datetime | None = None, code: str = "insufficient_funds") -> Json:
        """The bank says no, days later. The session stays complete and unpaid; nobody can pay through it again."""
        with self.state.lock:
            session, intent, method = self._unpaid(session_id)
            if intent["status"] != "processing":
                raise Wrong(f"This PaymentIntent has a status of {intent['status']}: no debit is under way.")
            now = self.state.instant(at, session)
            charge = self.state.get("charge", intent["latest_charge"])
            message = "The bank could not collect the payment."
            charge.update(status="failed", failure_code=code, failure_message=message)
            error = {"charge": charge["id"], "code": code, "message": message, "payment_method_type": method,
                     "type": "invalid_request_error"}  # fmt: skip
            intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None)
            self.state.emit("charge.failed", charge, now)
            self.state.emit("payment_intent.payment_failed", intent, now)
            self.state.emit("checkout.session.async_payment_failed", session, now)
            return copy.deepcopy(session)

    def fund(self, session_id: str, amount: int, at: datetime | None = None) -> Json:
        """A transfer of `amount` minor units arrives. Less than what is missing leaves the session unpaid."""
        with self.state.lock:
            session, intent, _ = self._unpaid(session_id)
            if intent["status"] != "requires_action":
                raise Wrong(f"This PaymentIntent has a status of {intent['status']}: no transfer is awaited.")
            waits = intent["next_action"]["display_bank_transfer_instructions"]
            if not 0 < amount <= waits["amount_remaining"]:
                raise Wrong(f"Stand-in: only up to {waits['amount_remaining']} can be played here", param="amount")
            waits["amount_remaining"] -= amount
            if not waits["amount_remaining"]:
                return self.settle(session_id, at)
            self.state.emit("payment_intent.partially_funded", intent, self.state.instant(at, session))
            return copy.deepcopy(session)

    def expire(self, session_id: str, at: datetime | None = None) -> Json:
        """Its time is over."""
        with self.state.lock:
            session = self.state.get("checkout.session", session_id)
            self.state.expire(session, objects.stamp(at) if at else session["expires_at"])
            return copy.deepcopy(session)

    def _check_open(self, session: Json, method: str, now: int) -> None:
        if session["status"] != "open":
            raise Wrong(f"This Checkout Session has a status of {session['status']}: nobody can pay it.")
        if method not in session["payment_method_types"]:
            raise Wrong(f"This Checkout Session does not offer {method}.", param="method")
        if now >= session["expires_at"]:
            raise Wrong("This Checkout Session is over: its expires_at has come.")

    def _unpaid(self, session_id: str) -> tuple[Json, Json, str]:
        session = self.state.get("checkout.session", session_id)
        if session["status"] != "complete" or session["payment_status"] != "unpaid":
            raise Wrong(
                f"This Checkout Session has a status of {session['status']} and is {session['payment_status']}: "
                "no payment is under way."
            )
        intent = self.state.get("payment_intent", session["payment_intent"])
        return session, intent, intent["payment_method_types"][0]

    def _succeed(self, session: Json, intent: Json, method: str, now: int) -> None:
        amount = intent["amount"]
        if intent["latest_charge"]:
            charge = self.state.get("charge", intent["latest_charge"])
            charge.update(amount_captured=amount, captured=True, paid=True, status="succeeded")
        else:
            charge = self.state.add(objects.charge(now, intent, method, "succeeded"))
        kind = "charge" if method == "card" else "payment"
        moved = objects.transaction(
            now, kind, amount, intent["currency"], charge["id"], category="charge", fees=objects.fee(amount)
        )
        charge["balance_transaction"] = self.state.move(moved)
        intent.update(amount_received=amount, latest_charge=charge["id"], next_action=None, status="succeeded")
        session["payment_status"] = "paid"
        self.state.emit("charge.succeeded", charge, now)
        self.state.emit("payment_intent.succeeded", intent, now)
