"""How customers would have reacted to another cadence: the one assumption of the cadence simulator, with a name and a
range. Everything else it tells is a fact about what a policy would have done.

`first-reminder`: who paid before the first reminder of the recorded policy pays on the same day under any. Who paid
after it pays `share` of the difference earlier or later by which the first reminder of the other policy comes earlier
or later; without one at all, as if it came `SILENCE` days later. `share` 0: nobody listens; 1: payment follows the
reminder day for day. What was never paid is never paid under another cadence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sim.cadence.ledger import Past

NAME = "first-reminder"
SILENCE = 30
SHARES = (Decimal(0), Decimal("0.5"), Decimal(1))
"""Low, middle and high: the range that every figure is told with."""

First = Mapping[str, date]
"""When the first reminder about a reference left; absent: none did."""


def paid_on(past: Past, recorded: First, other: First, share: Decimal) -> date | None:
    """The day it would have been paid on, never before it was issued."""
    reminded = recorded.get(past.reference)
    if past.paid_on is None or reminded is None or past.paid_on < reminded:
        return past.paid_on
    instead = other.get(past.reference, reminded + timedelta(days=SILENCE))
    days = (Decimal((instead - reminded).days) * share).quantize(Decimal(1), ROUND_HALF_UP)
    return max(past.issued_on, past.paid_on + timedelta(days=int(days)))
