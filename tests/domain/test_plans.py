"""What a policy takes as a plan, and what a plan does to the dues."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from domain import calendar, dunning, plans, settlement
from domain.account import Account
from domain.actions import Lapse
from domain.instalments import Instalment, Plan
from tests.domain.accounts import account, due, policy
from tests.domain.strategies import Case, cases

TODAY = date(2026, 1, 30)
days = st.integers(0, 800).map(lambda n: date(2026, 1, 1) + timedelta(days=n))


@given(st.integers(1, 100_000_00), days, st.integers(1, 60), st.integers(1, 400))
def test_a_proposal_loses_no_cent_and_differs_by_the_rest_only(amount, today, count, plan_days):
    parts = plans.propose(amount, "EUR", policy(plan_days=plan_days), today, count)
    assert len(parts) == count
    assert sum(part for _, part in parts) == amount
    assert {part for _, part in parts[1:]} <= {amount // count}
    assert 0 <= parts[0][1] - amount // count < count


@given(st.integers(0, 5000_00), days, st.integers(1, 12), st.integers(20, 400))
def test_a_proposal_is_taken_whenever_its_parts_are_big_enough_and_its_months_fit(amount, today, count, plan_days):
    rules = policy(plan_days=plan_days, max_instalments=6)
    parts = plans.propose(amount, "EUR", rules, today, count)
    assume((count - 1) * 31 <= plan_days)
    found = plans.problems(parts, amount, "EUR", rules, today)
    assert (found == ()) == (count <= 6 and amount // count >= 25_00)
    assert today <= parts[0][0] <= today + timedelta(days=31)


def test_a_month_that_is_too_short_takes_its_last_day():
    parts = plans.propose(300_00, "EUR", policy(), TODAY, 3)
    assert [day for day, _ in parts] == [date(2026, 2, 28), date(2026, 3, 30), date(2026, 4, 30)]
    parts = plans.propose(300_00, "EUR", policy(), date(2026, 11, 29), 3)
    assert [day for day, _ in parts] == [date(2026, 12, 29), date(2027, 1, 29), date(2027, 2, 28)]


@st.composite
def owing(draw: st.DrawFn) -> Account:
    """A receivable with up to three dues, of which a part is settled, and sometimes charges."""
    amounts = draw(st.lists(st.integers(0, 300_00), min_size=1, max_size=3))
    dues = tuple(due(draw(days).isoformat(), amount, str(n)) for n, amount in enumerate(amounts))
    total, charges = sum(amounts), draw(st.sampled_from([0, 0, 15_00]))
    return account(dues=dues, total=total, charges=charges, paid=draw(st.integers(0, total)))


@st.composite
def agreed(draw: st.DrawFn) -> tuple[Account, list[tuple[str, date, int]]]:
    """One that owes something, and parts that sum to it, the last of which holds the charges."""
    made = draw(owing())
    assume(made.balance > 0)
    count = draw(st.integers(1, 4))
    cuts = sorted(draw(st.integers(0, made.balance - made.charges)) for _ in range(count - 1))
    amounts = [b - a for a, b in pairwise([0, *cuts, made.balance])]
    first = draw(days)
    parts = [(f"i1-{n}", first + timedelta(days=30 * n), amount) for n, amount in enumerate(amounts)]
    return made, parts


@given(agreed())
def test_a_plan_moves_what_is_open_and_nothing_else(case):
    made, parts = case
    after = replace(made, dues=plans.replaced(made, parts))
    assert sum(each.amount for each in after.dues) == sum(each.amount for each in made.dues)
    assert all(each.amount >= 0 for each in after.dues)
    assert [(each.id, amount) for each, amount in settlement.open_dues(after)] == [
        (id_, amount) for id_, _, amount in parts if amount
    ]


@given(agreed(), st.data())
def test_money_fills_the_instalments_in_their_order(case, data):
    made, parts = case
    after = replace(made, dues=plans.replaced(made, parts))
    more = data.draw(st.integers(0, after.balance))
    left = {each.id: amount for each, amount in settlement.open_dues(replace(after, paid=after.paid + more))}
    for id_, _, amount in parts:
        taken = min(more, amount)
        more -= taken
        assert left.get(id_, 0) == amount - taken


@given(agreed(), st.data())
def test_made_due_at_once_one_due_is_open(case, data):
    made, parts = case
    after = replace(made, dues=plans.replaced(made, parts))
    after = replace(after, paid=after.paid + data.draw(st.integers(0, after.balance - made.charges)))
    assume(after.balance > 0)
    missed = settlement.open_dues(after)[0][0]
    today = missed.due_on + timedelta(days=data.draw(st.integers(1, 90)))
    then = replace(after, dues=plans.replaced(after, [("i1-all", today, after.balance)]))
    assert [(each.id, amount) for each, amount in settlement.open_dues(then)] == [("i1-all", after.balance)]
    assert sum(each.amount for each in then.dues) == sum(each.amount for each in made.dues)
    assert max(each.due_on for each in then.dues) == today


@given(cases())
def test_nothing_is_missed_before_its_grace_or_while_something_excuses_it(case: Case):
    made, rules, now = case
    chased = dict(settlement.chaseable(made))
    for each in plans.missed(made, rules, now):
        assert chased[each.due] == each.amount > 0
        assert calendar.local_date(now, made.customer_place.timezone) > plans.last_day(rules, each.due)
        assert dunning.stopped(made, now) is None
    if plans.running(made) is None:
        assert plans.missed(made, rules, now) == ()


@given(agreed(), st.integers(0, 10))
def test_time_alone_brings_news_at_the_instants_it_is_awaited_for_and_once(case, grace):
    made, parts = case
    instalments = tuple(Instalment(due=id_, due_on=day, amount=amount) for id_, day, amount in parts)
    plan = Plan(id="i1", by="ben", made_at=datetime.combine(TODAY, time(9), UTC), instalments=instalments)
    free = {"holds": (), "rejected_until": None, "plans": (plan,), "dues": plans.replaced(made, parts)}
    made, rules = replace(made, **free), policy(plan_grace_days=grace)
    for at in plans.turns(made, rules):
        before, then = (plans.news(made, rules, at - timedelta(microseconds=n)) for n in (1, 0))
        assert len(then) == len(before) + 1
        told = replace(made, plans=(replace(plan, missed=tuple(each.ref for each in then)),))
        assert plans.news(told, rules, at) == ()
        assert plans.broken(told)


def test_the_grace_is_over_at_midnight_where_the_customer_is():
    made = account(dues=plans.replaced(account(), [("i1-1", date(2026, 3, 2), 119_00)]))
    plan = Plan(
        id="i1",
        by="ben",
        made_at=datetime.combine(TODAY, time(9), UTC),
        instalments=(Instalment(due="i1-1", due_on=date(2026, 3, 2), amount=119_00),),
    )
    made, rules = replace(made, plans=(plan,)), policy(plan_grace_days=3)
    ends = datetime(2026, 3, 5, 23, tzinfo=UTC)  # 6 March, 0:00 in Berlin
    assert plans.missed(made, rules, ends - timedelta(seconds=1)) == ()
    assert [(each.ref, each.amount) for each in plans.missed(made, rules, ends)] == [("i1-1/1", 119_00)]
    assert isinstance(dunning.decide(made, rules, ends), Lapse)
    told = replace(made, plans=(replace(plan, missed=("i1-1/1",)),))
    assert not isinstance(dunning.decide(told, rules, ends), Lapse)
