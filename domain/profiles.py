"""E-invoice profiles as data, and which of them a customer gets. What a profile then demands of a draft is in
`domain/demands.py`; writing it is an adapter's work.

A file in the Peppol profile is not yet a delivery through the Peppol network.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from domain import money

_BILLING = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
_EN16931 = "urn:cen.eu:en16931:2017"
_XRECHNUNG = f"{_EN16931}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"

PDF, FACTURX, XRECHNUNG, PEPPOL = "pdf", "facturx", "xrechnung", "peppol"


@dataclass(frozen=True, slots=True)
class Profile:
    """`syntax` is cii, ubl or None for paper alone; `guideline` BT-24, `process` BT-23; `level` the word for it in the
    metadata of a PDF that carries the XML (fx:ConformanceLevel)."""

    key: str
    name: str
    syntax: str | None
    guideline: str = ""
    process: str | None = None
    level: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether the XML travels inside the PDF, else beside it."""
        return self.level is not None


_ALL = (
    Profile(PDF, "PDF", None),
    Profile("facturx-minimum", "Factur-X MINIMUM", "cii", "urn:factur-x.eu:1p0:minimum", level="MINIMUM"),
    Profile("facturx-basicwl", "Factur-X BASIC WL", "cii", "urn:factur-x.eu:1p0:basicwl", level="BASIC WL"),
    Profile(
        "facturx-basic",
        "Factur-X BASIC",
        "cii",
        f"{_EN16931}#compliant#urn:factur-x.eu:1p0:basic",
        level="BASIC",
    ),
    Profile(FACTURX, "Factur-X EN 16931", "cii", _EN16931, level="EN 16931"),
    Profile("en16931-ubl", "EN 16931 UBL", "ubl", _EN16931),
    Profile(XRECHNUNG, "XRechnung 3.0 (CII)", "cii", _XRECHNUNG, _BILLING),
    Profile("xrechnung-ubl", "XRechnung 3.0 (UBL)", "ubl", _XRECHNUNG, _BILLING),
    Profile(
        PEPPOL,
        "Peppol BIS Billing 3",
        "ubl",
        f"{_EN16931}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        _BILLING,
    ),
)
PROFILES: Final = MappingProxyType({profile.key: profile for profile in _ALL})
"""By key, the word a customer's `format` uses. Sources: Factur-X 1.07, XRechnung 3.0.2, Peppol BIS Billing 3.0."""


@dataclass(frozen=True, slots=True)
class Choice:
    profile: str
    rule: str


def choose(
    seller_country: str, customer_country: str, customer_kind: str, currency: str, wanted: str | None, endpoint: bool
) -> Choice:
    """The profile of an invoice and the rule that says so, in words. `wanted`: what the customer asked for; `endpoint`:
    whether its electronic address is known."""
    if money.exponent(currency) > 2:
        return Choice(PDF, f"{currency} has more decimals than the two of EN 16931 (BR-DEC): paper alone")
    if wanted is not None:
        return Choice(wanted, "the customer asked for it")
    if customer_kind == "public" and customer_country == "DE":
        return Choice(XRECHNUNG, "public body in Germany: XRechnung (E-RechV § 4)")
    if customer_kind == "business" and (seller_country, customer_country) == ("BE", "BE"):
        return Choice(PEPPOL, "businesses in Belgium: Peppol BIS since 2026-01-01 (law of 2024-02-06)")
    if customer_kind == "public" and endpoint:
        return Choice(PEPPOL, "public body with an electronic address: Peppol BIS (Directive 2014/55/EU)")
    return Choice(FACTURX, "default: a PDF for people with the data of EN 16931 inside")
