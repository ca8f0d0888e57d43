"""What is decided while collecting, case by case with exact dates: pauses, credit, freshness, windows and people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import dunning
from domain.account import Account, Hold, OpenReceipt, Phase, Place
from domain.actions import Escalate, Lapse, Send, Skip, Wait
from domain.policy import Policy
from tests.domain.accounts import (
    BERLIN,
    NEW_YORK,
    TOKYO,
    account,
    delivery,
    dispute,
    due,
    hold,
    more,
    policy,
    promise,
    rung,
    sent,
    utc,
)
from tests.domain.lives import life, sends

STANDARD = policy()
D1 = utc("2026-02-09T07:00")  # Monday 08:00 in Berlin: D+1 of Friday 6 February falls on a Saturday
D3 = sent("D-3", "2026-02-03T07:00")


def decided(was: Account, now: str, rules: Policy = STANDARD) -> Any:
    return dunning.decide(was, rules, utc(now))


@pytest.mark.parametrize(
    ("place", "due_on", "expected"),
    [
        (BERLIN, "2026-02-06", "2026-02-09T07:00"),  # Saturday moves to Monday
        (BERLIN, "2026-03-27", "2026-03-30T06:00"),  # summer time began on Sunday
        (BERLIN, "2026-04-02", "2026-04-07T06:00"),  # Good Friday, weekend, Easter Monday
        (BERLIN, "2026-04-30", "2026-05-04T06:00"),  # 1 May is a Friday
        (BERLIN, "2026-12-23", "2026-12-24T07:00"),
        (BERLIN, "2028-02-28", "2028-02-29T07:00"),  # a leap day
        (BERLIN, "2026-10-23", "2026-10-26T07:00"),  # winter time began on Sunday
        (NEW_YORK, "2026-03-06", "2026-03-09T12:00"),  # daylight saving began on Sunday 8 March
        (NEW_YORK, "2026-07-02", "2026-07-06T12:00"),  # Independence Day is observed on Friday
        (TOKYO, "2026-05-01", "2026-05-06T23:00"),  # Golden Week until Wednesday: Thursday 08:00 in Tokyo
        (Place(timezone="Europe/Berlin", country="DE", region="BY"), "2026-01-05", "2026-01-07T07:00"),  # Epiphany
    ],
)
def test_the_first_reminder_leaves_when_the_customers_window_opens(place: Place, due_on: str, expected: str) -> None:
    early = utc("2025-11-01T09:00")
    was = account(
        customer_place=place, dues=(due(due_on),), delivered_at=early, messages=(delivery("2025-11-01T09:00"),)
    )
    rules = policy(ladder=[rung("D+1")])
    assert sends(was, rules, early, days=1000) == [(expected, "D+1")]
    action = dunning.decide(was, rules, utc(expected))
    assert isinstance(action, Send)
    assert (action.kind, action.to, action.amount) == ("reminder", "billing", 119_00)
    assert action.not_after == utc(expected) + timedelta(minutes=15)


def test_the_look_ends_with_the_window() -> None:
    action = decided(more(account(), D3), "2026-02-09T15:50")
    assert isinstance(action, Send)
    assert action.not_after == utc("2026-02-09T16:00")
    wait = decided(more(account(), D3), "2026-02-09T16:00")
    assert isinstance(wait, Wait)
    assert (wait.until, wait.why.code) == (utc("2026-02-10T07:00"), "send_window")


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({}, 119_00),
        ({"paid": 19_00}, 100_00),
        ({"disputes": (dispute(50_00),)}, 69_00),
        ({"disputes": (dispute(50_00), dispute(19_00, id_="d2"))}, 50_00),
        ({"disputes": (dispute(50_00, "rejected"),)}, 119_00),
        ({"promises": (promise("2026-03-01", 100_00),)}, 19_00),
        ({"disputes": (dispute(50_00),), "promises": (promise("2026-03-01", 50_00),)}, 19_00),
        ({"dues": (due("2026-02-06", 60_00), due("2026-06-06", 59_00, "2")), "disputes": (dispute(50_00),)}, 60_00),
        ({"paid": 114_00}, 5_00),
    ],
)
def test_only_what_is_undisputed_and_not_promised_is_chased(fields: dict[str, Any], amount: int) -> None:
    action = dunning.decide(more(account(**fields), D3), STANDARD, D1)
    assert isinstance(action, Send)
    assert action.amount == amount


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"holds": (hold(),)}, "on_hold"),
        ({"holds": (hold(scope="all"),)}, "on_hold"),
        ({"disputes": (dispute(119_00),)}, "disputed"),
        ({"disputes": (dispute(500_00),)}, "disputed"),
        ({"promises": (promise("2026-03-01", 119_00),)}, "promised"),
        ({"pending_payment": 119_00}, "payment_pending"),
        ({"disputes": (dispute(19_00),), "pending_payment": 100_00}, "payment_pending"),
        ({"promises": (promise("2026-03-01", 19_00),), "pending_payment": 100_00}, "payment_pending"),
    ],
)
def test_a_pause_over_everything_stops_the_ladder(fields: dict[str, Any], code: str) -> None:
    was = more(account(**fields), D3)
    assert isinstance(dunning.decide(was, STANDARD, D1), Lapse)  # the books note it first
    action = dunning.decide(replace(was, ladder_stopped_on=D1.date()), STANDARD, D1)
    assert isinstance(action, Wait)
    assert action.why.code == code


def test_a_hold_ends_by_itself_and_the_rungs_keep_their_distance() -> None:
    """Held from 5 to 16 February: eleven days later, D+1 on Wednesday 18, D+7 on Tuesday 24."""
    held = more(account(holds=(hold("2026-02-15T23:00"),)), D3)
    assert sends(held, STANDARD, utc("2026-02-05T10:00"), days=20) == [
        ("2026-02-18T07:00", "D+1"),
        ("2026-02-24T07:00", "D+7"),
    ]


def test_a_promise_runs_out_after_its_grace() -> None:
    """Promised for Thursday 12 February, one day of grace: broken at the end of the 13th, in the customer's zone."""
    promised = more(account(promises=(promise("2026-02-12", 119_00),)), D3, ladder_stopped_on=D1.date())
    wait = dunning.decide(promised, STANDARD, D1)
    assert isinstance(wait, Wait)
    assert wait.until == utc("2026-02-13T23:00")
    assert isinstance(decided(promised, "2026-02-13T23:00"), Lapse)
    tokyo = replace(promised, customer_place=TOKYO)
    assert dunning.promise_ends(tokyo, STANDARD, promised.promises[0].promised_on) == utc("2026-02-13T15:00")


