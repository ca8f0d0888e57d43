"""What was written is read back as it was, and what is no invoice of ours is refused by name."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pikepdf
import pytest
from lxml import etree

from adapters.einvoices import MAX_BYTES, read, write
from adapters.einvoices.comparable import comparable
from domain.document import compute
from domain.einvoice import EInvoice, freeze
from domain.errors import Invalid
from domain.parts import Note, Preceding
from tests.domain.test_document import full
from tests.scenarios import FILES, LANGUAGES, XML_PROFILES, scenarios

SYNTAXES = ("facturx", "en16931-ubl")
SUMS = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/SpecifiedTradeSettlementHeaderMonetarySummation"


def document(profile: str = "facturx") -> EInvoice:
    frozen = freeze(replace(full(), attachments=()), number="RE-1", issued_on=date(2026, 11, 3))
    return replace(frozen, profile=profile)


def xml(profile: str = "facturx") -> bytes:
    return write(document(profile))


def refused(data: bytes, name: str = "bill.xml") -> list[str]:
    with pytest.raises(Invalid) as caught:
        read(data, name)
    return [str(problem) for problem in caught.value.problems]


def pdf(data: bytes, name: str = "factur-x.xml") -> bytes:
    made, out = pikepdf.new(), io.BytesIO()
    made.add_blank_page()
    made.attachments[name] = data
    made.save(out)
    return out.getvalue()


def test_every_scenario_is_read_back_as_it_was_written() -> None:
    for each in scenarios(240, seed=9):
        assert read(write(each.document, FILES), each.name) == comparable(each.document), each.name


@pytest.mark.parametrize("profile", XML_PROFILES)
def test_a_document_with_everything_is_read_back(profile: str) -> None:
    assert read(xml(profile), "bill.xml") == comparable(document(profile))


def test_little_is_lost_in_the_profiles_that_say_most() -> None:
    """So that `comparable` cannot hide that nothing arrives."""
    for profile in SYNTAXES:
        found, written = read(xml(profile), "bill.xml"), document(profile)
        assert (found.totals, found.breakdown) == (written.totals, written.breakdown)
        assert [line.net for line in found.lines] == [line.net for line in written.lines]
        assert (found.seller.vat_id, found.customer.name, found.number) == ("DE129273398", "Globex", "RE-1")
        assert (found.buyer_reference, found.purchase_order, found.period) == ("b", "p", written.period)


@pytest.mark.parametrize("name", ["factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "Factur-X.xml"])
def test_the_invoice_inside_a_pdf(name: str) -> None:
    assert read(pdf(xml(), name), "bill.pdf") == comparable(document())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_other_encodings_that_the_file_names(encoding: str) -> None:
    text = xml().decode().replace("encoding='UTF-8'", f"encoding='{encoding}'")
    assert read(text.encode(encoding), "bill.xml") == comparable(document())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "bill.xml: is no well-formed XML (line 1)"),
        (b"<a>", "bill.xml: is no well-formed XML (line 1)"),
        (b"\x00\x01\x02", "bill.xml: is no well-formed XML (line 1)"),
        (b"<a>\xff\xfe</a>", "bill.xml: is no well-formed XML (line 1)"),
        (b"<a>a\x00b</a>", "bill.xml: is no well-formed XML (line 1)"),
        (b"<a/>", "bill.xml: is no invoice"),
        (b"%PDF-1.7 nothing", "bill.xml: is a PDF that cannot be read"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "bill.xml: has a DOCTYPE"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;', "bill.xml: has a DOCTYPE"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "bill.xml: has a DOCTYPE"),
        (" <!DOCTYPE a><a/>".encode("utf-16"), "bill.xml: has a DOCTYPE"),
        (b"<!--" + b"x" * 5000 + b"--><!DOCTYPE a><a/>", "bill.xml: has a DOCTYPE"),
        (b"<a>" * 40 + b"x" + b"</a>" * 40, "bill.xml: is nested more than 32 levels deep"),
        (b"<a>" * 300 + b"x" + b"</a>" * 300, "bill.xml: is no well-formed XML"),
        (b"<a>" + b"<b/>" * 2_000_001 + b"</a>", "bill.xml: has more elements"),
        (b"<a>" + b" " * MAX_BYTES + b"</a>", "bill.xml: is larger than 20 MiB"),
    ],
    ids=range(16),
)
def test_what_is_no_invoice_is_refused(data: bytes, says: str) -> None:
    (problem,) = refused(data)
    assert problem.startswith(says)


def test_a_laughing_pdf_is_not_unpacked() -> None:
    made, out = pikepdf.new(), io.BytesIO()
    made.add_blank_page()
    made.attachments["factur-x.xml"] = b"x"
    stream = made.attachments["factur-x.xml"].get_file().obj
    stream.write(zlib.compress(b" " * (MAX_BYTES + 1)), filter=pikepdf.Name.FlateDecode)
    made.save(out)
    assert refused(out.getvalue(), "bill.pdf") == [
        "bill.pdf (factur-x.xml): is larger than 20 MiB; no invoice is read from it"
    ]


_MEMORY = """
import re, sys
from pathlib import Path
from adapters.einvoices import read
from domain.errors import Invalid
try:
    read(Path(sys.argv[1]).read_bytes(), "bill.pdf")
