"""The EPC code. EPC069-12, with the elements of its example: service tag, version, character set, identification, BIC,
name, IBAN, amount, purpose (none), creditor reference."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader
from segno import helpers

from adapters.documents import epc
from adapters.documents.sheet import Sheet
from adapters.documents.typst import TypstDocuments
from domain.einvoice import DueView
from domain.parts import Bank
from tests.adapters.documents.sample import DOCUMENT, SELLER, figures

TYPST = TypstDocuments()


def test_its_text_is_that_of_the_guidelines() -> None:
    seller = replace(SELLER, name="Red Cross of Belgium")
    bank = Bank("BE72 0000 0000 1616", "BPOTBEB1")
    document = replace(DOCUMENT, seller=seller, banks=(bank,), dues=(DueView(date(2026, 2, 4), 100),))
    assert epc.payload(document) == (
        "BCD\n002\n1\nSCT\nBPOTBEB1\nRed Cross of Belgium\nBE72000000001616\nEUR1.00\n\nRF18539007547034"
    )


def test_another_implementation_makes_the_same_text() -> None:
    text = epc.payload(replace(DOCUMENT, banks=(Bank("DE02120300000000202051", None, "Nordlicht Süd"),)))
    other = helpers.make_epc_qr(
        name="Nordlicht Süd", iban="DE02120300000000202051", amount=Decimal("1785.71"),
        reference="RF18539007547034", encoding="utf-8",
    )  # fmt: skip
    picture = io.BytesIO()
    other.save(picture, kind="png", scale=4)
    read = zxingcpp.read_barcode(Image.open(picture).convert("L"))
    assert read is not None
    assert read.text == text


def test_the_picture_in_the_pdf_is_read_by_another_implementation() -> None:
    modules = drawn(TYPST.paper(DOCUMENT))
    picture = Image.new("L", (len(modules) + 8, len(modules) + 8), 255)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            picture.putpixel((x + 4, y + 4), 0 if dark else 255)
    read = zxingcpp.read_barcode(picture.resize((picture.width * 4, picture.height * 4)))
    assert read is not None
    assert (read.text, read.ec_level) == (epc.payload(DOCUMENT), "M")


def test_it_is_read_out() -> None:
    (said,) = figures(TYPST.paper(DOCUMENT))
    for text in ("SEPA-Überweisung", "1.785,71", "DE02", "BYLADEM1001", "RF18539007547034"):
        assert text in said


def test_of_several_dues_it_carries_the_first() -> None:
    dues = (DueView(date(2026, 3, 4), 78571), DueView(date(2026, 2, 4), 100000))
    text = epc.payload(replace(DOCUMENT, dues=dues))
    assert text is not None
    assert "\nEUR1000.00\n" in text
    assert Sheet(replace(DOCUMENT, dues=dues)).content()["payment"]["code"]["label"].endswith("1.000,00\u00a0€")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "credit_note"}, {"currency": "USD"}, {"currency": "JPY"}, {"banks": ()}, {"banks": (Bank(" "),)},
        {"banks": (Bank("DE03120300000000202051"),)},
        {"banks": (Bank("DE02120300000000202051", "BYLADEM"),)}, {"payment_reference": None},
        {"payment_reference": "RF19539007547034"}, {"dues": (DueView(date(2026, 2, 4), 0),)},
        {"dues": (DueView(date(2026, 2, 4), epc.MOST + 1),)},
    ],
)  # fmt: skip
def test_there_is_none_where_it_cannot_say_it(change: dict[str, Any]) -> None:
    document = replace(DOCUMENT, **change)
    assert epc.payload(document) is None
    assert figures(TYPST.paper(document)) == []


@pytest.mark.parametrize(("amount", "written"), [(1, "EUR0.01"), (epc.MOST, "EUR999999999.99"), (2000, "EUR20.00")])
def test_amounts_to_the_guidelines_bounds(amount: int, written: str) -> None:
    text = epc.payload(replace(DOCUMENT, dues=(DueView(date(2026, 2, 4), amount),)))
    assert text is not None
    assert text.split("\n")[7] == written


@pytest.mark.parametrize("name", ["N" * 200, "ü" * 200, "株" * 200, "😀" * 200, "a\nb"])
def test_any_payee_fits(name: str) -> None:
    text = epc.payload(replace(DOCUMENT, banks=(Bank("DE02120300000000202051", "BYLADEM1001", name),)))
    assert text is not None
    assert len(text.encode()) <= 331
    assert len(text.split("\n")) == 10
    assert 1 <= len(text.split("\n")[5]) <= 70
    assert epc.svg(text) == epc.svg(text)


def drawn(pdf: bytes) -> list[list[bool]]:
    """The modules of the one picture on the first page, by the strokes that draw them; its quiet zone is taken off."""
    contents = PdfReader(io.BytesIO(pdf)).pages[0].get_contents()
    assert contents is not None
    picture = contents.get_data().decode("latin-1").partition("/Alt<")[2].partition("EMC")[0]
    strokes = [tuple(map(float, s)) for s in re.findall(r"([\d.]+) ([\d.]+) m\s+([\d.]+) ([\d.]+) l", picture)]
    rows = [(x, y, to) for x, y, to, also in strokes if y == also and y % 1 == 0.5]
    size = int(max(to for _, _, to in rows)) - 4
    grid = [[False] * size for _ in range(size)]
    for x, y, to in rows:
        for at in range(int(x), int(to)):
            grid[int(y) - 4][at - 4] = True
    return grid
