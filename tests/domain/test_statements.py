"""A movement is recognised for ever, twins stay two, and a statement that does not add up is refused whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.statements import (
    Entry,
    check,
    iban,
    keyed,
    other_payer,
    other_text,
    plain_reference,
    repeated,
    twins,
)
from tests.domain.bank_lines import ACCOUNT, DAY, OTHERS, entries, keys, line, lines, statement, statements

told = st.lists(entries(), max_size=6)


def batch(**changed: Any) -> Entry:
    parts = (line(amount=40_00, end_to_end="E1"), line(amount=60_00, end_to_end="E2"))
    return Entry(whole=line(amount=100_00, name="", iban="", text="SAMMLER", **changed), parts=parts)


@given(statements())
def test_a_statement_that_adds_up_passes(made):
    check(made)


@given(statements(), st.integers(-5, 5).filter(bool))
def test_a_statement_off_by_any_amount_is_refused_with_its_figures(made, off):
    with pytest.raises(Invalid, match=r"statement ST-1 does not add up: opening .* closes with .* EUR; nothing of it"):
        check(replace(made, closing=(made.closing or 0) + off))


def test_a_statement_without_balances_is_not_checked_to_add_up():
    made, found = statement([line()], opening=0, closing=1)
    [complete] = keyed([(made, found)])
    check(replace(complete, opening=None))
    check(replace(complete, closing=None))


def test_a_line_in_another_currency_is_refused():
    [made] = keyed([statement([line(), line(currency="USD")])])
    with pytest.raises(Invalid, match=r"lines\[1\]\.currency: is in USD, the account in EUR"):
        check(made)


def test_an_unknown_currency_is_refused():
    made, _ = statement([], currency="XXY")
    with pytest.raises(Invalid, match="XXY"):
        check(made)


@given(told)
def test_no_two_lines_of_a_statement_share_a_key(found):
    made = keys(statement(found))
    assert len(set(made)) == len(made)


@given(told)
def test_the_same_statement_told_twice_in_one_file_adds_no_key(found):
    made = statement(found)
    assert keys(made, made) == keys(made) * 2


@given(st.lists(entries(), max_size=5), st.randoms(use_true_random=False))
def test_keys_do_not_depend_on_the_order_of_the_file(found, shuffled):
    other = list(found)
    shuffled.shuffle(other)
    assert set(keys(statement(other))) == set(keys(statement(found)))


def test_true_twins_of_a_day_stay_two():
    first, second = keys(statement([line(), line()]))
    assert first != second
    assert keys(statement([line()])) == [first]


def test_twins_on_two_pages_of_a_day_stay_two_and_each_page_alone_adds_none():
    one = statement([line()], opening=0)
    two = statement([line()], opening=119_00, id="ST-2", number="2")
    both = keys(one, two)
    assert len(set(both)) == 2
    assert set(keys(one)) | set(keys(two)) <= set(both)


@pytest.mark.parametrize(
    "changed", [{"opening": 0}, {"id": "ST-1", "number": "1"}, {"opened_on": DAY - timedelta(days=20)}]
)  # fmt: skip
def test_a_statement_that_overlaps_another_in_the_file_adds_no_key(changed):
    one = statement([line()], opening=0)
    two = statement([line()], **{"opening": 119_00, "id": "ST-2", **changed})
    assert keys(one, two) == keys(one) * 2


def test_accounts_in_one_file_do_not_disturb_each_other():
    one = statement([line()], opening=0)
    other = statement([line()], account=OTHERS[1])
    two = statement([line()], opening=119_00, id="ST-2", number="2")
    first, elsewhere, second = keys(one, other, two)
    assert len({first, elsewhere, second}) == 3
    assert [first, second] == keys(one, two)


@given(lines())
def test_what_formats_spell_differently_does_not_change_a_key(made):
    spelled = made.text.upper().replace(" ", "\n")  # files of before had no line ends
    other = replace(made, text=f" {spelled} .", name="somebody else", charges=7, return_code="")
    assert keys(statement([other])) == keys(statement([made]))


@given(lines(), st.sampled_from(["", "MS03"]))
def test_with_a_bank_reference_only_day_amount_and_reference_count(made, code):
    made = replace(made, bank_reference="2026011512345678")
    other = replace(made, text="", iban="", end_to_end="", reference="", value_on=None, return_code=code)
    spaced = replace(made, bank_reference="2026 0115 12345678 ")
    assert keys(statement([made])) == keys(statement([other])) == keys(statement([spaced]))


@pytest.mark.parametrize(
    ("reference", "changed"),
    [
        ("A1", {"amount": 119_01}), ("A1", {"booked_on": DAY + timedelta(days=1)}), ("A1", {"bank_reference": "A2"}),
        ("", {"amount": -119_00}), ("", {"booked_on": DAY + timedelta(days=1)}), ("", {"value_on": None}),
        ("", {"iban": OTHERS[1]}), ("", {"text": "RE-2026-00018"}), ("", {"end_to_end": "E-1"}),
        ("", {"reference": "RF11DEMORE202617"}), ("", {"bank_reference": "A1"}), ("", {"text": "Προτιμολόγιο"}),
    ],
)  # fmt: skip
def test_what_makes_another_movement_makes_another_key(reference, changed):
    made = line(bank_reference=reference)
    assert keys(statement([replace(made, **changed)])) != keys(statement([made]))


def test_a_key_is_the_same_in_ten_years():
    # written down on purpose: a recipe that changes books everything a second time
    first, plain = keys(statement([line(bank_reference="2026011512345678000"), line()]))
    assert first == "sha256:617e6ec3638450a131394927983e5aaf3a0ec2d441675748e865ea9fb7b3cdbf"
    assert plain == "sha256:8d712958b5b9bfe1348e3f1433ccd33e42122b14ff11e4ceeecc0dbc1223480c"


def test_a_batch_that_sums_is_split_and_its_parts_name_it():
    [made] = keyed([statement([batch(bank_reference="B1")])])
    assert [part.amount for part in made.lines] == [40_00, 60_00]
    assert {part.batch for part in made.lines} == set(keys(statement([replace(batch(bank_reference="B1"), parts=())])))


@pytest.mark.parametrize("wrong", [{"amount": 41_00}, {"currency": "USD"}, {"currency": "XXX", "amount": 0}])
def test_a_batch_that_does_not_sum_stays_whole_and_keeps_its_words(wrong):
    made = batch(bank_reference="B1")
    unequal = replace(made, parts=(replace(made.parts[0], text="first", **wrong), made.parts[1]))
    [whole] = keyed([statement([unequal])])[0].lines
    assert (whole.amount, whole.text) == (100_00, "SAMMLER first Rechnung RE-2026-00017")
    assert (whole.batch, whole.name, whole.iban) == (whole.key, "Alba Ltd", "")
    assert [whole.key] == keys(statement([replace(made, parts=())]))


def test_a_batch_of_which_one_part_is_told_keeps_its_key_and_is_no_payment_of_that_one():
    """Files read before did not count: their key stays, so that an overlapping file brings nothing twice."""
    told = Entry(whole=line())
    [alone], [one_of_three] = (keyed([statement([replace(told, count=count)])])[0].lines for count in (1, 3))
    assert (alone.batch, alone.iban) == ("", OTHERS[0])
    assert (one_of_three.batch, one_of_three.iban, one_of_three.name) == (alone.key, "", "Alba Ltd")
    assert one_of_three.key == alone.key


def test_equal_parts_of_a_batch_stay_two():
    part = line(amount=50_00)
    made = replace(batch(), parts=(part, part))
    assert len(set(keys(statement([made])))) == 2


def test_of_two_batches_that_differ_in_their_parts_only_either_may_come_first():
    one = batch()
    other = replace(one, parts=tuple(replace(part, name="Boreal", iban=OTHERS[1]) for part in one.parts))
    first, second = keyed([statement([one, other])])[0].lines, keyed([statement([other, one])])[0].lines
    assert {(part.key, part.iban) for part in first} == {(part.key, part.iban) for part in second}


@pytest.mark.parametrize("reference", ["B1", ""])
def test_a_batch_told_as_one_line_and_in_parts_is_booked_once(reference):
    apart = keyed([statement([batch(bank_reference=reference)])])[0].lines
    [whole] = keyed([statement([replace(batch(bank_reference=reference), parts=())])])[0].lines
    assert all(repeated(part, {whole.key}, set()) for part in apart)
    assert repeated(whole, {part.key for part in apart}, {part.batch for part in apart})
    assert not repeated(whole, {"another"}, {""})
    assert not any(repeated(part, {"another", ""}, {""}) for part in apart)


@given(lines(), st.integers(1, 4))
def test_the_keys_of_twins_are_known_without_their_file(made, count):
    assert keys(statement([made] * count)) == list(islice(twins(ACCOUNT, made), count))


@given(lines(), lines())
def test_another_movement_is_told_by_what_both_say_of_it_and_never_by_what_one_leaves_out(made, other):
    for one in (made, replace(made, text=f" {made.text.upper()} ."), replace(made, text="", iban="")):
        assert not other_text(one, made.text)
        assert not other_text(made, one.text)
        assert not other_payer(one, made.iban)
    assert other_payer(made, other.iban) == (len({made.iban, other.iban} - {""}) == 2)
    assert other_text(made, other.text) == other_text(other, made.text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("de89 3704 0044 0532 0130 00", ACCOUNT), ("DE89370400440532013001", ""), ("12345678", ""), ("", ""),
        ("NL91 ABNA 0417 1643 00", "NL91ABNA0417164300"), ("DE89٣٧٠٤٠٠٤٤٠٥٣٢٠١٣٠٠٠", ""),
    ],
)  # fmt: skip
def test_an_iban_is_normalised_or_nothing(text, plain):
    assert iban(text) == plain


@pytest.mark.parametrize("text", ["NONREF", "notprovided", "0000", "", "  "])
def test_a_reference_that_says_there_is_none_is_none(text):
    assert plain_reference(text) == ""
    assert keys(statement([line(bank_reference=text)])) == keys(statement([line()]))
