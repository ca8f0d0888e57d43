"""Whatever comes as a bank file is read or refused with one kind of error; MT940 and CSV as banks write them."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.standins import bank
from adapters.statements import FORMATS, read
from adapters.statements.columns import ColumnMap
from domain.errors import Invalid
from domain.matching import Credit, Matcher, OpenItem, Unclear
from domain.statements import Line, Statement, keyed, repeated
from tests.domain.bank_lines import ACCOUNT, entries, line, plain, statement, statements

SAMPLES = Path(__file__).parent / "statements"
GERMAN = (SAMPLES / "german.sta").read_bytes()
EVERY = [path.read_bytes() for path in sorted(SAMPLES.iterdir())]
SIMPLE = ColumnMap(account=ACCOUNT)


def refusal(data: bytes | Path, kind: str | None = None, columns: ColumnMap | None = SIMPLE) -> str:
    with pytest.raises(Invalid) as refused:
        read(data, kind, columns)
    return str(refused.value)


def mt940(body: str, opening: str = "C260114EUR0,00", closing: str = "C260115EUR0,00") -> Statement:
    data = f":20:X\n:25:{ACCOUNT}\n:28C:1/1\n:60F:{opening}\n{body}\n:62F:{closing}\n-"
    [found] = read(data.encode())
    return found


def one(body: str, amount: str) -> Line:
    sign, digits = ("D", amount[1:]) if amount.startswith("-") else ("C", amount)
    [found] = mt940(body, closing=f"{sign}260115EUR{digits}").lines
    return found


def csv_of(
    *rows: str, header: str = "booked_on,amount,currency,name,iban,text,reference,end_to_end,bank_reference"
) -> bytes:
    return "\r\n".join([header, *rows, ""]).encode()


# MT940


def test_a_german_mt940_is_read_page_by_page():
    first, second = read(GERMAN)
    assert (first.account, second.account) == (ACCOUNT, ACCOUNT)
    assert (first.id, first.number, first.format) == ("STARTUMSE", "00010/001", "MT940")
    assert (first.opening, first.closing, second.opening, second.closing) == (10000_00, 11586_49, 11586_49, 11599_99)
    assert (first.opened_on, first.closed_on) == (date(2026, 1, 14), date(2026, 1, 15))
    assert first.created_at == datetime(2026, 1, 15, 23, 59, 59, tzinfo=UTC)


def test_the_fields_of_a_german_mt940_are_put_together_again():
    paid, back, undone = read(GERMAN)[0].lines
    assert (paid.name, paid.iban) == ("Müller & Söhne Maschinenbau KG", "DE02120300000000202051")
    assert paid.text == "Rechnung RE-2026-00017 vom 02.01.2026, vielen Dank für die schnelle Lieferung"
    assert (back.amount, back.return_code, back.charges, back.end_to_end) == (-98_51, "AM04", 3_31, "DUELY-ORD-1042-1")
    assert back.text == "RUECKLASTSCHRIFT AM04 MANGELS DECKUNG RE-2025-00981"
    assert (back.booked_on, back.value_on) == (date(2026, 1, 15), date(2026, 1, 13))
    assert (undone.amount, undone.reversal, undone.text) == (-100_00, True, "Gutschrift vom 14.01.2026")


def test_a_long_end_to_end_id_has_no_seam_and_no_blank():
    fee, paid = read(GERMAN)[1].lines
    assert fee.text == "Kontofuehrung\n01.12.2025 bis 31.12.2025"
    assert (paid.end_to_end, paid.bank_reference, paid.iban) == ("2026-AP-000000000000001234567890", "PN 4711", "")
    assert paid.text == "RF11 DEMO RE20 2617"


def test_the_same_movement_has_the_same_key_in_camt_and_mt940():
    camt, swift = read(SAMPLES / "german_02.xml")[0].lines, read(GERMAN)[0].lines
    assert [found.key for found in camt[:2]] == [found.key for found in swift[:2]]


@settings(max_examples=60)
@given(statements(plain, structured=False))
def test_what_a_bank_writes_as_mt940_has_the_keys_of_its_camt(made):
    [found] = read(bank.mt940(made))
    known, batches = {kept.key for kept in made.lines}, {kept.batch for kept in made.lines}
    for kept in found.lines:
        if kept.bank_reference:
            assert repeated(kept, known, batches)
    if not batches - {""}:
        assert [(k.amount, k.booked_on, k.name, k.iban, k.end_to_end, k.reversal) for k in found.lines] == [
            (k.amount, k.booked_on, k.name, k.iban, k.end_to_end, k.reversal) for k in made.lines
        ]
        assert [k.text for k in found.lines if not k.return_code] == [
            k.text or "UEBERWEISUNG" for k in made.lines if not k.return_code
        ]


@pytest.mark.parametrize(
    ("mark", "amount"), [("C", 5_00), ("D", -5_00), ("RC", -5_00), ("RD", 5_00), ("CR", 5_00), ("DR", -5_00)]
)  # fmt: skip
def test_marks_give_the_direction_in_which_money_moved(mark, amount):
    found = one(f":61:260115{mark}5,NTRFNONREF", "5,00" if amount > 0 else "-5,00")
    assert (found.amount, found.reversal) == (amount, mark.startswith("R"))


@pytest.mark.parametrize(
    ("dates", "booked_on"),
    [
        ("2512301230", date(2025, 12, 30)), ("2512300102", date(2026, 1, 2)), ("2601021230", date(2025, 12, 30)),
        ("2511200103", date(2026, 1, 3)), ("260115", date(2026, 1, 15)), ("260115    ", date(2026, 1, 15)),
    ],
)  # fmt: skip
def test_an_entry_date_is_in_the_year_next_to_the_value_date(dates, booked_on):
    assert one(f":61:{dates}C5,00NTRFNONREF", "5,00").booked_on == booked_on


@pytest.mark.parametrize(
    ("field", "account"),
    [
        (ACCOUNT, ACCOUNT), (f"{ACCOUNT}EUR", ACCOUNT), (f"COBADEFFXXX/{ACCOUNT}", ACCOUNT),
        ("37040044/0532013000", ACCOUNT), ("37040044/532013000EUR", ACCOUNT), ("1234 567-A", "1234567-A"),
    ],
)  # fmt: skip
def test_an_account_is_its_iban_where_it_has_one(field, account):
    data = f":20:X\n:25:{field}\n:28C:1\n:60F:C260114EUR0,\n:62F:C260115EUR0,\n-"
    assert read(data.encode())[0].account == account


@pytest.mark.parametrize(
    ("field", "hour"), [("2601152005+0100", 19), ("2601152005-0330", 23), ("2601152005", 20), ("today", 23)]
)  # fmt: skip
def test_a_statement_has_the_time_it_says_or_the_end_of_its_day(field, hour):
    data = f":20:X\n:25:{ACCOUNT}\n:13D:{field}\n:60F:C260114EUR0,\n:62F:C260115EUR0,\n-"
    created = read(data.encode())[0].created_at
    assert (created.date(), created.hour, created.tzinfo) == (date(2026, 1, 15), hour, UTC)


def test_a_field_after_the_closing_balance_is_no_movements_text():
    body = ":61:260115C5,00NTRFNONREF\n:86:166?00G?20SVWZ+RE-1"
    data = f":20:X\n:25:{ACCOUNT}\n:60F:C260114EUR0,\n{body}\n:62F:C260115EUR5,\n:64:C260115EUR5,\n:86:SVWZ+RE-2\n-"
    assert read(data.encode())[0].lines[0].text == "RE-1"


def test_a_movement_without_a_field_86_has_its_supplementary_details():
    assert one(":61:260115C5,00NTRFNONREF//B1\nRE-7 paid", "5,00").text == "RE-7 paid"


def test_charges_told_by_swift_codes_are_read_in_the_accounts_currency():
    assert one(":61:260115C96,50NTRFNONREF//B1\n/OCMT/EUR100,00//CHGS/EUR3,50/", "96,50").charges == 3_50
    assert one(":61:260115C96,50NTRFNONREF//B1\n/OCMT/USD100,00//CHGS/USD3,50/", "96,50").charges == 0


def test_a_long_bank_reference_is_not_cut():
    found = one(":61:260115C5,00NTRFCUSTOMER-REFERENCE-OF-30-CHARS//2026011512345678901234567890", "5,00")
    assert found.bank_reference == "2026011512345678901234567890"


def test_a_payer_cannot_replace_the_banks_own_words():
    found = one(":61:260115C5,00NTRFNONREF\n:86:166?20EREF+TRUE-1?21SVWZ+EREF+FALSE-1 EREF+FALSE-2", "5,00")
    assert found.end_to_end == "TRUE-1"
    assert "FALSE-2" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "500-12 RE-2026-00017 thanks",
        "808/2026 Rechnung 17",
        "100.00 EUR RE-17",
        "Zahlung\n-\nRE-2026-00017",
        "166 00 20",
    ],
)
def test_a_text_that_looks_like_a_structure_or_an_end_is_kept_whole(text):
    assert one(f":61:260115C5,00NTRFNONREF\n:86:{text}", "5,00").text == text


@pytest.mark.parametrize("mark", "?+/-")
def test_a_structure_has_any_mark(mark):
    field = f"166{mark}00GUTSCHRIFT{mark}20RE-2026-00017{mark}32GLOBEX".replace("RE-2026-", "RE 2026 ")
    found = one(f":61:260115C5,00NTRFNONREF\n:86:{field}", "5,00")
    assert (found.text, found.name) == ("RE 2026 00017", "GLOBEX")


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("/EREF/NOTPROVIDED//CNTP/NL91ABNA0417164300/ABNANL2A/J. Jansen BV///REMI/USTD//RE-1/", "J. Jansen BV"),
        ("/TRTP/SEPA OVERBOEKING/IBAN/NL91ABNA0417164300/NAME/J JANSEN BV\n/REMI/FACTUUR RE-1", "J JANSEN BV"),
        ("/TRTP/SEPA OVERBOEKING/REMI/RE-1 /NAME/GLOBEX", ""),
        ("paid by /NAME/GLOBEX", ""),
    ],
)
def test_a_dutch_bank_says_who_paid_and_the_payer_cannot(field, name):
    found = one(f":61:260115C5,00NTRFNONREF\n:86:{field}", "5,00")
    assert (found.name, found.iban, "RE-1" in found.text or "GLOBEX" in found.text) == (name, "", True)


def test_a_dispute_known_by_the_german_key_is_named():
    assert one(":61:260115D5,00NRTINONREF\n:86:109?00RETOURE?34912", "-5,00").return_code == "MD06"
    assert one(":61:260115D5,00NRTINONREF\n:86:109?00RETOURE?34993", "-5,00").return_code == "MS03"


def test_a_return_of_a_dutch_bank_is_known_by_its_word():
    found = one(":61:260115D5,00N247NONREF\n:86:/TRTP/SEPA INCASSO STORNO/RTRN/MD06/REMI/RE-7", "-5,00")
    assert found.return_code == "MD06"
    assert one(":61:260115D5,00N247NONREF\n:86:/TRTP/SEPA INCASSO/REMI/RTRN", "-5,00").return_code == ""


@given(st.integers(1, len(GERMAN) - 1))
def test_an_mt940_cut_off_gives_whole_statements_or_none(at):
    whole = read(GERMAN)
    try:
        found = read(GERMAN[:at], "mt940")
    except Invalid:
        return
    assert found == whole[: len(found)]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("11586,49\r\n:64", "11586,50\r\n:64", "does not add up"),
        (":62F:C260115EUR11586,49\r\n", "", "statement[1]/:62F:: the balance is missing"),
        (":60F:C260114EUR", ":60F:C260114XXY", "XXY"),
        (":61:2601150115CR1785,00", ":61:2601150115CR17x5,00", "statement[1]/:61:[1]: cannot be read"),
        (":61:2601150115CR1785,00", ":61:2613150115CR1785,00", "statement[1]/:61:[1]: cannot be read"),
        (":25:37040044/0532013000EUR\r\n", "", ":25:: the account is missing"),
        ("GUTSCHRIFT", "GUT\0SCHRIFT", "NUL"),
    ],
)  # fmt: skip
def test_a_fault_in_an_mt940_is_named_with_its_place(old, new, fault):
    data = GERMAN.decode("cp1252")
    assert old in data
    assert fault in refusal(data.replace(old, new, 1).encode("cp1252"), "mt940")


def test_what_cannot_be_read_is_not_logged_by_the_library(caplog):
    caplog.set_level(logging.DEBUG)
    refusal(GERMAN.replace(b":61:2601150115CR1785,00", b":61:Mustermann"))
    assert caplog.text == ""


def test_a_text_that_names_a_file_is_not_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ":20:").write_bytes(GERMAN)
    assert "balance is missing" in refusal(b":20:STARTUMS")


def test_a_number_that_a_line_has_torn_is_not_the_shorter_one():
    """35 characters a line, as many payers' programs write: 17 and 171 are both open."""
    text = "Unsere Zahlung, Rechnung RE-2026-17\n1 vom 07.01.2026"
    swift = one(f":61:260115C500,00NTRFNONREF\n:86:{text}", "500,00")
    camt = bank.camt053(keyed([statement([replace(swift, text="@")])])[0]).decode()
    pieces = text.replace("\n", "</Ustrd><Ustrd>")
    [same] = read(camt.replace("<Ustrd>@</Ustrd>", f"<Ustrd>{pieces}</Ustrd>").encode())[0].lines
    assert swift.text == same.text == text
    items = [
        OpenItem(
            invoice=number, customer=number, number=number, references=(), currency="EUR", open=open_, payable=open_,
            due_on=date(2026, 1, 5), names=(number,),
        )
        for number, open_ in (("RE-2026-17", 119_00), ("RE-2026-171", 500_00))
    ]  # fmt: skip
    credit = Credit(key=swift.key, amount=swift.amount, currency="EUR", booked_on=swift.booked_on, text=swift.text)
    assert isinstance(Matcher(items, {}).match(credit), Unclear)


