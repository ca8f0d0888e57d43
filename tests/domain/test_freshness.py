"""Fresh enough to chase: sources, settlement days, age, the exception after `max_hold`, and one message a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from domain import dunning, freshness
from domain.account import Account, Hold, OpenReceipt, Watermark
from domain.actions import Escalate, Send, Wait
from tests.domain.accounts import account, due, mark, more, policy, promise, sent, utc
from tests.domain.lives import life
from tests.domain.strategies import Case, cases

BANK = policy(sources=["bank"])
DUE = account(dues=(due("2026-02-10"),))  # a Tuesday; D+1 is Wednesday 11 February
READY = more(DUE, sent("D-3", "2026-02-09T07:00"))
GAP_OVER = utc("2026-02-11T07:00")
UNKNOWN = OpenReceipt(id=12, amount=119_00, currency="EUR")
FRESH = mark("2026-02-11", "2026-02-11T05:00")


def code(was: Account, now: Any = GAP_OVER, rules: Any = BANK) -> str:
    action = dunning.decide(was, rules, now)
    assert isinstance(action, Send | Wait)
    return action.why.code


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ((), "stale_source"),
        ((mark("2026-02-11", "2026-02-11T05:00", "stripe"),), "stale_source"),
        ((mark("2026-02-10", "2026-02-11T05:00"),), "stale_source"),  # not through the settlement day
        ((FRESH,), "rung"),
        ((mark("2026-02-11", "2026-02-10T05:00"),), "rung"),  # 26 hours old, not older
        ((mark("2026-02-11", "2026-02-10T04:59"),), "stale_source"),
    ],
)
def test_every_source_is_read_far_enough_and_lately(marks: tuple[Watermark, ...], expected: str) -> None:
    assert code(replace(READY, watermarks=marks)) == expected


def test_all_sources_count_and_none_says_so() -> None:
    two = policy(sources=["bank", "stripe"])
    assert code(replace(READY, watermarks=(FRESH,)), rules=two) == "stale_source"
    both = (FRESH, mark("2026-02-11", "2026-02-11T05:00", "stripe"))
    action = dunning.decide(replace(READY, watermarks=both), two, GAP_OVER)
    assert action.why.text == "D+1 of policy standard v1; sources read: bank, stripe"
    assert "no payment sources configured (sources = [])" in dunning.decide(READY, policy(), GAP_OVER).why.text


@pytest.mark.parametrize(
    ("outcome", "expected"), [("broken", "stale_source"), ("kept", "rung"), ("replaced", "rung"), (None, "rung")]
)
def test_only_a_broken_promise_moves_what_must_have_been_read(outcome: str | None, expected: str) -> None:
    """A promise kept early, replaced, or still open for a part does not hold back the rest."""
    assert code(replace(READY, promises=(promise("2026-03-20", 19_00, outcome),), watermarks=(FRESH,))) == expected


def test_a_reminder_before_the_due_date_needs_no_source() -> None:
    action = dunning.decide(
        replace(DUE, unmatched_receipts=(OpenReceipt(id=12, amount=119_00, currency="EUR"),)),
        BANK,
        utc("2026-02-09T07:00"),
    )  # D-3 was a Saturday
    assert isinstance(action, Send)
    assert action.rung == "D-3"


def test_held_beyond_max_hold_is_one_exception_and_then_patience() -> None:
    """Held from Wednesday 11 February 08:00; three days later is a Saturday: a person hears on Monday, once."""
    steps = list(life(READY, BANK, GAP_OVER, days=12))
    told = [(f"{at:%m-%dT%H:%M}", a.kind, a.key) for at, a, _ in steps if isinstance(a, Escalate)]
    assert told == [("02-16T07:00", "stale_source", "invoice-demo-R1/1/1/D+1")]
    waits = [f"{at:%m-%d}" for at, a, _ in steps if isinstance(a, Wait)]
    assert waits == sorted(set(waits))
    assert waits[:3] == ["02-11", "02-12", "02-13"]
    assert not [a for _, a, _ in steps if isinstance(a, Send)]


def test_one_message_a_day_for_one_contact_over_all_its_invoices() -> None:
    rules = policy(per_contact_per_day=2)
    once = replace(READY, contact_reminded_at=(utc("2026-02-11T06:59"),))
    assert code(once, rules=policy()) == "per_contact_per_day"
    assert code(once, rules=rules) == "rung"
    yesterday = replace(READY, contact_reminded_at=(utc("2026-02-10T22:59"),))  # 23:59 in Berlin
    assert code(yesterday, rules=policy()) == "rung"
    midnight = replace(READY, contact_reminded_at=(utc("2026-02-10T23:00"),))
    assert code(midnight, rules=policy()) == "per_contact_per_day"


def test_this_invoices_own_reminders_count_too() -> None:
    rules = policy(gap_per_invoice="0d")
    two = account(dues=(due("2026-02-10", 60_00), due("2026-02-10", 59_00, "2")))
    was = more(
        two,
        sent("D+1", "2026-02-11T07:00"),
        sent("D-3", "2026-02-09T07:00"),
        sent("D-3", "2026-02-09T07:00", due_id="2"),
    )
    assert code(was, rules=rules) == "per_contact_per_day"
    assert code(was, utc("2026-02-12T07:00"), rules) == "rung"


def test_an_older_debt_goes_first() -> None:
    action = dunning.decide(replace(READY, older_debt_waits=True), policy(), GAP_OVER)
    assert isinstance(action, Wait)
    assert (action.until, action.why.code) == (utc("2026-02-12T07:00"), "oldest_first")


def test_what_is_not_assigned_is_named() -> None:
    credit = OpenReceipt(id=7, amount=20_00, currency="USD")
    was = replace(READY, unmatched_receipts=(UNKNOWN,), credit_receipts=(credit,), watermarks=(FRESH,))
    why = dunning.decide(was, BANK, GAP_OVER).why
    assert why.code == "unmatched_receipt"
    assert (
        why.text == "not assigned yet: receipt 12 of 119.00 EUR, perhaps this customer's; receipt 7 with 20.00 USD left"
    )
    assert code(replace(was, unmatched_receipts=())) == "unmatched_receipt"  # credit in another currency has no net
    assert code(replace(was, unmatched_receipts=(), credit_receipts=())) == "rung"


def test_a_held_reminder_is_told_as_such_and_only_while_it_is_held() -> None:
    (held,) = dunning.held(READY, BANK, GAP_OVER)
    assert (held.key, held.rung, held.why.code) == ("invoice-demo-R1/1/1/D+1", "D+1", "stale_source")
    assert dunning.held(READY, BANK, GAP_OVER - timedelta(days=1)) == ()
    assert dunning.held(replace(READY, watermarks=(FRESH,)), BANK, GAP_OVER) == ()
    on_hold = replace(READY, holds=(Hold(scope="invoice", by="sam", reason="x", until=None),))
    assert dunning.held(on_hold, BANK, GAP_OVER) == ()


@given(cases())
def test_what_waits_for_the_books_is_never_sent_at_the_same_time(case: Case) -> None:
    action = dunning.decide(*case)
    held = {one.key for one in dunning.held(*case)}
    assert not (isinstance(action, Send) and action.key in held)
    if isinstance(action, Wait) and action.why.code in freshness.HELD_CODES:
        assert held
