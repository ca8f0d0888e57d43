"""Which countries let a seller issue invoices only through their own platform or certified software, and where a mail
alone does not deliver an invoice. Data with dates and laws; what a channel can do is known elsewhere.

Kept by hand: a row that is missing lets an invoice leave that its country refuses. As of 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from domain.profiles import PROFILES

_EU = frozenset("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE".split())


@dataclass(frozen=True, slots=True)
class Clearance:
    """Invoices of sellers there need `what` from `since` on; Duely has no channel for it yet."""

    since: date
    what: str
    law: str


CLEARANCE: Final = MappingProxyType(
    {
        "BR": Clearance(date(2008, 4, 1), "an NF-e cleared by the tax authority", "Ajuste SINIEF 07/05"),
        "CL": Clearance(date(2018, 2, 1), "a DTE accepted by the SII", "Ley 20.727"),
        "CO": Clearance(date(2020, 11, 2), "validation by the DIAN", "Resolución 000042/2020"),
        "EG": Clearance(date(2021, 1, 1), "registration with the tax authority's portal", "Decree 188/2020"),
        "ES": Clearance(date(2027, 1, 1), "certified software (Veri*factu)", "RD 1007/2023, RD-ley 15/2025"),
        "GR": Clearance(date(2021, 11, 1), "transmission to myDATA", "A.1138/2020"),
        "HR": Clearance(date(2026, 1, 1), "fiscalised e-invoices", "Zakon o fiskalizaciji, NN 89/25"),
        "HU": Clearance(date(2020, 7, 1), "real-time reporting to the NAV", "Act CXXVII of 2007, Annex 10"),
        "IN": Clearance(date(2020, 10, 1), "an IRN from the registration portal", "CGST rule 48(4)"),
        "IT": Clearance(date(2019, 1, 1), "FatturaPA through the exchange SdI", "D.Lgs. 127/2015"),
        "MX": Clearance(date(2014, 1, 1), "a CFDI stamped by a PAC", "CFF art. 29"),
        "PE": Clearance(date(2018, 1, 1), "clearance by the SUNAT", "RS 097-2012/SUNAT"),
        "PL": Clearance(date(2026, 2, 1), "structured invoices in KSeF", "ustawa o VAT art. 106ga"),
        "PT": Clearance(date(2013, 1, 1), "certified software and the ATCUD", "DL 28/2019, Portaria 363/2010"),
        "RO": Clearance(date(2024, 7, 1), "RO e-Factura", "OUG 120/2021"),
        "RS": Clearance(date(2023, 1, 1), "the platform SEF", "Zakon o elektronskom fakturisanju"),
        "SA": Clearance(date(2023, 1, 1), "clearance by ZATCA (Fatoora)", "E-Invoicing Regulation 2020"),
        "TR": Clearance(date(2014, 4, 1), "e-Fatura", "VUK 509"),
    }
)


@dataclass(frozen=True, slots=True)
class Mandate:
    """From `since` on, a mail does not deliver an invoice of a seller in `sellers` to a customer of `kind` in
    `customers` (both ISO 3166). `stops`: it may not be issued that way, else a person is warned. `data_is_enough`: a
    mail that carries EN 16931 data does deliver it."""

    sellers: frozenset[str]
    customers: frozenset[str]
    kind: str
    since: date
    stops: bool
    text: str
    data_is_enough: bool = False


def _home(country: str, kind: str, since: date, stops: bool, text: str, data_is_enough: bool = False) -> Mandate:
    only = frozenset({country})
    return Mandate(only, only, kind, since, stops, text, data_is_enough)


MANDATES: Final = (
    _home("BE", "business", date(2026, 1, 1), True,
          "businesses in Belgium receive invoices through Peppol since 2026-01-01 (law of 2024-02-06)"),
    _home("FR", "business", date(2027, 9, 1), True,
          "businesses in France invoice through an approved platform since 2027-09-01 (CGI art. 289 bis)"),
    _home("FR", "business", date(2026, 9, 1), False,
          "large businesses in France invoice through an approved platform since 2026-09-01, all from 2027-09-01 "
          "(CGI art. 289 bis)"),
    _home("FR", "public", date(2020, 1, 1), True,
          "public bodies in France take invoices through Chorus Pro (ordonnance 2014-697)"),
    _home("DE", "business", date(2028, 1, 1), True,
          "businesses in Germany send structured e-invoices since 2028-01-01 (UStG § 27 (38))", data_is_enough=True),
    _home("DE", "business", date(2027, 1, 1), False,
          "German sellers of more than 800,000 € a year send structured e-invoices since 2027-01-01 (UStG § 27 (38))",
          data_is_enough=True),
    _home("ES", "public", date(2015, 1, 15), True, "public bodies in Spain take Facturae through FACe (Ley 25/2013)"),
    Mandate(_EU, _EU - {"DE", "FR", "ES"}, "public", date(2020, 4, 18), False,
            "public bodies there take e-invoices through their portal or Peppol (Directive 2014/55/EU); a mail may be "
            "refused"),
)  # fmt: skip
"""The first that holds counts."""


def clearance(seller_country: str, today: date) -> str | None:
    """Why a seller of that country cannot bill with Duely, or None."""
    found = CLEARANCE.get(seller_country)
    if found is None or today < found.since:
        return None
    return f"invoices of sellers in {seller_country} need {found.what} ({found.law}); there is no channel for it yet"


def mail_alone(
    seller_country: str, customer_country: str, customer_kind: str, profile: str, on: date
) -> tuple[bool, str] | None:
    """Whether a mail with this profile may not be the delivery (True), or only should not (False), and why; None where
    it is fine."""
    structured = PROFILES[profile].guideline.startswith("urn:cen.eu:en16931:2017")
    for mandate in MANDATES:
        if (
            seller_country in mandate.sellers
            and customer_country in mandate.customers
            and customer_kind == mandate.kind
            and on >= mandate.since
            and not (mandate.data_is_enough and structured)
        ):
            return mandate.stops, mandate.text
    return None