# CSV


@settings(max_examples=60)
@given(statements(structured=False))
def test_what_a_bank_writes_as_csv_is_read_again(made):
    single = [replace(kept, batch="") for kept in made.lines if kept.batch == ""]
    if not single:
        return
    [found] = read(bank.csv(replace(made, lines=tuple(single))), "csv", SIMPLE)
    assert [replace(k, key="") for k in found.lines] == [
        replace(k, key="", value_on=None, return_code="", reversal=False) for k in single
    ]
    known = {kept.key for kept in made.lines}
    assert all(kept.key in known for kept in found.lines if kept.bank_reference)


def test_a_csv_has_no_balances_and_its_days_are_those_of_its_rows():
    [found] = read(csv_of("2026-01-16,5.00,EUR,,,b,,,", "2026-01-14,-3,EUR,,,a,,,"), None, SIMPLE)
    assert (found.opening, found.closing, found.opened_on, found.closed_on) == (
        None, None, date(2026, 1, 14), date(2026, 1, 16),
    )  # fmt: skip
    assert [kept.amount for kept in found.lines] == [5_00, -3_00]


def test_a_csv_with_balances_in_its_map_must_add_up():
    columns = replace(SIMPLE, opening="10.00", closing="15.00")
    assert read(csv_of("2026-01-16,5.00,EUR,,,b,,,"), "csv", columns)[0].closing == 15_00
    assert "does not add up" in refusal(csv_of("2026-01-16,5.01,EUR,,,b,,,"), "csv", columns)