def test_grace_after_a_rejected_dispute() -> None:
    was = more(account(rejected_until=utc("2026-02-11T12:00")), D3)
    wait = dunning.decide(was, STANDARD, D1)
    assert isinstance(wait, Wait)
    assert (wait.until, wait.why.code) == (utc("2026-02-11T12:00"), "grace_after_reject")
    assert isinstance(decided(was, "2026-02-11T12:00"), Send)


def test_after_a_reply_everything_of_the_ladder_waits_and_nothing_is_moved() -> None:
    """Internal rungs too; a pause that stops the ladder speaks first, and its end is waited for as well."""
    until = utc("2026-02-11T12:00")
    was = more(account(quiet_until=until), D3)
    wait = dunning.decide(was, STANDARD, D1)
    assert isinstance(wait, Wait)
    assert (wait.until, wait.what, wait.why.code) == (until, "a reply", "reply")
    assert dunning.held(was, STANDARD, D1) == ()
    after = decided(was, "2026-02-11T12:00")
    assert isinstance(after, Send)
    assert after.rung == "D+1"
    held = replace(was, holds=(Hold(scope="invoice", by="sam", reason="x", until=None),))
    assert dunning.decide(held, STANDARD, D1).why.code in {"on_hold", "lapsed"}


@pytest.mark.parametrize(
    ("mode", "credit", "receipt", "amount"),
    [
        ("hold", 0, False, 119_00),
        ("hold", 1, False, None),
        ("hold", 0, True, None),
        ("net", 19_00, False, 100_00),
        ("net", 119_00, False, None),
        ("net", 500_00, False, None),
        ("net", 0, True, None),
        ("ignore", 500_00, True, 119_00),
    ],
)
def test_money_not_yet_assigned(mode: str, credit: int, receipt: bool, amount: int | None) -> None:
    """Net never chases for nothing: credit that covers everything holds like any other."""
    unknown = (OpenReceipt(id=12, amount=119_00, currency="EUR"),) if receipt else ()
    was = more(account(customer_credit=credit, unmatched_receipts=unknown), D3)
    rules = policy(unmatched=mode)
    action = dunning.decide(was, rules, D1)
    if amount is not None:
        assert isinstance(action, Send)
        assert action.amount == amount
        return
    assert isinstance(action, Wait)
    assert (action.until, action.why.code) == (utc("2026-02-10T07:00"), "unmatched_receipt")
    steps = [a for _, a, _ in life(was, rules, D1, days=5)]
    assert [a.kind for a in steps if isinstance(a, Escalate)] == ["unmatched_receipt"]
    assert not [a for a in steps if isinstance(a, Send)]


