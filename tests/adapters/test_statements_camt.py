"""camt.053: files as banks write them, and files that nobody should be able to do harm with."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.standins import bank
from adapters.statements import limits, read
from domain.errors import Invalid
from domain.statements import Line, keyed
from tests.domain.bank_lines import line, statement, statements

SAMPLES = Path(__file__).parent / "statements"
VERSIONS = ("001.02", "001.03", "001.04", "001.06", "001.07", "001.08", "001.10", "001.13")
DAY = date(2026, 2, 2)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def lines_of(name: str) -> tuple[Line, ...]:
    [found] = read(SAMPLES / name)
    return found.lines


def refusal(data: bytes | Path) -> str:
    with pytest.raises(Invalid) as refused:
        read(data, "camt")
    text = str(refused.value)
    assert "\n" not in text
    return text


def changed(name: str, old: str, new: str) -> bytes:
    data = sample(name).decode()
    assert old in data
    return data.replace(old, new, 1).encode()


def test_a_german_statement_of_the_old_version_is_read():
    [found] = read(SAMPLES / "german_02.xml")
    assert (found.account, found.currency, found.id, found.number) == (
        "DE89370400440532013000", "EUR", "0532026011519300401", "10",
    )  # fmt: skip
    assert (found.opening, found.closing, found.opened_on, found.closed_on) == (
        10000_00, 11586_49, date(2026, 1, 14), date(2026, 1, 15),
    )  # fmt: skip
    assert found.created_at == datetime(2026, 1, 15, 18, 30, 4, tzinfo=UTC)
    assert (found.format, found.pending) == ("camt.053.001.02", 2)
    assert [(entry.amount, entry.bank_reference) for entry in found.lines] == [
        (1785_00, "2026011512345678000"), (-98_51, "2026011598765432000"), (-100_00, ""),
    ]  # fmt: skip


def test_a_transfer_says_who_paid_and_what_for():
    paid = lines_of("german_02.xml")[0]
    assert (paid.name, paid.iban, paid.end_to_end, paid.text) == (
        "Müller & Söhne Maschinenbau KG", "DE02120300000000202051", "",
        "Rechnung RE-2026-00017\nvom 02.01.2026, vielen Dank",
    )  # fmt: skip
    assert (paid.booked_on, paid.value_on, paid.return_code, paid.reversal) == (
        date(2026, 1, 15), date(2026, 1, 15), "", False,
    )  # fmt: skip


def test_a_returned_debit_names_its_reason_its_debtor_and_the_fee_withheld():
    back = lines_of("german_02.xml")[1]
    assert (back.return_code, back.end_to_end, back.name) == ("AM04", "DUELY-ORD-1042-1", "Erika Mustermann")
    assert (back.amount, back.charges, back.amount + back.charges) == (-98_51, 3_31, -95_20)


def test_a_return_of_more_than_was_instructed_has_the_banks_fee_inside():
    data = sample("german_02.xml").replace(b"Chrgs>", b"Elsewhere>")
    back = read(data)[0].lines[1]
    assert (back.amount, back.charges, back.return_code) == (-98_51, 3_31, "AM04")
    own = read(data.replace(b"RtrInf>", b"Elsewhere>").replace(b"NRTI+109", b"NTRF+177"))[0].lines[1]
    assert (own.amount, own.charges, own.return_code) == (-98_51, 0, "")


def test_a_reversed_credit_takes_money_away():
    undone = lines_of("german_02.xml")[2]
    assert (undone.amount, undone.reversal, undone.text) == (-100_00, True, "STORNO Gutschrift vom 14.01.2026")


def test_a_batch_is_split_and_its_returns_have_their_own_reasons():
    found = lines_of("batch_08.xml")
    assert [(part.amount, part.name, part.end_to_end) for part in found[:3]] == [
        (100_00, "Alba Ltd", "DUELY-ORD-1-1"), (200_00, "Boreal GmbH", "DUELY-ORD-2-1"),
        (300_00, "Cirrus SA", "DUELY-ORD-3-1"),
    ]  # fmt: skip
    assert [(part.amount, part.return_code, part.charges, part.name, part.iban) for part in found[3:5]] == [
        (-103_80, "AM04", 3_80, "Delta KG", "DE02100500000054540402"),
        (-200_00, "MD06", 0, "Epsilon AG", "DE02300209000106531065"),
    ]  # fmt: skip
    assert len({part.batch for part in found[:3]}) == len({part.batch for part in found[3:5]}) == 1


def test_structured_remittance_gives_its_reference_and_keeps_every_other_number():
    paid = lines_of("batch_08.xml")[5]
    assert paid.reference == "RF11DEMORE202617"
    assert paid.text == "RE-2026-00017 RF81DEMORE202618 RE-2026-00018 less 2 % discount"
    assert (paid.booked_on, paid.value_on) == (DAY, date(2026, 2, 3))
    assert (paid.amount, paid.charges, paid.amount + paid.charges) == (2096_50, 3_50, 2100_00)


def test_a_batch_that_does_not_sum_is_one_line_with_all_its_words():
    mixed = lines_of("batch_08.xml")[6]
    assert (mixed.amount, mixed.text, mixed.batch) == (100_00, "first part second part", mixed.key)


@pytest.mark.parametrize(("said", "several"), [("1", False), ("2", True), ("9" * 9999, False), ("\u0663", False)])
def test_a_batch_that_says_more_transactions_than_it_tells_is_several(said, several):
    batch = f"<NtryDtls><Btch><NbOfTxs>{said}</NbOfTxs></Btch>"
    paid = read(changed("german_02.xml", "<NtryDtls>", batch))[0].lines[0]
    assert (paid.batch == paid.key, paid.iban == "") == (several, several)
    assert paid.key == lines_of("german_02.xml")[0].key
    # without any transaction told, and told in several groups
    bare = f"<NtryDtls><Btch><NbOfTxs>{said}</NbOfTxs></Btch></NtryDtls><NtryDtls>"
    paid = read(changed("german_02.xml", "<NtryDtls>", bare))[0].lines[0]
    assert (paid.batch == paid.key) == several


@pytest.mark.parametrize(
    ("borne", "included", "kept"),
    [("DEBT", "", 0), ("CRED", "", 5_00), ("SHAR", "", 5_00), ("DEBT", "<ChrgInclInd>true</ChrgInclInd>", 5_00)],
)
def test_charges_that_the_payer_bears_are_withheld_from_nobody(borne, included, kept):
    charges = f'<Chrgs><Amt Ccy="EUR">5.00</Amt>{included}<Br>{borne}</Br></Chrgs><RltdPties>'
    assert read(changed("german_02.xml", "<RltdPties>", charges))[0].lines[0].charges == kept


def test_an_overdrawn_account_opens_below_zero():
    [found] = read(SAMPLES / "batch_08.xml")
    assert (found.opening, found.closing) == (-150_00, 2342_70)


def test_a_swiss_statement_with_a_prefix_whole_francs_and_qr_references_is_read():
    [found] = read(SAMPLES / "swiss_08.xml")
    assert (found.account, found.currency, found.closing) == ("CH9300762011623852957", "CHF", 5000_00)
    assert found.created_at == datetime(2026, 3, 31, 23, 10, 2, tzinfo=UTC)
    assert [(part.reference, part.name, part.bank_reference, part.charges) for part in found.lines] == [
        ("210000000003139471430009017", "Pia Rutschmann", "CHQ-0001", 0),
        ("210000000003139471430009025", "Gemeinde Zürich", "CHQ-0002", 0),
    ]  # fmt: skip
    assert found.lines[0].text == "Auftrag vom 15.03.2026"


@settings(max_examples=60)
@given(statements(), st.sampled_from(VERSIONS))
def test_what_a_bank_writes_is_read_again_in_every_version(made, version):
    [found] = read(bank.camt053(made, version))
    assert found.format == f"camt.053.{version}"
    assert found.lines == made.lines
    assert (found.opening, found.closing, found.pending, found.created_at) == (
        made.opening, made.closing, made.pending, made.created_at,
    )  # fmt: skip


def test_a_name_or_text_without_end_is_cut_and_cleaned():
    [made] = keyed([statement([line(name="N" * 500, text="word\u202e " * 2000)])])
    [found] = read(bank.camt053(made))[0].lines
    assert (len(found.name), len(found.text)) == (140, 1999)
    assert "\u202e" not in found.text


def test_pages_are_read_by_their_interim_balances():
    data = changed("swiss_08.xml", "<ns2:Cd>OPBD", "<ns2:Cd>ITBD").replace(b"<ns2:Cd>CLBD", b"<ns2:Cd>ITBD")
    [found] = read(data)
    assert (found.opening, found.closing) == (501_05, 5000_00)


@pytest.mark.parametrize("namespace", ["", ' xmlns="urn:swift:xsd:camt.053.001.08"'])
def test_a_file_without_the_namespace_of_the_standard_is_read_by_local_names(namespace):
    data = changed("batch_08.xml", ' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', namespace)
    assert [found.key for found in read(data)[0].lines] == [found.key for found in lines_of("batch_08.xml")]


def test_an_envelope_around_the_document_is_looked_through():
    inner = sample("batch_08.xml").partition(b"?>")[2]
    data = b"<BizMsgEnvlp><AppHdr><Document/></AppHdr>" + inner + b"</BizMsgEnvlp>"
    assert len(read(data)[0].lines) == 7


def test_utf_16_is_read_as_declared():
    data = sample("german_02.xml").decode().replace("UTF-8", "UTF-16").encode("utf-16")
    assert read(data)[0].lines == lines_of("german_02.xml")


def test_our_own_account_is_never_the_other_side():
    # some banks name the parties of a return by its own direction: we are the debtor then
    data = changed("german_02.xml", "<Nm>Erika Mustermann</Nm>", "<Nm>Nordlicht</Nm>").decode()
    data = data.replace("<IBAN>DE02500105170137075030</IBAN>", "<IBAN>DE89370400440532013000</IBAN>")
    head, mark, rest = data.rpartition("<Cdtr><Nm>Nordlicht Studio GmbH</Nm></Cdtr>")
    back = read(f"{head}{mark.replace('Nordlicht Studio GmbH', 'Erika Mustermann')}{rest}".encode())[0].lines[1]
    assert (back.name, back.iban) == ("Erika Mustermann", "")


def test_transactions_outside_of_an_entrys_details_are_not_its_parts():
    stray = '<SplmtryData><Envlp><TxDtls><Amt Ccy="EUR">1.00</Amt></TxDtls></Envlp></SplmtryData></Ntry>'
    assert read(changed("german_02.xml", "</Ntry>", stray))[0].lines == lines_of("german_02.xml")


def test_a_return_without_a_code_is_known_as_one():
    data = changed("german_02.xml", "<Rsn><Cd>AM04</Cd></Rsn>", "")
    assert read(data)[0].lines[1].return_code == "MS03"


@pytest.mark.parametrize("family", ["RRTN", "RPCR", "UPDD", "RCDD", "PRDD", "UPCQ"])
def test_what_the_standard_calls_a_return_is_one_without_any_reason(family):
    assert lines_of("german_02.xml")[0].return_code == ""
    assert read(changed("german_02.xml", "ESCT", family))[0].lines[0].return_code == "MS03"


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('<Amt Ccy="EUR">1785.00</Amt>', "", "Stmt[1]/Ntry[1]/Amt: is missing"),
        ('<Amt Ccy="EUR">98.51</Amt>', '<Amt Ccy="EUR">98.511</Amt>', "Stmt[1]/Ntry[2]/Amt: EUR has 2 decimals"),
        ('<Amt Ccy="EUR">98.51</Amt>', '<Amt Ccy="EUR">-98.51</Amt>', "Stmt[1]/Ntry[2]/Amt: is negative"),
        ('<Amt Ccy="EUR">98.51</Amt>', '<Amt Ccy="EUR">9e1</Amt>', "Stmt[1]/Ntry[2]/Amt: must be a plain decimal"),
        ('<Amt Ccy="EUR">98.51</Amt>', '<Amt Ccy="XXY">98.51</Amt>', "Stmt[1]/Ntry[2]/Amt/@Ccy: 'XXY' is not a curr"),
        ('<Amt Ccy="EUR">98.51</Amt>', "<Amt>98.51</Amt>", "Stmt[1]/Ntry[2]/Amt/@Ccy: '' is not a currency"),
        ("<CdtDbtInd>DBIT</CdtDbtInd>\n        <RvslInd>", "<RvslInd>", "Stmt[1]/Ntry[3]/CdtDbtInd: is missing"),
        ("<Sts>BOOK</Sts>", "", "Stmt[1]/Ntry[1]/Sts: is missing"),
        ("<BookgDt><Dt>2026-01-15", "<BookgDt><Dt>15.01.2026", "Stmt[1]/Ntry[1]/BookgDt/Dt: must be a date"),
        ("<BookgDt><Dt>2026-01-15", "<BookgDt><Dt>0001-01-01", "not a plausible date"),
        ("<IBAN>DE89370400440532013000</IBAN>", "", "Stmt[1]/Acct/Id: "),
        ("<Cd>PRCD</Cd>", "<Cd>FWAV</Cd>", "Stmt[1]/Bal: the opening balance (OPBD or PRCD) is missing"),
        ("<Cd>CLBD</Cd>", "<Cd>FWAV</Cd>", "Stmt[1]/Bal: the closing balance (CLBD) is missing"),
        ("<Ccy>EUR</Ccy>", "<Ccy>USD</Ccy>", "Stmt[1]/Bal: is not in the account's currency"),
        ("<Id>0532026011519300401</Id>", "", "Stmt[1]/Id: is missing"),
        ('<Amt Ccy="EUR">11586.49</Amt>', '<Amt Ccy="EUR">11586.50</Amt>', "0532026011519300401 does not add up"),
        ('<Amt Ccy="EUR">1785.00</Amt>', '<Amt Ccy="EUR">1785.01</Amt>', "does not add up"),
        ('<Amt Ccy="EUR">1785.00</Amt>', '<Amt Ccy="USD">1785.00</Amt>', "lines[0].currency: is in USD"),
        ("camt.053.001.02", "camt.053.001.02&bad;", "no well-formed XML"),
        ("<BkToCstmrStmt>", "<BkToCstmrAcctRpt>", "is a camt.052"),
        ("<BkToCstmrStmt>", "<BkToCstmrDbtCdtNtfctn>", "is a camt.054"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(old, new, path):
    assert path in refusal(changed("german_02.xml", old, new))


def test_zeros_beyond_the_currencys_decimals_say_nothing():
    [made] = keyed([statement([line(amount=500, currency="JPY")], opening=0, currency="JPY")])
    data = bank.camt053(made).replace(b">500<", b">500.00<")
    assert read(data)[0].lines == made.lines


@given(st.integers(1, len(sample("german_02.xml").rstrip()) - 1))
def test_a_file_cut_off_anywhere_is_refused(at):
    assert refusal(sample("german_02.xml")[:at])


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE Document [<!ENTITY % x SYSTEM "http://127.0.0.1:9/evil.dtd"> %x;]>',
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + "]>",
    ],
)  # fmt: skip
def test_a_doctype_is_refused_before_it_does_anything(declaration):
    head, _, body = sample("german_02.xml").decode().partition("?>")
    for name in "xi":
        data = f"{head}?>{declaration}{body}".replace("GUTSCHRIFT", f"&{name};")
        assert "has a DOCTYPE, which no bank" in refusal(data.encode())
        attribute = data.replace("<BkToCstmrStmt>", f'<BkToCstmrStmt a="&{name};">')
        assert "has a DOCTYPE, which no bank" in refusal(attribute.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_found_wherever_it_hides(encoding):
    head, _, body = sample("german_02.xml").decode().partition("?>")
    head = head.replace("UTF-8", encoding)
    for before in ("", " " * 100_000, "<!-- <a> -->", f"<!--{'x' * 100_000}-->"):
        assert "has a DOCTYPE, which no bank" in refusal(
            f"{head}?>{before}<!DOCTYPE Document [<!ENTITY x 'y'>]>{body}".encode(encoding)
        )


@pytest.mark.parametrize(
    "data",
    [
        sample("german_02.xml").decode().encode("latin-1"),
        sample("german_02.xml").replace(b"UTF-8", b"UTF-16"),
        sample("german_02.xml").replace(b"UTF-8", b"X-SECRET-9"),
    ],
)  # fmt: skip
def test_another_encoding_than_declared_is_refused(data):
    assert "no well-formed XML" in refusal(data)


def test_other_xml_is_refused():
    assert "has no statement" in refusal(b"<rss><channel/></rss>")
    assert "has no statement" in refusal(b"<Document><BkToCstmrStmt><GrpHdr/></BkToCstmrStmt></Document>")


def test_a_desert_of_empty_elements_is_refused_before_it_fills_the_memory():
    head, _, rest = sample("batch_08.xml").partition(b"<NtryDtls>")
    desert = b"<a/>" * (1100 * 1024)
    for data in (head + b"<NtryDtls>" + desert + rest, b"<Document>" + desert + b"</Document>"):
        assert "4 MiB without one entry" in refusal(data)


def test_junk_between_entries_is_thrown_away():
    head, mark, rest = sample("batch_08.xml").partition(b"<TxDtls>")
    junk = b"<a><b/></a>" * 100
    data = head + (b"<TxDtls/>" + junk) * 50 + mark + rest.replace(b"<Ntry>", junk + b"<Ntry>")
    found = read(data)[0].lines
    # the batch has fifty parts more, which say nothing: it does not sum any more
    assert [kept.amount for kept in found] == [600_00, -103_80, -200_00, 2096_50, 100_00]


def test_a_file_of_200_mb_is_refused_without_being_read(tmp_path):
    large = tmp_path / "large.xml"
    with large.open("wb") as file:
        file.write(b"<Document>")
        file.truncate(200 * 1000 * 1000)
    tracemalloc.start()
    try:
        assert refusal(large) == "file: has 190 MiB, at most 64 MiB are read; ask for shorter periods, or split it"
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_more_bytes_than_allowed_are_refused():
    assert "at most 64 MiB" in refusal(bytes(limits.MAX_BYTES + 1))
