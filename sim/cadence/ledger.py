"""Reads a ledger of past receivables from CSV: who owed what, when it was due and when it was paid. It plays nothing,
and takes nothing as long as one row is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, TextIO

from domain import calendar, money
from domain.errors import Invalid, Problem

REQUIRED = ("reference", "customer", "currency", "total", "issued_on", "due_on")
OPTIONAL = ("paid_on", "disputed_on", "resolved_on", "country", "timezone")
ALSO = {
    "number": "reference",
    "amount": "total",
    "invoice_date": "issued_on",
    "due_date": "due_on",
    "paid_date": "paid_on",
    "payment_date": "paid_on",
}
"""What other programs call the columns."""
MOST_PROBLEMS = 20
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One receivable as it went. Amounts in minor units; `paid_on` None: it was never paid. A dispute stood from
    `disputed_on` until before `resolved_on`, and the customer was right to be heard, not to keep the money."""

    reference: str
    customer: str
    currency: str
    total: int
    issued_on: date
    due_on: date
    paid_on: date | None = None
    disputed_on: date | None = None
    resolved_on: date | None = None
    country: str = "DE"
    timezone: str = "Europe/Berlin"


def read(handle: TextIO, country: str, timezone: str) -> list[Past]:
    """The rows in their order; `country` and `timezone` stand where a row names none. Raises Invalid with the first
    fault of each wrong row, up to 20, at `rows[7].due_on`; rows count as in a spreadsheet, from 1."""
    reader = csv.DictReader(handle, strict=True)
    reader.fieldnames = _columns(reader.fieldnames or ())
    found, problems, seen = [], list[Problem](), set[str]()
    try:
        for number, row in _bounded(reader):
            try:
                past = _past(row, {"country": country, "timezone": timezone}, f"rows[{number}]")
                if past.reference in seen:
                    raise Invalid.at(f"rows[{number}].reference", f"{past.reference} stands in an earlier row, too")
                seen.add(past.reference)
                found.append(past)
            except Invalid as invalid:
                problems.extend(invalid.problems)
                if len(problems) >= MOST_PROBLEMS:
                    break
    except csv.Error as error:
        problems.append(Problem(f"rows[{reader.line_num}]", f"is not CSV: {error}"))
    if problems:
        raise Invalid(problems)
    if not found:
        raise Invalid.at("file", "has a header and no rows")
    return found


def _columns(names: Iterable[str]) -> list[str]:
    """The header in our words."""
    given = [ALSO.get(name.strip().lower(), name.strip().lower()) for name in names]
    missing = [name for name in REQUIRED if name not in given]
    unknown = [name for name in given if name not in REQUIRED + OPTIONAL]
    problems = [Problem(name, "is a column that must be there") for name in missing]
    problems += [Problem(name, f"is no column here; known are {', '.join(REQUIRED + OPTIONAL)}") for name in unknown]
    if len(set(given)) < len(given):
        problems.append(Problem("file", "has two columns that mean the same"))
    if problems:
        raise Invalid(problems)
    return given


def _bounded(reader: csv.DictReader[str]) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    for count, row in enumerate(reader):
        if count == MOST_ROWS:
            raise Invalid.at("file", f"has more than {MOST_ROWS} rows; play a part of it")
        yield reader.line_num, row


def _past(row: Mapping[Any, Any], defaults: Mapping[str, str], at: str) -> Past:
    if None in row or None in row.values():
        raise Invalid.at(at, "has not as many cells as the header")
    cells = {name: str(value).strip() for name, value in row.items()}
    for name in REQUIRED:
        if not cells[name]:
            raise Invalid.at(f"{at}.{name}", "is empty")
    days = {name: _day(cells.get(name, ""), f"{at}.{name}") for name in Past.__annotations__ if name.endswith("_on")}
    issued_on, due_on = days.pop("issued_on"), days.pop("due_on")
    assert issued_on is not None
    assert due_on is not None
    past = Past(
        reference=cells["reference"],
        customer=cells["customer"],
        currency=cells["currency"],
        total=_amount(cells, at),
        issued_on=issued_on,
        due_on=due_on,
        country=cells.get("country") or defaults["country"],
        timezone=cells.get("timezone") or defaults["timezone"],
        **days,
    )
    _in_order(past, at)
    return past


def _amount(cells: Mapping[str, str], at: str) -> int:
    try:
        total = money.parse(cells["total"], cells["currency"], "total")
    except Invalid as invalid:
        raise Invalid([Problem(f"{at}.{p.path}", p.message) for p in invalid.problems]) from None
    if total <= 0:
        raise Invalid.at(f"{at}.total", "must be above zero")
    return total


def _day(text: str, at: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid.at(at, "must be a day such as 2026-03-10") from None


def _in_order(past: Past, at: str) -> None:
    """What cannot have been, told at the later day."""
    pairs = (("issued_on", "due_on"), ("issued_on", "paid_on"), ("issued_on", "disputed_on"),
             ("disputed_on", "resolved_on"))  # fmt: skip
    for earlier, later in pairs:
        first, then = getattr(past, earlier), getattr(past, later)
        if first is not None and then is not None and then < first:
            raise Invalid.at(f"{at}.{later}", f"is before {earlier}")
    if past.resolved_on is not None and past.disputed_on is None:
        raise Invalid.at(f"{at}.disputed_on", "is empty, but resolved_on is not")
    try:
        calendar.at(past.issued_on, time(0), past.timezone)
    except Invalid:
        raise Invalid.at(f"{at}.timezone", "must be an IANA timezone such as Europe/Berlin") from None