def test_netted_credit_pays_the_oldest_first() -> None:
    rules = policy(unmatched="net")
    two = account(dues=(due("2026-02-06", 60_00), due("2026-02-07", 59_00, "2")), customer_credit=70_00)
    action = dunning.decide(more(two, D3, sent("D-3", "2026-02-03T07:00", "skipped", "2")), rules, D1)
    assert isinstance(action, Send)
    assert (action.due, action.amount) == ("2", 49_00)


@pytest.mark.parametrize(("owed", "chased"), [(5_00, True), (4_99, False)])
def test_too_little_is_not_chased_but_not_forgotten(owed: int, chased: bool) -> None:
    """Below the least amount nobody is reminded; when the ladder would have ended a person is told."""
    small = account(paid=119_00 - owed)
    steps = list(life(small, STANDARD, utc("2026-01-08T09:00")))
    assert any(isinstance(a, Send) for _, a, _ in steps) is chased
    told = [(f"{at:%Y-%m-%d}", a.kind) for at, a, _ in steps if isinstance(a, Escalate)]
    assert told == [("2026-03-09", "last_rung")]


def test_a_small_rest_of_an_old_due_is_not_chased_on_its_own() -> None:
    was = account(dues=(due("2026-02-06", 2_00), due("2026-12-06", 500_00, "2")))
    assert sends(was, STANDARD, utc("2026-01-08T09:00"), days=200) == []


def test_a_consumer_is_not_chased_under_a_policy_that_is_not_for_consumers() -> None:
    action = dunning.decide(account(consumer=True), STANDARD, D1)
    assert isinstance(action, Escalate)
    assert (action.kind, action.key) == ("consumer", "invoice-demo-R1")
    assert isinstance(dunning.decide(more(account(consumer=True), D3), policy(consumer=True), D1), Send)


def test_no_ladder_waits_for_somebody() -> None:
    action = dunning.decide(account(), policy("none"), utc("2027-01-01T09:00"))
    assert isinstance(action, Wait)
    assert action.until is None


def test_the_ladder_of_an_instalment_that_has_ended_is_put_before_a_person() -> None:
    """Not months later, when the last instalment's has."""
    was = account(dues=(due("2026-02-06", 60_00), due("2026-12-06", 59_00, "2")))
    *_, (at, _, ended) = life(was, STANDARD, utc("2026-01-08T09:00"))
    assert (f"{at:%Y-%m-%d}", ended.phase) == ("2026-03-09", Phase.ESCALATED)


def test_a_held_message_gives_way_to_the_next_rung() -> None:
    """Mode ask: nothing leaves; D+7 supersedes D+1, and the last one waits for a person without an end."""
    asked = more(account(mode="ask"), D3)
    steps = list(life(asked, policy("careful"), D1))
    states = {m.rung: m.state.value for m in steps[-1][2].messages if m.rung}
    assert states == {"D-3": "sent", "D+1": "skipped", "D+7": "skipped", "D+14": "sent", "D+30": "held"}
    last = steps[-1][1]
    assert isinstance(last, Wait)
    assert (last.until, last.why.code) == (None, "ask")
    assert steps[-1][2].phase is Phase.OPEN


def test_a_person_of_ours_hears_though_the_customers_reminder_is_held() -> None:
    """D+7 waits in mode ask when D+14, for the owner, comes: one does not block or swallow the other."""
    was = more(account(mode="ask"), D3, sent("D+1", "2026-02-09T07:00"), sent("D+7", "2026-02-13T07:00", "held"))
    action = decided(was, "2026-02-20T07:00")
    assert isinstance(action, Send)
    assert (action.rung, action.kind, action.to, action.skips) == ("D+14", "internal", "owner", ())


def test_an_unknown_last_message_is_decided_before_the_ladder_ends() -> None:
    gone = [sent(r, "2026-03-01T09:00") for r in ("D-3", "D+1", "D+7", "D+14")]
    was = more(account(), *gone, sent("D+30", "2026-03-09T07:00", "unknown"))
    action = decided(was, "2026-03-12T09:00")
    assert isinstance(action, Wait)
    assert (action.until, action.why.code) == (None, "unknown")


def test_adopted_is_collected_without_a_delivery_of_ours() -> None:
    was = account(adopted=True, delivered_at=None, messages=(), documents=())
    action = decided(was, "2026-02-13T09:00")
    assert isinstance(action, Send)
    assert (action.rung, [s.rung for s in action.skips]) == ("D+7", ["D-3", "D+1"])


def test_skips_are_recorded_before_waiting() -> None:
    action = decided(account(holds=()), "2026-02-07T09:00")  # Saturday: D-3 is missed, D+1 comes on Monday
    assert isinstance(action, Skip)
    assert [(s.rung, s.why.code) for s in action.skips] == [("D-3", "missed")]
