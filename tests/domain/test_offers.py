"""What a customer may say by itself: only what the books would take, and never without a limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from domain import calendar, offers, plans
from domain.account import BEFORE_ISSUE, Account, Hold, Phase
from domain.instalments import Plan
from domain.offers import Offers
from domain.policy import Policy
from tests.domain.accounts import account, delivery, dispute, paper, policy, promise, utc
from tests.domain.strategies import Case, cases

STANDARD = policy()
NOW, TODAY = utc("2026-02-10T09:00"), date(2026, 2, 10)


def offered(was: Account, rules: Policy = STANDARD) -> Offers:
    return offers.offers(was, rules, NOW, TODAY)


@settings(max_examples=100)
@given(cases())
def test_nothing_is_offered_beyond_what_is_owed_and_undisputed(case: Case) -> None:
    was, rules, now = case
    found = offers.offers(was, rules, now, calendar.local_date(now, was.seller_place.timezone))
    free = max(was.balance, 0) - was.disputed
    assert found.disputable in {0, free}
    assert found.promisable in {0, free}
    if was.closed or was.phase in BEFORE_ISSUE:
        assert (found.disputable, found.promisable, found.parts, found.contact) == (0, 0, (), False)
    for parts in found.parts:
        assert sum(amount for _, amount in parts) == was.balance
        assert not plans.problems(parts, was.balance, was.currency, rules, found.promise_from)


@pytest.mark.parametrize(
    ("fields", "dispute_it", "promise_it", "in_parts"),
    [
        ({}, True, True, True),
        ({"phase": Phase.ESCALATED}, True, True, True),
        ({"phase": Phase.IN_COLLECTIONS}, True, False, False),
        ({"phase": Phase.PAID, "paid": 119_00}, False, False, False),
        ({"phase": Phase.AWAITING_APPROVAL}, False, False, False),
        ({"pending_payment": 119_00}, True, False, False),
        ({"disputes": (dispute(119_00),)}, False, False, False),
        ({"disputes": (dispute(20_00),)}, True, True, False),
        ({"disputes": (dispute(20_00, "rejected"),)}, True, True, True),
        ({"promises": (promise("2026-02-20", 119_00),)}, True, True, True),
        ({"promises": (promise("2026-01-20", 119_00, "broken"),) * 2}, True, False, True),
        ({"promises": (promise("2026-01-20", 1_00, "replaced"), promise("2026-02-20", 1_00))}, True, False, True),
        ({"promises": (promise("2026-02-20", 1_00, "replaced"), promise("2026-02-20", 1_00))}, True, True, True),
        ({"exceptions": ("plan_requested",)}, True, True, False),
        ({"total": 30_00}, True, True, False),
    ],
)
def test_what_makes_no_sense_is_not_offered(
    fields: dict[str, object], dispute_it: bool, promise_it: bool, in_parts: bool
) -> None:
    found = offered(account(**fields))
    assert (found.disputable > 0, found.promisable > 0, bool(found.parts)) == (dispute_it, promise_it, in_parts)


def test_parts_are_within_the_policy() -> None:
    found = offered(account(), policy(max_instalments=4, least_instalment={"EUR": "30.00"}))
    assert [len(parts) for parts in found.parts] == [2, 3]
    assert [amount for _, amount in found.parts[1]] == [39_68, 39_66, 39_66]


def test_the_last_part_carries_the_charges() -> None:
    assert {len(parts) for parts in offered(account(charges=50_00)).parts} == {2, 3}


def test_a_customer_agrees_once_and_while_reminders_run() -> None:
    by_itself = policy(plan_by="customer")
    plan = Plan(id="n1", by="x", made_at=NOW, instalments=(), outcome="accelerated")
    assert offered(account(), by_itself).agrees
    assert not offered(account(), STANDARD).agrees
    assert not offered(account(phase=Phase.ESCALATED), by_itself).agrees
    assert not offered(account(plans=(plan,)), by_itself).agrees
    running = account(plans=(replace(plan, outcome=None),))
    assert (offered(running).parts, offered(running).promisable) == ((), 0)


def test_a_copy_a_day_and_none_while_a_document_is_about_to_leave() -> None:
    first = delivery("2026-02-10T08:00")
    assert offered(account(messages=(first,))).copy, "the invoice itself is no copy"
    assert not offered(account(messages=())).copy, "it is about to leave"
    for state in ("released", "held", "claimed"):
        assert not offered(account(messages=(first, delivery("2026-01-10T09:00", state, copy="#2")))).copy, state
    assert not offered(account(messages=(first, delivery("2026-02-09T09:30", copy="#2")))).copy
    assert offered(account(messages=(first, delivery("2026-02-09T09:00", copy="#2")))).copy
    assert not offered(account(documents=(), messages=())).copy
    assert not offered(account(adopted=True)).copy, "issued elsewhere, and nobody handed its file in"
    credited = account(documents=(paper(), paper("credit_note")), messages=(first,))
    assert not offered(credited).copy, "the credit note is about to leave"


def test_stops_of_the_customer_take_offers_away() -> None:
    stop = Hold(scope="customer", by="sam", reason="x", until=None, kind="insolvent")
    found = offered(account(holds=(stop,)))
    assert (found.disputable, found.promisable, found.parts, found.copy) == (119_00, 0, (), True)
    silent = offered(account(holds=(replace(stop, kind="no_contact"),)))
    assert (silent.copy, silent.contact) == (False, False)
