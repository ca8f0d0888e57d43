"""Payment terms: the contract's grammar, and the dates and discounts it gives.

>>> from datetime import date
>>> issued = date(2026, 1, 30)
>>> def dates(text): return [f"{percent}% {on}" for percent, on in due_dates(parse_terms(text), issued)]
>>> dates("due on receipt"), dates("net 30"), dates("14 eom")
(['100% 2026-01-30'], ['100% 2026-03-01'], ['100% 2026-02-14'])
>>> terms = parse_terms("3/7 2/14 net 30")
>>> [f"{percent}% until {until}" for percent, until in discount_steps(terms, issued)]
['3% until 2026-02-06', '2% until 2026-02-13']
>>> dates({"schedule": [{"percent": "30", "due": "net 0"}, {"percent": "70", "due": "2026-04-15"}]})
['30% 2026-01-30', '70% 2026-04-15']
>>> parse_terms("net soon")
Traceback (most recent call last):
domain.errors.Invalid: terms: 'net soon' is not understood; write due on receipt, net 30, 14 eom or 2/10 net 30
"""

from __future__ import annotations

import calendar as months
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from domain.calendar import YEARS
from domain.errors import Invalid, Problem
from domain.money import allocate

DEFAULT = "net 30"
LONGEST = 3650
_NET = re.compile(r"net ([0-9]{1,4})")
_EOM = re.compile(r"([0-9]{1,2}) eom")
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STEP = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,3})?)/([0-9]{1,3})")
_HUNDRED = Decimal(100)
_SCALE = 1000


@dataclass(frozen=True, slots=True)
class Discount:
    percent: Decimal
    days: int


@dataclass(frozen=True, slots=True)
class DueRule:
    """A part of the total and when it is due: days after issue, days after the end of the month of issue, or a date."""

    percent: Decimal
    days: int = 0
    end_of_month: bool = False
    on: date | None = None

    def date(self, issued_on: date) -> date:
        if self.on is not None:
            return max(self.on, issued_on)
        start = issued_on
        if self.end_of_month:
            start = issued_on.replace(day=months.monthrange(issued_on.year, issued_on.month)[1])
        return start + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Terms:
    discounts: tuple[Discount, ...]
    dues: tuple[DueRule, ...]


def parse_terms(value: Any, path: str = "terms") -> Terms:
    """Raises `Invalid` at `path` (or below it, in a schedule) with what would be right. None: 30 days net."""
    if value is None:
        value = DEFAULT
    if isinstance(value, str):
        return _text(value, path)
    if not isinstance(value, Mapping) or set(value) != {"schedule"} or not isinstance(value["schedule"], list | tuple):
        raise Invalid.at(path, 'must be text such as "net 30", or {"schedule": [{"percent", "due"}]}')
    return _schedule(value["schedule"], f"{path}.schedule" if path else "schedule")


def agreed(value: Any, path: str = "terms") -> Terms:
    """As `parse_terms`, for what is agreed from now on: its dates lie in `YEARS`."""
    found = parse_terms(value, path)
    below = f"{path}.schedule" if path else "schedule"
    problems = [
        Problem(f"{below}[{at}].due", f"must lie between {YEARS[0]} and {YEARS[-1]}, not in {due.on.year}")
        for at, due in enumerate(found.dues)
        if due.on is not None and due.on.year not in YEARS
    ]
    if problems:
        raise Invalid(problems)
    return found


def _text(value: str, path: str) -> Terms:
    text = " ".join(value.lower().split())
    words = text.split(" ")
    steps = []
    while words and (step := _STEP.fullmatch(words[0])):
        steps.append(Discount(Decimal(step[1]), int(step[2])))
        words.pop(0)
    due = _due(" ".join(words), _HUNDRED)
    if due is None or (steps and due.end_of_month):
        shown = value[:60]
        raise Invalid.at(path, f"{shown!r} is not understood; write due on receipt, net 30, 14 eom or 2/10 net 30")
    _check_steps(steps, due, path)
    return Terms(tuple(steps), (due,))


def _check_steps(steps: Sequence[Discount], due: DueRule, path: str) -> None:
    if any(not 0 < step.percent <= _HUNDRED for step in steps):
        raise Invalid.at(path, "a discount is more than 0 and at most 100 percent")
    for earlier, later in pairwise(steps):
        if earlier.days >= later.days or earlier.percent <= later.percent:
            raise Invalid.at(path, "a later discount must be smaller: 3/7 2/14 net 30")
    if steps and steps[-1].days >= max(due.days, 1):
        raise Invalid.at(path, "a discount must end before the due date")


def _due(text: str, percent: Decimal) -> DueRule | None:
    if text == "due on receipt":
        return DueRule(percent)
    if net := _NET.fullmatch(text):
        return DueRule(percent, int(net[1])) if int(net[1]) <= LONGEST else None
    if eom := _EOM.fullmatch(text):
        return DueRule(percent, int(eom[1]), end_of_month=True)
    return None


def _schedule(rows: Sequence[Any], path: str) -> Terms:
    problems: list[Problem] = []
    dues = []
    for at, row in enumerate(rows):
        due = _row(row, f"{path}[{at}]", problems)
        if due is not None:
            dues.append(due)
    if not problems and sum(due.percent for due in dues) != _HUNDRED:
        problems.append(Problem(path, "the percents must add up to 100"))
    if not 1 <= len(rows) <= 60:
        problems.append(Problem(path, "needs 1 to 60 rows"))
    if problems:
        raise Invalid(problems)
    return Terms((), tuple(dues))


def _row(row: Any, path: str, problems: list[Problem]) -> DueRule | None:
    if not isinstance(row, Mapping) or set(row) != {"percent", "due"}:
        problems.append(Problem(path, 'must be {"percent": "30", "due": "net 30"}'))
        return None
    percent = _percent(row["percent"])
    if percent is None:
        problems.append(Problem(f"{path}.percent", 'must be a decimal in quotes above 0, such as "30"'))
        return None
    said = row["due"] if isinstance(row["due"], str) else ""
    due = _due(" ".join(said.lower().split()), percent)
    if due is None:
        try:
            # fromisoformat alone also takes 20261201 and 2026-W01-1
            due = DueRule(percent, on=date.fromisoformat(said if _DATE.fullmatch(said) else ""))
        except ValueError:
            problems.append(Problem(f"{path}.due", "must be a date YYYY-MM-DD, net 30, 14 eom or due on receipt"))
    return due


def _percent(value: Any) -> Decimal | None:
    """Three decimals at most; what is not above 0 and at most 100 is None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value) if 0 < value <= _HUNDRED else None
    if not isinstance(value, str) or not _PERCENT.fullmatch(value):
        return None
    percent = Decimal(value)
    return percent if 0 < percent <= _HUNDRED else None


def due_dates(terms: Terms, issued_on: date) -> tuple[tuple[Decimal, date], ...]:
    """(percent of the total, due date) in order of date."""
    dues = [(due.percent, due.date(issued_on)) for due in terms.dues]
    return tuple(sorted(dues, key=lambda due: due[1]))


def discount_steps(terms: Terms, issued_on: date) -> tuple[tuple[Decimal, date], ...]:
    """(percent, last day on which it may be deducted)."""
    return tuple((step.percent, issued_on + timedelta(days=step.days)) for step in terms.discounts)


def split(total: int, dues: Sequence[tuple[Decimal, date]]) -> list[int]:
    """The minor units of each due, loss-free."""
    return allocate(total, [int(percent * _SCALE) for percent, _ in dues])
