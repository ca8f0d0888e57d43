"""What changed between two contents of a draft, for whoever was asked to approve the first. It names what differs and
gives both values; words and spelling belong to whoever shows them.

Whatever enters the content hash is compared, so two drafts without a change have the same hash.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.document import NOT_CONTENT, Draft
from domain.parts import Line, Party, Totals

APART: dict[str, type] = {"seller": Party, "customer": Party, "totals": Totals}
"""Fields of a draft that are told field by field."""


@dataclass(frozen=True, slots=True)
class Change:
    """`what` is stable: a field of the draft as `terms`, one of a part as `customer.name` or `line.unit_price`, or
    `line` for one that came or went. `about` is the line's description. Values are what the draft holds: an int is
    minor units; None is nothing."""

    what: str
    before: Any
    after: Any
    about: str = ""


def changes(old: Draft, new: Draft) -> tuple[Change, ...]:
    """In the order of a draft's fields, lines in theirs."""
    return tuple(_changes(old, new))


def every() -> tuple[str, ...]:
    """Each `what` there can be."""
    whole = [name for name in _fields(Draft) if name not in APART and name not in NOT_CONTENT]
    parts = [f"{of}.{name}" for of, kind in {**APART, "line": Line}.items() for name in _fields(kind)]
    return (*whole, "line", *parts)


def _changes(old: Draft, new: Draft) -> Iterator[Change]:
    for name in _fields(old):
        if name in NOT_CONTENT:
            continue
        before, after = getattr(old, name), getattr(new, name)
        if name == "lines":
            yield from _lines(before, after)
        elif name in APART:
            yield from _parts(name, before, after)
        elif before != after:
            yield Change(name, before, after)


def _parts(of: str, before: Any, after: Any, about: str = "") -> Iterator[Change]:
    """The fields of a dataclass that differ."""
    for name in _fields(before):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Change(f"{of}.{name}", old, new, about)


def _lines(before: Sequence[Line], after: Sequence[Line]) -> Iterator[Change]:
    """Lines that stayed as they were are passed over whatever their number; of the rest, those of the same number that
    have something in common are one line that changed."""
    same = Counter(map(_bare, before)) & Counter(map(_bare, after))
    gone, come = _without(before, same), _without(after, same)
    if not gone and not come and before != after:
        yield Change("lines", tuple(line.id for line in before), tuple(line.id for line in after))
    there = {line.id: line for line in come}
    for line in gone:
        other = there.get(line.id)
        if other is not None and _akin(line, other):
            del there[line.id]
            yield from _parts("line", line, other, line.description)
        else:
            yield Change("line", line, None, line.description)
    yield from (Change("line", None, line, line.description) for line in there.values())


def _akin(line: Line, other: Line) -> bool:
    same = line.description == other.description or (line.item is not None and line.item == other.item)
    return same or (line.quantity, line.unit_price) == (other.quantity, other.unit_price)


def _bare(line: Line) -> Line:
    return replace(line, id="")


def _without(lines: Sequence[Line], same: Counter[Line]) -> list[Line]:
    left = Counter(same)
    rest = []
    for line in lines:
        if left[_bare(line)]:
            left[_bare(line)] -= 1
        else:
            rest.append(line)
    return rest


def _fields(value: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(value))
