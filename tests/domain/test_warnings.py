from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.document import (
    Address,
    Adopted,
    Bank,
    Draft,
    DraftWarning,
    Line,
    Party,
    Period,
    TaxCurrency,
    compute,
)
from domain.warnings import Billed, History, Past, name_of, warnings

TODAY = date(2026, 11, 20)
BERLIN = Party("globex", "Globex", "DE", Address("Ring 1", None, "10115", "Berlin"))
IN_EURO = TaxCurrency("EUR", Decimal("0.9"), TODAY, "ECB")
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))


def draft(**more: Any) -> Draft:
    party = Party("demo", "Globex", "DE", Address())
    on_line = more.pop("line_period", None)
    one = Line("1", "Work", Decimal(1), "C62", Decimal(100), "S", Decimal(19), period=on_line)
    lines = more.pop("lines", (one,))
    return compute(Draft("demo", "R-1", "invoice", "EUR", "en", party, party, "net 30", lines, **more))


def past(
    reference: str = "R-0",
    total: int = 11_900,
    order: str | None = None,
    period: Period | None = None,
    issued: date = date(2026, 11, 1),
) -> Past:
    return Past(reference, total, order, period.start if period else None, period.end if period else None, issued)


def codes(draft_: Draft, *earlier: Past) -> list[str]:
    return [warning.code for warning in warnings(draft_, History(earlier), TODAY)]


def test_first_invoice_and_a_second_one() -> None:
    assert codes(draft()) == ["first_invoice"]
    assert codes(draft(), past(reference="R-1")) == ["first_invoice"]  # an amended draft is not its own past
    assert codes(draft(), past(total=10_000)) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "duplicate"),
    [
        ({"purchase_order": "P"}, past(order="P"), True),
        ({"purchase_order": "P"}, past(order="Q"), False),
        ({"period": OCTOBER}, past(period=OCTOBER), True),
        ({"period": OCTOBER}, past(period=Period(date(2026, 9, 1), date(2026, 9, 30)), order="P"), False),
        ({"period": OCTOBER, "purchase_order": "P"}, past(order="P"), True),
        ({"period": OCTOBER, "purchase_order": "P"}, past(period=OCTOBER, order="Q"), True),
        ({}, past(), True),
        ({}, past(issued=date(2026, 1, 1)), False),
        ({}, past(total=11_901), False),
        ({"purchase_order": "P"}, past(total=11_901, order="P"), False),
    ],
)
def test_duplicate(mine: dict[str, Any], theirs: Past, duplicate: bool) -> None:
    assert ("duplicate" in codes(draft(**mine), theirs)) is duplicate


def test_many_twins_are_one_warning_about_the_newest() -> None:
    found = warnings(draft(), History((past("A", issued=date(2026, 11, 2)), past("B"))), TODAY)
    assert [(warning.code, warning.text.split()[0]) for warning in found] == [("duplicate", "A")]


@pytest.mark.parametrize(
    ("totals", "unusual"),
    [
        ([3_966], True),
        ([3_967], False),
        ([100, 20_000, 3_966], True),
        ([1, 7_933], False),
        ([1, 7_931], True),
    ],
)
def test_more_than_three_times_the_median(totals: list[int], unusual: bool) -> None:
    earlier = [past(f"A{i}", total) for i, total in enumerate(totals)]
    assert ("unusual_amount" in codes(draft(), *earlier)) is unusual


@pytest.mark.parametrize(
    ("more", "old"),
    [
        ({"delivery_date": date(2026, 8, 22)}, False),  # 90 days
        ({"delivery_date": date(2026, 8, 21)}, True),
        ({"period": Period(date(2026, 1, 1), date(2026, 8, 21))}, True),
        ({"period": Period(date(2026, 1, 1), date(2026, 11, 1))}, False),
        ({"line_period": Period(date(2026, 1, 1), date(2026, 2, 1))}, True),
        ({}, False),
    ],
)
def test_old_supply(more: dict[str, Any], old: bool) -> None:
    assert ("old_supply" in codes(draft(**more))) is old