def test_an_export_of_a_german_bank_is_read_by_its_map():
    columns = ColumnMap.parse(
        {
            "account": "DE89 3704 0044 0532 0130 00", "booked_on": "Buchungstag", "value_on": "Wertstellung",
            "debit": "Soll", "credit": "Haben", "name": "Beguenstigter/Zahlungspflichtiger", "iban": "Kontonummer/IBAN",
            "text": "Verwendungszweck", "account_currency": "EUR", "date_format": "%d.%m.%y", "decimal": ",",
            "delimiter": ";", "encoding": "cp1252",
        }
    )  # fmt: skip
    data = (
        'Umsätze Girokonto;;Zeitraum: 30 Tage\r\n"Kontostand";"1.000,00 EUR"\r\n\r\n'
        '"Buchungstag";"Wertstellung";"Beguenstigter/Zahlungspflichtiger";"Kontonummer/IBAN";"Verwendungszweck";Soll;Haben\r\n'
        '"15.01.26";"16.01.26";"Müller; Söhne";"=""DE02120300000000202051""";'
        '"Rechnung\nRE-2026-00017 ""eilig""";;"1.785,00"\r\n'
        "14.01.26;;Bank;;Entgelt;-3,90;0,00\r\n"
    ).encode("cp1252")
    paid, fee = read(data, None, columns)[0].lines
    assert (paid.amount, paid.name, paid.iban, paid.text) == (
        1785_00, "Müller; Söhne", "DE02120300000000202051", 'Rechnung\nRE-2026-00017 "eilig"',
    )  # fmt: skip
    assert (paid.booked_on, paid.value_on) == (date(2026, 1, 15), date(2026, 1, 16))
    assert (fee.amount, fee.value_on) == (-3_90, None)


