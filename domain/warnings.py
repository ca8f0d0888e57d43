"""What makes a draft worth a second look: with a warning it never approves itself. Nothing is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain import money
from domain.document import Draft, DraftWarning, Period

UNUSUAL_FACTOR = 3
OLD_SUPPLY = timedelta(days=90)
SAME_AMOUNT_WITHIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier receivable of the same customer. `total` in minor units."""

    reference: str
    total: int
    purchase_order: str | None
    period_from: date | None
    period_to: date | None
    issued_on: date


@dataclass(frozen=True, slots=True)
class History:
    """The same seller's invoices to the same customer in the draft's currency."""

    invoices: tuple[Past, ...] = ()


def warnings(draft: Draft, history: History, today: date) -> tuple[DraftWarning, ...]:
    """The draft's own remarks and what its history says, in a stable order. `today` is the seller's day."""
    others = [past for past in history.invoices if past.reference != draft.reference]
    found = list(draft.remarks)
    twins = [past for past in others if _repeats(past, draft, today)]
    if twins:
        found.append(_duplicate(max(twins, key=lambda past: (past.issued_on, past.reference)), draft))
    if not others:
        found.append(DraftWarning("first_invoice", f"first invoice to {draft.customer.name}"))
    elif _unusual(draft.totals.payable, [past.total for past in others]):
        shown = money.show(draft.totals.payable, draft.currency)
        found.append(DraftWarning("unusual_amount", f"{shown} is more than {UNUSUAL_FACTOR} × the median"))
    supplied = _supplied(draft)
    if supplied and today - supplied > OLD_SUPPLY:
        found.append(DraftWarning("old_supply", f"supplied {supplied}, {(today - supplied).days} days ago"))
    return tuple(found)


def _repeats(past: Past, draft: Draft, today: date) -> bool:
    """Same amount, and the same order or period. Two periods are two supplies, as with a monthly fee.

    When either side names neither order nor period, nothing tells the two apart: then time does.
    """
    if past.total != draft.totals.payable:
        return False
    then, now = _period_of(past), draft.period
    if then and now:
        return then == now
    if past.purchase_order and draft.purchase_order:
        return past.purchase_order == draft.purchase_order
    return today - past.issued_on <= SAME_AMOUNT_WITHIN


def _period_of(past: Past) -> Period | None:
    return Period(past.period_from, past.period_to) if past.period_from and past.period_to else None


def _duplicate(past: Past, draft: Draft) -> DraftWarning:
    shown = money.show(past.total, draft.currency)
    return DraftWarning("duplicate", f"{past.reference} of {past.issued_on} has the same amount, {shown}")


def _unusual(total: int, earlier: Sequence[int]) -> bool:
    """Compared with the median in whole numbers: 2 × total against 3 × the sum of the two middle amounts."""
    ranked = sorted(earlier)
    middle = ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]
    return 2 * total > UNUSUAL_FACTOR * middle


def _supplied(draft: Draft) -> date | None:
    """The last day of supply the draft names, on the document or, failing that, on its lines."""
    own = [draft.delivery_date, draft.period.end if draft.period else None]
    named = [day for day in own if day] or [line.period.end for line in draft.lines if line.period]
    return max(named, default=None)
