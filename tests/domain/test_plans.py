"""What a policy takes as a plan, and what a plan does to the dues."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from domain import plans
from tests.domain.accounts import policy

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
