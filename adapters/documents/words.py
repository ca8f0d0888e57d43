"""The words of a printed document (`templates/typst/labels_<language>.toml`) and how its language writes amounts and
days. Never rounds and never chooses what is printed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from adapters import formats
from domain.parts import Address, AllowanceCharge, Period

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "typst"


@cache
def load(name: str) -> Mapping[str, Any]:
    """A file of words."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


class Words:
    """Of one language (the nearest we have), for amounts of one currency."""

    def __init__(self, language: str, currency: str):
        self.language = formats.language_of(language)
        self.currency = currency
        self._labels = load(f"labels_{self.language}")

    def __getitem__(self, name: str) -> Any:
        return self._labels[name]

    def rows(self, *rows: tuple[str, str | None]) -> list[tuple[str, str]]:
        """(name of a label, value) with the label's text; what has no value is left out."""
        return [(self[key], value) for key, value in rows if value]

    def day(self, value: date) -> str:
        return formats.day(value, self.language)

    def span(self, period: Period) -> str:
        first, last = (formats.short_day(day, self.language) for day in (period.start, period.end))
        return str(self["span"] % (first, last))

    def amount(self, minor: int) -> str:
        return formats.amount(minor, self.currency, self.language)

    def money(self, minor: int) -> str:
        return formats.money(minor, self.currency, self.language)

    def decimal(self, value: Decimal) -> str:
        return formats.decimal(value, self.language)

    def price(self, value: Decimal) -> str:
        return formats.price(value, self.currency, self.language)

    def percent(self, value: Decimal) -> str:
        return formats.percent(value, self.language)

    def reason(self, item: AllowanceCharge) -> str:
        return item.reason if item.percent is None else f"{item.reason} ({self.percent(item.percent)})"

    def address(self, address: Address, country: str, home: str) -> tuple[str, ...]:
        """The lines of a letter to `address` (`country` where it names none) that is posted in `home`."""
        parts = asdict(address) | {"country": address.country or country}
        return formats.address_lines(parts, self.language, home)