except Invalid as error:
    print(error)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_a_pdf_whose_own_tables_laugh_is_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(9)
    table = zlib.compress(b"".join(packer.compress(bytes(1 << 20)) for _ in range(500)) + packer.flush(), 9)
    head = b"1 0 obj\n<</Type/XRef/Size 10/W[1 2 1]/Root 2 0 R/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n"
    laughing = b"%PDF-1.7\n" + head % len(table) + table + b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n"
    (tmp_path / "bill.pdf").write_bytes(laughing)
    said = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(tmp_path / "bill.pdf")], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert said[0] == "bill.pdf: is a PDF that cannot be read (PdfError): damaged, or packed too tightly"
    assert int(said[1]) < 300 << 10


def test_a_pdf_without_an_invoice_or_with_a_password() -> None:
    assert refused(pdf(b"<a/>", "other.xml"), "bill.pdf")[0].startswith("bill.pdf: is a PDF without an invoice inside")
    made, out = pikepdf.new(), io.BytesIO()
    made.add_blank_page()
    made.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
    assert refused(out.getvalue(), "bill.pdf") == ["bill.pdf: is locked with a password; send it without"]


@pytest.mark.parametrize("profile", SYNTAXES)
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b">RE-1<", b"><", ["BT-1: is missing, and every invoice has it"]),
        (b">380<", b">326<", ["BT-3: 326 is not read; only 380, 384, 381, 386 are"]),
        (b"urn:cen.eu:en16931:2017", b"urn:other", ["BT-24: urn:other is no specification that follows EN 16931"]),
        (b">316.54<", b">1" + b"0" * 400 + b"<", ["BT-112: must have at most 15 digits before the point"]),
        (b">316.54<", b">316.545<", ["BT-112: EUR has 2 decimals, 316.545 has 3"]),
        (b">316.54<", b">1e3<", ["BT-112: must be a plain decimal"]),
    ],
    ids=["number", "type", "profile", "huge", "decimals", "exponent"],
)
def test_each_term_that_is_wrong_is_named(profile: str, old: bytes, new: bytes, says: list[str]) -> None:
    data = xml(profile)
    assert old in data
    found = refused(data.replace(old, new))
    for wanted in says:
        assert any(problem.startswith(wanted) for problem in found), found


@pytest.mark.parametrize(
    ("profile", "before", "added", "says"),
    [
        (
            "facturx",
            b"<ram:DuePayableAmount>",
            b"<ram:TotalPrepaidAmount>1.00</ram:TotalPrepaidAmount>",
            "BT-113: (an amount already paid) has no place in our documents; leave it out, or enter this one by hand",
        ),
        (
            "en16931-ubl",
            b"<cbc:PayableAmount ",
            b'<cbc:PrepaidAmount currencyID="EUR">1.00</cbc:PrepaidAmount>',
            "BT-113: (an amount already paid) has no place in our documents; leave it out, or enter this one by hand",
        ),
        (
            "en16931-ubl",
            b"<cbc:PayableAmount ",
            b'<cbc:PrepaidAmount currencyID="USD">1.00</cbc:PrepaidAmount>',
            "LegalMonetaryTotal/PrepaidAmount: is no term of EN 16931, or one too many; leave it out",
        ),
        (
            "facturx",
            b"<ram:DuePayableAmount>",
            b"<ram:Surprise>1.00</ram:Surprise>",
            f"{SUMS}/Surprise: is no term of EN 16931, or one too many; leave it out",
        ),
        (
            "facturx",
            b"<ram:DuePayableAmount>",
            b"<ram:DuePayableAmount>1.00</ram:DuePayableAmount>",
            f"{SUMS}/DuePayableAmount: is no term of EN 16931, or one too many; leave it out",
        ),
    ],
    ids=["prepaid CII", "prepaid UBL", "other currency", "unknown", "twice"],
)
def test_nothing_is_dropped_in_silence(profile: str, before: bytes, added: bytes, says: str) -> None:
    data = xml(profile)
    assert data.count(before) == 1
    assert refused(data.replace(before, added + before)) == [says]


