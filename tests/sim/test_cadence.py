"""The ledger as it is read, the model as it is stated, the figures as they are defined."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from sim.cadence import page, response
from sim.cadence.figures import dso, money
from sim.cadence.ledger import Past, read

HEADER = "reference,customer,currency,total,issued_on,due_on,paid_on,disputed_on,resolved_on"
ROW = "A-1,globex,EUR,119.00,2026-01-05,2026-02-04,2026-02-20,,"
JANUARY = date(2026, 1, 5)


def ledger(*rows: str, header: str = HEADER) -> list[Past]:
    return read(StringIO("\n".join((header, *rows))), "DE", "Europe/Berlin")


def past(reference: str = "A-1", total: int = 11900, paid: int | None = 46, issued: int = 0) -> Past:
    on = JANUARY + timedelta(days=issued)
    paid_on = None if paid is None else JANUARY + timedelta(days=paid)
    return Past(reference=reference, customer="globex", currency="EUR", total=total, issued_on=on,
                due_on=on + timedelta(days=30), paid_on=paid_on)  # fmt: skip


class TestLedger:
    def test_a_row_is_what_it_says(self) -> None:
        (found,) = ledger(ROW)
        assert found == replace(past(), paid_on=date(2026, 2, 20))

    def test_the_words_of_other_programs(self) -> None:
        header = "Number,customer,currency,Amount,invoice_date,due_date,payment_date"
        assert ledger("A-1,globex,EUR,119.00,2026-01-05,2026-02-04,2026-02-20", header=header) == ledger(ROW)

    @pytest.mark.parametrize(
        ("row", "where"),
        [
            (ROW.replace("119.00", "119.005"), "rows[3].total"),
            (ROW.replace("119.00", "-1.00"), "rows[3].total"),
            (ROW.replace("EUR", "XXQ"), "rows[3].currency"),
            (ROW.replace("2026-02-20", "20.02.2026"), "rows[3].paid_on"),
            (ROW.replace("2026-02-20", "2026-01-01"), "rows[3].paid_on"),
            (ROW.replace("2026-02-04", "2026-01-04"), "rows[3].due_on"),
            (ROW.replace("globex", ""), "rows[3].customer"),
            (f"{ROW[:-1]},2026-03-01", "rows[3].disputed_on"),
            (f"{ROW},more", "rows[3]"),
            (ROW.replace("A-1", "B-1"), "rows[3].reference"),
        ],
    )
    def test_one_wrong_row_is_named_and_nothing_is_taken(self, row: str, where: str) -> None:
        with pytest.raises(Invalid) as error:
            ledger(ROW.replace("A-1", "B-1"), row)
        assert [problem.path for problem in error.value.problems] == [where]

    @pytest.mark.parametrize("header", ["reference,total", f"{HEADER},colour", f"{HEADER},number"])
    def test_a_header_says_what_is_missing_unknown_or_there_twice(self, header: str) -> None:
        with pytest.raises(Invalid):
            ledger(ROW, header=header)

    def test_without_rows_there_is_nothing_to_play(self) -> None:
        with pytest.raises(Invalid, match="no rows"):
            ledger()


class TestResponse:
    DAYS = st.integers(31, 200)
    FIRST: ClassVar = {"A-1": JANUARY + timedelta(days=40)}

    def test_who_paid_before_a_reminder_pays_then_under_any(self) -> None:
        assert response.paid_on(past(paid=39), self.FIRST, {}, Decimal(1)) == JANUARY + timedelta(days=39)

    @given(paid=st.integers(40, 200), instead=DAYS, share=st.sampled_from(response.SHARES))
    def test_it_moves_with_the_first_reminder_by_the_share(self, paid: int, instead: int, share: Decimal) -> None:
        found = response.paid_on(past(paid=paid), self.FIRST, {"A-1": JANUARY + timedelta(days=instead)}, share)
        assert found is not None
        moved = (found - JANUARY).days - paid
        assert abs(moved - Decimal(instead - 40) * share) <= Decimal("0.5") or found == JANUARY
        assert share or not moved

    def test_without_any_reminder_it_comes_later_and_what_was_never_paid_stays_so(self) -> None:
        later = response.paid_on(past(paid=60), self.FIRST, {}, Decimal(1))
        assert later == JANUARY + timedelta(days=60 + response.SILENCE)
        assert response.paid_on(past(paid=None), self.FIRST, {}, Decimal(1)) is None


class TestFigures:
    def test_dso_is_open_over_billed_times_ninety(self) -> None:
        two = [past("A-1", 10000, paid=10), past("A-2", 20000, paid=None, issued=20)]
        paid = {each.reference: each.paid_on for each in two if each.paid_on}
        assert dso(two, paid, JANUARY + timedelta(days=20)) == Decimal("60.0")  # 200.00 of 300.00
        assert dso(two, paid, JANUARY + timedelta(days=200)) is None  # nothing was billed

    def test_money_counts_what_came_and_what_did_not(self) -> None:
        found = money([past("A-1", 10000, paid=10), past("A-2", 30000, paid=30), past("A-3", 500, paid=None)],
                      {"A-1": JANUARY + timedelta(days=10), "A-2": JANUARY + timedelta(days=30)})  # fmt: skip
        assert found.days_to_pay == Decimal("25.0")
        assert found.open == 500
        assert [come for _, come in found.cash] == [10000, 40000]


def test_a_curve_rises_to_the_top_right_of_its_picture() -> None:
    way = money([past("A-1", 10000, paid=10)], {"A-1": JANUARY + timedelta(days=10)})
    (curve,), first, last, most = page.curves([("standard", [way, way, way])])
    assert (first, last, most) == (JANUARY + timedelta(days=10), JANUARY + timedelta(days=10), 10000)
    assert curve.line.endswith(f"{page.MARGIN},{page.MARGIN}")
