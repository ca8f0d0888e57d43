"""Stripe's objects as our states. Pure reading: optional fields may be null or missing altogether, expandable ones an
id or the object.

    PaymentIntent                                        our payment
    succeeded                                            succeeded
    processing, requires_capture                         processing
    requires_action that waits for a transfer, voucher   processing, part of it may have come
      or small deposits of the bank
    requires_action (3-D Secure), requires_confirmation  open
    requires_payment_method after an error               failed, else open
    canceled                                             canceled
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import stripe
from stripe.checkout import Session

from adapters.payment.stripe_amounts import from_stripe
from domain.payments import DisputeState, Movement, PaymentState, PayoutState, RefundState, SessionState

PROVIDER = "stripe"
METADATA = ("seller", "invoice", "session")
REFUND_KEY = "duely_key"

_UNDER_WAY = ("display_bank_transfer_instructions", "verify_with_microdeposits")
_REFUNDS = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
_DISPUTES = {"won": "won", "warning_closed": "won", "prevented": "won", "lost": "lost"}
_PAYOUTS = {"paid": "paid", "failed": "failed", "canceled": "failed"}
_MOVEMENTS = {
    "charge": "charge",
    "charge_failure": "charge",
    "refund": "refund",
    "refund_failure": "refund",
    "dispute": "dispute",
    "dispute_reversal": "dispute",
    "payout": "payout",
    "payout_reversal": "payout",
    "fee": "fee",
    "network_cost": "fee",
    "tax": "fee",
}
"""By `reporting_category`, which Stripe keeps for accounting; `type` has some fifty words."""


def field(thing: Any, name: str) -> Any:
    return getattr(thing, name, None)


def id_of(thing: Any) -> str | None:
    """The id of an expandable field."""
    found = thing if thing is None or isinstance(thing, str) else field(thing, "id")
    return None if found is None else str(found)


def metadata_of(thing: Any) -> dict[str, Any]:
    found = field(thing, "metadata")
    return {} if found is None else found.to_dict() if hasattr(found, "to_dict") else dict(found)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def session_of(session: Session, payment: PaymentState | None) -> SessionState:
    return SessionState(
        id=session.id,
        status=session.status or "expired",
        url=field(session, "url") or "",
        expires_at=at(session.expires_at),
        payment=payment,
    )


def payment_of(
    intent: stripe.PaymentIntent, refunds: Iterable[stripe.Refund], disputes: Iterable[stripe.Dispute]
) -> PaymentState:
    """`intent` with `latest_charge.balance_transaction` expanded."""
    charge = field(intent, "latest_charge")
    moved = field(charge, "balance_transaction") if charge is not None else None
    status, currency = _status(intent), intent.currency
    kept = metadata_of(intent)
    return PaymentState(
        provider=PROVIDER,
        id=intent.id,
        status=status,
        currency=currency.upper(),
        amount=from_stripe(intent.amount, currency),
        paid=from_stripe(field(intent, "amount_received") or 0, currency) if status == "succeeded" else 0,
        fee=_fee([moved], currency),
        method=field(field(charge, "payment_method_details"), "type") or "",
        # In a checkout the intent is made when the customer pays; a debit or a transfer takes days from there.
        tried_at=at(intent.created) if status not in ("open", "canceled") else None,
        at=at(field(moved, "created") or charge.created) if status == "succeeded" and charge is not None else None,
        failure=_failure(intent),
        refunds=tuple(refund_of(refund) for refund in refunds),
        disputes=tuple(_dispute(dispute) for dispute in disputes),
        **{name: str(kept.get(name, "")) for name in METADATA},
    )


def refund_of(refund: stripe.Refund) -> RefundState:
    return RefundState(
        id=refund.id,
        amount=from_stripe(refund.amount, refund.currency),
        status=_REFUNDS.get(field(refund, "status") or "", "pending"),
        at=at(refund.created),
        key=str(metadata_of(refund).get(REFUND_KEY, "")),
    )


def payout_of(payout: stripe.Payout) -> PayoutState:
    return PayoutState(
        id=payout.id,
        status=_PAYOUTS.get(payout.status, "pending"),
        amount=from_stripe(payout.amount, payout.currency),
        currency=payout.currency.upper(),
        arrives_on=at(payout.arrival_date).date(),
        trace=field(field(payout, "trace_id"), "value") or "",
    )


def movement_of(moved: stripe.BalanceTransaction) -> Movement:
    """`moved` with `source` expanded: what took in money is known by its payment, all else by its own id."""
    source = field(moved, "source")
    kind = _MOVEMENTS.get(field(moved, "reporting_category") or "", "other")
    payment = id_of(field(source, "payment_intent")) if kind == "charge" else None
    return Movement(
        id=moved.id,
        type=kind,
        source=payment or id_of(source) or "",
        amount=from_stripe(moved.amount, moved.currency),
        fee=from_stripe(moved.fee, moved.currency),
        currency=moved.currency.upper(),
        on=day(moved.created),
    )


def day(seconds: int) -> date:
    return at(seconds).date()


def _status(intent: stripe.PaymentIntent) -> str:
    match intent.status:
        case "succeeded" | "canceled":
            return intent.status
        case "processing" | "requires_capture":
            return "processing"
        case "requires_action":
            waits = str(field(field(intent, "next_action"), "type") or "")
            return "processing" if waits in _UNDER_WAY or waits.endswith("_display_details") else "open"
        case "requires_payment_method" if field(intent, "last_payment_error") is not None:
            return "failed"
    return "open"


def _failure(intent: stripe.PaymentIntent) -> str:
    error = field(intent, "last_payment_error")
    return str(field(error, "decline_code") or field(error, "code") or "") if error is not None else ""


def _dispute(dispute: stripe.Dispute) -> DisputeState:
    moved = list(field(dispute, "balance_transactions") or ())
    # The bank that gives money back, or the network that ends the case, moves it then and not when the case began.
    last = max((each.created for each in moved), default=dispute.created)
    due_by = field(field(dispute, "evidence_details"), "due_by")
    return DisputeState(
        id=dispute.id,
        amount=from_stripe(dispute.amount, dispute.currency),
        status=_DISPUTES.get(dispute.status, "open"),
        taken=sum(each.amount for each in moved) < 0,
        reason=dispute.reason,
        at=at(last),
        due_by=at(due_by) if due_by else None,
        fee=_fee(moved, dispute.currency),
    )


def _fee(moved: Iterable[Any], currency: str) -> int:
    """What Stripe keeps, in the payment's currency. Where it pays us in another one its fee is in that too, and is left
    to the daily comparison: a rate of ours would be invented."""
    kept = (m for m in moved if not isinstance(m, str) and field(m, "currency") == currency)
    return sum(from_stripe(m.fee, currency) for m in kept)