def test_every_wrong_term_is_told_at_once() -> None:
    data = xml().replace(b">RE-1<", b"><").replace(b">380<", b">1<").replace(b"20261103", b"20261399")
    found = refused(data)
    assert {problem.partition(":")[0] for problem in found} >= {"BT-1", "BT-2", "BT-3"}


def test_discounts_are_read_from_the_lines_of_xrechnung_and_from_our_own_words() -> None:
    draft = replace(full(), terms="3/7 2/14 net 30", attachments=())
    frozen = freeze(draft, number="1", issued_on=date(2026, 11, 3))
    german = read(write(replace(frozen, profile="xrechnung")), "bill.xml")
    assert german.discounts == frozen.discounts
    assert [note.subject for note in german.legal_notes] == []
    plain = read(write(frozen), "bill.xml")
    assert (plain.discounts, plain.legal_notes) == (frozen.discounts, ())


def test_what_others_add_without_saying_more_is_no_fault() -> None:
    data = xml("en16931-ubl")
    for old, new in (
        (b"<cbc:CustomizationID>", b"<cbc:UBLVersionID>2.1</cbc:UBLVersionID><cbc:CustomizationID>"),
        (b'unitCode="C62"', b'unitCode="C62" unitCodeListID="UNECERec20"'),
        (b"<cbc:InvoiceTypeCode>", b'<cbc:InvoiceTypeCode listID="UNCL1001" name="Invoice">'),
        (b"<cac:TaxCategory><cbc:ID>", b'<cac:TaxCategory><cbc:ID schemeID="UNCL5305">'),
        (b"<cac:TaxScheme><cbc:ID>", b'<cac:TaxScheme><cbc:ID schemeID="UN/ECE 5153" schemeAgencyID="6">'),
    ):
        assert old in data
        data = data.replace(old, new)
    assert read(data, "bill.xml") == comparable(document("en16931-ubl"))


@pytest.mark.parametrize(
    ("profile", "guideline", "read_as"),
    [
        ("facturx", b"urn:cen.eu:en16931:2017#compliant#urn:xoev-de:kosit:standard:xrechnung_2.2", "xrechnung"),
        ("en16931-ubl", b"urn:cen.eu:en16931:2017#compliant#urn:xoev-de:kosit:standard:xrechnung_2.2", "xrechnung-ubl"),
        ("facturx", b"urn:cen.eu:en16931:2017#conformant#urn:factur-x.eu:1p0:extended", "facturx"),
    ],
)
def test_other_specifications_that_follow_the_standard(profile: str, guideline: bytes, read_as: str) -> None:
    data = xml(profile).replace(b">urn:cen.eu:en16931:2017<", b">" + guideline + b"<")
    assert read(data, "bill.xml").profile == read_as


def test_details_of_an_item_join_its_description() -> None:
    name = b"<ram:Name>Work</ram:Name>"
    more = (
        b"<ram:Description>done well</ram:Description><ram:ApplicableProductCharacteristic><ram:Description>Colour"
        b"</ram:Description><ram:Value>red</ram:Value></ram:ApplicableProductCharacteristic>"
    )
    found = read(xml().replace(name, name + more, 1), "bill.xml")
    assert found.lines[0].description == "Work\ndone well\nColour: red"


def test_an_amount_may_have_zeros_beyond_its_currency() -> None:
    assert read(xml().replace(b">316.54<", b">316.5400<"), "bill.xml").totals.total == 31_654


def test_a_subject_of_a_note_survives_ubl() -> None:
    notes = (Note("Escompte : 0 %", "AAB"), Note("#not a code# text"))
    written = replace(document("en16931-ubl"), legal_notes=notes, discounts=())
    assert read(write(written), "bill.xml").legal_notes == notes


def test_more_than_one_earlier_invoice_survives_every_syntax() -> None:
    earlier = (Preceding("A, B", date(2026, 1, 2)), Preceding("C"), Preceding("D, 7", date(2026, 1, 3)))
    for profile in SYNTAXES:
        written = replace(document(profile), preceding=earlier)
        assert read(write(written), "bill.xml").preceding == earlier


def test_the_price_of_a_hundred() -> None:
    line = replace(document().lines[0], price_base=Decimal(100), period=None)
    for profile in SYNTAXES:
        (found, *_) = read(write(replace(document(profile), lines=(line,))), "bill.xml").lines
        assert (found.price_base, found.unit) == (Decimal(100), "C62")


ODD = (
    "",
    "0",
    "-1",
    "1e5",
    "NaN",
    "9" * 400,
    "x" * 3000,
    "2026-13-01",
    "20261301",
    "\u202e",
    "٣",
    "-0",
    " 5 ",
    "ZZ",
    "1.2.3",
)


