"""What a draft must have so that the document it becomes is lawful on paper and valid as the e-invoice of its profile.
Found before a number is taken: every message names the fix and the rule. Nothing here is filled in or changed.

Sources: Directive 2006/112/EC; EN 16931-1 (BR), its CIUS XRechnung 3.0.2 (BR-DE) and Peppol BIS Billing 3 (PEPPOL).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from domain import endpoints, money, terms, vat_ids
from domain.demands_peppol import national
from domain.document import Draft
from domain.errors import Problem
from domain.parts import Party
from domain.profiles import FACTURX, PEPPOL, PROFILES, XRECHNUNG
from domain.tax import Category
from domain.units import UNITS

_UNKNOWN_COUNTRIES: Final = frozenset({"XK"})
"""Of the codes we know, those that BR-CL-14 does not."""
_UNKNOWN_CURRENCIES: Final = frozenset({"STN", "XAD"})
"""... and BR-CL-03 to BR-CL-05."""
_CENT: Final = Decimal("0.01")
_SLACK: Final = Decimal("0.02")
_MOST: Final = 100
"""A wrong unit may stand in ten thousand lines; nobody reads them, and they would not fit into a history."""


def demands(draft: Draft) -> list[Problem]:
    """Every problem at the request's path; at `seller` what the seed lacks."""
    found = [*_law(draft)]
    if PROFILES[draft.profile].syntax is not None:
        found += [*_codes(draft), *_taxes(draft), *_amounts(draft)]
        found += [Problem(each.path, each.message) for each in _of_profile(draft) if each.lacks(draft)]
        found += [*_endpoints(draft), *_periods(draft)]
    if draft.profile == PEPPOL:
        found += national(draft)
    more = len(found) - _MOST
    return [*found[:_MOST], Problem("", f"and {more} more problems")] if more > 0 else found


def _categories(draft: Draft) -> set[Category]:
    return {Category(row.category) for row in draft.breakdown}


def _law(draft: Draft) -> Iterator[Problem]:
    """Directive 2006/112/EC Art. 226 (3) to (5): the seller's number and address; both VAT ids where the customer owes
    the tax, or goods leave for another member state. A VAT id that is none helps nobody."""
    for path, party in (("seller", draft.seller), ("customer.vat_id", draft.customer)):
        if party.vat_id is not None and (wrong := vat_ids.fault(party.vat_id, party.country)):
            yield Problem(path, f"VAT id {party.vat_id} {wrong}" if path == "seller" else wrong)
    seller, charged = draft.seller, _categories(draft) & {Category.S, Category.Z, Category.E}
    if charged and seller.vat_id is None and seller.tax_number is None:
        rules = "Art. 226 (3), BR-S-02, BR-Z-02, BR-E-02"
        yield Problem("seller", f"needs a `vat_id` or a `tax_number` ({rules}); seed it")
    if seller.address.street is None or seller.address.city is None:
        yield Problem("seller", "needs an `address.street` and an `address.city` (Art. 226 (5)); seed them")
    for category, rule in ((Category.AE, "BR-AE-02"), (Category.K, "BR-IC-02")):
        if category not in _categories(draft):
            continue
        if category is Category.AE and draft.seller.country == draft.customer.country:
            yield from _reversed_at_home(draft)
            continue
        if draft.customer.vat_id is None:
            fix = f"is required for {category.words} (Art. 226 (4), {rule}); or give the lines another tax"
            yield Problem("customer.vat_id", fix)
        if draft.seller.vat_id is None:
            yield Problem("seller", f"needs a `vat_id` for {category.words} (Art. 226 (3), {rule}); seed it")


def _reversed_at_home(draft: Draft) -> Iterator[Problem]:
    """BR-AE-02 takes other numbers, and the laws of a domestic reverse charge (as § 13b UStG after Art. 199 of the
    Directive) ask for no VAT id of the customer; paper alone needs none of it."""
    if draft.seller.vat_id is None and draft.seller.tax_number is None:
        yield Problem("seller", "needs a `vat_id` or a `tax_number` for reverse charge (BR-AE-02); seed it")
    if PROFILES[draft.profile].syntax and draft.customer.vat_id is None and draft.customer.registration is None:
        fix = "or `customer.registration` is required for reverse charge (BR-AE-02); or use the format pdf"
        yield Problem("customer.vat_id", fix)


