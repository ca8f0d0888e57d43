"""VAT after EN 16931: categories, breakdown, a supply's default tax, and what a part of a gross amount holds.
It never decides that a given tax is wrong in law: whoever sends a rate knows the supply better.

Amounts are minor units, rates percent. Tax is rounded HALF_UP, once per category and rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.errors import Invalid, Problem
from domain.money import exponent, half_up
from domain.rates import BRITISH_TRANSITION_ENDED, EU, RATES, SAME_TERRITORY, RatePeriod


class Category(StrEnum):
    """VAT category code (BT-118, BT-151; UNCL 5305 as EN 16931 restricts it)."""

    S = "S"
    Z = "Z"
    E = "E"
    AE = "AE"
    K = "K"
    G = "G"
    O = "O"  # noqa: E741 - the standard's own letter

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def needs_rate_zero(self) -> bool:
        """BR-Z-05, BR-E-05, BR-AE-05, BR-IC-05, BR-G-05; O has no rate at all (BR-O-05), here 0."""
        return self is not Category.S

    @property
    def needs_reason(self) -> bool:
        """Whether a reason for the exemption must stand there (BR-E-10, BR-AE-10, BR-IC-10, BR-G-10,
        BR-O-10); for S and Z there must be none (BR-S-10, BR-Z-10)."""
        return self in _REASONS

    @property
    def reason(self) -> str | None:
        """The exemption reason text (BT-120) when nobody gave a better one."""
        return _REASONS.get(self)

    @property
    def vatex(self) -> str | None:
        """The exemption reason code (BT-121); None where the law must be named by hand, as for E."""
        return _VATEX.get(self)


_WORDS: Final = {
    Category.S: "standard rated",
    Category.Z: "zero rated",
    Category.E: "exempt",
    Category.AE: "reverse charge",
    Category.K: "intra-Community supply",
    Category.G: "export",
    Category.O: "outside the scope of VAT",
}
_REASONS: Final = {
    Category.E: "Exempt from VAT",
    Category.AE: "Reverse charge",
    Category.K: "Intra-Community supply",
    Category.G: "Export outside the EU",
    Category.O: "Not subject to VAT",
}
_VATEX: Final = {
    Category.AE: "VATEX-EU-AE",
    Category.K: "VATEX-EU-IC",
    Category.G: "VATEX-EU-G",
    Category.O: "VATEX-EU-O",
}
_ORDER: Final = tuple(Category)
NO_RATE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class TaxLine:
    """A line's net, or a document's charge (positive) or allowance (negative), with its tax."""

    category: Category
    rate: Decimal
    net: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """BG-23: taxable amount (BT-116) and tax (BT-117) of one category and rate."""

    category: Category
    rate: Decimal
    taxable: int
    tax: int
    reason: str | None = None

    @property
    def gross(self) -> int:
        return self.taxable + self.tax


def check(category: Category, rate: Decimal, path: str) -> list[Problem]:
    """What is wrong with a rate in its category, at `path`.rate: S is above 0 (BR-S-05), all others are 0."""
    at = f"{path}.rate" if path else "rate"
    if not rate.is_finite() or not 0 <= rate <= 100:
        return [Problem(at, "must be a percentage from 0 to 100")]
    if category.needs_rate_zero and rate != 0:
        return [Problem(at, f"must be 0 for category {category} ({category.words}); or use category S")]
    if category is Category.S and rate == 0:
        return [Problem(at, "must be above 0 for category S; use Z for zero rated, E for exempt")]
    return []


def breakdown(lines: Iterable[TaxLine], currency: str) -> tuple[Breakdown, ...]:
    """One row per category and rate: in the order S Z E AE K G O, the higher rate first.

    Tax = taxable × rate ÷ 100, rounded HALF_UP to the minor unit once a row, not a line (BR-CO-17, BR-S-09);
    19 and 19.0 are the same rate. A negative taxable amount has the negated tax of the positive one.
    """
    exponent(currency)
    sums: dict[tuple[Category, Decimal], int] = {}
    for line in lines:
        key = (line.category, line.rate)
        sums[key] = sums.get(key, 0) + line.net
    ordered = sorted(sums, key=lambda key: (_ORDER.index(key[0]), -key[1]))
    return tuple(
        Breakdown(category, plain(rate), taxable, _tax(taxable, rate), category.reason)
        for (category, rate) in ordered
        for taxable in [sums[category, rate]]
    )


def scale(breakdowns: Sequence[Breakdown], part: int) -> tuple[Breakdown, ...]:
    """A gross `part` of a document (credit, discount, write-off) spread over its rows, loss-free.

    The shares of gross sum to `part`, each less than one unit from its exact share (largest remainder); in a
    row taxable + tax is its share, and tax keeps its proportion, HALF_UP. The whole gross gives the rows
    themselves; a negative part mirrors the positive one. Rows below zero (an allowance in a category of its
    own) are fine. To spread in several steps, scale what is left, or the cents of tax may not add up.
    ValueError for a part of a gross of zero.
    """
    whole = sum(row.gross for row in breakdowns)
    if part == whole:
        return tuple(breakdowns)
    if whole == 0:
        raise ValueError(f"{part} cannot be a part of a document whose gross is zero")
    exact = [divmod(abs(part) * row.gross * _sign(whole), abs(whole)) for row in breakdowns]
    shares = [floor for floor, _ in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (-exact[at][1], at))
    for at in by_remainder[: abs(part) - sum(shares)]:
        shares[at] += 1
    return tuple(_share(row, share * _sign(part)) for row, share in zip(breakdowns, shares, strict=True))


def default_tax(
    seller_country: str,
    seller_vat_id: bool,
    customer_country: str,
    customer_vat_id: str | None,
    customer_kind: str,
    on: date,
) -> tuple[Category, Decimal, str]:
    """Category, rate and the reason in words, for a service when nobody said otherwise.

    `seller_vat_id`: whether the seller is registered for VAT. `customer_kind`: business, public or consumer.
    `on` is the day of supply. Goods, and services with a place of supply of their own (property, events,
    digital services to consumers, advice to consumers outside the EU), need the tax given. `Invalid`, with an
    empty path, where no rate is known.
    Directive 2006/112/EC, Art. 44, 45, 196.
    """
    home, there = territory(seller_country), territory(customer_country)
    if not seller_vat_id:
        if home in RATES:
            return Category.E, NO_RATE, f"seller in {home} without VAT id: small business, exempt (Art. 284)"
        return Category.O, NO_RATE, f"seller in {home} without VAT id: not subject to VAT"
    if home not in RATES:
        raise Invalid.at("", f"is required: no VAT rates are known for a seller in {seller_country}")
    if home == there:
        rate = standard_rate(home, on)
        return Category.S, rate, f"domestic: standard rate of {home} on {on}"
    if _in_eu(home, on) and customer_kind == "consumer":
        return _at_home(f"consumer in {there}", home, on)
    if not (_in_eu(home, on) and _in_eu(there, on)):
        where = "outside the EU" if _in_eu(home, on) else f"outside {home}"
        return Category.G, NO_RATE, f"customer in {there}, {where}: no VAT charged"
    if _foreign_vat_id(customer_vat_id, home, on):
        why = f"service to a {customer_kind} customer in {there} with an EU VAT id: reverse charge (Art. 196)"
        return Category.AE, NO_RATE, f"{why}; goods would be K"
    return _at_home(f"customer without VAT id of another member state in {there}", home, on)


def _at_home(customer: str, home: str, on: date) -> tuple[Category, Decimal, str]:
    return Category.S, standard_rate(home, on), f"{customer}: standard rate of {home} on {on} (Art. 45)"


def standard_rate(country: str, on: date) -> Decimal:
    """The country's standard VAT rate in percent on that day; `Invalid` when none is known."""
    return _period(country, on).standard


