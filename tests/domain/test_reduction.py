"""However a document is reduced, its tax rows come out to the cent: nothing is taken twice and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import document, ledger, reduction, tax
from domain.document import AllowanceCharge, Draft, Line, Party
from domain.errors import Refused
from domain.parts import NO_ADDRESS
from domain.reduction import Step
from domain.tax import Breakdown, Category

NOBODY = Party("x", "X", "DE", NO_ADDRESS)
RATES = ("19", "7", "0")

rows_ = st.lists(st.integers(1, 50_000), min_size=1, max_size=3).map(
    lambda nets: tax.breakdown(
        [
            tax.TaxLine(Category.S if rate != "0" else Category.Z, Decimal(rate), net)
            for rate, net in zip(RATES, nets, strict=False)
        ],
        "EUR",
    )
)
parts = st.lists(st.integers(1, 20_000), max_size=8)


def draft(*lines: tuple[str, str, str], step: int = 1, allowance: str | None = None) -> Draft:
    """Lines as (id, price, rate)."""
    made = tuple(Line(id_, "Work", Decimal(1), "C62", Decimal(price), "S", Decimal(rate)) for id_, price, rate in lines)
    adjustments = (AllowanceCharge("Rebate", False, 0, Decimal(allowance), "S", Decimal(19)),) if allowance else ()
    return document.compute(
        Draft("demo", "R", "invoice", "EUR", "en", NOBODY, NOBODY, "net 30", made, adjustments, rounding_step=step)
    )


def final(*lines: tuple[str, str], paid: str, allowance: str | None = None) -> Draft:
    """Lines as (id, price) at 19 %, less a prepayment."""
    content = draft(*((id_, price, "19") for id_, price in lines), allowance=allowance)
    off = Line("P1.1", "Paid", Decimal(-1), "C62", Decimal(paid), "S", Decimal(19), deducts=True)
    return document.compute(replace(content, lines=(*content.lines, off)))


def gross(rows: reduction.Rows) -> int:
    return sum(row.gross for row in rows)


@given(rows_, parts)
def test_many_parts_sum_to_the_whole(rows: tuple[Breakdown, ...], amounts: list[int]) -> None:
    left, taken = rows, list[reduction.Rows]()
    for amount in amounts:
        part = reduction.next_part(rows, [Step(gross(each)) for each in taken], min(amount, gross(left)))
        taken.append(part)
        left = reduction.left(rows, [Step(gross(each)) for each in taken])
    assert gross(left) == gross(rows) - sum(map(gross, taken))
    steps = [Step(gross(each)) for each in taken]
    last = reduction.next_part(rows, steps, gross(left)) if gross(left) else ()
    for at, row in enumerate(rows):
        of_row = [each[at] for each in [*taken, last] if each]
        assert sum(part.taxable for part in of_row) == row.taxable
        assert sum(part.tax for part in of_row) == row.tax


@given(rows_, st.integers(1, 40_000), st.integers(1, 40_000))
def test_a_lost_debt_that_comes_back_was_lost_before(rows: tuple[Breakdown, ...], lost: int, back: int) -> None:
    lost = min(lost, gross(rows))
    left = reduction.left(rows, [Step(lost), Step(-min(back, lost))])
    assert gross(left) == gross(rows) - lost + min(back, lost)
    again = reduction.left(rows, [Step(lost), Step(-lost)])
    assert again == rows


@given(rows_, st.integers(1, 40_000), st.integers(1, 40_000))
def test_what_comes_back_is_of_what_its_own_cause_took(rows: tuple[Breakdown, ...], lost: int, back: int) -> None:
    first, rest = rows[0], sum(row.gross for row in rows[1:])
    lost = min(lost, rest)
    if not lost:
        return
    steps = [Step(first.gross, (first,), "credit"), Step(lost, cause="bad_debt"), Step(rest - lost, cause="discount")]
    part = reduction.next_part(rows, steps, -min(back, lost), "bad_debt")
    assert part[0] == replace(first, taxable=0, tax=0)
    whole = reduction.left(rows, [*steps, Step(-lost, cause="bad_debt"), Step(lost - rest, cause="discount")])
    assert whole == (replace(first, taxable=0, tax=0), *rows[1:])


@given(rows_, st.integers(1, 40_000))
def test_what_a_document_prints_comes_before_proportion(rows: tuple[Breakdown, ...], amount: int) -> None:
    first = rows[0]
    left = reduction.left(rows, [Step(first.gross, (first,)), Step(min(amount, gross(rows[1:])))])
    assert left[0] == replace(first, taxable=0, tax=0)


class TestLines:
    def test_a_line_takes_its_own_tax(self) -> None:
        content = draft(("a", "100.00", "19"), ("b", "50.00", "7"))
        assert reduction.of_lines(content, ["b"]) == (Breakdown(Category.S, Decimal(7), 5000, 350),)

    def test_all_lines_are_the_document(self) -> None:
        content = draft(("a", "33.33", "19"), ("b", "66.67", "19"), ("c", "50.00", "7"))
        assert reduction.of_lines(content, ["a", "b", "c"]) == reduction.rows_of(content)

    def test_the_document_s_allowance_is_shared_in(self) -> None:
        content = draft(("a", "100.00", "19"), ("b", "300.00", "19"), allowance="10")
        assert reduction.of_lines(content, ["a"]) == (Breakdown(Category.S, Decimal(19), 9000, 1710),)

    @given(st.lists(st.integers(1, 5_000), min_size=1, max_size=6), st.sampled_from([None, "3", "10"]), st.randoms())
    def test_one_by_one_they_are_the_document(self, cents: list[int], allowance: str | None, order: Random) -> None:
        lines = [(str(at), str(Decimal(each).scaleb(-2)), order.choice(RATES[:2])) for at, each in enumerate(cents)]
        content = draft(*lines, ("x", "1.00", "19"), allowance=allowance)
        left, taken = [id_ for id_, *_ in (*lines, ("x",))], dict[str, reduction.Rows]()
        while left:
            some = [left.pop(order.randrange(len(left))) for _ in range(order.randint(1, len(left)))]
            before = [id_ for ids in taken for id_ in ids.split()]
            part = reduction.of_lines(content, some, before, taken.values())
            alone = {row.rate: row for row in reduction.of_lines(content, some)}
            assert all(abs(row.gross - alone[row.rate].gross) <= 2 for row in part)
            taken[" ".join(some)] = part
        rest = reduction.left(reduction.rows_of(content), [Step(gross(part), part) for part in taken.values()])
        assert all((row.taxable, row.tax) == (0, 0) for row in rest)

    def test_it_is_not_shared_by_what_is_taken_off_as_paid(self) -> None:
        content = final(("a", "300.00"), ("b", "200.00"), paid="100.00", allowance="10")
        assert content.totals.taxable == 35000
        parts = [reduction.of_lines(content, [id_])[0] for id_ in ("a", "b", "P1.1")]
        assert [(each.taxable, each.tax) for each in parts] == [(27000, 5130), (18000, 3420), (-10000, -1900)]

    def test_an_unknown_line_is_named(self) -> None:
        with pytest.raises(Refused, match="no line z; it has a"):
            reduction.of_lines(draft(("a", "1.00", "19")), ["z"])


def test_rounding_is_a_row_of_its_own_and_no_part_of_a_line() -> None:
    content = draft(("a", "10.01", "19"), step=5)
    assert (content.totals.total, content.totals.rounding, content.totals.payable) == (1191, -1, 1190)
    rows = reduction.rows_of(content)
    assert (gross(rows), rows[-1].reason) == (1190, ledger.ROUNDING)
    assert reduction.of_lines(content, ["a"]) == rows[:-1]


@given(st.integers(1, 10**7), st.sampled_from([1, 5, 10, 100]))
def test_what_is_payable_is_a_multiple_and_nearest(cents: int, step: int) -> None:
    content = draft(("a", f"{cents // 100}.{cents % 100:02d}", "19"), step=step)
    assert content.totals.payable % step == 0
    assert -step < 2 * content.totals.rounding <= step
