"""Documents of every kind, made the way production makes them: a draft, priced by `compute`, frozen under a number. The
same seed gives the same documents. `python -m tests.scenarios DIR` writes their XML for `make validate DIR=…`."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from domain import money
from domain.document import Draft, compute
from domain.einvoice import CREDIT_NOTE, EInvoice, freeze
from domain.errors import Invalid
from domain.parts import (
    Address,
    AllowanceCharge,
    Attachment,
    Bank,
    Endpoint,
    Line,
    Note,
    Party,
    Payee,
    Period,
    Preceding,
    TaxCurrency,
)

XML_PROFILES = (
    "facturx", "en16931-ubl", "xrechnung", "xrechnung-ubl", "peppol", "facturx-basic", "facturx-basicwl",
    "facturx-minimum",
)  # fmt: skip
LANGUAGES = ("en", "de", "fr", "es", "nl", "it", "pl")
TODAY = date(2026, 11, 29)
FILES = {"file-1": b"%PDF-1.7 hours", "file-2": b"a,b\n1,2\n", "file-3": b"{}"}

_TEXTS = (
    "Consulting, October", "Reparatur Nr. 7", "Licence « été » & <support>", "日本語の請求書 明細", "حساب الشهر",
    "Kostenaufstellung 🧾 für Müller & Söhne", "x" * 180, "First line\nsecond line\n\tthird", 'Zoll 3/4" — 20 °C',
    "A long sentence about many hours of work that were done month before, and of those after" * 3,
)  # fmt: skip
_SELLERS = {
    "DE": (
        "Duely GmbH",
        "DE811569869",
        "HRB 217345 B",
        Address("Torstraße 140", None, "10119", "Berlin", None, "DE"),
    ),
    "AT": ("Wiener Werk OG", "ATU13585627", "FN 56247 t", Address("Graben 7", "Stiege 2", "1010", "Wien", None, "AT")),
    "FR": ("Hooli SAS", "FR40303265045", "303265045", Address("12 rue de la Paix", None, "75002", "Paris", None, "FR")),
    "ES": ("Obras SL", "ESB58378431", "M-12345", Address("Calle Mayor 1", None, "28013", "Madrid", "Madrid", "ES")),
}
_BUYERS = {
    "DE": ("Globex GmbH", "DE136695976", Address("Ring 1", None, "10115", "Berlin", None, "DE")),
    "FR": ("Initech SARL", "FR83404833048", Address("1 quai", "bât. B", "69001", "Lyon", None, "FR")),
    "NL": ("Umbrella B.V.", "NL004495445B01", Address("Keizersgracht 62", None, "1015 CS", "Amsterdam", None, "NL")),
    "US": ("Stark Inc.", None, Address("200 Park Avenue", None, "10166", "New York", "NY", "US")),
    "JP": ("Tyrell 株式会社", None, Address("1-1 Marunouchi", None, "100-0005", "Tokyo", None, "JP")),
    "GB": ("Wayne Ltd", "GB980780684", Address("1 Canada Square", None, "E14 5AB", "London", None, "GB")),
}
_TAXES: dict[str, tuple[tuple[str, str], ...]] = {
    "S": (("S", "19"), ("S", "7"), ("S", "5.5")), "Z": (("Z", "0"), ("S", "20")), "E": (("E", "0"), ("S", "19")),
    "AE": (("AE", "0"),), "K": (("K", "0"),), "G": (("G", "0"),), "O": (("O", "0"),),
}  # fmt: skip
_TERMS: tuple[Any, ...] = (
    "net 30", "due on receipt", "14 eom", "2/10 net 30", "3/7 2.5/14 net 30",
    {"schedule": [{"percent": "30", "due": "net 0"}, {"percent": "70", "due": "2027-04-15"}]},
)  # fmt: skip
_NOTES = (Note("Escompte : 0 %", "AAB"), Note("40 €", "PMT"), Note("Plain"))
_IBANS = ("DE89370400440532013000", "AT611904300234573201", "CH9300762011623852957", "GB29NWBK60161331926819")


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    draft: Draft
    document: EInvoice


def scenarios(count: int = 240, seed: int = 5) -> list[Scenario]:
    """`count` documents that no rule should find fault with, over all profiles, categories and kinds in turn."""
    return [_scenario(number, Random(f"{seed}/{number}")) for number in range(count)]


def _scenario(number: int, rng: Random) -> Scenario:
    profile = XML_PROFILES[number % len(XML_PROFILES)]
    category = list(_TAXES)[number // len(XML_PROFILES) % len(_TAXES)]
    kind = rng.choice(("invoice", "invoice", CREDIT_NOTE, "corrected", "prepayment"))
    draft = None
    while draft is None:
        with suppress(Invalid):  # what is taken back may come to more than what is billed
            draft = compute(_draft(rng, profile, category, kind))
    kind = draft.kind
    before = (Preceding("RE-2026-00001", date(2026, 9, 30)), Preceding("RE-2026-00002"))
    preceding = before[: rng.randint(1, 2)] if kind in {CREDIT_NOTE, "corrected"} else ()
    document = freeze(draft, number=f"RE-2026-{number:05d}", issued_on=TODAY, preceding=preceding)
    return Scenario(f"{number}: {profile} {category} {kind} {draft.currency} {draft.language}", draft, document)


def _draft(rng: Random, profile: str, category: str, kind: str) -> Draft:
    german = profile.startswith("xrechnung")
    peppol = profile == "peppol"
    here = "DE" if german or rng.random() < 0.5 else rng.choice(list(_SELLERS))
    there = _buyer_country(rng, here, category, german)
    if peppol and kind == "corrected" and (here, there) != ("DE", "DE"):
        kind = "invoice"
    currency = rng.choice(("EUR", "EUR", "EUR", "USD", "GBP", "HUF", "CHF", *(() if peppol else ("JPY",))))
    rounding = 5 if currency == "CHF" and profile not in {"facturx-basic", "facturx-basicwl"} else 1
    taxes = [
        (name, Decimal(rate)) for name, rate in rng.sample(_TAXES[category], rng.randint(1, len(_TAXES[category])))
    ]
    lines = tuple(_line(rng, number, taxes, currency) for number in range(1, rng.randint(1, 6) + 1))
    period = Period(date(2026, 10, 1), date(2026, 10, 31)) if rng.random() < 0.4 else None
    dated = rng.random() < 0.5 or category == "K" or kind == CREDIT_NOTE
    deliver_to = _BUYERS[there][2] if category == "K" or rng.random() < 0.3 else None
    other = TaxCurrency("PLN", Decimal("4.2531"), TODAY, "NBP") if rng.random() < 0.2 and currency != "PLN" else None
    return Draft(
        seller_key="demo",
        reference="R-1",
        kind=kind,
        currency=currency,
        language=rng.choice(LANGUAGES),
        seller=_seller(rng, here, peppol),
        customer=_buyer(rng, there, peppol),
        terms=rng.choice(_TERMS),
        lines=lines,
        adjustments=_document_adjustments(rng, taxes, currency),
        bank=Bank(_IBANS[0], "COBADEFFXXX", "Duely Demo GmbH"),
        banks=tuple(Bank(iban) for iban in _IBANS[1 : rng.randint(1, 4)]),
        payee=Payee("Factoring AG", *rng.choice(((), ("4711",), ("4711", "HRB 9")))) if rng.random() < 0.2 else None,
        profile=profile,
        rounding_step=rounding,
        period=period,
        delivery_date=TODAY - timedelta(days=rng.randint(0, 20)) if dated else None,
        delivery_address=deliver_to,
        buyer_reference="04011000-12345-34" if german or peppol or rng.random() < 0.5 else None,
        notes=rng.choice((None, "Thank you & see <you>", "Zeile 1\nZeile 2", "🙂 مرحبا 日本")),
        legal_notes=tuple(rng.sample(_NOTES, rng.randint(0, 3))),
        tax_currency=other,
        attachments=_attachments(rng),
        purchase_order=some(rng, "PO-4711"),
        contract=some(rng, "C-1"),
        project=some(rng, "P-1"),
        sales_order=some(rng, "SO-1"),
        cost_center=some(rng, "4711"),
    )


def some(rng: Random, value: str) -> str | None:
    return value if rng.random() < 0.4 else None


def _buyer_country(rng: Random, here: str, category: str, german: bool) -> str:
    if category in {"AE", "K"}:
        return rng.choice([country for country in ("DE", "FR", "NL") if country != here])
    if category == "G":
        return rng.choice(("US", "JP", "GB"))
    return "DE" if german else rng.choice((here if here in _BUYERS else "FR", *_BUYERS))


def _seller(rng: Random, country: str, peppol: bool) -> Party:
    name, vat_id, registration, address = _SELLERS[country]
    return Party(
        key="demo", name=name, country=country, address=address, vat_id=vat_id, registration=registration,
        email="rechnung@demo.example", phone="+49 30 901820",
        contact=rng.choice((None, "Sam Sommer")),
        tax_number=rng.choice((None, "30/123/45678")),
        legal=rng.choice((None, "Geschäftsführer: Ana Albers")),
        endpoint=Endpoint("0088", "4012345000009") if peppol or rng.random() < 0.3 else None,
    )  # fmt: skip


def _buyer(rng: Random, country: str, peppol: bool) -> Party:
    name, vat_id, address = _BUYERS[country]
    return Party(
        key="globex", name=name, country=country, address=address, vat_id=vat_id,
        registration=rng.choice((None, "HRB 12")),
        email="ap@globex.example",
        endpoint=Endpoint("0088", "4000001123452") if peppol or rng.random() < 0.3 else None,
    )  # fmt: skip


def _line(rng: Random, number: int, taxes: list[tuple[str, Decimal]], currency: str) -> Line:
    category, rate = taxes[(number - 1) % len(taxes)]
    digits = rng.choice((0, 2, 2, 4)) if money.exponent(currency) else rng.choice((0, 2))
    price = Decimal(rng.randint(100, 99_999)).scaleb(-digits)
    quantity = Decimal(rng.choice(("1", "2", "7.5", "0.333", "1000", "12.25")))
    if number > 1 and rng.random() < 0.15:
        quantity = -quantity.min(Decimal("0.1"))  # something taken back, never more than what is billed
    period = Period(date(2026, 10, 5), date(2026, 10, 9)) if rng.random() < 0.2 else None
    return Line(
        id=str(number) if rng.random() < 0.8 else f"A-{number}",
        description=rng.choice(_TEXTS),
        quantity=quantity,
        unit=rng.choice(("C62", "HUR", "DAY", "KGM", "MTR", "LS", "XPK")),
        unit_price=price,
        category=category,
        rate=rate,
        price_base=Decimal(rng.choice(("1", "1", "1", "100", "12"))),
        item=rng.choice((None, "SKU-1")),
        period=period,
        adjustments=tuple(_adjustment(rng, currency, small=True) for _ in range(rng.choice((0, 0, 1, 2)))),
        order_line=rng.choice((None, "10")),
        cost_center=rng.choice((None, "4711")),
    )


def _adjustment(rng: Random, currency: str, small: bool, **tax: Any) -> AllowanceCharge:
    reason = rng.choice(("Treuerabatt", "Freight & packing", "値引き"))
    is_charge = rng.random() < 0.5
    if rng.random() < 0.5:
        return AllowanceCharge(reason, is_charge, percent=Decimal(rng.choice(("5", "2.5", "33.33"))), **tax)
    return AllowanceCharge(reason, is_charge, amount=rng.randint(1, 99 if small else 500), **tax)


def _document_adjustments(rng: Random, taxes: list[tuple[str, Decimal]], currency: str) -> tuple[AllowanceCharge, ...]:
    return tuple(
        _adjustment(rng, currency, small=False, category=category, rate=rate)
        for category, rate in (rng.choice(taxes) for _ in range(rng.choice((0, 0, 1, 2))))
    )


def _attachments(rng: Random) -> tuple[Attachment, ...]:
    known = (Attachment("hours.pdf", "file-1"), Attachment("hours.csv", "file-2"), Attachment("raw.json", "file-3"))
    return known[: rng.choice((0, 0, 0, 1, 2, 3))]


if __name__ == "__main__":
    from adapters.einvoices import write

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for number, scenario in enumerate(scenarios()):
        (folder / f"{number:03d}-{scenario.document.profile}.xml").write_bytes(write(scenario.document, FILES))
