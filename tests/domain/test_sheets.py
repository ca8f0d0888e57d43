"""The morning sheet: nothing the books give is lost, nothing is told twice, and what is most urgent comes first."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain import codec, sheets
from domain.sheets import EXAMPLES, MOST, NEAR, Item, Sheet, Task, compose, sheet_key

DAY = date(2026, 3, 11)
days = st.dates(date(2026, 1, 1), date(2026, 6, 1))
names = st.text("ABC123", min_size=1, max_size=4)
items = st.builds(
    Item,
    key=names,
    invoice=names,
    number=names,
    customer=names,
    kind=st.just("reminder"),
    rung=st.sampled_from(["D+1", "D+7"]),
    template=st.just("firmer"),
    amount=st.integers(1, 10**9),
    currency=st.just("EUR"),
    due_on=st.none() | days,
    days_late=st.integers(0, 100),
)
tasks = st.builds(
    Task,
    id=st.integers(1, 10**6),
    kind=st.sampled_from(["dispute", "rung", "bounced"]),
    key=names,
    invoice=names,
    number=names,
    customer=names,
    opened_on=days,
    deadline=st.none() | days,
)
reasons = st.lists(st.tuples(st.sampled_from(["disputed", "promised", "on_hold"]), names))


def made(asks: list[Item], open_: list[Task], withheld: list[tuple[str, str]] | None = None) -> Sheet:
    return compose("demo", "sam", DAY, "ask", asks=asks, tasks=open_, withheld=withheld or [])


@given(asks=st.lists(items, max_size=8), open_=st.lists(tasks, max_size=12), withheld=reasons)
def test_nothing_is_lost_or_told_twice(asks: list[Item], open_: list[Task], withheld: list[tuple[str, str]]) -> None:
    sheet = made(asks, open_, withheld)
    assert sorted(sheet.asks, key=repr) == sorted(asks, key=repr)
    asked = {item.key for item in asks}
    told = sorted(task.id for task in (*sheet.disputes, *sheet.tasks))
    assert told == sorted(task.id for task in open_ if task.key not in asked)
    assert sheet.withheld == len(withheld)
    assert all(len(reason.numbers) == min(reason.count, EXAMPLES) for reason in sheet.held)
    assert sheet.empty == (not asks and not told)


@given(open_=st.lists(tasks, max_size=12))
def test_overdue_first_then_by_deadline(open_: list[Task]) -> None:
    for found in (made([], open_).disputes, made([], open_).tasks):
        for first, then in pairwise(found):
            assert (first.overdue, first.deadline == then.deadline) >= (then.overdue, False)
            if first.overdue == then.overdue:
                assert (first.deadline or date.max) <= (then.deadline or date.max)
    for task in made([], open_).disputes:
        assert task.kind == "dispute"
        assert task.deadline is not None
        assert task.deadline <= DAY + NEAR


@given(asks=st.lists(items, max_size=6), open_=st.lists(tasks, max_size=6), withheld=reasons, data=st.data())
def test_the_order_of_rows_does_not_matter(
    asks: list[Item], open_: list[Task], withheld: list[tuple[str, str]], data: st.DataObject
) -> None:
    """And it is stored without loss."""
    sheet = made(asks, open_, withheld)
    again = made(
        data.draw(st.permutations(asks)), data.draw(st.permutations(open_)), data.draw(st.permutations(withheld))
    )
    assert [task.id for task in again.tasks] == [task.id for task in sheet.tasks]
    assert again.held == sheet.held
    assert codec.decode(Sheet, codec.encode(sheet)) == sheet


def test_what_does_not_fit_is_counted() -> None:
    many = [
        Item(str(n), "i", f"{n:04}", "c", "reminder", "D+1", "t", 1, "EUR", DAY - timedelta(days=n), n)
        for n in range(MOST + 3)
    ]
    sheet = made(many, [])
    assert (len(sheet.asks), sheet.more) == (MOST, {"asks": 3})
    assert sheet.asks[0].days_late == MOST + 2


def test_a_sheet_that_only_holds_back_is_none() -> None:
    assert made([], [], [("disputed", "A")]).empty
    assert sheets.sheet_key("demo", "sam", DAY) == sheet_key("demo", "sam", DAY) == "sheet/demo/sam/2026-03-11"
