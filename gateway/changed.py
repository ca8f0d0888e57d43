"""What changed in a draft, as rows of words: a name, the value before, the value after. It compares nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from adapters import formats
from domain.changes import Change
from domain.parts import Line, TaxSubtotal
from gateway.templates import Words

Row = tuple[str, str, str]


def rows(found: Sequence[Change], currency: str, words: Words) -> list[Row]:
    """`currency` is that of the new content; the old one may have had another."""
    was = next((each.before for each in found if each.what == "currency"), currency)
    return [_row(each, was, currency, words) for each in found]


def _row(change: Change, was: str, currency: str, words: Words) -> Row:
    before, after = (
        formats.price(given, of, words.language) if change.what == "line.unit_price" else value(given, of, words)
        for given, of in ((change.before, was), (change.after, currency))
    )
    return name_of(change, words), before, after


def name_of(change: Change, words: Words) -> str:
    """What changed, in words: `Line “Hosting”: unit price`."""
    w = words["approve"]
    whole, _, part = change.what.partition(".")
    about = f" {w['about'] % formats.clean(change.about)[:80]}" if change.about else ""
    return f"{w['change'][whole]}{about}" + (f": {w['part'][part]}" if part else "")


def value(given: Any, currency: str, words: Words) -> str:
    """Any value of a draft; a whole number is money, in minor units."""
    w = words["approve"]

    def many(values: Any, mark: str) -> str:
        told = [value(each, currency, words) for each in values if each not in (None, "", ()) and each is not False]
        return mark.join(told) or str(w["nothing"])

    match given:
        case None | "" | ():
            return str(w["nothing"])
        case bool():
            return str(w["yes" if given else "no"])
        case int():
            return words.money(given, currency)
        case Decimal():
            return formats.decimal(given, words.language)
        case date():
            return words.day(given)
        case Line():
            unit = words["unit"].get(given.unit, given.unit)
            quantity = formats.decimal(given.quantity, words.language)
            price = formats.price(given.unit_price, currency, words.language)
            return f"{quantity} {unit} × {price} = {words.money(given.net, currency)}"
        case TaxSubtotal():
            of = f"{words.percent(given.rate)} {'' if given.category == 'S' else given.category}".strip()
            return f"{of} × {words.money(given.taxable, currency)} = {words.money(given.tax, currency)}"
        case {"schedule": parts}:  # of payment terms
            return "; ".join(f"{part['percent']} % {part['due']}" for part in parts)
        case tuple() | list():
            return many(given, "; ")
    if dataclasses.is_dataclass(given):
        return many((getattr(given, field.name) for field in dataclasses.fields(given)), " · ")
    return formats.clean(str(given))
