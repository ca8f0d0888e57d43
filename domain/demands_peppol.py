"""What Peppol's rules for single countries add to `demands.py`, by the seller's country. Only for the profile peppol.

Source: Peppol BIS Billing 3 (2026-05), the rules named NL-R, DK-R, SE-R, IS-R and GR-R.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from domain import endpoints, registers
from domain.document import Draft
from domain.errors import Problem
from domain.parts import Endpoint
from domain.tax import Category

_REGISTERED: Final = MappingProxyType(
    {
        "NL": ("its KVK (8 digits) or OIN (20 digits)", "NL-R-003, NL-R-005"),
        "IS": ("its kennitala (10 digits)", "IS-R-002, IS-R-004"),
    }
)
"""Where seller and customer at home must name a register, as (what, rules)."""
_SWEDISH: Final = frozenset({Decimal(6), Decimal(12), Decimal(25)})


_F_TAX: Final = "Godkänd för F-skatt"


def national(draft: Draft) -> Iterator[Problem]:
    """Problems at the request's path; at `seller` what the seed lacks."""
    country = draft.seller.country
    if country == "GR":
        yield Problem("customer.format", "Greek sellers need a MARK number for Peppol (GR-R-004); use en16931-ubl")
    if country == "SE":
        for index, line in enumerate(draft.lines):
            if line.category == Category.S and line.rate not in _SWEDISH:
                yield Problem(f"lines[{index}].tax.rate", "must be 6, 12 or 25 for a seller in Sweden (SE-R-006)")
        if draft.seller.registration and draft.seller.tax_number and not _f_tax(draft.seller.tax_number):
            yield Problem("seller", f"`tax_number` must be {_F_TAX} or left out (SE-R-005); seed it")
    yield from _swedish(draft)
    at_home = (("seller", draft.seller), ("customer.registration", draft.customer))
    for path, party in at_home:
        if party.country != country:
            continue
        named = registers.scheme(party.registration, country) is not None
        if country in _REGISTERED and not named:
            what, rules = _REGISTERED[country]
            own = path == "seller"
            yield Problem(
                path, f"needs a `registration`: {what} ({rules}); seed it" if own else f"must be {what} ({rules})"
            )
        if country == "DK" and not named and (party.registration is not None or path == "seller"):
            text = "must be a CVR number of 8 digits (DK-R-002, DK-R-014, DK-R-017)"
            yield Problem(path, f"`registration` {text}; seed it" if path == "seller" else text)


def _swedish(draft: Draft) -> Iterator[Problem]:
    """A Swedish seller's registration is an organisation number; whatever looks like one has its check digit."""
    for path, party in (("seller", draft.seller), ("customer.registration", draft.customer)):
        if party.country != "SE" or party.registration is None:
            continue
        code, own = registers.scheme(party.registration, "SE"), path == "seller"
        if own if code is None else endpoints.fault(Endpoint(code, party.registration), peppol=True):
            text = "must be an organisation number: 10 digits with the right last one (SE-R-004, SE-R-013)"
            yield Problem(path, f"`registration` {text}; seed it" if own else text)


def _f_tax(tax_number: str) -> bool:
    return " ".join(tax_number.split()).casefold() == _F_TAX.casefold()