def known_rates(country: str, on: date) -> frozenset[Decimal]:
    """Every rate in force that day, standard, reduced, regional, not zero; `Invalid` when none is known."""
    period = _period(country, on)
    return period.reduced | {period.standard}


def territory(country: str) -> str:
    """The country whose VAT holds there: France in Monaco, Britain on Man, Switzerland in Liechtenstein."""
    return SAME_TERRITORY.get(country, country)


def plain(rate: Decimal) -> Decimal:
    """The same rate in its shortest form: 19 for 19.00, 20 for 2E+1."""
    return rate.quantize(Decimal(1)) if rate == rate.to_integral_value() else rate.normalize()


def _period(country: str, on: date) -> RatePeriod:
    in_force = [period for period in RATES.get(territory(country), ()) if period.start <= on]
    if not in_force:
        raise Invalid.at("", f"is required: no VAT rate is known for {country} on {on}")
    return in_force[-1]


def _in_eu(country: str, on: date) -> bool:
    return country in EU or (country == "GB" and on < BRITISH_TRANSITION_ENDED)


def _foreign_vat_id(vat_id: str | None, home: str, on: date) -> bool:
    """Whether it begins like a VAT id of a member state other than `home`; Greece writes EL."""
    prefix = (vat_id or "").strip().upper()[:2]
    state = "GR" if prefix == "EL" else prefix
    return state != home and _in_eu(state, on)


def _tax(taxable: int, rate: Decimal) -> int:
    numerator, denominator = rate.as_integer_ratio()
    return half_up(taxable * numerator, 100 * denominator)


def _share(row: Breakdown, share: int) -> Breakdown:
    # share is 0 whenever the row's gross is
    tax = half_up(share * row.tax * _sign(row.gross), abs(row.gross)) if share else 0
    return Breakdown(row.category, row.rate, share - tax, tax, row.reason)


def _sign(number: int) -> int:
    return -1 if number < 0 else 1
