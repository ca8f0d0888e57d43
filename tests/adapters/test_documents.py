"""Documents: what stands on paper is what the model says, and the archive gives back what it was given."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import segno
from pypdf import PdfReader
from segno import helpers

from adapters.documents import epc
from adapters.documents.archive import Archive
from adapters.documents.sheet import Sheet
from adapters.documents.typst import TypstDocuments
from domain.einvoice import DiscountView, DueView, EInvoice
from domain.errors import Conflict, NotFound, Unavailable
from domain.parts import (
    Address,
    AllowanceCharge,
    Bank,
    Line,
    Party,
    Period,
    Preceding,
    TaxCurrency,
    TaxSubtotal,
    Totals,
)

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


@pytest.fixture(scope="module")
def typst() -> TypstDocuments:
    return TypstDocuments()


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


class TestPaper:
    @pytest.mark.parametrize("language", ["de", "en"])
    @pytest.mark.parametrize("kind", ["invoice", "prepayment", "credit_note"])
    def test_every_string_of_the_model_is_on_paper(self, typst: TypstDocuments, kind: str, language: str) -> None:
        document = replace(DOCUMENT, kind=kind, language=language, preceding=(Preceding("RE-1", date(2025, 12, 1)),))
        content = Sheet(document).content()
        shown = squeezed("".join(pages(typst.paper(document))))
        unprinted = {content.pop("lang"), content["payment"].pop("dues_label")}
        if kind != "credit_note":
            code = content["payment"]["code"]
            assert "RF18539007547034" in code.pop("alt")
            assert code.pop("svg").startswith("<svg")
        for text in strings(content):
            assert squeezed(text) in shown, text
        assert len(unprinted) == 2

    def test_amounts_dates_and_names_in_german(self, typst: TypstDocuments) -> None:
        shown = squeezed("".join(pages(typst.paper(DOCUMENT))))
        for text in (
            "Rechnung RE-2026-0042", "5. Januar 2026", "Zahlbar bis 4. Februar 2026", "4500017",
            "01.01.2026 bis 31.01.2026", "Globex & Söhne #emph[GmbH]", "Ring 1", "Stiege 2", "1010 Wien",
            "Österreich", "ATU12345678", 'Beratung "Januar" $x$ <b> \\ @ref', "12,5 Std.", "120,00",
            "1.500,00",
            LONG, "12,3456", "je 1.000 kg", "Artikel A-77", "Treue (1,9 %): −0,23", "Projektrabatt −100,00",
            "USt. 19 % auf 1.412,12 268,30", "USt. 7 % auf 98,40 6,89", "Gesamtbetrag EUR 1.785,71",
            "DE02 1203 0000 0000 2020 51", "RF18539007547034", "Seite 1 von 1",
            "2 % Skonto bei Zahlung bis 15. Januar 2026: 1.750,00 €", "DE136695976", "HRB 12345",
        ):  # fmt: skip
            assert squeezed(text) in shown, text

    @pytest.mark.parametrize(("currency", "total"), [("JPY", "178.571"), ("EUR", "1.785,71"), ("KWD", "178,571")])
    def test_decimals_of_the_currency(self, currency: str, total: str) -> None:
        assert Sheet(replace(DOCUMENT, currency=currency)).content()["total"] == (
            f"Gesamtbetrag {currency}",
            total,
        )

    def test_a_category_without_tax_says_why(self, typst: TypstDocuments) -> None:
        breakdown = (
            TaxSubtotal("AE", Decimal(0), 9840, 0),
            TaxSubtotal("E", Decimal(0), 5, 0, "§ 4 Nr. 21 UStG"),
        )
        shown = squeezed("".join(pages(typst.paper(replace(DOCUMENT, breakdown=breakdown)))))
        assert squeezed("Steuerschuldnerschaft des Leistungsempfängers") in shown
        assert squeezed("E: § 4 Nr. 21 UStG") in shown

    def test_several_dues_are_a_schedule(self, typst: TypstDocuments) -> None:
        dues = (DueView(date(2026, 2, 4), 100000), DueView(date(2026, 3, 4), 78571))
        shown = squeezed("".join(pages(typst.paper(replace(DOCUMENT, dues=dues)))))
        assert squeezed("Zahlungsplan 4. Februar 2026 1.000,00 € 4. März 2026 785,71 €") in shown
        assert "Zahlbarbis" not in shown

    def test_tax_in_the_sellers_currency(self) -> None:
        other = TaxCurrency("CHF", Decimal("0.9321"), date(2026, 1, 2), "EZB")
        content = Sheet(replace(DOCUMENT, tax_currency=other, converted_tax=25650)).content()
        assert content["remarks"] == ["Umsatzsteuer in CHF (1 EUR = 0,9321 CHF, 2. Januar 2026, EZB): 256,50"]

    def test_a_credit_note_asks_for_no_money(self, typst: TypstDocuments) -> None:
        document = replace(DOCUMENT, kind="credit_note", preceding=(Preceding("RE-1", date(2025, 12, 1)),))
        shown = squeezed("".join(pages(typst.paper(document))))
        assert squeezed("korrigiert die Rechnung RE-1 vom 1. Dezember 2025") in shown
        for text in ("IBAN", "Skonto", "RF18539007547034"):
            assert text not in shown

    def test_without_period_or_delivery_the_issue_date_is_the_date_of_supply(self) -> None:
        assert ("Leistungsdatum", "5. Januar 2026") in Sheet(replace(DOCUMENT, period=None)).content()["meta"]

    def test_control_characters_and_direction_overrides_go(self) -> None:
        line = replace(LINES[0], description="a\x00b\u202ec\r\n\td")
        assert Sheet(replace(DOCUMENT, lines=(line,))).content()["lines"][0]["description"] == "a b c d"


class TestPdf:
    def test_equal_input_gives_equal_bytes(self, typst: TypstDocuments) -> None:
        first = typst.paper(DOCUMENT)
        assert typst.paper(replace(DOCUMENT)) == first == TypstDocuments().paper(DOCUMENT)
        assert typst.paper(replace(DOCUMENT, number="RE-2026-0043")) != first

    def test_metadata_comes_from_the_document(self, typst: TypstDocuments) -> None:
        reader = PdfReader(io.BytesIO(typst.paper(DOCUMENT)))
        assert reader.metadata is not None
        assert reader.metadata.title == "Rechnung RE-2026-0042"
        assert reader.metadata.author == "Nordlicht Studio GmbH"
        assert reader.metadata.creation_date is not None
        assert reader.metadata.creation_date.date() == DOCUMENT.issued_on
        xmp = reader.xmp_metadata
        assert xmp is not None
        assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in xmp.stream.get_data()
        root: Any = reader.trailer["/Root"]
        assert root["/Lang"] == "de"

    def test_fonts_are_embedded(self, typst: TypstDocuments) -> None:
        reader = PdfReader(io.BytesIO(typst.paper(DOCUMENT)))
        objects: list[Any] = [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]
        found = [item for item in objects if isinstance(item, dict) and item.get("/Type") == "/FontDescriptor"]
        assert len(found) >= 2
        for descriptor in found:
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)

    def test_fifty_pages_repeat_the_head_and_count(self, typst: TypstDocuments) -> None:
        many = tuple(replace(LINES[index % 2], id=str(index + 1)) for index in range(2000))
        shown = pages(typst.paper(replace(DOCUMENT, lines=many)))
        assert len(shown) >= 50
        for index, page in enumerate(shown, 1):
            assert squeezed(f"Seite {index} von {len(shown)}") in squeezed(page)
            assert "RE-2026-0042" in page
        assert all("Einzelpreis" in page for page in shown[:-1])
        assert "Gesamtbetrag" in "".join(shown[-2:])

    @pytest.mark.parametrize("name", ["株式会社", "😀 GmbH", "Привет Ελλάδα", "\ue000", "\u200b"])
    def test_any_letter_gives_a_document(self, typst: TypstDocuments, name: str) -> None:
        assert typst.paper(replace(DOCUMENT, customer=replace(CUSTOMER, name=name))).startswith(b"%PDF")

    def test_words_without_spaces_stay_in_their_column(self, typst: TypstDocuments) -> None:
        line = replace(LINES[0], description="W" * 2000)
        rows = "\n".join(pages(typst.paper(replace(DOCUMENT, lines=(line,))))).splitlines()
        wide = [row.count("W") for row in rows if "WW" in row]
        assert sum(wide) == 2000
        # 9.5 pt type, a column of less than 110 mm: no row can hold more than 40 of the widest letter.
        assert max(wide) <= 40

    def test_threads_share_it(self, typst: TypstDocuments) -> None:
        expected, got = typst.paper(DOCUMENT), []
        threads = [threading.Thread(target=lambda: got.append(typst.paper(DOCUMENT))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [expected] * 4


class TestCode:
    """EPC069-12, with the elements of its example: service tag, version, character set, identification, BIC, name,
    IBAN, amount, purpose (none), creditor reference."""

    def test_its_text_is_that_of_the_guidelines(self) -> None:
        seller = replace(SELLER, name="Red Cross of Belgium")
        bank = Bank("BE72 0000 0000 1616", "BPOTBEB1")
        document = replace(DOCUMENT, seller=seller, banks=(bank,), dues=(DueView(date(2026, 2, 4), 100),))
        assert epc.payload(document) == (
            "BCD\n002\n1\nSCT\nBPOTBEB1\nRed Cross of Belgium\nBE72000000001616\nEUR1.00\n\nRF18539007547034"
        )

    def test_another_implementation_makes_the_same_code(self) -> None:
        text = epc.payload(replace(DOCUMENT, banks=(Bank("DE02120300000000202051", None, "Nordlicht Süd"),)))
        assert text is not None
        other = helpers.make_epc_qr(
            name="Nordlicht Süd", iban="DE02120300000000202051", amount=Decimal("1785.71"),
            reference="RF18539007547034", encoding="utf-8",
        )  # fmt: skip
        picture = io.BytesIO()
        other.save(picture, kind="svg", xmldecl=False)
        assert epc.svg(text) == picture.getvalue().decode()

    def test_the_picture_in_the_pdf_is_the_code(self, typst: TypstDocuments) -> None:
        text = epc.payload(DOCUMENT)
        assert text is not None
        code = segno.make_qr(text, error="m", boost_error=False, encoding="utf-8")
        assert drawn(typst.paper(DOCUMENT)) == [[module == 1 for module in row] for row in code.matrix]
        assert int(code.version) <= 13

    def test_it_is_read_out_and_the_standards_stay(self, typst: TypstDocuments) -> None:
        reader = PdfReader(io.BytesIO(typst.paper(DOCUMENT)))
        found = [item for item in objects(reader) if isinstance(item, dict) and item.get("/S") == "/Figure"]
        assert len(found) == 1
        for text in ("SEPA-Überweisung", "1.785,71", "DE02", "BYLADEM1001", "RF18539007547034"):
            assert text in found[0]["/Alt"]
        assert reader.xmp_metadata is not None
        xmp = reader.xmp_metadata.stream.get_data()
        for declared in (b"pdfaid:part>3<", b"pdfaid:conformance>A<", b"pdfuaid:part>1<"):
            assert declared in xmp

    def test_of_several_dues_it_carries_the_first(self) -> None:
        dues = (DueView(date(2026, 3, 4), 78571), DueView(date(2026, 2, 4), 100000))
        text = epc.payload(replace(DOCUMENT, dues=dues))
        assert text is not None
        assert "\nEUR1000.00\n" in text
        assert Sheet(replace(DOCUMENT, dues=dues)).content()["payment"]["code"]["label"].endswith("1.000,00\u00a0€")

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": "credit_note"}, {"currency": "USD"}, {"currency": "JPY"}, {"banks": ()}, {"banks": (Bank(" "),)},
            {"banks": (Bank("DE02120300000000202051", "BYLADEM"),)}, {"payment_reference": None},
            {"payment_reference": "RF19539007547034"}, {"dues": (DueView(date(2026, 2, 4), 0),)},
            {"dues": (DueView(date(2026, 2, 4), epc.MOST + 1),)},
        ],
    )  # fmt: skip
    def test_there_is_none_where_it_cannot_say_it(self, typst: TypstDocuments, change: dict[str, Any]) -> None:
        document = replace(DOCUMENT, **change)
        assert epc.payload(document) is None
        assert not [i for i in objects(PdfReader(io.BytesIO(typst.paper(document)))) if "/Figure" in str(i)]

    @pytest.mark.parametrize(("amount", "written"), [(1, "EUR0.01"), (epc.MOST, "EUR999999999.99"), (2000, "EUR20.00")])
    def test_amounts_to_the_guidelines_bounds(self, amount: int, written: str) -> None:
        text = epc.payload(replace(DOCUMENT, dues=(DueView(date(2026, 2, 4), amount),)))
        assert text is not None
        assert text.split("\n")[7] == written

    @pytest.mark.parametrize("name", ["N" * 200, "ü" * 200, "株" * 200, "😀" * 200, "a\nb"])
    def test_any_payee_fits(self, name: str) -> None:
        text = epc.payload(replace(DOCUMENT, banks=(Bank("DE02120300000000202051", "BYLADEM1001", name),)))
        assert text is not None
        assert len(text.encode()) <= 331
        assert len(text.split("\n")) == 10
        assert 1 <= len(text.split("\n")[5]) <= 70
        assert epc.svg(text) == epc.svg(text)


def objects(reader: PdfReader) -> list[Any]:
    return [reader.get_object(number) for number in range(1, len(reader.xref[0]) + 1)]


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


class TestArchive:
    def test_gives_back_what_it_was_given(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path / "archive")
        key = archive.put(b"%PDF-1.7", "pdf")
        assert key == "sha256:" + sha256(b"%PDF-1.7").hexdigest()
        assert archive.get(key) == b"%PDF-1.7"
        assert archive.path(key) == tmp_path / "archive" / f"{key.removeprefix('sha256:')}.pdf"
        assert archive.get(archive.put(b"<x/>", "xml")) == b"<x/>"

    def test_the_same_content_is_written_once(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path)
        before = archive.path(archive.put(b"a", "pdf")).stat()
        after = archive.path(archive.put(b"a", "pdf")).stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        assert len(list(tmp_path.iterdir())) == 1

    def test_rot_is_seen_and_healed_by_the_true_content(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path)
        key = archive.put(b"content", "pdf")
        path = archive.path(key)
        path.chmod(0o644)
        path.write_bytes(b"Content")
        with pytest.raises(Conflict, match=key):
            archive.get(key)
        archive.put(b"content", "pdf")
        assert archive.get(key) == b"content"

    @pytest.mark.parametrize("key", ["", "sha256:", "sha256:" + "0" * 64, "sha256:../../etc/passwd", "../x"])
    def test_what_was_never_stored_is_not_found(self, tmp_path: Path, key: str) -> None:
        with pytest.raises(NotFound):
            Archive(tmp_path).get(key)

    def test_suffixes_are_a_closed_list(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="pdf, xml"):
            Archive(tmp_path).put(b"a", "html")

    def test_a_full_disk_leaves_no_half_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            Archive(tmp_path).put(b"a", "pdf")
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()
        assert Archive(tmp_path).put(b"a", "pdf")

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(Unavailable):
            Archive(tmp_path / "file").put(b"a", "pdf")