def _codes(draft: Draft) -> Iterator[Problem]:
    """Code lists of EN 16931."""
    for index, line in enumerate(draft.lines):
        if line.unit not in UNITS:
            fix = "is no unit of UN/ECE Rec 20 or 21 (BR-CL-23), such as C62 (one), HUR (hour), DAY, KGM, XPK (package)"
            yield Problem(f"lines[{index}].unit", f"{line.unit} {fix}")
    other, to = draft.tax_currency, draft.delivery_address
    if draft.currency in _UNKNOWN_CURRENCIES:
        yield Problem("currency", f"{draft.currency} is not known to e-invoices (BR-CL-04); use the format pdf")
    if other and (other.currency in _UNKNOWN_CURRENCIES or money.exponent(other.currency) > 2):
        yield Problem("tax_currency.currency", f"{other.currency} is not known to e-invoices (BR-CL-05, BR-DEC-15)")
    if other and other.currency == draft.currency:
        yield Problem("tax_currency.currency", "is the currency of the invoice; leave `tax_currency` out (BT-6)")
    countries = (
        ("seller", draft.seller.country), ("customer.country", draft.customer.country),
        ("delivery.address.country", to.country if to else None),
    )  # fmt: skip
    for path, country in countries:
        if country in _UNKNOWN_COUNTRIES:
            yield Problem(path, f"{country} is not known to e-invoices (BR-CL-14); use the format pdf")


_BESIDE_O: Final = "cannot stand beside category O (BR-O-11); make it an invoice of its own"


def _taxes(draft: Draft) -> Iterator[Problem]:
    categories, seller, to = _categories(draft), draft.seller, draft.delivery_address
    if Category.O in categories:
        for index, line in enumerate(draft.lines):
            if len(categories) > 1 and line.category != Category.O:
                yield Problem(f"lines[{index}].tax", _BESIDE_O)
        for name, is_charge in (("allowances", False), ("charges", True)):
            same = [each for each in draft.adjustments if each.is_charge is is_charge]
            yield from (
                Problem(f"{name}[{index}].tax", _BESIDE_O)
                for index, each in enumerate(same)
                if each.category != Category.O
            )
        if seller.registration is None:
            yield Problem(
                "seller", "needs a `registration`: beside category O no VAT id may stand (BR-CO-26, BR-O-02); seed it"
            )
        return
    if seller.vat_id is None and seller.registration is None:
        yield Problem("seller", "needs a `registration` or a `vat_id` (BR-CO-26); seed it")
    if seller.vat_id is None and Category.G in categories:
        yield Problem("seller", "needs a `vat_id` for an export outside the EU (BR-G-02); seed it")
    if Category.K in categories and (to is None or to.country is None):
        yield Problem("delivery.address", "is required for an intra-Community supply, with its country (BR-IC-12)")
    if Category.K in categories and draft.kind == "prepayment" and not (draft.delivery_date or draft.period):
        fix = "or `period` is required for a prepayment of an intra-Community supply: when it is expected (BR-IC-11)"
        yield Problem("delivery.date", fix)


def _amounts(draft: Draft) -> Iterator[Problem]:
    """What a profile cannot add up."""
    if draft.profile in _WITHOUT_ROUNDING and draft.totals.rounding:
        name = PROFILES[draft.profile].name
        yield Problem(
            "customer.format", f"{name} has no rounding amount (BT-114), which the seller asks for; use {FACTURX}"
        )
    names = [each.name.casefold() for each in draft.attachments]
    for index, name in enumerate(names):
        if name in names[:index]:
            fix = f"{draft.attachments[index].name} is attached twice; give each a name of its own (BR-DE-22)"
            yield Problem(f"attachments[{index}].name", fix)
    if draft.profile != PEPPOL:
        return
    if draft.kind == "corrected" and (draft.seller.country, draft.customer.country) != ("DE", "DE"):
        yield Problem("customer.format", "Peppol knows corrected invoices within Germany only (PEPPOL-EN16931-P0112)")
    unit = Decimal(1).scaleb(-money.exponent(draft.currency))
    for index, line in enumerate(draft.lines):
        part = sum(each.amount if each.is_charge else -each.amount for each in line.adjustments)
        off = line.quantity * line.unit_price - (line.net - part) * unit * line.price_base
        if abs(off) > _SLACK * line.price_base:
            fix = f"times quantity must come to whole {draft.currency} (PEPPOL-EN16931-R120)"
            yield Problem(f"lines[{index}].unit_price", fix)


_WITHOUT_ROUNDING: Final = frozenset({"facturx-basic", "facturx-basicwl"})