SPLIT = ColumnMap.parse(
    {"account": ACCOUNT, "booked_on": "day", "debit": "out", "credit": "in", "account_currency": "EUR", "text": "text"}
)


def test_a_credit_that_is_taken_back_keeps_its_sign():
    [found] = read(b"day,out,in,text\n2026-01-16,,5.00,RE-1\n2026-01-16,,-5.00,STORNO RE-1\n", "csv", SPLIT)
    assert [kept.amount for kept in found.lines] == [5_00, -5_00]


@pytest.mark.parametrize(("first", "second"), [("-3.00", "-4.00"), ("3.00", "4.00"), ("0.00", "-4.00")])
def test_a_debit_is_written_with_a_minus_or_without(first, second):
    rows = f"day,out,in,text\n2026-01-16,{first},,a\n2026-01-16,{second},,b\n".encode()
    assert [kept.amount for kept in read(rows, "csv", SPLIT)[0].lines][1] == -4_00


def test_debits_with_a_minus_and_without_are_refused():
    """One of them is a debit that was given back, and nothing says which."""
    rows = b"day,out,in,text\n2026-01-16,-3.00,,a\n2026-01-16,0.00,1.00,b\n2026-01-16,4.00,,c\n"
    assert refusal(rows, "csv", SPLIT).startswith("rows[4].debit: has a minus in some rows and none in others")


