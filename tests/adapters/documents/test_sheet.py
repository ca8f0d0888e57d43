"""What stands on paper is what the model says, in the words of its language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters import formats
from adapters.documents.sheet import Sheet
from adapters.documents.typst import TypstDocuments
from domain.einvoice import DueView, EInvoice
from domain.parts import Address, AllowanceCharge, Attachment, Bank, Note, Payee, Preceding, TaxCurrency, TaxSubtotal
from tests.adapters.documents.sample import CUSTOMER, DOCUMENT, LINES, LONG, SELLER, pages, squeezed, strings

TYPST = TypstDocuments()
KINDS = ("invoice", "corrected", "prepayment", "credit_note")
FULL = replace(
    DOCUMENT,
    seller=replace(SELLER, contact="Anna Behrens", tax_number="12/345/67890", legal="Geschäftsführerin: F. Licht"),
    customer=replace(CUSTOMER, contact="z. Hd. Karl Ötzi"),
    banks=(*DOCUMENT.banks, Bank("AT611904300234573201", "BKAUATWW", "Nordlicht Wien")),
    payee=Payee("Factoring Nord AG", "F-77", "HRB 9"),
    dues=(DueView(date(2026, 2, 4), 100000), DueView(date(2026, 3, 4), 78575)),
    totals=replace(DOCUMENT.totals, rounding=4),
    legal_notes=(Note("Es gilt das Recht von Hamburg."), Note("Erste Zeile\nZweite Zeile", "AAI")),
    delivery_address=Address("Lager 3", None, "4020", "Linz", None, "AT"),
    delivery_date=date(2026, 1, 3),
    cost_center="KST 4711", buyer_reference="991-12345-06", contract="V-9", project="P-1", sales_order="A-2",
    reference="UP-3", attachments=(Attachment("Leistungsnachweis.pdf", "key"),),
    lines=(replace(LINES[0], cost_center="KST 9", order_line="7"), *LINES[1:]),
    preceding=(Preceding("RE-1", date(2025, 12, 1)), Preceding("RE-2")),
    tax_currency=TaxCurrency("CHF", Decimal("0.9321"), date(2026, 1, 2), "EZB"), converted_tax=25650,
    breakdown=(*DOCUMENT.breakdown, TaxSubtotal("AE", Decimal(0), 5, 0)),
)  # fmt: skip


def shown(document: EInvoice) -> str:
    return squeezed("".join(pages(TYPST.paper(document, files={"key": b"%PDF-"}))))


def content(**change: Any) -> dict[str, Any]:
    return Sheet(replace(DOCUMENT, **change)).content()


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_string_is_on_paper(kind: str, language: str) -> None:
    document = replace(FULL, kind=kind, language=language)
    texts = Sheet(document).content()
    del texts["style"], texts["payment"]["code"]
    on_paper = shown(document)
    for text in strings(texts):
        assert squeezed(text) in on_paper, text


UNPRINTED = frozenset(
    "kind language profile customer_kind category unit file subject country tax_name tax_basis revenue".split()
)
"""Codes that are written out in words, and what is nobody's business but ours."""


def model_strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from model_strings(item)
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in UNPRINTED:
                yield from model_strings(getattr(value, field.name))


def test_every_string_of_the_model_is_on_paper() -> None:
    on_paper = shown(replace(FULL, language="en"))
    found = set(model_strings(FULL)) - {FULL.seller.key}
    assert len(found) >= 50
    assert [text for text in found if not all(squeezed(row) in on_paper for row in text.splitlines())] == []


def test_amounts_dates_and_names_in_german() -> None:
    on_paper = shown(DOCUMENT)
    for text in (
        "Rechnung RE-2026-0042", "5. Januar 2026", "Zahlbar bis 4. Februar 2026", "4500017",
        "01.01.2026 bis 31.01.2026", "Globex & Söhne #emph[GmbH]", "Ring 1", "Stiege 2", "1010 Wien", "Österreich",
        "ATU12345678", 'Beratung "Januar" $x$ <b> \\ @ref', "12,5 Std.", "120,00", "1.500,00", LONG, "12,3456",
        "je 1.000 kg", "Artikel A-77", "Treue (1,9 %): −0,23", "Projektrabatt −100,00",
        "USt. 19 % auf 1.412,12 268,30", "USt. 7 % auf 98,40 6,89", "Gesamtbetrag EUR 1.785,71",
        "DE02 1203 0000 0000 2020 51", "RF18539007547034", "Seite 1 von 1",
        "2 % Skonto bei Zahlung bis 15. Januar 2026: 1.750,00 €", "DE136695976", "HRB 12345",
    ):  # fmt: skip
        assert squeezed(text) in on_paper, text


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["Total EUR 1,785.71", "VAT 19% on 1,412.12", "5 January 2026", "Payment due 4 February 2026"]),
        ("fr", ["Total TTC EUR 1 785,71", "TVA 19 % sur 1 412,12", "5 janvier 2026", "Échéance 4 février 2026"]),
        ("es", ["Total EUR 1.785,71", "IVA 19 % sobre 1.412,12", "5 de enero de 2026", "Vencimiento"]),
        ("nl", ["Totaal inclusief btw EUR 1.785,71", "Btw 19% over 1.412,12", "5 januari 2026", "Vervaldatum"]),
        ("it", ["Totale EUR 1.785,71", "IVA 19% su 1.412,12", "5 gennaio 2026", "Scadenza 4 febbraio 2026"]),
        ("pl", ["Razem brutto EUR 1 785,71", "VAT 19% od 1 412,12", "5 stycznia 2026", "Termin płatności"]),
    ],
)
def test_each_language_writes_as_its_readers_do(language: str, texts: list[str]) -> None:
    on_paper = shown(replace(DOCUMENT, language=language))
    for text in texts:
        assert squeezed(text) in on_paper, text


