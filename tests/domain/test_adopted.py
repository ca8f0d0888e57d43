"""An invoice issued elsewhere: whatever its age and whatever its policy does after an outage, the customer hears one
message at most about all that was missed, and none that was said before."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain import calendar, ladder
from domain.account import Account
from domain.actions import Send, Skip
from domain.policy import Policy
from tests.domain.accounts import account, due, policy, rung, utc
from tests.domain.lives import life, sends

ISSUED = date(2026, 1, 7)
DUE = date(2026, 2, 6)
ZONE = "Europe/Berlin"
OFFSETS = ("D-3", "D+1", "D+4", "D+7", "D+14", "D+30")

ages = st.integers(-25, 90)
"""Days from the due date to the day it is taken over."""
modes = st.sampled_from(["send_now", "collapse", "skip", "shift"])
ladders = st.lists(st.tuples(st.sampled_from(OFFSETS), modes), unique_by=lambda each: each[0], min_size=1)


def taken_over(at: datetime, said: date | None = None) -> Account:
    return account(
        adopted=True,
        adopted_at=at,
        reminded_elsewhere_on=said,
        delivered_at=calendar.at(ISSUED, time(0), ZONE),
        last_entry_at=at,
        dues=(due("2026-02-06"),),
        documents=(),
        messages=(),
    )


def rules_of(rungs: list[tuple[str, str]]) -> Policy:
    return policy(ladder=[rung(offset, after) for offset, after in sorted(rungs, key=lambda each: int(each[0][1:]))])


def day_of(offset: int) -> date:
    return DUE + timedelta(days=offset)


@given(age=ages, rungs=ladders)
def test_what_was_missed_is_one_message_at_most(age: int, rungs: list[tuple[str, str]]) -> None:
    at = calendar.at(day_of(age), time(18), ZONE)
    rules = rules_of(rungs)
    missed = {each.id for each in rules.ladder if day_of(each.offset) <= day_of(age)}
    sent = [a.rung for _, a, _ in life(taken_over(at), rules, at) if isinstance(a, Send)]
    assert len(missed.intersection(sent)) <= 1


@given(age=ages, back=st.integers(0, 20), rungs=ladders)
def test_what_was_said_before_is_not_said_again(age: int, back: int, rungs: list[tuple[str, str]]) -> None:
    at = calendar.at(day_of(age), time(9), ZONE)
    said = max(ISSUED, day_of(age - back))
    rules = rules_of(rungs)
    lived = list(life(taken_over(at, said), rules, at))
    sent = [a.rung for _, a, _ in lived if isinstance(a, Send)]
    assert not [each.id for each in rules.ladder if each.id in sent and day_of(each.offset) <= said]
    told = [calendar.at(said, rules.window.end, ZONE), *(now for now, a, _ in lived if isinstance(a, Send))]
    assert all(later - earlier >= rules.gap_per_invoice for earlier, later in pairwise(told))


@given(age=ages, rungs=ladders)
def test_every_rung_is_sent_or_says_why_not(age: int, rungs: list[tuple[str, str]]) -> None:
    at = calendar.at(day_of(age), time(9), ZONE)
    rules = rules_of(rungs)
    lived = [a for _, a, _ in life(taken_over(at), rules, at)]
    done = [a.rung for a in lived if isinstance(a, Send)]
    done += [s.rung for a in lived if isinstance(a, Send | Skip) for s in a.skips]
    assert sorted(done) == sorted(each.id for each in rules.ladder)


def test_one_taken_over_before_its_due_date_runs_like_any_other() -> None:
    assert sends(taken_over(utc("2026-01-20T09:00")), policy(), utc("2026-01-20T09:00")) == [
        ("2026-02-03T07:00", "D-3"),
        ("2026-02-09T07:00", "D+1"),
        ("2026-02-13T07:00", "D+7"),
        ("2026-02-20T07:00", "D+14"),
        ("2026-03-09T07:00", "D+30"),
    ]


def test_a_shift_does_not_move_the_rungs_by_what_came_before_us() -> None:
    rules = rules_of([("D+1", "shift"), ("D+30", "shift")])
    at = utc("2026-02-20T09:00")
    assert sends(taken_over(at), rules, at) == [("2026-02-20T09:00", "D+1"), ("2026-03-09T07:00", "D+30")]


def test_reminders_from_before_count_for_the_gap() -> None:
    at = utc("2026-02-12T09:00")
    found = ladder.reminded_at(taken_over(at, date(2026, 2, 11)), policy())
    assert found == [utc("2026-02-11T16:00")]
    assert ladder.reminded_at(taken_over(at), policy()) == []