def _endpoints(draft: Draft) -> Iterator[Problem]:
    """BR-CL-25, and the check digits that Peppol computes."""
    for path, party in (("seller", draft.seller), ("customer.endpoint", draft.customer)):
        if party.endpoint is not None and (wrong := endpoints.fault(party.endpoint, draft.profile == PEPPOL)):
            yield Problem(path, f"endpoint {wrong}" if path == "seller" else wrong)


def _periods(draft: Draft) -> Iterator[Problem]:
    """Peppol's rules, and XRechnung's after them, want the period of a line within the document's."""
    whole = draft.period
    if whole is None or draft.profile not in _OF_PROFILE:
        return
    for index, line in enumerate(draft.lines):
        if line.period and not (whole.start <= line.period.start and line.period.end <= whole.end):
            fix = "must lie within the `period` of the invoice (PEPPOL-EN16931-R110, R111); or leave that one out"
            yield Problem(f"lines[{index}].period", fix)


@dataclass(frozen=True, slots=True)
class Demand:
    path: str
    message: str
    lacks: Callable[[Draft], bool]


def _reachable(party: Party) -> bool:
    return party.endpoint is not None or party.email is not None


def _german(rule: str) -> tuple[Demand, ...]:
    """What invoices to German authorities need; `rule` gives the name of a rule from its number."""

    def demand(path: str, message: str, number: int, lacks: Callable[[Draft], bool]) -> Demand:
        return Demand(path, f"{message} ({rule.format(number)})" + ("; seed it" if path == "seller" else ""), lacks)

    reference = "is required: the Leitweg-ID of an authority, or what else the customer gives; or store it with it"
    return (
        demand("buyer_reference", reference, 15, lambda draft: draft.buyer_reference is None),
        demand("seller", "needs an `address.city`", 3, lambda draft: draft.seller.address.city is None),
        demand("seller", "needs an `address.postcode`", 4, lambda draft: draft.seller.address.postcode is None),
        demand("seller", "needs a `phone`", 6, lambda draft: _digits(draft.seller.phone) < 3),
        demand("seller", "needs an `email`", 7, lambda draft: draft.seller.email is None),
        demand("customer.address.city", "is required", 8, lambda draft: draft.customer.address.city is None),
        demand("customer.address.postcode", "is required", 9, lambda draft: draft.customer.address.postcode is None),
        demand(
            "delivery.address.city",
            "is required",
            10,
            lambda draft: draft.delivery_address is not None and draft.delivery_address.city is None,
        ),
        demand(
            "delivery.address.postcode",
            "is required",
            11,
            lambda draft: draft.delivery_address is not None and draft.delivery_address.postcode is None,
        ),
    )


_GERMAN: Final = (
    *_german("BR-DE-{}"),
    Demand(
        "terms",
        "name a discount with more than two decimals, and #SKONTO# has room for two (BR-DE-18)",
        lambda draft: any(each.percent % _CENT for each in terms.parse_terms(draft.terms).discounts),
    ),
    Demand(
        "customer.endpoint",
        "is required, or a mail address of the customer (PEPPOL-EN16931-R010)",
        lambda draft: not _reachable(draft.customer),
    ),
)
_PEPPOL: Final = (
    Demand(
        "buyer_reference",
        "or `purchase_order` is required (PEPPOL-EN16931-R003)",
        lambda draft: draft.buyer_reference is None and draft.purchase_order is None,
    ),
    Demand(
        "customer.endpoint",
        "is required: the customer's Peppol participant, as scheme and id (PEPPOL-EN16931-R010)",
        lambda draft: draft.customer.endpoint is None,
    ),
    Demand(
        "seller",
        "needs an `endpoint`: its Peppol participant, as scheme and id (PEPPOL-EN16931-R020); seed it",
        lambda draft: draft.seller.endpoint is None,
    ),
)
_OF_PROFILE: Final = MappingProxyType({XRECHNUNG: _GERMAN, "xrechnung-ubl": _GERMAN, PEPPOL: _PEPPOL})
_AT_HOME: Final = (*_PEPPOL[1:], *_german("DE-R-{:03d}"))
"""Peppol between two in Germany: the rules of XRechnung under names of their own."""


def _of_profile(draft: Draft) -> tuple[Demand, ...]:
    if draft.profile == PEPPOL and draft.seller.country == draft.customer.country == "DE":
        return _AT_HOME
    return _OF_PROFILE.get(draft.profile, ())


def _digits(text: str | None) -> int:
    return sum(each.isdigit() for each in text or "")