@pytest.mark.parametrize(
    ("price", "more", "found"),
    [
        ("210.08", {}, []),  # 250.00 gross, a simplified invoice
        ("210.09", {}, ["customer_address"]),
        ("210.08", {"currency": "USD"}, []),
        ("210.09", {"currency": "USD"}, ["customer_address", "tax_currency"]),
        ("999", {"currency": "USD", "customer": BERLIN, "tax_currency": IN_EURO}, []),
        ("999", {"currency": "USD", "customer": BERLIN, "seller": replace(BERLIN, country="US")}, []),
        ("999", {"currency": "EUR", "customer": BERLIN, "seller": replace(BERLIN, country="SE")}, ["tax_currency"]),
        ("999", {"customer_kind": "consumer"}, []),
        ("999", {"adopted": Adopted("X", TODAY, TODAY, 118_881)}, []),
    ],
)
def test_what_the_law_wants_on_all_but_small_invoices(price: str, more: dict[str, Any], found: list[str]) -> None:
    line = Line("1", "Work", Decimal(1), "C62", Decimal(price), "S", Decimal(19))
    made = compute(replace(draft(lines=(line,)), **more))
    assert [code for code in codes(made, past(total=made.totals.total - 1)) if code != "first_invoice"] == found


def test_remarks_of_drafting_come_first() -> None:
    remark = DraftWarning("tax_mismatch", "lines[0].tax: given S 7 %, expected S 19 %")
    assert warnings(draft(remarks=(remark,)), History(), TODAY)[0] == remark


SEPTEMBER = Period(date(2026, 9, 1), date(2026, 9, 30))
FEE = Line("1", "Hosting  fee", Decimal(1), "MON", Decimal("49.00"), "S", Decimal(19))
WAS = Billed("hosting fee", Decimal(1), Decimal(49), SEPTEMBER)


def billed(*lines: Billed, reference: str = "R-0", **more: Any) -> Past:
    return replace(past(reference, total=1, issued=date(2026, 10, 1)), lines=lines, **more)


def test_the_monthly_fee_of_another_month_is_no_surprise() -> None:
    earlier = [
        replace(
            past(f"R-{m}", 5_831, "P", Period(date(2026, m, 1), date(2026, m, 28))),
            to="ap@globex.example",
            lines=(replace(WAS, period=Period(date(2026, m, 1), date(2026, m, 28))),),
        )
        for m in range(1, 10)
    ]
    history = History(tuple(earlier), "AP@globex.example", frozenset({"DE1"}))
    this = draft(lines=(FEE,), period=OCTOBER, purchase_order="P", bank=Bank("DE1"))
    assert warnings(this, history, TODAY) == ()


def test_another_bank_account_than_the_last_invoice_had() -> None:
    known = History((past(total=10_000),), ibans=frozenset({"DE1", "DE2"}))
    assert [w.code for w in warnings(draft(bank=Bank("DE1")), known, TODAY)] == []
    assert [w.code for w in warnings(draft(bank=Bank("DE1"), banks=(Bank("DE3"),)), known, TODAY)] == ["bank_changed"]
    assert "DE3" in warnings(draft(bank=Bank("DE3")), known, TODAY)[0].text
    assert [w.code for w in warnings(draft(bank=Bank("DE3")), replace(known, ibans=None), TODAY)] == [], "the first"


def test_another_address_than_the_last_issued_invoice_went_to() -> None:
    """A draft that nobody approved proves no address."""
    drafted, sent = past("R-9", 10_000), past("R-0", 10_000)
    known = (replace(drafted, issued=False, to="new@globex.example"), replace(sent, to="ap@globex.example"))
    assert [w.code for w in warnings(draft(), History(known, "new@globex.example"), TODAY)] == ["contact_changed"]
    assert [w.code for w in warnings(draft(), History(known, "ap@Globex.example"), TODAY)] == []
    assert "@" not in warnings(draft(), History(known, "new@globex.example"), TODAY)[0].text


@pytest.mark.parametrize(
    ("price", "earlier", "text"),
    [
        ("49", ["49"], ""),
        ("55", ["49"], "Hosting fee: 55, was 49 on P-0"),
        ("55", ["49", "45"], "Hosting fee: 55, was 49 on P-0"),
        ("45", ["49", "45"], ""),  # an older price of its own
        ("55", ["49", "45", "40"], ""),  # it never had one
        ("55", [], ""),
    ],
)
def test_another_price_than_before(price: str, earlier: list[str], text: str) -> None:
    known = [billed(replace(WAS, price=Decimal(p)), reference=f"P-{i}") for i, p in enumerate(earlier)]
    this = draft(lines=(replace(FEE, unit_price=Decimal(price), quantity=Decimal(2)),), period=OCTOBER)
    told = [w.text for w in warnings(this, History(tuple(known)), TODAY) if w.code == "price_changed"]
    assert told == ([text] if text else [])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (replace(FEE, unit_price=Decimal("490.00")), False),
        (replace(FEE, unit_price=Decimal("53.90"), quantity=Decimal(2)), True),
        (replace(FEE, unit_price=Decimal("53.90"), item="hosting fee"), True),
    ],
)
def test_a_lump_sum_has_no_price(line: Line, told: bool) -> None:
    assert ("price_changed" in codes(draft(lines=(line,), period=OCTOBER), billed(WAS))) is told


