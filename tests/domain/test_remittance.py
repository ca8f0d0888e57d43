"""Keys in what payers write: found however they are spelled, never found in something else."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.keys import creditor_reference, valid_creditor_reference
from domain.remittance import KeyReader, Reading
from domain.written_numbers import FAINT, LIKELY, SURE

NUMBERS = ("RE-2026-00017", "RE-2026-00018", "RE-2026-000171", "RE-2025-4", "2026-00042", "7/2026", "17")
REFERENCE = creditor_reference("demoRE-2026-00017")
READER = KeyReader(NUMBERS, [REFERENCE, "RF18539007547034"])
BODIES = st.text(alphabet=string.ascii_uppercase + string.digits, min_size=1, max_size=21)


def read(text: str) -> Reading:
    return READER.read(text)


def in_fours(text: str, between: str = " ") -> str:
    return between.join(text[at : at + 4] for at in range(0, len(text), 4))


class TestReference:
    @pytest.mark.parametrize(
        "text",
        [
            "RF18539007547034", "RF18 5390 0754 7034", "rf18 5390 0754 7034", "Ref: RF18 5390 0754 7034 vielen Dank",
            "RF18-5390-0754-7034", "RF18\u20115390\u20110754\u20117034", "RF18\u00a05390\u00a00754\u00a07034",
            "SVWZ+RF18539007547034", "EREF+A1 SVWZ+RF18 5390\n0754 7034", "RF1853900\n7547034", "R\nF18539007547034",
            "RF1\n8539007547034", "RF18539007547034\n1 Stück", "Zahlung,RF18539007547034.", "(RF18539007547034)",
        ],
    )  # fmt: skip
    def test_is_found_however_it_is_written(self, text: str) -> None:
        assert list(read(text).references) == ["RF18539007547034"]
        assert read(text).broken == {}

    @pytest.mark.parametrize(
        "text",
        ["RF18539007547035", "RF19539007547034", "RF18 5390 0754 7043", "RF18539007547034X", "RG18539007547034",
         "FR18 5390 0754 7034", "RFI8539007547034", "RF1B539007547034", "RF18 5390 075", "RF1853900754*034",
         "RF18*39007547034", "RF185390075470Ä4", "-F18539007547034", "RF18539007547034539007547034"],
    )  # fmt: skip
    def test_with_one_wrong_character_is_broken_and_nothing_else(self, text: str) -> None:
        found = read(text)
        assert found.references == {}
        if not text.startswith("FR"):  # two wrong characters are no slip of one
            assert found.broken
        assert found.numbers == {}

    @pytest.mark.parametrize(
        "text", ["RFID 1234", "Surf18 5390", "PRF18539007547034", "RF", "RF18", "RF 24 V", "RF-Modul 12"]
    )
    def test_words_that_look_like_one_are_none(self, text: str) -> None:
        assert read(text) == Reading()

    def test_a_field_cut_short_is_no_second_reference(self) -> None:
        assert READER.read(REFERENCE, REFERENCE[:12]).broken == {}
        assert READER.read(REFERENCE, REFERENCE[:11] + "X").broken

    def test_no_number_is_read_out_of_a_reference(self) -> None:
        reader = KeyReader(["2026-00042", "DEMO-2026-00042"], [creditor_reference("demo2026-00042")])
        found = reader.read(in_fours(creditor_reference("demo2026-00042")))
        assert (len(found.references), found.numbers, found.mentioned) == (1, {}, set())

    def test_two_fields_are_never_read_as_one(self) -> None:
        assert READER.read("RF18 5390", "0754 7034").references == {}
        assert READER.read("RE-2026", "00017").numbers == {}

    @given(BODIES)
    def test_check_digits_refuse_every_other_digit_and_every_other_letter(self, body: str) -> None:
        reference = creditor_reference(body)
        assert valid_creditor_reference(in_fours(reference).lower()) == reference
        for at, was in enumerate(reference):
            for other in string.digits if was.isdigit() else string.ascii_uppercase:
                if other != was:
                    assert valid_creditor_reference(reference[:at] + other + reference[at + 1 :]) is None

    def test_a_letter_for_a_digit_may_pass_the_check_digits_and_then_must_be_known(self) -> None:
        # A digit is one digit of ISO 11649's number and a letter two, so that one in about 97 such slips passes.
        slips = {
            reference[:at] + letter + reference[at + 1 :]
            for reference in [creditor_reference(f"demo{n}") for n in range(50)]
            for at in range(8, len(reference))
            for letter in string.ascii_uppercase
        }
        passed = [slip for slip in slips if valid_creditor_reference(slip)]
        assert 0 < len(passed) < len(slips) // 50
        assert all(read(slip).references == {} and read(slip).broken for slip in passed)

    @pytest.mark.parametrize(
        "text",
        ["", "RF", "RF18", "RF00539007547034", "RF01A", "RF99A", "RF18" + "A" * 22, "ＲＦ18539007547034", "XF18539"],
    )
    def test_what_is_no_creditor_reference(self, text: str) -> None:
        assert valid_creditor_reference(text) is None


class TestNumber:
    @pytest.mark.parametrize(
        "text",
        ["RE-2026-00017", "re-2026-00017", "RE 2026 00017", "RE2026/00017", "RE202600017", "RE.2026.00017",
         "RE–2026–00017", "Rechnung Nr. RE-2026-00017 vom 01.02.2026", "Rechnungsnr.RE-2026-00017", "RE\n2026-00017",
         "4711/RE-2026-00017", "Meier-RE-2026-00017", "RE-2026-00017, 15.03.2026", "RE-2026-00017 - 120,00 EUR",
         "RE-2026-00017\n15.03.2026", "PO 4500017 RE-2026-00017", "RE-2026-00017/Meier", "RE- 2026 - 00017"],
    )  # fmt: skip
    def test_is_found_however_it_is_written(self, text: str) -> None:
        found = read(text)
        assert (found.numbers, found.stray, found.broken) == ({"RE202600017": SURE}, False, {})

    @pytest.mark.parametrize(
        "text",
        ["RE-2026-0001", "RE-2026-0001²", "XRE-2026-00017", "ÄRE-2026-00017", "RE-2026-00017X", "17", "00017",
         "Tel. 0171 2026 00017", "RE 20 26 00017", "RE-2026-00 017", "RE2026000 17", "RE: 2026: 00017", "GRE202600017",
         "٢٠٢٦-00042", "2026-000421", "2026000-42"],
    )  # fmt: skip
    def test_is_not_found_in_something_else(self, text: str) -> None:
        assert read(text).numbers == {}

    def test_the_longer_number_is_not_the_shorter_one(self) -> None:
        assert read("RE-2026-000171").numbers == {"RE2026000171": SURE}
        assert KeyReader(["RE-2026-00017"], []).read("RE-2026-000171").numbers == {}

    @pytest.mark.parametrize(
        "text",
        ["PO-RE-2026-00017", "Bestellung RE-2026-00017", "Best.-Nr.: RE-2026-00017", "Order no. RE-2026-00017",
         "P.O. RE-2026-00017", "alles ausser RE-2026-00017", "Rechnung 2026-00017"],
    )  # fmt: skip
    def test_behind_another_things_label_or_without_its_prefix_it_is_only_mentioned(self, text: str) -> None:
        assert (read(text).numbers, read(text).mentioned) == ({}, {"RE202600017"})

    @pytest.mark.parametrize(
        "text",
        ["RE-2026-00017/18", "RE-2026-00017-18", "RE-2026-00017 und 18", "RE-2026-00017, 18, 19", "RE-2026-00017 00018",
         "RE-2026-00017, -18, -19", "RE-2026-00017-A", "RE-2026-00017 bis 00019", "RE-2026-00017 & RE-2026-00099",
         "RE-2026-00099"],
    )  # fmt: skip
    def test_a_list_that_goes_on_and_a_number_that_is_not_open_are_stray(self, text: str) -> None:
        assert read(text).stray

    @pytest.mark.parametrize("between", [", ", "/", " ", "\n", " + ", ",", " und ", "-"])
    def test_two_numbers_are_two(self, between: str) -> None:
        found = read(f"RE-2026-00017{between}RE-2026-00018")
        assert (set(found.numbers), found.stray) == ({"RE202600017", "RE202600018"}, False)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-00042", {"202600042": LIKELY}), ("Rechnung 2026-00042", {"202600042": LIKELY}),
            ("7/2026", {"72026": FAINT}), ("RE-2025-4", {"RE20254": SURE}), ("RE 2025 4. Quartal", {"RE20254": FAINT}),
            ("RE-2026-000\n17", {"RE202600017": FAINT}),
            ("RE-2026-00017\n1", {"RE202600017": FAINT, "RE2026000171": FAINT}),
            ("PO 2026-00042", {}), ("GS-2026-00042", {}), ("RE-2026-00042", {}), ("RE 2026-00042", {}),
        ],
    )  # fmt: skip
    def test_is_as_sure_as_it_is_long(self, text: str, expected: dict[str, str]) -> None:
        assert read(text).numbers == expected

    @given(st.text(max_size=200))
    def test_any_text_is_read(self, text: str) -> None:
        found = read(text)
        assert found.references == {} or "5390" in text

    @pytest.mark.parametrize(
        "unit",
        ["RF12 ", "RF", "R F 1 8 ", "RE-2026-", "RE-2026-00017/", "1.", "2026 ", "A", " ", "-", "7/2026 ", "RF18-5390-",
         "RF18539007547034 ", "\n", "RE-2026-00099 ", "P O "],
    )  # fmt: skip
    def test_ten_thousand_characters_take_a_moment(self, unit: str) -> None:
        started = time.process_time()
        read((unit * 10_000)[:10_000])
        assert time.process_time() - started < 0.5
