"""What is counted for whoever watches the house: the closed lists that labels come from, and the arithmetic of the
figures. It knows no metric's name and reads nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from domain.messages import INTERNAL, NEWS, TO_CUSTOMER, MessageState

OWED = (
    *("issued", "delivering", "collecting", "disputed", "payment_pending"),
    *("promised", "on_hold", "escalated", "in_collections"),
)
"""InvoiceStates in which something is, or may be, owed."""
STATES = (
    *("draft", "awaiting_approval", "rejected", "scheduled", *OWED),
    *("paid", "credited", "written_off", "cancelled"),
)
"""Every InvoiceState that the books hold (contract, section 3); `invalid` never reaches them."""
OPEN = STATES[: STATES.index("paid")]

KINDS = TO_CUSTOMER | INTERNAL | NEWS
"""Kinds of message."""

REASONS = frozenset(
    "approval approval_stuck approved arrived ask bounced chase_minimum closed consumer decided_again"
    " delivery_unconfirmed dispute dispute_overdue disputed draft escalated grace_after_reject in_collections issue_on"
    " issued ladder ladder_ended lapsed last_rung money no_worker nothing_due oldest_first on_hold payment_pending"
    " per_contact_per_day promised provider_down refund refused rejected reply resume retry rung send_window sent"
    " settled skipped spam_report stale_source time_backwards undelivered unknown unmatched_receipt".split()
) | set(MessageState)
"""Codes of reasons; a test compares them with those that the rules give."""

AGES = (("under_1d", timedelta(days=1)), ("1d_to_3d", timedelta(days=3)), ("3d_to_7d", timedelta(days=7)))
OLDER = "over_7d"

OTHER = "other"
DSO_DAYS = 90


def known(word: str, words: Collection[str]) -> str:
    """A word of a closed list, or `other`: whatever books hold, no text of theirs becomes a label."""
    return word if word in words else OTHER


def age(since: timedelta) -> str:
    return next((name for name, limit in AGES if since < limit), OLDER)


def days_sales_outstanding(receivables: int, sales: int, days: int = DSO_DAYS) -> Decimal | None:
    """Receivables at the end of a period ÷ credit sales of the period × its days, to a tenth of a day, HALF_UP: the
    textbook's days sales outstanding (accounts receivable ÷ net credit sales × days). Both in minor units of one
    currency and both with VAT, less what was credited. None when nothing was sold: there is no such figure then."""
    if sales <= 0:
        return None
    return (Decimal(receivables) * days / Decimal(sales)).quantize(Decimal("0.1"), ROUND_HALF_UP)