def test_whatever_is_done_to_a_file_it_is_read_or_refused() -> None:
    """Elements gone, twice, or saying anything; bytes changed, cut and put in."""
    rng = Random(7)
    files = [write(each.document, FILES) for each in scenarios(16, seed=3)]
    tampered = [_tampered(rng, etree.fromstring(rng.choice(files))) for _ in range(300)]
    damaged = [_damaged(rng, rng.choice([*files, pdf(files[0])])) for _ in range(300)]
    read_well = 0
    for data in (*tampered, *damaged):
        with suppress(Invalid):
            read(data, "bill")
            read_well += 1
    assert 0 < read_well < len(tampered)


def _tampered(rng: Random, root: etree._Element) -> bytes:
    for _ in range(rng.randint(1, 4)):
        element = rng.choice(list(root.iter("*")))
        parent = element.getparent()
        if parent is not None and rng.random() < 0.3:
            parent.remove(element)
        elif parent is not None and rng.random() < 0.3:
            parent.append(copy.deepcopy(element))
        elif not len(element):
            element.text = rng.choice(ODD)
    return etree.tostring(root)


def _damaged(rng: Random, data: bytes) -> bytes:
    at, end = sorted(rng.sample(range(len(data)), 2))
    return data[:at] + rng.choice((b"", bytes([rng.randrange(256)]), data[at:end] * 2)) + data[end:]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_discount_in_words_of_ours_is_one_in_each_language(language: str) -> None:
    draft = replace(full(), terms="2.125/10 net 30", attachments=(), language=language)
    frozen = freeze(draft, number="1", issued_on=date(2026, 11, 3))
    assert read(write(frozen), "bill.xml").discounts == frozen.discounts


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("Zahlbar sofort ohne Abzug", None),
        ("Escompte : 0 %. Pénalités de retard : 10 %", None),
        ("Bei Verzug 9 % Zinsen. Kein Skonto", None),
        ("Bis zum 10. Tag Skonto von 1,5 %", "BT-20: is not read: Bis zum 10. Tag"),
        ("#SKONTO#TAGE=10#PROZENT=2.00#BASISBETRAG=50.00#", "BT-20: is not read: #SKONTO#TAGE=10#PROZENT=2.00#BASIS"),
        ("#SKONTO#TAGE=10#PROZENT=2.00#\n#VERZUG#TAGE=1#PROZENT=9.00#", "BT-20: is not read: #VERZUG"),
        ("2 % Skonto in 10 Tagen", "BT-20: is not read: 2 % Skonto"),
        ("2 % Skonto bis 2026-02-31: 1.00 EUR", "BT-20: is not read: 2 % Skonto"),
    ],
)
def test_a_discount_that_is_not_understood_is_a_problem_and_no_note(said: str, problem: str | None) -> None:
    draft = replace(full(), terms="2/10 net 30", attachments=())
    written = write(replace(freeze(draft, number="1", issued_on=date(2026, 11, 3)), profile="xrechnung"))
    changed = written.replace(b"#SKONTO#TAGE=10#PROZENT=2.00#", said.encode())
    if problem is None:
        assert [(note.subject, note.text) for note in read(changed, "bill.xml").legal_notes] == [("AAB", said)]
    else:
        assert refused(changed)[0].startswith(problem)


@pytest.mark.parametrize(("category", "code", "told"), [("E", "VATEX-EU-132-1I", True), ("AE", "VATEX-EU-AE", False)])
def test_the_code_of_a_reason_alone_is_enough_where_it_is_the_category_s_own(
    category: str, code: str, told: bool
) -> None:
    lines = tuple(replace(line, category=category, rate=Decimal(0), reason="why") for line in full().lines)
    draft = compute(replace(full(), lines=lines, adjustments=(), attachments=(), adopted=None))
    coded = f"<ram:ExemptionReasonCode>{code}</ram:ExemptionReasonCode>".encode()
    data = write(freeze(draft, number="1", issued_on=date(2026, 11, 3)))
    own = b"<ram:ExemptionReasonCode>VATEX-EU-AE</ram:ExemptionReasonCode>"
    bare = data.replace(b"<ram:ExemptionReason>why</ram:ExemptionReason>", b"").replace(own, b"")
    place = f"<ram:CategoryCode>{category}</ram:CategoryCode><ram:RateApplicablePercent>".encode()
    head, _, tail = bare.rpartition(place)
    changed = head + place.replace(b"<ram:Rate", coded + b"<ram:Rate") + tail
    if told:
        assert refused(changed) == [
            f"BG-23[1]/BT-121: {code} alone is not taken over; give the reason in words, too (BT-120)"
        ]
    else:
        assert read(changed, "bill.xml").breakdown[0].reason is None