def test_a_price_per_hundred_is_the_price_of_one_and_an_item_number_is_its_name() -> None:
    this = draft(
        lines=(replace(FEE, item="A-1", description="new words", unit_price=Decimal(4900), price_base=Decimal(100)),)
    )
    assert "price_changed" not in codes(this, billed(replace(WAS, name="A-1")))
    assert name_of("A-1", "x") == "A-1"
    assert name_of(None, " Hosting\n FEE ") == name_of(None, "hosting fee")


@pytest.mark.parametrize(
    ("price", "base", "text"),
    [
        ("999999999999999.9999999999", "1", "1000000000000000, was"),
        ("8000000000000", "0.0000000001", "80000000000000000000000, was"),
        ("0.0000000001", "999999999999999", "0, was"),
    ],
)
def test_a_price_of_any_size_is_told(price: str, base: str, text: str) -> None:
    fee = replace(FEE, unit_price=Decimal(price), price_base=Decimal(base), quantity=Decimal("0.0000000001"))
    told = [w.text for w in warnings(draft(lines=(fee,)), History((billed(WAS),)), TODAY) if w.code == "price_changed"]
    assert len(told) == 1
    assert text in told[0]


def test_two_lines_alike_are_told_once_and_free_ones_not_at_all() -> None:
    this = draft(
        lines=(
            FEE,
            replace(FEE, id="2"),
            replace(FEE, id="3", unit_price=Decimal(0)),
            replace(FEE, id="4", unit_price=Decimal(0)),
        )
    )
    told = [w.text for w in warnings(this, History(), TODAY) if w.code == "line_repeated"]
    assert told == ["Hosting fee is there 2 times"]
    assert "line_repeated" not in codes(draft(lines=(FEE, replace(FEE, id="2", period=OCTOBER))))


TEN = {"purchase_order": "P"}
ON_TEN = replace(FEE, order_line="10")
WAS_TEN = replace(WAS, period=None, order="P", order_line="10")


@pytest.mark.parametrize(
    ("line", "more", "was", "repeated"),
    [
        (FEE, {"period": SEPTEMBER}, WAS, True),
        (replace(FEE, period=SEPTEMBER), {"period": OCTOBER}, WAS, True),
        (FEE, {"period": OCTOBER}, WAS, False),
        (FEE, {}, WAS, False),
        (FEE, {}, replace(WAS, period=None), False),  # nothing says that it is the same supply
        (replace(FEE, quantity=Decimal(2)), {"period": SEPTEMBER}, WAS, False),
        (replace(FEE, unit_price=Decimal(1)), {"period": SEPTEMBER}, WAS, False),
        (FEE, {"period": SEPTEMBER, **TEN}, replace(WAS, order="Q"), True),
        (ON_TEN, {"period": SEPTEMBER, **TEN}, replace(WAS_TEN, period=SEPTEMBER, order="Q"), False),
        (ON_TEN, TEN, WAS_TEN, True),
        (ON_TEN, {**TEN, "delivery_date": TODAY}, WAS_TEN, False),
    ],
)
def test_a_line_that_was_billed_already(line: Line, more: dict[str, Any], was: Billed, repeated: bool) -> None:
    assert ("line_repeated" in codes(draft(lines=(line,), **more), billed(was))) is repeated


def test_a_duplicate_is_not_told_again_line_by_line() -> None:
    this = draft(lines=(FEE,), period=SEPTEMBER)
    twin = replace(past(total=5_831, period=SEPTEMBER), lines=(WAS,))
    assert codes(this, twin) == ["duplicate"]


def test_of_many_lines_three_are_named() -> None:
    lines = tuple(replace(FEE, id=str(i), description=f"{i} " + "x" * 100, unit_price=Decimal(9)) for i in range(5))
    lines = tuple(replace(line, quantity=Decimal(2)) for line in lines)
    known = billed(*(replace(WAS, name=name_of(None, line.description)) for line in lines))
    told = next(w.text for w in warnings(draft(lines=lines), History((known,)), TODAY) if w.code == "price_changed")
    assert told.endswith("; and 2 more")
    assert len(told) < 400
