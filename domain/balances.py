"""How far the statements of one account reach without a gap, told by their balances: one that opens with what the last
one closed with goes on where that ended. Pure; it knows no file format and no books."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from domain.money import show


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What one statement says of the balance, in minor units; None when its format has none. `days`: with what each day
    ended on which something was booked. `read`: it is known to go on from an older one, if it ends before the mark."""

    file: str
    currency: str
    opened_on: date
    closed_on: date
    created_at: datetime
    opening: int | None
    closing: int | None
    days: tuple[tuple[date, int], ...] = ()
    read: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """`file`: of the statement before which something is missing, after the day `after`. `amount`: by how much the
    balance moved there."""

    file: str
    after: date
    before: date
    opening: int
    closed: int
    currency: str

    @property
    def amount(self) -> int:
        return self.opening - self.closed

    def __str__(self) -> str:
        opening, closed, amount = (show(m, self.currency) for m in (self.opening, self.closed, self.amount))
        return (
            f"opens on {self.before.isoformat()} with {opening}, but {self.after.isoformat()}, the last day read, "
            f"closed with {closed} {self.currency}: movements of {amount} in between are missing"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """`last`: the latest statement that goes on from the mark; None when none does."""

    last: Span | None
    gap: Gap | None


def reach(spans: Collection[Span], mark: date | None, trusted: str = "") -> Reach:
    """From `mark`, the day the source is read through. Where nothing can be compared (no mark, no balances, or none of
    that day) a statement is believed, and so are those of the file `trusted`: a person has said that nothing is
    missing before them."""
    read = [span for span in spans if mark is not None and span.read and span.closed_on <= mark]
    left = sorted(
        (span for span in spans if span not in read),
        key=lambda span: (span.closed_on, span.opened_on, span.created_at),
    )
    last: Span | None = None
    through = mark
    while following := _next(_from(left, through), read, through, trusted):
        left.remove(following)
        read.append(following)
        last, through = following, following.closed_on
    left = _from(left, through)
    return Reach(last=last, gap=_gap(left[0], read, through) if left and through is not None else None)


def _from(spans: Sequence[Span], through: date | None) -> list[Span]:
    """What ends before that day tells nothing new."""
    return [span for span in spans if through is None or span.closed_on >= through]


def _next(left: Sequence[Span], read: Sequence[Span], through: date | None, trusted: str) -> Span | None:
    return next((span for span in left if span.file == trusted or _goes_on(span, read, through)), None)


def _goes_on(span: Span, read: Sequence[Span], through: date | None) -> bool:
    if span.opening is None or span.closing is None or through is None:
        return True
    last = _ending(read, span, through)
    closed = {each.closing for each in last}
    if not last or span.opening in closed:
        return True
    # one that begins with the same page, or that was open already when the last one closed
    same = any((each.opened_on, each.opening) == (span.opened_on, span.opening) for each in last)
    return same or (span.opened_on <= through and _on(span, through) in closed)


def _ending(read: Sequence[Span], like: Span, through: date) -> list[Span]:
    """Those that close on the day the account is read through, in the currency of `like`."""
    return [s for s in read if s.closing is not None and (s.closed_on, s.currency) == (through, like.currency)]


def _on(span: Span, day: date) -> int | None:
    return max((each for each in span.days if each[0] <= day), default=(day, span.opening))[1]


def _gap(span: Span, read: Sequence[Span], through: date) -> Gap:
    closed = _ending(read, span, through)[-1].closing
    if span.opening is None or closed is None:
        raise ValueError("only what has a balance is held against one")
    return Gap(
        file=span.file,
        after=through,
        before=span.opened_on,
        opening=span.opening,
        closed=closed,
        currency=span.currency,
    )
