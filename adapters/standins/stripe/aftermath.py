"""What comes after a payment: refunds, disputes, payouts. As in `payments`, each act takes the instant `at`, gives
its object back and raises `Wrong` for what cannot happen at Stripe."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Literal

from adapters.standins.stripe import objects
from adapters.standins.stripe.errors import Json, Wrong
from adapters.standins.stripe.payments import Payments

EVIDENCE_WITHIN = timedelta(days=9)
"""How long a seller has for evidence where the card network says nothing else."""


class World(Payments):
    """Everything that can happen at Stripe without a request of ours."""

    def refund_outside(self, payment_intent: str, amount: int | None = None, at: datetime | None = None) -> Json:
        """Somebody refunds in Stripe's dashboard: `amount` minor units, or all that is left."""
        with self.state.lock:
            session = self.state.session_of(payment_intent)
            charge = self.charge_of(payment_intent, "payment_intent")
            return copy.deepcopy(self.refund(charge, amount, {}, self.state.instant(at, session)))

    def charge_of(self, payment_intent: str, param: str) -> Json:
        """The charge that took the money."""
        intent = self.state.get("payment_intent", payment_intent, param)
        if intent["status"] != "succeeded":
            raise Wrong("This PaymentIntent does not have a successful charge to refund.", param=param)
        return self.state.get("charge", intent["latest_charge"])

    def refund(self, charge: Json, amount: int | None, values: Json, now: int) -> Json:
        """A refund of a charge, with its movement; not a copy."""
        left = charge["amount"] - charge["amount_refunded"]
        amount = left if amount is None else amount
        if charge["disputed"]:
            raise Wrong(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
        if not left:
            raise Wrong(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
        if amount < 1:
            raise Wrong("This value must be greater than or equal to 1.", param="amount",
                        code="parameter_invalid_integer")  # fmt: skip
        if amount > left:
            raise Wrong(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})",
                        param="amount")  # fmt: skip
        made = self.state.add(objects.refund(now, charge, amount, values))
        kind = "refund" if charge["payment_method_details"]["type"] == "card" else "payment_refund"
        moved = objects.transaction(now, kind, -amount, charge["currency"], made["id"], category="refund")
        made["balance_transaction"] = self.state.move(moved)
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.state.emit("refund.created", made, now)
        self.state.emit("charge.refunded", charge, now)
        return made

    def fail_refund(self, refund_id: str, at: datetime | None = None) -> Json:
        """The customer's bank sends a refund back: the money is in our balance again."""
        with self.state.lock:
            refund = self.state.get("refund", refund_id)
            if refund["status"] != "succeeded":
                raise Wrong(f"This Refund has a status of {refund['status']}.")
            now = self.state.instant(at, self.state.session_of(refund["payment_intent"]))
            charge = self.state.get("charge", refund["charge"])
            back = objects.transaction(
                now, "refund_failure", refund["amount"], refund["currency"], refund_id, category="refund_failure"
            )
            refund.update(status="failed", failure_reason="unknown", failure_balance_transaction=self.state.move(back))
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
            for kind in ("refund.updated", "charge.refund.updated", "refund.failed"):
                self.state.emit(kind, refund, now)
            return copy.deepcopy(refund)

    def dispute(
        self,
        payment_intent: str,
        reason: str = "fraudulent",
        amount: int | None = None,
        at: datetime | None = None,
        due_by: datetime | None = None,
    ) -> Json:
        """The customer takes the money back through the bank: `amount` minor units, or all. A card's dispute waits
        for evidence until `due_by`; a SEPA debit that is given back is lost at once and closed."""
        with self.state.lock:
            charge = self.charge_of(payment_intent, "payment_intent")
            if charge["disputed"]:
                raise Wrong(f"Charge {charge['id']} is disputed already.")
            now = self.state.instant(at, self.state.session_of(payment_intent))
            amount = charge["amount"] - charge["amount_refunded"] if amount is None else amount
            if not 0 < amount <= charge["amount"]:
                raise Wrong("A dispute takes back what was paid, or a part of it.", param="amount")
            due = objects.stamp(due_by) if due_by else now + int(EVIDENCE_WITHIN.total_seconds())
            made = self.state.add(objects.dispute(now, charge, amount, reason, due))
            charge["disputed"] = True
            self._move_for(made, -amount, now, "dispute", objects.DISPUTE_FEE)
            self.state.emit("charge.dispute.created", made, now)
            self.state.emit("charge.dispute.funds_withdrawn", made, now)
            if made["status"] == "lost":
                self.state.emit("charge.dispute.closed", made, now)
            return copy.deepcopy(made)

    def close_dispute(
        self, dispute_id: str, status: Literal["won", "lost"] = "lost", at: datetime | None = None
    ) -> Json:
        """The card network decides. Won brings the money back, not the fee."""
        with self.state.lock:
            dispute = self.state.get("dispute", dispute_id)
            if dispute["status"] in ("won", "lost"):
                raise Wrong("This dispute is already closed", code="dispute_already_closed")
            now = self.state.instant(at, self.state.session_of(dispute["payment_intent"]))
            dispute["status"] = status
            if status == "won":
                self._move_for(dispute, dispute["amount"], now, "dispute_reversal", 0)
                self.state.emit("charge.dispute.funds_reinstated", dispute, now)
            self.state.emit("charge.dispute.closed", dispute, now)
            return copy.deepcopy(dispute)

    def _move_for(self, dispute: Json, amount: int, now: int, category: str, fees: int) -> None:
        moved = objects.transaction(
            now, "adjustment", amount, dispute["currency"], dispute["id"], category=category, fees=fees
        )
        self.state.move(moved)
        dispute["balance_transactions"].append(moved)

    def payout(self, at: datetime | None = None, currency: str = "eur") -> Json:
        """Everything of a currency that is available by then goes to the bank. Its own movement, which takes the
        sum out of the balance, is listed with the others."""
        with self.state.lock:
            now = self.state.instant(at, None)
            gathered = [
                moved for moved in self.state.tables["balance_transaction"].values()
                if moved["currency"] == currency and moved["available_on"] <= now
                and moved["id"] not in self.state.payout_of
            ]  # fmt: skip
            total = sum(moved["net"] for moved in gathered)
            if total <= 0:
                raise Wrong(f"There is nothing to pay out: {total} {currency} are available by then.")
            made = self.state.add(objects.payout(now, total, currency))
            out = objects.transaction(now, "payout", -total, currency, made["id"])
            made["balance_transaction"] = self.state.move(out)
            for moved in (*gathered, out):
                moved["status"] = "available"
                self.state.payout_of[moved["id"]] = made["id"]
            for kind in ("payout.created", "payout.paid", "payout.reconciliation_completed"):
                self.state.emit(kind, made, now)
            return copy.deepcopy(made)
