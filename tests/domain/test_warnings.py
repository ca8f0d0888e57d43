from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.document import Address, Draft, DraftWarning, Line, Party, Period, compute
from domain.warnings import History, Past, warnings

TODAY = date(2026, 11, 20)
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))


def draft(**more: Any) -> Draft:
    party = Party("demo", "Globex", "DE", Address())
    on_line = more.pop("line_period", None)
    one = Line("1", "Work", Decimal(1), "C62", Decimal(100), "S", Decimal(19), period=on_line)
    return compute(Draft("demo", "R-1", "invoice", "EUR", "en", party, party, "net 30", (one,), **more))


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


def test_remarks_of_drafting_come_first() -> None:
    remark = DraftWarning("tax_mismatch", "lines[0].tax: given S 7 %, expected S 19 %")
    assert warnings(draft(remarks=(remark,)), History(), TODAY)[0] == remark
