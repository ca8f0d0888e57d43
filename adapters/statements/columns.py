"""How a bank's CSV is to be read: which column is what, how dates and amounts are written. Values only; `csv_map` reads
the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from adapters.statements import limits
from domain.errors import Invalid, Problem
from domain.statements import iban

ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16")
DELIMITERS = (",", ";", "\t", "|")
_DATE_PARTS = re.compile(r"%d|%m|%Y|%y|[ ./-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """The default is the simple header `booked_on,amount,currency,name,iban,text,reference,end_to_end,bank_reference`:
    ISO dates, decimal points, commas between, UTF-8. A column of "" is not there; every named one must be.

    `account` is always needed: a CSV does not say whose it is. `opening` and `closing` are decimals in the account's
    currency; without both nothing can be checked to add up. `account_currency` stands for a missing currency column.
    `booked` is what the column `status` says of a row that is booked; any other row is pending and left out.
    """

    account: str
    booked_on: str = "booked_on"
    value_on: str = ""
    amount: str = "amount"
    debit: str = ""
    credit: str = ""
    currency: str = "currency"
    name: str = "name"
    iban: str = "iban"
    text: str = "text"
    reference: str = "reference"
    end_to_end: str = "end_to_end"
    bank_reference: str = "bank_reference"
    status: str = ""
    booked: str = ""
    date_format: str = "%Y-%m-%d"
    decimal: str = "."
    delimiter: str = ","
    encoding: str = "utf-8"
    account_currency: str = ""
    opening: str = ""
    closing: str = ""

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> ColumnMap:
        """From a settings table. As soon as one column is named, those not named are not there. Raises `Invalid` with
        every problem at its key."""
        problems = [Problem(str(key), _unknown(str(key))) for key in mapping if key not in _KEYS]
        given = {key: value for key, value in mapping.items() if key in _KEYS}
        problems += [Problem(key, "must be a text") for key, value in given.items() if not isinstance(value, str)]
        if problems:
            raise Invalid(problems)
        absent = dict.fromkeys(COLUMNS, "") if given.keys() & set(COLUMNS) else {}
        columns = cls(**{"account": "", **absent, **given})
        if problems := columns.problems():
            raise Invalid(problems)
        return columns

    def named(self) -> dict[str, str]:
        """Column of the file by field, without those that are not there."""
        return {field: column for field in COLUMNS if (column := getattr(self, field))}

    def problems(self) -> list[Problem]:
        found = []
        if not iban(self.account):
            found.append(Problem("account", "must be the account's IBAN, such as DE89370400440532013000"))
        if not self.booked_on:
            found.append(Problem("booked_on", "is missing: name the column with the booking day"))
        if bool(self.amount) == bool(self.debit and self.credit) or bool(self.debit) != bool(self.credit):
            found.append(Problem("amount", "name either amount, or both debit and credit"))
        if bool(self.currency) == bool(self.account_currency):
            found.append(Problem("currency", "name either the currency column, or account_currency, such as EUR"))
        if bool(self.status) != bool(self.booked):
            found.append(Problem("status", "name the column, and as booked what it says of a booked row, or neither"))
        columns = list(self.named().values())
        found += [Problem(f, "names a column twice") for f, c in self.named().items() if columns.count(c) > 1]
        return found + self._spelling()

    def _spelling(self) -> list[Problem]:
        found = []
        rest = _DATE_PARTS.sub("", self.date_format)
        if rest or not all(part in self.date_format.lower() for part in ("%d", "%m", "%y")):
            found.append(Problem("date_format", "must be made of %d, %m, %Y or %y, such as %d.%m.%Y"))
        if self.decimal not in {".", ","}:
            found.append(Problem("decimal", 'must be "." or ","'))
        if self.delimiter not in DELIMITERS:
            found.append(Problem("delimiter", 'must be ",", ";", "|" or a tab'))
        if self.encoding not in ENCODINGS:
            found.append(Problem("encoding", f"must be one of {', '.join(ENCODINGS)}"))
        if self.account_currency:
            found += _currency(self.account_currency)
        if bool(self.opening) != bool(self.closing):
            found.append(Problem("opening", "give both opening and closing, or none"))
        return found


COLUMNS = (
    "booked_on", "value_on", "amount", "debit", "credit", "currency", "name", "iban", "text", "reference",
    "end_to_end", "bank_reference", "status",
)  # fmt: skip
_KEYS = tuple(field.name for field in fields(ColumnMap))


def _currency(code: str) -> tuple[Problem, ...]:
    try:
        limits.known_currency(code, "account_currency")
    except Invalid as invalid:
        return invalid.problems
    return ()


def _unknown(key: str) -> str:
    close = difflib.get_close_matches(key, _KEYS, n=1)
    return (
        f"is not a key here; did you mean {close[0]}?" if close else f"is not a key here; known are {', '.join(_KEYS)}"
    )
