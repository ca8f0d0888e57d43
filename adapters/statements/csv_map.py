"""Reads a bank's CSV by a column map. Lines above the header are skipped. Cells are data, never formulas: what keeps
a spreadsheet from computing them (`="…"`, a leading ') is taken off.

A CSV is an export, not a statement: without opening and closing balance in the map nothing proves that it is complete,
and its last day may not be over."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from io import StringIO
from typing import BinaryIO

from adapters.statements import limits
from adapters.statements.columns import DELIMITERS, ColumnMap
from domain import money
from domain.errors import Invalid, Problem
from domain.statements import Entry, Line, Statement, iban

_HEADER_WITHIN = 40
_MOST_PROBLEMS = 20
_FORMULA_TEXT = re.compile(r'="([^"]*)"')
_NOTHING = "0.,+-"
_GUARDED = re.compile(r"'(?=[=+\-@\t'])")


def read(handle: BinaryIO, columns: ColumnMap | None) -> tuple[Statement, Sequence[Entry]]:
    """One statement from the first to the last booking day, without keys and without rows that are not booked yet.
    Raises `Invalid` with the first fault of each wrong row, up to 20, at `rows[7].amount`; rows count as in a
    spreadsheet, from 1."""
    if columns is None:
        raise Invalid.at("columns", "a CSV needs a column map, with the account's IBAN at least")
    if problems := columns.problems():
        raise Invalid([Problem(f"columns.{p.path}", p.message) for p in problems])
    text = limits.decoded(handle, (columns.encoding,))
    rows = _rows(text, columns.delimiter)
    positions, width = _header(rows, columns)
    lines, problems, pending = [], list[Problem](), 0
    debits: list[tuple[int, str]] = []
    for number, row in rows:
        if not any(cell.strip() for cell in row):
            continue
        try:
            if any(cell.strip() for cell in row[width:]):
                fault = f"has more cells than the header; a text with {columns.delimiter!a} in it must be quoted"
                raise Invalid.at(f"rows[{number}]", fault)
            cells = {field: _cell(row, at) for field, at in positions.items()}
            if columns.status and cells["status"].casefold() != columns.booked.casefold():
                pending += 1
                continue
            lines.append(_line(cells, columns, f"rows[{number}]"))
            debits.append((number, cells.get("debit", "")))
        except Invalid as invalid:
            problems += invalid.problems
            if len(problems) == _MOST_PROBLEMS:
                break
    problems += _both_ways(debits)
    if problems:
        raise Invalid(problems)
    if not lines:
        raise Invalid.at("file", "has a header and no rows that are booked; export a period with movements")
    return replace(_statement(lines, columns), pending=pending), [Entry(whole=line) for line in lines]


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, 1):
            yield number, row
    except csv.Error:
        raise Invalid.at(
            f"rows[{number + 1}]", "is not CSV: a quote is not closed or not doubled, or a cell is too long"
        ) from None


def _header(rows: Iterator[tuple[int, list[str]]], columns: ColumnMap) -> tuple[dict[str, int], int]:
    """(where each field stands, number of cells) of the first row that has every named column."""
    wanted = columns.named()
    missing, seen = list(wanted.values()), ""
    for number, row in rows:
        names = [_unwrapped(cell) for cell in row]
        lacking = [column for column in wanted.values() if column not in names]
        if not lacking:
            return {field: names.index(column) for field, column in wanted.items()}, len(names)
        if len(lacking) < len(missing):
            missing = lacking
        seen += "".join(row)
        if number >= _HEADER_WITHIN:
            break
    other = next((d for d in DELIMITERS if d != columns.delimiter and seen.count(d) >= len(wanted) - 1 > 0), None)
    hint = f"; its columns seem to be divided by {other!a}, not {columns.delimiter!a}" if other else ""
    raise Invalid.at("header", f"has no column {', '.join(map(ascii, missing))}{hint}; correct the column map")


def _line(cells: dict[str, str], columns: ColumnMap, path: str) -> Line:
    currency = limits.known_currency(columns.account_currency or cells["currency"].upper(), f"{path}.currency")
    booked_on = _day(cells["booked_on"], columns, f"{path}.booked_on")
    value_on = cells.get("value_on")
    return Line(
        key="",
        booked_on=booked_on,
        value_on=_day(value_on, columns, f"{path}.value_on") if value_on else None,
        amount=_amount(cells, currency, columns, path),
        currency=currency,
        name=limits.name(cells.get("name", "")),
        iban=iban(cells.get("iban", "")),
        text=limits.text(cells.get("text", "")),
        reference=limits.reference(cells.get("reference", "")),
        end_to_end=limits.reference(cells.get("end_to_end", "")),
        bank_reference=limits.reference(cells.get("bank_reference", "")),
    )


def _amount(cells: dict[str, str], currency: str, columns: ColumnMap, path: str) -> int:
    if columns.amount:
        return _decimal(cells["amount"], currency, columns.decimal, f"{path}.amount")
    given = [field for field in ("debit", "credit") if cells[field]]
    if len(given) == 2:  # some banks write 0,00 into the column that is not meant
        given = [f for f in given if cells[f].strip(_NOTHING)] or given[:1]
    if len(given) != 1:
        raise Invalid.at(f"{path}.debit", "exactly one of debit and credit must be given")
    minor = _decimal(cells[given[0]], currency, columns.decimal, f"{path}.{given[0]}")
    return -abs(minor) if given == ["debit"] else minor  # a credit below zero is one that is taken back


def _both_ways(debits: list[tuple[int, str]]) -> list[Problem]:
    """Banks write debits with a minus or without. Where both stand, one of them is a debit that was given back."""
    first = {text.startswith("-"): number for number, text in reversed(debits) if text.strip(_NOTHING)}
    fault = "has a minus in some rows and none in others: which take money away? Map a column of signed amounts"
    return [Problem(f"rows[{max(first.values())}].debit", fault)] if len(first) > 1 else []


def _decimal(text: str, currency: str, point: str, path: str) -> int:
    """Strict, unlike a bank's own formats: 1.000 may be a thousand, so decimals beyond the currency's are refused."""
    thousands = "." if point == "," else ","
    grouped = rf"[+-]?(?:[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+)(?:{re.escape(point)}[0-9]+)?"
    if len(text) > 40 or not re.fullmatch(grouped, text):
        raise Invalid.at(path, f"must be an amount such as 1234{point}50")
    plain = text.removeprefix("+").replace(thousands, "").replace(point, ".")
    return money.parse(plain, currency, path)


def _day(text: str, columns: ColumnMap, path: str) -> date:
    try:
        # a day has no timezone: the zone is thrown away with the time
        found = datetime.strptime(text, columns.date_format).date()  # noqa: DTZ007
    except ValueError:
        raise Invalid.at(path, f"must be a day written as {columns.date_format}") from None
    return limits.plausible(found, path)


def _statement(lines: Sequence[Line], columns: ColumnMap) -> Statement:
    first, last = min(line.booked_on for line in lines), max(line.booked_on for line in lines)
    currency = columns.account_currency or lines[0].currency
    opening, closing = (
        _decimal(text, currency, ".", f"columns.{name}") if text else None
        for name, text in (("opening", columns.opening), ("closing", columns.closing))
    )
    return Statement(
        account=iban(columns.account),
        currency=currency,
        id=f"{first.isoformat()}..{last.isoformat()}",
        number="",
        opening=opening,
        closing=closing,
        opened_on=first,
        closed_on=last,
        created_at=limits.end_of(last),
        format="CSV",
    )


def _cell(row: Sequence[str], at: int) -> str:
    return _unwrapped(row[at]) if at < len(row) else ""


def _unwrapped(cell: str) -> str:
    plain = cell.strip()
    found = _FORMULA_TEXT.fullmatch(plain)
    return found[1].strip() if found else _GUARDED.sub("", plain, count=1) if plain.startswith("'") else plain
