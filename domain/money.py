"""Money as integer minor units of an ISO 4217 currency. Decimals only while a price or a rate is being worked out;
never a binary fraction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from domain.currencies import EXPONENTS
from domain.errors import Invalid

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MOST_DIGITS = 15


def exponent(currency: str) -> int:
    """Decimals of the minor unit: EUR 2, JPY 0, KWD 3. Raises `Invalid` for what is not an active ISO 4217 code."""
    digits = EXPONENTS.get(currency)
    if digits is None:
        raise Invalid.at("currency", f"{currency!r} is not an ISO 4217 currency code, such as EUR")
    return digits


def parse(value: object, currency: str, path: str = "amount") -> int:
    """A decimal string, or an int of whole major units, to minor units. `Invalid` at `path` for everything else:
    floats, exponents, more decimals than the currency has, more than 15 digits before the point."""
    digits = exponent(currency)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Invalid.at(path, 'must be a decimal in quotes, such as "120.00"')
    if isinstance(value, int) and abs(value) >= int("1" + "0" * _MOST_DIGITS):
        raise Invalid.at(path, f"must have at most {_MOST_DIGITS} digits before the point")
    text = str(value)
    if not _DECIMAL.fullmatch(text) or not text.isascii():
        raise Invalid.at(path, 'must be a plain decimal, such as "120.00"')
    whole, _, fraction = text.removeprefix("-").partition(".")
    if len(whole.lstrip("0")) > _MOST_DIGITS:
        raise Invalid.at(path, f"must have at most {_MOST_DIGITS} digits before the point")
    if len(fraction) > digits:
        raise Invalid.at(path, f"{currency} has {digits} decimals, {text[:40]} has {len(fraction)}")
    minor = int(whole + fraction.ljust(digits, "0"))
    return -minor if text.startswith("-") else minor


def show(minor: int, currency: str) -> str:
    """The canonical decimal string, `-1234.50`; the inverse of `parse`."""
    digits = exponent(currency)
    text = str(abs(minor)).rjust(digits + 1, "0")
    sign = "-" if minor < 0 else ""
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else sign + text


def rounded(value: Decimal, currency: str) -> int:
    """A major amount to minor units, HALF_UP: a half goes away from zero, as tax offices and people expect."""
    with localcontext(prec=80):
        return int(value.scaleb(exponent(currency)).quantize(Decimal(1), ROUND_HALF_UP))


def major(minor: int, currency: str) -> Decimal:
    """Minor units as the amount people write: 1050 EUR is 10.50."""
    return Decimal(minor).scaleb(-exponent(currency))


def half_up(numerator: int, denominator: int) -> int:
    """The quotient as a whole number, a half away from zero; denominator > 0. Integers keep it exact."""
    size = (2 * abs(numerator) + denominator) // (2 * denominator)
    return size if numerator >= 0 else -size


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in proportion to `weights` (≥ 0) without losing a unit: each part is less than one unit from its exact
    share, the largest remainders get the rest, the first of equals first. Without any weight the first gets all."""
    if any(weight < 0 for weight in weights):
        raise ValueError("weights are not negative")
    if not weights:
        if total:
            raise ValueError("nothing to allocate to")
        return []
    whole = sum(weights)
    if whole == 0:
        return [total, *([0] * (len(weights) - 1))]
    shares = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [share for share, _ in shares]
    rest = abs(total) - sum(parts)
    for at in sorted(range(len(parts)), key=lambda i: (-shares[i][1], i))[:rest]:
        parts[at] += 1
    return parts if total >= 0 else [-part for part in parts]


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount that knows its currency; two currencies never mix."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise TypeError("minor units are an int")
        exponent(self.currency)

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __str__(self) -> str:
        return f"{show(self.minor, self.currency)} {self.currency}"

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor
