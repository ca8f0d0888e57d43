"""Reads MT940 (SWIFT customer statement) as German, Austrian, Dutch and other banks write it, through the `mt-940`
library. What the library is kept from, since it is lenient or worse:

- a text that names a file would make it read that file: it only ever gets a handle;
- it cuts and re-wraps field 86 and lets the one after the closing balance run into the last movement: it never sees
  that field, `details` reads it;
- optional fields that a bank writes in its own way would refuse the file: only the fields that count reach it;
- it logs what it cannot read, payers and all: its logger is silent.

Movements have the day of the entry date (`:61:`), or the value date where a bank leaves it out.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar

import mt940 as library
from mt940 import models, tags

from adapters.formats import clean
from adapters.statements import limits
from adapters.statements.details import details, unfolded
from adapters.statements.limits import UNSPECIFIED
from domain.errors import Invalid
from domain.statements import Entry, Line, Statement, iban

logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

_ENCODINGS = ("utf-8", "cp1252", "latin-1")
_FIELD = re.compile(r":(\d\d[A-Z]?|NS):")
_BALANCES = frozenset("60 60F 60M 62 62F 62M".split())
_OPENING = ("final_opening_balance", "intermediate_opening_balance", "opening_balance")
_CLOSING = ("final_closing_balance", "intermediate_closing_balance", "closing_balance")
_CREATED = re.compile(r"\d{10}([+-]\d{4})?")
_LIBRARY_FAULTS = (RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
_BANK_CODE = re.compile(r"(\d{8})/0*(\d{1,10})")


class Statement61(tags.Statement):
    """The library's field 61 with references as long as banks write them, and ASCII digits only."""

    pattern: ClassVar[str] = r"""^
    (?P<year>[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})
    (?:(?P<entry_month>[0-9]{2})(?P<entry_day>[0-9]{2})|[ ]{4})?
    (?P<status>R?[DC])(?P<funds_code>[A-Z])?
    (?P<amount>[0-9]{1,15}(?:,[0-9]{0,5})?)
    (?P<id>[A-Z][A-Z0-9 ]{3})
    (?P<customer_reference>(?:(?!//)[^\n])*)
    (?://(?P<bank_reference>[^\n]*))?
    (?:\n(?P<extra_details>[\s\S]*))?
    $"""


_TAGS: dict[int | str, tags.Tag] = {61: Statement61()}
_PROCESSORS: Any = {"post_transaction_details": []}


def read(handle: BinaryIO) -> list[tuple[Statement, Sequence[Entry]]]:
    """Every statement or page with its entries, without keys. Raises `Invalid` with a path such as
    `statement[2]/:61:[3]`."""
    text = limits.decoded(handle, _ENCODINGS)
    told = [_statement(block, f"statement[{at}]") for at, block in enumerate(_blocks(text), 1)]
    if not told:
        raise Invalid.at("file", "has no statement (:20:); send an MT940, a camt.053 or a CSV file")
    return told


def _blocks(text: str) -> Iterator[list[tuple[str, str]]]:
    """The fields of each statement, from its :20: on."""
    block: list[tuple[str, str]] = []
    for tag, value in _fields(text):
        if tag == "20" and block:
            yield block
            block = []
        if tag == "20" or block:
            block.append((tag, value))
    if block:
        yield block


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """(tag, value); the lines of a value keep their breaks. SWIFT's envelope ({1:…}{4: … -}) is left out. A dash alone
    ends a message; in the text of a movement it may be a line of it, and then the text goes on."""
    tag, lines = "", list[str]()
    told = text.split("\n")
    for line, following in zip(told, [*told[1:], ""], strict=True):
        start = _FIELD.match(line)
        ends = line.strip() == "-" and not (tag == "86" and following.strip() and following[0] not in ":{-")
        if start or line.startswith(("-}", "{")) or ends:
            if tag:
                yield tag, "\n".join(lines)
            tag, lines = (start[1], [line[start.end() :]]) if start else ("", [])
        elif tag:
            lines.append(line)
    if tag:
        yield tag, "\n".join(lines)


def _statement(block: list[tuple[str, str]], path: str) -> tuple[Statement, Sequence[Entry]]:
    named = dict(reversed(block))
    told = _parsed([(tag, value) for tag, value in block if _tells(tag, value)], path).data
    opening, currency, opened_on = _balance(told, path, _OPENING, "60F")
    closing, closing_currency, closed_on = _balance(told, path, _CLOSING, "62F")
    if closing_currency != currency:
        raise Invalid.at(f"{path}/:62F:", f"is in {closing_currency}, the opening balance in {currency}")
    account = _account(named.get("25", ""), path)
    created = told.get("date")
    statement = Statement(
        account=account,
        currency=currency,
        id=clean(named["20"])[:35],
        number=clean(named.get("28C", named.get("28", "")))[:35],
        opening=opening,
        closing=closing,
        opened_on=opened_on,
        closed_on=closed_on,
        created_at=_created(created) if isinstance(created, datetime) else limits.end_of(closed_on),
        format="MT940",
    )
    movements = enumerate(_movements(block), 1)
    return statement, [_entry(fields, account, currency, f"{path}/:61:[{at}]") for at, fields in movements]