def test_rows_that_are_not_booked_yet_are_counted_and_left_out():
    columns = ColumnMap.parse(
        {
            "account": ACCOUNT,
            "booked_on": "day",
            "amount": "a",
            "account_currency": "EUR",
            "status": "s",
            "booked": "Gebucht",
        }
    )
    rows = b"day,a,s\n2026-01-16,5.00,gebucht \n,,Vorgemerkt\n2026-01-17,7.00,\n"
    [found] = read(rows, "csv", columns)
    assert ([kept.amount for kept in found.lines], found.pending, found.closed_on.day) == ([5_00], 2, 16)
    assert "no rows that are booked" in refusal(rows.replace(b"gebucht", b"Vorgemerkt"), "csv", columns)


def test_a_byte_order_mark_and_guards_against_formulas_are_taken_off():
    data = b"\xef\xbb\xbf" + csv_of("2026-01-16,5.00,EUR,'=1+1,,'+49 30 1,,'-E1,'@B1")
    [found] = read(data, None, SIMPLE)[0].lines
    assert (found.name, found.text, found.end_to_end, found.bank_reference) == ("=1+1", "+49 30 1", "-E1", "@B1")


def test_every_wrong_row_is_named_up_to_twenty():
    rows = [
        "16.01.2026,5.00,EUR,,,,,,",
        "2026-01-16,1.000,EUR,,,,,,",
        "2026-01-16,5.00,XXY,,,,,,",
        "2026-01-16",
        "",
        "x",
    ]
    text = refusal(csv_of("2026-01-16,5.00,EUR,,,,,,", *rows))
    for part in (
        "rows[3].booked_on: must be a day written as %Y-%m-%d", "rows[4].amount: EUR has 2 decimals",
        "rows[5].currency: 'XXY'", "rows[6].currency", "rows[8].currency",
    ):  # fmt: skip
        assert part in text
    with pytest.raises(Invalid) as refused:
        read(csv_of(*["x"] * 100), "csv", SIMPLE)
    assert len(refused.value.problems) == 20


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (csv_of("2026-01-16;5,00").replace(b",", b";"), "divided by ';', not ','"),
        (b"a,b\n1,2\n", "has no column 'booked_on'"),
        (csv_of(), "no rows"),
        (csv_of("2026-01-16,5.00,EUR,Alba, Boreal,,RE-1,,,B1"), "rows[2]: has more cells than the header"),
        (csv_of('2026-01-16,5.00,EUR,"open,,,,,'), "a quote is not closed"),
        (csv_of("2026-01-16,5.00,EUR,\xe4,,,,,").decode().encode("latin-1"), "is not text in utf-8"),
        (csv_of("2026-01-16,5.00,EUR,\0,,,,,"), "NUL"),
        (csv_of("2026-01-16,5.00,EUR,,,,,,", "2026-01-16,5.00,USD,,,,,,"), "lines[1].currency: is in USD"),
        (csv_of("2026-01-16,5.00,EUR,,,,,,").decode().encode("utf-16"), "is not text in utf-8"),
    ],
)  # fmt: skip
def test_a_csv_that_does_not_fit_its_map_is_refused(data, fault):
    assert fault in refusal(data, "csv")


