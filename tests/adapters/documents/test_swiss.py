"""The Swiss payment part, against the guidelines' own layout of the code's text (chapter 4.2.2)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import page
import pytest
import segno
import zxingcpp
from PIL import Image, ImageDraw

from adapters.documents import swiss
from adapters.documents.typst import TypstDocuments
from adapters.documents.words import Words
from domain.einvoice import DueView
from domain.parts import Address, Bank, Payee
from tests.adapters.documents.sample import CUSTOMER, DOCUMENT, SELLER, figures, pages, squeezed

TYPST = TypstDocuments()
ALPS = replace(
    SELLER, name="Alpenglühen AG", country="CH", address=Address("Bahnhofstrasse 12a", None, "8001", "Zürich")
)
BUYER = replace(CUSTOMER, name="Pia Rütli", country="CH", address=Address("Marktgasse 28", None, "9400", "Rorschach"))
BILL = replace(
    DOCUMENT, seller=ALPS, customer=BUYER, currency="CHF", banks=(Bank("CH93 0076 2011 6238 5295 7"),),
    dues=(DueView(date(2026, 2, 4), 194975),),
)  # fmt: skip


def test_the_text_of_the_code_is_that_of_the_guidelines() -> None:
    slip = swiss.slip(BILL)
    assert slip is not None
    assert slip.payload().split("\n") == [
        "SPC", "0200", "1", "CH9300762011623852957",
        "S", "Alpenglühen AG", "Bahnhofstrasse", "12a", "8001", "Zürich", "CH",
        *[""] * 7,
        "1949.75", "CHF",
        "S", "Pia Rütli", "Marktgasse", "28", "9400", "Rorschach", "CH",
        "SCOR", "RF18539007547034", "RE-2026-0042", "EPD",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("de", "Zahlteil"),
        ("fr", "Section paiement"),
        ("it", "Sezione pagamento"),
        ("en", "Payment part"),
        ("pl", "Payment part"),
    ],
)
def test_it_stands_on_a_page_of_its_own_in_the_readers_language(language: str, title: str) -> None:
    pdf = TYPST.paper(replace(BILL, language=language))
    for profile in ("3a", "ua1"):
        assert page.validate_pdf_bytes(pdf, profile=profile).failures == []
    slip = squeezed(pages(pdf)[-1])
    for text in (title, "CH9300762011623852957", "RF18539007547034", "1 949.75", "CHF", "Pia Rütli", "Marktgasse 28"):
        assert squeezed(text) in slip, text
    (said,) = figures(pdf)
    assert "RF18539007547034" in said


def test_without_a_whole_address_the_debtor_is_written_in_by_hand() -> None:
    document = replace(BILL, customer=replace(BUYER, address=Address()))
    slip = swiss.slip(document)
    assert slip is not None
    assert slip.debtor is None
    assert slip.payload().split("\n")[20:27] == [""] * 7
    assert squeezed("Zahlbar durch (Name/Adresse)") in squeezed(pages(TYPST.paper(document))[-1])


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "credit_note"}, {"currency": "USD"}, {"banks": ()}, {"banks": (Bank("DE02120300000000202051"),)},
        {"banks": (Bank("CH9400762011623852957"),)}, {"banks": (Bank("CH4431999123000889012"),)},
        {"payment_reference": None}, {"payment_reference": "210000000003139471430009017"},
        {"seller": replace(ALPS, address=Address("Bahnhofstrasse 1"))}, {"dues": (DueView(date(2026, 2, 4), 0),)},
        {"dues": (DueView(date(2026, 2, 4), swiss.MOST + 1),)}, {"currency": "EUR", "customer": CUSTOMER},
    ],
)  # fmt: skip
def test_there_is_none_where_the_guidelines_allow_none(change: dict[str, Any]) -> None:
    """CH44 3199 9123 0008 8901 2 is the guidelines' own QR-IBAN."""
    assert swiss.slip(replace(BILL, **change)) is None


def test_in_euro_it_takes_the_place_of_the_european_code() -> None:
    assert len(figures(TYPST.paper(replace(BILL, currency="EUR")))) == 1


def test_letters_and_lengths_are_those_of_the_guidelines() -> None:
    name = "株式 Ştefan Ǖ " + "x" * 100
    slip = swiss.slip(replace(BILL, customer=replace(BUYER, name=name), payee=Payee("Factoring AG")))
    assert slip is not None
    assert slip.debtor is not None
    assert slip.debtor.name == ("Ştefan U " + "x" * 100)[:70]
    assert slip.creditor.name == "Factoring AG"


def test_the_code_is_read_with_the_cross_upon_it() -> None:
    slip = swiss.slip(BILL)
    assert slip is not None
    svg = swiss.content(slip, Words("de", "CHF"))["svg"]
    code = re.search(r'viewBox="0 0 (\d+)', svg)
    cross = re.search(r"translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)", svg)
    assert code is not None
    assert cross is not None
    side, (left, top, scale) = int(code[1]), map(float, cross.groups())
    assert (left, top) == (side / 2, side / 2)
    picture = Image.new("L", (side + 8, side + 8), 255)
    for y, row in enumerate(
        segno.make_qr(slip.payload(), error="m", boost_error=False, encoding="utf-8", mask=3).matrix
    ):
        for x, dark in enumerate(row):
            picture.putpixel((x + 4, y + 4), 0 if dark else 255)
    picture = picture.resize((picture.width * 8, picture.height * 8))
    half, middle = 3.5 * scale * 8, (side / 2 + 4) * 8
    ImageDraw.Draw(picture).rectangle((middle - half, middle - half, middle + half, middle + half), fill=0)
    read = zxingcpp.read_barcode(picture)
    assert read is not None
    assert read.text == slip.payload()
