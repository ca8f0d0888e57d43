"""One document with a bit of everything, and how a test reads a PDF."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from pypdf import PdfReader

from domain.einvoice import DiscountView, DueView, EInvoice
from domain.parts import Address, AllowanceCharge, Bank, Line, Party, Period, TaxSubtotal, Totals

SELLER = Party(
    "demo", "Nordlicht Studio GmbH", "DE", Address("Hafenstraße 12", None, "20457", "Hamburg", None, "DE"),
    "DE136695976", "Amtsgericht Hamburg HRB 12345", "rechnung@nordlicht.example", "+49 30 1234567",
)  # fmt: skip
CUSTOMER = Party(
    "globex", "Globex & Söhne #emph[GmbH]", "AT", Address("Ring 1", "Stiege 2", "1010", "Wien"), "ATU12345678"
)
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenverordnung" * 4
LINES = (
    Line(
        "1", 'Beratung "Januar" $x$ <b> \\ @ref', Decimal("12.5"), "HUR", Decimal("120.00"), "S", Decimal(19),
        net=150000,
    ),
    Line("2", "Bahnfahrt", Decimal(1), "C62", Decimal("98.4"), "S", Decimal(7), net=9840),
    Line(
        "3", LONG, Decimal(1000), "KGM", Decimal("12.3456"), "S", Decimal(19), price_base=Decimal(1000),
        item="A-77", adjustments=(AllowanceCharge("Treue", False, 23, Decimal("1.9")),),
        period=Period(date(2026, 1, 1), date(2026, 1, 31)), net=1212,
    ),
)  # fmt: skip
DOCUMENT = EInvoice(
    kind="invoice",
    number="RE-2026-0042",
    issued_on=date(2026, 1, 5),
    language="de",
    currency="EUR",
    seller=SELLER,
    customer=CUSTOMER,
    lines=LINES,
    adjustments=(AllowanceCharge("Projektrabatt", False, 10000, None, "S", Decimal(19)),),
    breakdown=(TaxSubtotal("S", Decimal(19), 141212, 26830), TaxSubtotal("S", Decimal(7), 9840, 689)),
    totals=Totals(161052, 10000, 0, 151052, 27519, 178571),
    dues=(DueView(date(2026, 2, 4), 178571),),
    discounts=(DiscountView(Decimal(2), date(2026, 1, 15), 175000),),
    banks=(Bank("DE02120300000000202051", "BYLADEM1001"),),
    payment_reference="RF18539007547034",
    notes="Vielen Dank für Ihren Auftrag.",
    period=Period(date(2026, 1, 1), date(2026, 1, 31)),
    purchase_order="4500017",
)


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def squeezed(text: str) -> str:
    """Without blanks, and without the marks that keep text from right to left apart."""
    return re.sub(r"[\s\u2066-\u2069]", "", text)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def objects(pdf: bytes) -> list[Any]:
    reader = PdfReader(io.BytesIO(pdf))
    return [reader.get_object(number) for number in range(1, int(str(reader.trailer["/Size"])))]


def figures(pdf: bytes) -> list[str]:
    """What is read out in place of each picture."""
    found = [item for item in objects(pdf) if isinstance(item, dict) and item.get("/S") == "/Figure"]
    return [str(item["/Alt"]) for item in found]