def _tells(tag: str, value: str) -> bool:
    """Whether a field of the statement itself is one that the library is to read."""
    return tag in _BALANCES or (tag == "13D" and _CREATED.fullmatch(value.strip()) is not None)


def _movements(block: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Each field 61 with the fields 86 right behind it. One that stands elsewhere tells of the statement."""
    movement: list[tuple[str, str]] = []
    for tag, value in block:
        if tag != "86" and movement:
            yield movement
            movement = []
        if tag == "61" or movement:
            movement.append((tag, unfolded(value) if tag == "86" else value))
    if movement:
        yield movement


def _parsed(fields: list[tuple[str, str]], path: str) -> models.Transactions:
    """What the library makes of these fields. It gets one movement at a time: its own records take much memory."""
    text = "\n".join([":20:", *(f":{tag}:{value}" for tag, value in fields)])
    try:
        [parsed] = library.parse_statements(
            io.StringIO(text), processors=_PROCESSORS, tags=_TAGS, options=library.Options.all()
        )
    except _LIBRARY_FAULTS:
        raise Invalid.at(path, "cannot be read: cut off or damaged; fetch the file from the bank again") from None
    return parsed


def _balance(told: dict[str, Any], path: str, names: tuple[str, ...], field: str) -> tuple[int, str, date]:
    """(signed minor units, currency, day) of the first of these balances that is there."""
    balance = next((told[name] for name in names if name in told), None)
    if balance is None:
        raise Invalid.at(f"{path}/:{field}:", "the balance is missing: cut off? Fetch the file from the bank again")
    currency = limits.known_currency(str(balance.amount.currency), f"{path}/:{field}:")
    minor = _minor(balance.amount.amount, currency, f"{path}/:{field}:")
    return minor, currency, limits.plausible(_date(balance.date), f"{path}/:{field}:")


def _entry(fields: list[tuple[str, str]], account: str, currency: str, path: str) -> Entry:
    [movement] = _parsed(fields[:1], path)
    data = movement.data
    value_on = limits.plausible(_date(data["date"]), path)
    entered_on = data.get("entry_date")
    minor = _minor(data["amount"].amount, currency, path)
    said = details("\n".join(value.strip() for _, value in fields[1:]), str(data.get("extra_details") or ""))
    returned = said.returned or str(data["id"]).upper() == "NRTI"
    charges = said.charges(abs(minor), currency)
    line = Line(
        key="",
        booked_on=_nearest(_date(entered_on), value_on) if entered_on else value_on,
        value_on=value_on,
        amount=minor,
        currency=currency,
        name=said.name,
        iban="" if said.iban == account else said.iban,
        text=said.text,
        end_to_end=said.end_to_end,
        bank_reference=limits.reference(str(data.get("bank_reference") or "")),
        return_code=(said.reason or UNSPECIFIED) if returned else "",
        reversal=str(data["status"]).upper().startswith("R"),
        charges=charges,
    )
    return Entry(whole=line)


def _minor(amount: Decimal, currency: str, path: str) -> int:
    return limits.amount(format(amount, "f"), currency, path)


def _date(value: date) -> date:
    """The library's own date class behaves in most ways like a date; nobody else needs to know it."""
    return date(value.year, value.month, value.day)


def _nearest(entered_on: date, value_on: date) -> date:
    """The entry date has no year: it is the one that brings it nearest to the value date. (The library looks at the
    turn of the year only within a month.)"""
    years = (value_on.year - 1, value_on.year, value_on.year + 1)
    possible = [entered_on.replace(year=year) for year in years if entered_on.day < 29 or entered_on.month != 2]
    return min(possible or [entered_on], key=lambda day: abs(day - value_on))


def _created(value: datetime) -> datetime:
    plain = datetime(*value.timetuple()[:6], tzinfo=UTC)
    return plain - (value.utcoffset() or timedelta())


def _account(field: str, path: str) -> str:
    """IBAN of field 25 (IBAN, BIC/IBAN, or bank code/account, each with or without a currency behind it). A German
    bank code and account make an IBAN by the common rule; the few banks with rules of their own write the IBAN."""
    plain = "".join(field.split()).upper()
    for text in (plain, plain[:-3]):
        for part in (text, text.partition("/")[2]):
            if found := iban(part):
                return found
    german = _BANK_CODE.fullmatch(plain) or _BANK_CODE.fullmatch(plain[:-3])
    if german:
        number = f"{german[1]}{german[2]:0>10}"
        return f"DE{98 - int(f'{number}131400') % 97:02d}{number}"
    if not plain:
        raise Invalid.at(f"{path}/:25:", "the account is missing; fetch the file from the bank again")
    return clean(plain)[:40]