def test_a_csv_needs_to_be_told_its_account():
    assert refusal(csv_of("x"), "csv", None).startswith("columns: a CSV needs a column map")
    assert "columns.account: must be the account's IBAN" in refusal(csv_of("x"), "csv", ColumnMap(account="DE00"))


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ({}, "account: must be"),
        ({"acount": ACCOUNT}, "acount: is not a key here; did you mean account?"),
        ({"account": ACCOUNT, "booked_on": 3}, "booked_on: must be a text"),
        ({"account": ACCOUNT, "amount": "Betrag"}, "booked_on: is missing"),
        ({"account": ACCOUNT, "booked_on": "D", "debit": "S", "account_currency": "EUR"}, "amount: name either"),
        ({"account": ACCOUNT, "booked_on": "D", "amount": "A", "debit": "S", "credit": "H"}, "amount: name either"),
        ({"account": ACCOUNT, "booked_on": "D", "amount": "A"}, "currency: name either"),
        ({"account": ACCOUNT, "booked_on": "D", "amount": "D", "currency": "C"}, "amount: names a column twice"),
        ({"account": ACCOUNT, "date_format": "%d.%m"}, "date_format: must be made of"),
        ({"account": ACCOUNT, "date_format": "%c"}, "date_format: must be made of"),
        ({"account": ACCOUNT, "decimal": "'"}, "decimal: must be"),
        ({"account": ACCOUNT, "delimiter": ";;"}, "delimiter: must be"),
        ({"account": ACCOUNT, "encoding": "utf-7"}, "encoding: must be one of"),
        ({"account": ACCOUNT, "booked_on": "D", "amount": "A", "account_currency": "XXY"}, "account_currency: 'XXY'"),
        ({"account": ACCOUNT, "opening": "1.00"}, "opening: give both"),
        ({"account": ACCOUNT, "booked": "Gebucht"}, "status: name the column, and as booked"),
        (
            {"account": ACCOUNT, "booked_on": "D", "amount": "A", "account_currency": "EUR", "status": "S"},
            "status: name the column, and as booked",
        ),
    ],
)  # fmt: skip
def test_a_wrong_column_map_is_refused_at_its_key(mapping, problem):
    with pytest.raises(Invalid) as refused:
        ColumnMap.parse(mapping)
    assert problem in str(refused.value)


