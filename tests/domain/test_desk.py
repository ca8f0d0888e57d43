"""Who has a dispute, whom the desk writes to and when, and who is next: by example and over random houses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import calendar, desk, lifecycle, roles
from domain.account import Account, Person
from domain.actions import PassOn, Send, Wait
from domain.policy import Policy
from tests.domain.accounts import ANA, BEN, SAM, account, dispute, more, policy, promise, utc
from tests.domain.lives import life

CHO = Person(key="cho", roles=("approver", "controller"), limits={})
OPENED = utc("2026-01-20T09:00")
TODAY = OPENED.date()
UNTIL = utc("2026-01-30T23:00")  # the end of the tenth day in Berlin


def away(person: Person, first: str = "2026-01-01", last: str = "2026-12-31", delegate: str | None = None) -> Person:
    since, until = date.fromisoformat(first), date.fromisoformat(last)
    return replace(person, absent_from=since, absent_until=until, delegate=delegate)


def disputed(people: tuple[Person, ...] = (ANA, BEN, CHO, SAM), owner: str = "sam", amount: int = 119_00) -> Account:
    taken = replace(dispute(amount), owner=owner, deadline=UNTIL)
    return account(disputes=(taken,), people=people, last_entry_at=OPENED)


def told(was: Account, rules: Policy, days: int = 90) -> list[tuple[str, str]]:
    """(UTC minute, whom) of every mail of the desk, and of every time a dispute changed hands."""
    found = []
    for at, action, _ in life(was, rules, OPENED, days):
        if isinstance(action, Send) and action.kind == "internal" and not action.rung:
            found.append((f"{at:%m-%dT%H:%M}", action.ref.removeprefix("dispute/d1/")))
        if isinstance(action, PassOn):
            found.append((f"{at:%m-%dT%H:%M}", f"to {action.to} until {action.deadline:%m-%dT%H:%M}"))
    return found


def test_asked_at_once_reminded_at_half_passed_on_at_the_deadline() -> None:
    assert told(disputed(), policy()) == [
        ("01-20T09:00", "sam/1"),
        ("01-25T16:00", "sam/2"),
        ("01-30T23:00", "to ben until 02-10T23:00"),
        ("01-30T23:00", "ben/1"),
        ("02-05T11:00", "ben/2"),
        ("02-10T23:00", "to cho until 02-21T23:00"),
        ("02-10T23:00", "cho/1"),
        ("02-16T11:00", "cho/2"),
    ]


def test_everybody_of_the_escalation_has_one_turn_in_its_order() -> None:
    changed = told(disputed(), policy(dispute_escalation=["ben", "controller", "sam", "ana"]))
    assert [what for _, what in changed if what.startswith("to")] == [
        "to ben until 02-10T23:00",
        "to cho until 02-21T23:00",
        "to ana until 03-04T23:00",  # sam had it and may not decide
    ]


def test_whoever_is_away_is_passed_over_for_who_stands_in() -> None:
    rules = policy(dispute_owners={"quality": "approver", "price": "ana", "other": "controller"})
    people = (away(ANA, delegate="cho"), BEN, CHO, SAM)
    assert desk.owner_for(rules, "quality", people, "sam", TODAY) == "ben"
    assert desk.owner_for(rules, "price", people, "sam", TODAY) == "cho"
    assert desk.owner_for(rules, "duplicate", people, "sam", TODAY) == "ben"
    assert desk.owner_for(policy(), "price", people, "sam", TODAY) == "sam"
    assert desk.owner_for(policy(), "price", (BEN, away(SAM, delegate="ben")), "sam", TODAY) == "ben"
    assert desk.owner_for(policy(), "price", (BEN, away(SAM)), "sam", TODAY) == "sam", "somebody must have it"
    last = date(2026, 1, 20)
    assert roles.absent(away(ANA, last="2026-01-20"), last)
    assert not roles.absent(away(ANA, last="2026-01-19"), last)


def test_a_wholly_disputed_receivable_wakes_for_the_desk_and_says_that_it_is_paused() -> None:
    asked = next(was for _, action, was in life(disputed(), policy(), OPENED) if isinstance(action, Wait))
    wait = lifecycle.next_action(asked, policy(), OPENED)
    assert isinstance(wait, Wait)
    assert (wait.until, wait.what, wait.why.code) == (utc("2026-01-25T16:00"), "the end of the pause", "disputed")


def test_a_partly_disputed_receivable_is_reminded_of_its_rest_meanwhile() -> None:
    rungs = [action.rung for _, action, _ in life(disputed(amount=50_00), policy(), OPENED) if isinstance(action, Send)]
    assert [each for each in rungs if each][:3] == ["D-3", "D+1", "D+7"]
    assert len([each for each in rungs if not each]) == 6


def test_a_dispute_from_before_deadlines_asks_nobody() -> None:
    was = account(disputes=(dispute(119_00),), people=(SAM, BEN))
    assert told(was, policy()) == []


people = st.lists(
    st.builds(
        Person,
        key=st.sampled_from("abcdef"),
        roles=st.sampled_from([("approver",), ("controller",), ("owner",), ("approver", "controller"), ("machine",)]),
        limits=st.just({}),
        active=st.booleans(),
        delegate=st.sampled_from([None, *"abcdef"]),
        absent_from=st.just(None),
        absent_until=st.just(None),
    ).flatmap(lambda p: st.sampled_from([p, away(p, "2026-01-01", "2026-02-15"), away(p)])),
    max_size=6,
    unique_by=lambda p: p.key,
)
named = st.sampled_from(["approver", "controller", "owner", *"abcdef"])


@st.composite
def houses(draw: Any) -> tuple[Account, Policy]:
    rules = policy(
        dispute_days=draw(st.integers(1, 20)), dispute_escalation=draw(st.lists(named, max_size=4, unique=True))
    )
    owner = draw(st.sampled_from("abcdef"))
    was = disputed(tuple(draw(people)), owner, draw(st.sampled_from([119_00, 50_00])))
    if draw(st.booleans()):
        was = more(was, promises=(promise("2026-02-20", 30_00),)) if was.disputed < 119_00 else was
    return was, rules


@settings(max_examples=150)
@given(houses())
def test_nobody_is_asked_twice_the_same_and_no_deadline_passes_unseen(house: tuple[Account, Policy]) -> None:
    was, rules = house
    known = {p.key: p for p in was.people}
    sent: list[str] = []
    had, last = {was.disputes[0].owner}, UNTIL
    end: tuple[datetime, Account] | None = None
    for at, action, before in life(was, rules, OPENED):
        end = at, before
        if isinstance(action, Send) and action.ref.startswith("dispute/"):
            assert action.to == before.disputes[0].owner
            assert at < last, "nobody is asked for what is over"
            sent.append(action.ref)
        if isinstance(action, PassOn):
            assert at >= last
            assert action.deadline > at
            assert action.to not in had, "a turn each"
            person = known[action.to]
            assert person.active
            assert not roles.absent(person, calendar.local_date(at, "Europe/Berlin")), "on the seller's day"
            assert roles.roles_of(person) & roles.ROLES["resolve"]
            had.add(action.to)
            last = action.deadline
    assert len(sent) == len(set(sent))
    assert end is not None
    assert end[0] >= last, "it does not rest before the time is over"
    assert end[0] - OPENED <= timedelta(days=400)
    assert all(not person.active or f"dispute/d1/{key}/1" in sent for key, person in known.items() if key in had)


@settings(max_examples=150)
@given(people, st.lists(named, max_size=3), named, st.sampled_from("abcdef"))
def test_the_first_owner_is_there_or_nobody_is(staff: list[Person], codes: list[str], other: str, owner: str) -> None:
    rules = policy(dispute_owners=dict(zip(("price", "quality", "quantity"), codes, strict=False)) | {"other": other})
    found = desk.owner_for(rules, "price", staff, owner, TODAY)
    able = {p.key for p in staff if p.active and not roles.absent(p, TODAY) and roles.MACHINE not in roles.roles_of(p)}
    assert found in able or found == owner
