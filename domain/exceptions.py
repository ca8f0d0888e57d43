"""The kinds of exception: things a person must decide, and the commands that settle each. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One that is open: whose answer is waited for, and until when."""

    kind: str
    owner: str
    deadline: datetime | None = None


_LADDER_ENDED = ("extend", "hand_over", "write_off")

SETTLED_BY: dict[str, tuple[str, ...]] = {
    "approval_stuck": ("approve", "reject"),
    "message_held": ("send", "skip"),
    "delivery_unknown": ("send", "skip"),
    "delivery_refused": ("resend", "send", "skip"),
    "delivery_failing": ("resend", "hold"),
    "delivery_unconfirmed": ("resend", "hold"),
    "bounced": ("resend", "send", "skip"),
    "spam_report": ("note", "hold", *_LADDER_ENDED),
    "dispute": ("resolve",),
    "issue_blocked": ("cancel", "amend"),
    "rung": ("promise", "dispute", "hold", "note", "plan", *_LADDER_ENDED),
    "last_rung": ("plan", *_LADDER_ENDED),
    "consumer": _LADDER_ENDED,
    "escalated": ("plan", *_LADDER_ENDED),
    "unmatched_receipt": ("apply", "hold"),
    "unmatched_debit": ("apply", "note"),
    "overpaid": ("refund", "apply", "note"),
    "paid_twice": ("refund", "apply", "note"),
    "wrong_currency": ("note",),
    "chargeback": ("release", "write_off", "credit"),
    "chargeback_lost": ("write_off", "credit", "release"),
    "returned_debit": ("release", "write_off", "credit"),
    "inquiry": ("note",),
    "refund_unexplained": ("credit", "unapply"),
    "refund_failed": ("refund", "note"),
    "refund_to_pay": ("note",),
    "reconciliation": ("note",),
    "payout_difference": ("note",),
    "payment_stalled": ("note", "hold"),
    "stale_source": ("hold",),
    "reply": ("promise", "dispute", "resend", "hold", "note"),
    "plan_requested": ("plan", "note"),
    "plan_broken": ("accelerate", "plan", "hold", "note"),
    "insolvent": ("write_off", "hand_over", "note"),
    "bank_file": ("bank",),
    "archive_rot": ("archive check",),
}
"""Kind -> the commands that settle it, the likeliest first."""

BY_ANY_OF = frozenset(
    "rung last_rung consumer escalated spam_report overpaid paid_twice wrong_currency chargeback chargeback_lost"
    " returned_debit inquiry refund_failed refund_to_pay payment_stalled reconciliation"
    " reply plan_requested plan_broken insolvent".split()
)
"""Kinds that ask what is to become of the receivable or of its money: any of their commands, once done, is the answer.
The others end with the very message, dispute, approval or money they are about."""

ONE_BY_ONE = frozenset(
    "overpaid paid_twice wrong_currency inquiry refund_failed refund_to_pay payment_stalled reconciliation"
    " reply".split()
)
"""Those of them that are each about one mail or one payment. Of several that are open a command answers none, as it
does not say which one was read: each ends by a word of its own."""

BY_WORD = frozenset(kind for kind in BY_ANY_OF if "note" in SETTLED_BY[kind]) | {
    "payout_difference",
    "bank_file",
    "archive_rot",
}
"""Kinds that a person's word settles (`duely decide`): those a remark would settle, and those about no receivable."""

OUTLIVE = frozenset(
    {"overpaid", "paid_twice", "wrong_currency", "refund_unexplained", "refund_failed", "refund_to_pay", "chargeback"}
)
"""Kinds about money that is left, or can still be won back, when the receivable is settled: they stay in the queue when
it closes."""
