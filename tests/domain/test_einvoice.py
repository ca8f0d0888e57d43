"""The frozen document: everything of the draft, with number, dates and amounts that follow; read back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import codec, document, einvoice
from domain.document import Bank, Draft, Line, Party, Period, Preceding, TaxCurrency
from domain.einvoice import DiscountView, DueView
from domain.parts import NO_ADDRESS

NOBODY = Party("x", "X", "DE", NO_ADDRESS)
ISSUED = date(2026, 1, 30)
DRAFT = document.compute(
    Draft(
        "demo", "R-1", "invoice", "EUR", "de", NOBODY, NOBODY, "2/10 net 30",
        (Line("1", "Work", Decimal(1), "C62", Decimal("100.00"), "S", Decimal(19)),),
        bank=Bank("DE02120300000000202051"), banks=(Bank("CH9300762011623852957"),), purchase_order="PO 7",
    )
)  # fmt: skip


def test_what_follows_from_number_and_date() -> None:
    frozen = einvoice.freeze(DRAFT, number="RE-1", issued_on=ISSUED)
    assert frozen.dues == (DueView(date(2026, 3, 1), 11900),)
    assert frozen.discounts == (DiscountView(Decimal(2), date(2026, 2, 9), 11662),)
    assert (frozen.type_code, frozen.payment_reference, frozen.delivery_date) == ("380", "RF10DEMORE1", ISSUED)
    assert [bank.iban[:2] for bank in frozen.banks] == ["DE", "CH"]
    assert (frozen.purchase_order, frozen.bank) == ("PO 7", DRAFT.bank)


def test_a_credit_note_asks_for_nothing_and_names_what_it_credits() -> None:
    before = (Preceding("RE-1", ISSUED),)
    frozen = einvoice.freeze(replace(DRAFT, kind="credit_note"), number="GS-1", issued_on=ISSUED, preceding=before)
    assert (frozen.type_code, frozen.dues, frozen.banks, frozen.payment_reference) == ("381", (), (), None)
    assert frozen.preceding == before


def test_only_what_is_supplied_when_it_is_issued_says_so() -> None:
    """Art. 226 (7) of Directive 2006/112/EC: the day of supply, or of the payment, which is not known yet."""
    supplied = {
        kind: einvoice.freeze(replace(DRAFT, kind=kind), number="1", issued_on=ISSUED).delivery_date
        for kind in ("invoice", "corrected", "prepayment", "credit_note")
    }
    assert supplied == {"invoice": ISSUED, "corrected": ISSUED, "prepayment": None, "credit_note": None}


@given(st.lists(st.tuples(st.dates(), st.dates()).map(sorted), min_size=1, max_size=4), st.booleans())
def test_the_periods_of_all_lines_are_the_document_s(days: list[list[date]], one_without: bool) -> None:
    (line,) = DRAFT.lines
    lines = [replace(line, period=Period(start, end)) for start, end in days]
    taken_off = replace(line, quantity=Decimal(-1))
    draft = replace(DRAFT, lines=(*lines, taken_off, *([line] if one_without else [])))
    frozen = einvoice.freeze(draft, number="1", issued_on=ISSUED)
    whole = Period(min(start for start, _ in days), max(end for _, end in days))
    assert (frozen.period, frozen.delivery_date) == ((None, ISSUED) if one_without else (whole, None))
    named = einvoice.freeze(replace(draft, delivery_date=ISSUED), number="1", issued_on=date(2026, 2, 1))
    assert (named.period, named.delivery_date) == (None, ISSUED)


@pytest.mark.parametrize(("kind", "code"), [("prepayment", "386"), ("corrected", "384")])
def test_each_kind_has_its_code(kind: str, code: str) -> None:
    assert einvoice.freeze(replace(DRAFT, kind=kind), number="1", issued_on=ISSUED).type_code == code


def test_the_tax_in_another_currency_is_rounded_once() -> None:
    other = TaxCurrency("CHF", Decimal("0.93456"), ISSUED, "EZV")
    assert einvoice.freeze(replace(DRAFT, tax_currency=other), number="1", issued_on=ISSUED).converted_tax == 1776
    yen = TaxCurrency("JPY", Decimal("184.5"), ISSUED, "BoJ")
    assert einvoice.freeze(replace(DRAFT, tax_currency=yen), number="1", issued_on=ISSUED).converted_tax == 3506


@given(st.integers(0, 10**12), st.decimals(0, 100, places=3))
def test_a_discount_never_asks_for_less_than_nothing(payable: int, percent: Decimal) -> None:
    asked = einvoice.discounted(payable, percent)
    assert 0 <= asked <= payable
    assert abs(asked * 100_000 - payable * (100_000 - int(percent * 1000))) <= 50_000


def test_stored_and_read_back_it_is_the_same() -> None:
    frozen = einvoice.freeze(DRAFT, number="RE-1", issued_on=ISSUED)
    stored = einvoice.to_json(frozen)
    assert einvoice.from_json(stored) == frozen
    with pytest.raises(ValueError, match="format 9"):
        einvoice.from_json({**stored, "format": 9})
    changed = {**stored, "number": "RE-2"}
    assert einvoice.model_hash(stored) != einvoice.model_hash(changed)


def test_a_draft_from_before_the_later_fields_keeps_its_hash() -> None:
    old = {"format": 1, **codec.encode(DRAFT)}
    later = {"profile", "profile_rule", "customer_kind", "payee", "legal_notes", "rounding_step", "brand"}
    assert not later & old.keys()
    assert "rounding" not in old["totals"]
    assert document.content_hash(document.from_json(old)) == document.content_hash(DRAFT)
    assert document.content_hash(replace(DRAFT, profile="pdf")) != document.content_hash(DRAFT)