def test_without_a_column_named_the_simple_header_applies():
    assert ColumnMap.parse({"account": ACCOUNT, "delimiter": ";"}) == replace(SIMPLE, delimiter=";")


# Anything


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
        (b"\n<HTML><head/></HTML>", "is a web page"),
        (b"PK\x03\x04rest", "is a ZIP archive"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\x1f\x8b\x08", "is a gzip archive"),
    ],
)  # fmt: skip
def test_what_is_plainly_no_bank_file_is_told_so(data, fault):
    assert fault in refusal(data)


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path):
    assert "cannot be opened" in refusal(tmp_path / "missing.xml")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        assert "is not a regular file" in refusal(path)
    (tmp_path / "empty").touch()
    assert "is empty" in refusal(tmp_path / "empty")


def test_an_unknown_format_is_refused_with_the_known_ones():
    assert refusal(GERMAN, "mt942") == "format: must be one of camt, mt940, csv, not 'mt942'"


def test_an_mt940_with_a_byte_order_mark_is_read():
    data = GERMAN.decode("cp1252")
    assert read(data[data.index(":20:") :].encode("utf-8-sig")) == read(GERMAN)


def test_the_format_is_found_by_content():
    made = keyed([statement([line(bank_reference="B1")])])[0]
    for data, kind in ((bank.camt053(made), "camt.053.001.08"), (bank.mt940(made), "MT940"), (bank.csv(made), "CSV")):
        [found] = read(data, None, SIMPLE)
        assert found.format == kind
        assert found.lines[0].key == made.lines[0].key


@settings(max_examples=150)
@given(st.binary(max_size=400), st.sampled_from([None, *FORMATS]))
@example(b"/etc/passwd", "mt940")
@example(b":20:X\n:61:", "mt940")
@example(b":20:X\n:25:\xd9\xa1\n:60F:C\xd9\xa1\n", "mt940")
def test_any_bytes_are_read_or_refused(data, kind):
    with suppress(Invalid):
        read(data, kind, SIMPLE)


@settings(max_examples=200)
@given(
    st.sampled_from(EVERY), st.integers(0, 10_000), st.integers(0, 60),
    st.binary(max_size=12) | st.sampled_from(
        [b"\n:61:", b"<", b"</Ntry>", b"\0", b"9" * 60, b":62F:", b"\xff", b"<Stmt>", b"<NtryDtls><TxDtls>", b","]
    ),
)  # fmt: skip
def test_a_damaged_file_is_read_or_refused_without_names(data, at, length, put):
    at %= len(data)
    said = ""
    try:
        read(data[:at] + put + data[at + length :], None, SIMPLE)
    except Invalid as refused:
        said = str(refused)
    assert not any(name in said for name in ("Mustermann", "Müller", "Alba", "Rutschmann", "DE0212"))


@settings(max_examples=60)
@given(st.lists(entries(plain, structured=False), max_size=4))
def test_the_stand_in_bank_writes_the_same_bytes_every_time(found):
    [made] = keyed([statement(found)])
    for write in (bank.camt053, bank.mt940, bank.csv):
        assert write(made) == write(made)
