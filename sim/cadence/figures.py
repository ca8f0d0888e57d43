"""What a way of paying comes to: how long money was out, and how much had come by which day. Exact: amounts are minor
units of one currency, ratios are rounded once, for show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sim.cadence.ledger import Past

Paid = Mapping[str, date]
"""Reference -> the day it was paid on; absent: never."""

PERIOD = 90


@dataclass(frozen=True, slots=True)
class Money:
    """`dso`: days sales outstanding on the last day anything was issued, over the 90 days before it; `days_to_pay`:
    from issue to payment, weighted by amount, of what was paid; `open`: what was never paid."""

    dso: Decimal | None
    days_to_pay: Decimal | None
    open: int
    cash: tuple[tuple[date, int], ...]  # how much had come by the end of each day on which something came


def money(past: Sequence[Past], paid: Paid) -> Money:
    """Of receivables in one currency."""
    settled = [(each, paid[each.reference]) for each in past if each.reference in paid]
    weighted = sum(each.total * (on - each.issued_on).days for each, on in settled)
    return Money(
        dso=dso(past, paid, max(each.issued_on for each in past)),
        days_to_pay=_tenth(weighted, sum(each.total for each, _ in settled)),
        open=sum(each.total for each in past if each.reference not in paid),
        cash=tuple(_cash(settled)),
    )


def dso(past: Sequence[Past], paid: Paid, on: date) -> Decimal | None:
    """Receivables open at the end of that day ÷ what was billed in the 90 days up to it × 90; None without billing."""
    open_ = sum(p.total for p in past if p.issued_on <= on and not (p.reference in paid and paid[p.reference] <= on))
    billed = sum(p.total for p in past if on - timedelta(days=PERIOD) < p.issued_on <= on)
    return _tenth(open_ * PERIOD, billed)


def _cash(settled: Iterable[tuple[Past, date]]) -> Iterable[tuple[date, int]]:
    by_day: dict[date, int] = {}
    for each, on in settled:
        by_day[on] = by_day.get(on, 0) + each.total
    come = 0
    for on in sorted(by_day):
        come += by_day[on]
        yield on, come


def _tenth(part: int, whole: int) -> Decimal | None:
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.1"), ROUND_HALF_UP) if whole else None
