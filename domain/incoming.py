"""Which events of a payment provider say something about money of ours. Everything else is received and left alone."""

from __future__ import annotations

STRIPE_EVENTS = frozenset(
    f"{group}.{event}"
    for group, events in {
        "checkout.session": "completed expired async_payment_succeeded async_payment_failed",
        "payment_intent": "succeeded payment_failed processing partially_funded canceled",
        "charge": "refunded",
        "charge.dispute": "created updated closed funds_withdrawn funds_reinstated",
        "refund": "created updated failed",
        "payout": "created updated paid failed canceled",
    }.items()
    for event in events.split()
)
"""The closed list, by Stripe's own names. The event is a hint: its object is read again at the source."""