@pytest.mark.parametrize(("currency", "total"), [("JPY", "178.571"), ("EUR", "1.785,71"), ("KWD", "178,571")])
def test_decimals_of_the_currency(currency: str, total: str) -> None:
    assert content(currency=currency)["total"] == [f"Gesamtbetrag {currency}", total]


def test_rounding_stands_between_total_and_what_is_payable() -> None:
    totals = replace(DOCUMENT.totals, rounding=-1)
    assert content(totals=totals)["after_total"] == [["Rundung", "-0,01"], ["Zahlbetrag EUR", "1.785,70"]]
    assert content()["after_total"] == []
    credit = content(totals=totals, kind="credit_note")
    assert (credit["total"][0], credit["after_total"][1][0]) == ("Gesamtbetrag EUR", "Gutgeschriebener Betrag EUR")


def test_a_category_without_tax_says_why() -> None:
    rows = (TaxSubtotal("AE", Decimal(0), 9840, 0), TaxSubtotal("E", Decimal(0), 5, 0, "§ 4 Nr. 21 UStG"))
    assert content(breakdown=rows)["remarks"] == [
        "AE: Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge)", "E: § 4 Nr. 21 UStG",
    ]  # fmt: skip


def test_several_dues_are_a_schedule() -> None:
    on_paper = shown(replace(DOCUMENT, dues=(DueView(date(2026, 2, 4), 100000), DueView(date(2026, 3, 4), 78571))))
    assert squeezed("Zahlungsplan 4. Februar 2026 1.000,00 € 4. März 2026 785,71 €") in on_paper
    assert "Zahlbarbis" not in on_paper


def test_tax_in_the_sellers_currency() -> None:
    other = TaxCurrency("CHF", Decimal("0.9321"), date(2026, 1, 2), "EZB")
    assert content(tax_currency=other, converted_tax=25650)["remarks"] == [
        "Umsatzsteuer in CHF (1 EUR = 0,9321 CHF, 2. Januar 2026, EZB): 256,50"
    ]


def test_a_credit_note_asks_for_no_money() -> None:
    on_paper = shown(replace(DOCUMENT, kind="credit_note", preceding=(Preceding("RE-1", date(2025, 12, 1)),)))
    assert squeezed("korrigiert die Rechnung RE-1 vom 1. Dezember 2025") in on_paper
    for text in ("IBAN", "Skonto", "RF18539007547034"):
        assert text not in on_paper


def test_another_payee_holds_the_account() -> None:
    rows = content(payee=Payee("Factoring Nord AG", "F-77"))["payment"]["rows"]
    assert [label for label, _ in rows[:2]] == ["Zahlungsempfänger", "IBAN"]
    assert rows[0][1] == "Factoring Nord AG (F-77)"


def test_every_further_account_is_named() -> None:
    banks = (*DOCUMENT.banks, Bank("AT611904300234573201", "BKAUATWW", "Wien"), Bank("CH9300762011623852957"))
    rows = content(banks=banks)["payment"]["rows"]
    assert [value.replace("\u00a0", " ") for label, value in rows if label == "Oder auf"] == [
        "AT61 1904 3002 3457 3201 · BKAUATWW · Wien", "CH93 0076 2011 6238 5295 7",
    ]  # fmt: skip


def test_no_day_of_supply_stands_where_the_document_names_none() -> None:
    assert "Leistungsdatum" not in {label for label, _ in content(period=None, kind="prepayment")["meta"]}


def test_control_characters_and_direction_overrides_go() -> None:
    line = replace(LINES[0], description="a\x00b\u202ec\r\n\td\ufffe")
    assert content(lines=(line,))["lines"][0]["description"] == "a b c d□"


def test_fifty_pages_repeat_the_head_and_count() -> None:
    high = replace(LINES[0], adjustments=(AllowanceCharge("Treue", False, 1),) * 20)
    many = tuple(replace(high, id=str(index + 1)) for index in range(150))
    on_paper = pages(TYPST.paper(replace(DOCUMENT, lines=many)))
    assert len(on_paper) >= 50
    for index, page in enumerate(on_paper, 1):
        assert squeezed(f"Seite {index} von {len(on_paper)}") in squeezed(page)
        assert "RE-2026-0042" in page
    assert all("Einzelpreis" in page for page in on_paper[:-1])
    assert "Gesamtbetrag" in "".join(on_paper[-2:])


def test_words_without_spaces_stay_in_their_column() -> None:
    line = replace(LINES[0], description="W" * 2000)
    rows = "\n".join(pages(TYPST.paper(replace(DOCUMENT, lines=(line,))))).splitlines()
    wide = [row.count("W") for row in rows if "WW" in row]
    assert sum(wide) == 2000
    # 9 pt type, a column of less than 110 mm: no row can hold more than 45 of the widest letter.
    assert max(wide) <= 45


def test_a_text_higher_than_a_page_goes_on_on_the_next() -> None:
    text = "".join(f"Satz{number}. " for number in range(900))
    on_paper = pages(TYPST.paper(replace(DOCUMENT, lines=(replace(LINES[0], description=text),), notes=None)))
    assert len(on_paper) >= 3
    assert "Satz0." in on_paper[0]
    for number in range(900):
        assert f"Satz{number}." in "".join(on_paper)
