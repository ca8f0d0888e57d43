from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import keys

sellers = st.from_regex(r"[a-z0-9]{2,20}", fullmatch=True)
references = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)


@given(sellers, references)
def test_workflow_id_is_read_back(seller: str, reference: str) -> None:
    assert keys.parse_workflow_id(keys.workflow_id(seller, reference)) == (seller, reference)


@pytest.mark.parametrize(
    "id_",
    [
        "",
        "invoice-",
        "invoice-demo",
        "invoice-demo-",
        "invoice-Demo-1",
        "invoice-demo-1\n",
        "invoice-d-1",
        "x-demo-1",
        "invoice-demo-a b",
        "invoice-demo-" + "x" * 65,
    ],
)
def test_foreign_workflow_ids_are_none(id_: str) -> None:
    assert keys.parse_workflow_id(id_) is None


def test_customer_key_follows_the_vat_id_alone_when_there_is_one() -> None:
    one = keys.customer_key("demo", "DE 136.695.976", "Globex GmbH", "10115", "DE")
    assert one == keys.customer_key("demo", "de136695976", "Globex Deutschland", None, "DE")
    assert one != keys.customer_key("other", "DE136695976", "Globex GmbH", "10115", "DE")
    assert len(one) == 13
    assert one.startswith("c")


def test_customer_key_without_vat_id_follows_name_postcode_and_country() -> None:
    one = keys.customer_key("demo", None, "Globex  GmbH", "10115", "DE")
    assert one == keys.customer_key("demo", "", "globex gmbh", "10115", "DE")
    others = [("Globex AG", "10115", "DE"), ("Globex GmbH", "10117", "DE"), ("Globex GmbH", "10115", "AT")]
    assert len({one, *(keys.customer_key("demo", None, *other) for other in others)}) == 4


def _remainder(reference: str) -> int:
    moved = reference[4:] + reference[:4]
    return int("".join(str(int(c, 36)) for c in moved)) % 97


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
def test_creditor_reference_has_valid_check_digits(text: str) -> None:
    if not any(c.isalnum() for c in text):
        with pytest.raises(ValueError, match="letter or digit"):
            keys.creditor_reference(text)
        return
    reference = keys.creditor_reference(text)
    assert _remainder(reference) == 1
    assert 5 <= len(reference) <= 25
    assert reference.isalnum()


def test_creditor_reference_of_the_standard() -> None:
    assert keys.creditor_reference("5390 0754 7034") == "RF18539007547034"


def test_long_creditor_references_with_one_end_differ() -> None:
    ends = "-2026-0000000017"
    one, other = keys.creditor_reference("a" * 30 + ends), keys.creditor_reference("b" * 30 + ends)
    assert one != other
    assert len(one) == len(other) == 25


def test_salted_hash_needs_the_salt_and_keeps_parts_apart() -> None:
    assert keys.salted_hash("s", "ab", "c") != keys.salted_hash("s", "a", "bc")
    assert keys.salted_hash("s", "a") != keys.salted_hash("t", "a")
    assert keys.salted_hash("s", "a") == keys.salted_hash("s", "a")


def test_digest_ignores_spelling_and_nothing_else() -> None:
    one = keys.digest("t", {"a": Decimal("1.50"), "b": [date(2026, 1, 2)]})
    assert one == keys.digest("t", {"b": ("2026-01-02",), "a": Decimal("1.5")})
    assert one != keys.digest("u", {"a": Decimal("1.50"), "b": [date(2026, 1, 2)]})
    assert one != keys.digest("t", {"a": Decimal("1.51"), "b": [date(2026, 1, 2)]})


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+2", "100"), ("0.0000001", "0.0000001"), ("-0.00", "0"), ("10.0", "10"), ("-1.50", "-1.5")],
)
def test_plain_decimal(value: str, text: str) -> None:
    assert keys.plain_decimal(Decimal(value)) == text


@given(st.text(max_size=60), st.text(max_size=60))
def test_an_end_to_end_id_fits_a_statement_and_stands_for_one_key(key: str, other: str) -> None:
    made = keys.end_to_end(key)
    assert re.fullmatch(r"DY[A-Z2-7]{20}", made)
    assert (made == keys.end_to_end(other)) is (key == other)


def test_an_end_to_end_id_never_changes() -> None:
    assert keys.end_to_end("invoice-demo-R1/refund-1") == "DYCRJQEQR4N5GUPHFL3FRF"
