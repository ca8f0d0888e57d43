"""What is left of a document's tax rows after what reduced it, and which part of them the next reduction takes: credit
notes what they print, discounts and write-offs in proportion (Directive 2006/112/EC Art. 90). Loss-free: reductions
over the whole document sum to its rows to the cent, in any number of steps.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from domain import tax
from domain.document import Draft, Line, percent_base
from domain.errors import Refused
from domain.ledger import ROUNDING
from domain.money import half_up
from domain.tax import Breakdown

Rows = tuple[Breakdown, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One reduction that was posted: gross `amount` in minor units, negative for one that is undone, as when a lost
    debt comes back; `part` where a document says which rows it took. `cause` names what is undone together."""

    amount: int
    part: Rows | None = None
    cause: str = ""


def rows_of(content: Draft) -> Rows:
    """The document's tax rows, and as one more, its rounding (BT-114), so that they sum to what is payable."""
    rows = tuple(
        Breakdown(tax.Category(row.category), row.rate, row.taxable, row.tax, row.reason) for row in content.breakdown
    )
    rounding = content.totals.rounding
    return (*rows, Breakdown(tax.Category.O, tax.NO_RATE, rounding, 0, ROUNDING)) if rounding else rows


def left(rows: Rows, steps: Iterable[Step]) -> Rows:
    """What the steps, in their order, have left of `rows`."""
    return _taken(rows, steps)[0]


def next_part(rows: Rows, steps: Iterable[Step], amount: int, cause: str = "") -> Rows:
    """The part of what is left that a reduction by `amount` takes; a negative one gives back of what was taken for the
    same cause, and nothing that a credit note took."""
    return _part(rows, *_taken(rows, steps), amount, cause)


def untaxed(amount: int) -> Rows:
    """What reduces a debt and none of its tax rows: it was paid, to somebody else (`ledger.KEEPS_VAT`)."""
    return (Breakdown(tax.Category.O, tax.NO_RATE, amount, 0),)


def _taken(rows: Rows, steps: Iterable[Step]) -> tuple[Rows, dict[str, Rows]]:
    """What is left of `rows`, and what each cause alone would have left of them."""
    rest, alone = rows, dict[str, Rows]()
    for step in steps:
        part = step.part or _part(rows, rest, alone, step.amount, step.cause)
        rest = _less(rest, part)
        alone[step.cause] = _less(alone.get(step.cause, rows), part)
    return rest, alone


def _part(rows: Rows, rest: Rows, alone: Mapping[str, Rows], amount: int, cause: str) -> Rows:
    return tax.scale(rest, amount) if amount >= 0 else tax.scale(_less(rows, alone.get(cause, rows)), amount)


def of_lines(content: Draft, ids: Sequence[str], earlier: Sequence[str] = (), taken: Iterable[Rows] = ()) -> Rows:
    """The part of the rows that some lines make, the document's allowances and charges shared in, but not to what is
    taken off as paid. Where `earlier` lines were credited before as `taken`, it is what all of them make less that: one
    by one they come to the whole. Refused for a line that the document does not have."""
    known = {line.id: line for line in content.lines}
    missing = [id_ for id_ in ids if id_ not in known]
    if missing:
        raise Refused(f"lines: the invoice has no line {', '.join(missing)}; it has {', '.join(known)}")
    together = tuple(
        _of_row(row, lines, [line for line in lines if line.id in {*earlier, *ids}])
        for row in rows_of(content)
        if row.reason != ROUNDING
        for lines in [[line for line in content.lines if _taxed(line, row)]]
        if any(line.id in ids for line in lines)
    )
    return functools.reduce(_less, taken, together)


def once(ids: Sequence[str], credited: Mapping[str, str]) -> None:
    """Refused for a line that a credit note took back as a whole; `credited`: which one, by line."""
    for id_ in ids:
        if id_ in credited:
            raise Refused(f"lines: {id_} was credited before, on {credited[id_]}; credit an amount instead")


def _taxed(line: Line, row: Breakdown) -> bool:
    return (line.category, tax.plain(line.rate)) == (row.category.value, row.rate)


def _of_row(row: Breakdown, lines: Sequence[Line], some: Sequence[Line]) -> Breakdown:
    """What `some` of a row's `lines` make of it: those that deduct what they say, the others a share of all else."""
    paid, all_paid = (sum(line.net for line in each if line.deducts) for each in (some, lines))
    part, whole = (percent_base(some), percent_base(lines)) if percent_base(lines) else (0, 1)
    taxable = (row.taxable - all_paid) * part + paid * whole
    return replace(row, taxable=_share(taxable, 1, whole), tax=_share(row.tax, taxable, whole * row.taxable))


def _share(amount: int, part: int, whole: int) -> int:
    return half_up(amount * part * (1 if whole > 0 else -1), abs(whole)) if whole else 0


def _less(rows: Rows, part: Rows) -> Rows:
    taken = {(row.category, row.rate, row.reason): row for row in part}
    return tuple(
        replace(row, taxable=row.taxable - gone.taxable, tax=row.tax - gone.tax)
        if (gone := taken.get((row.category, row.rate, row.reason)))
        else row
        for row in rows
    )
