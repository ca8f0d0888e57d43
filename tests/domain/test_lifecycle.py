"""The whole life by itself: decided without error, at rest in finite steps, nothing twice, nothing outside its window;
and the documents, approvals and closings around the ladder, case by case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import calendar, dunning, lifecycle, settlement
from domain.account import CLOSED, Account, Phase, Repayment
from domain.actions import Close, Escalate, Issue, Refund, Send, Skip, Wait
from domain.messages import REACHED, SETTLED, MessageState
from tests.domain.accounts import (
    BEN,
    SAM,
    account,
    delivery,
    dispute,
    due,
    hold,
    message,
    more,
    paper,
    policy,
    promise,
    sent,
    subject,
    utc,
)
from tests.domain.lives import carry_out, life, sends
from tests.domain.strategies import Case, cases

STANDARD = policy()


@settings(max_examples=200)
@given(cases())
def test_a_decision_is_total_pure_and_never_breaks_the_promise(case: Case) -> None:
    was, rules, now = case
    action = lifecycle.next_action(was, rules, now)
    assert action == lifecycle.next_action(was, rules, now)
    dunning.decide(was, rules, now)
    assert lifecycle.state(was, now)
    if isinstance(action, Wait):
        assert action.until is None or action.until > now
    if not isinstance(action, Send) or action.why.code == "resume":
        return
    known = next((m for m in was.messages if m.key == action.key), None)
    assert known is None or known.state is MessageState.RELEASED
    assert known is None or known.retry_at is None or known.retry_at <= now
    if action.kind not in {"reminder", "internal"}:
        return
    place = was.customer_place
    assert was.phase is Phase.OPEN
    assert dunning.stopped(was, now) is None
    assert not any(h.until is None or now < h.until for h in was.holds)
    assert 0 < action.amount <= was.balance - was.disputed - was.promised
    assert calendar.window_open(now, rules.window, place.timezone, place.country, place.region)
    assert action.not_after is not None
    assert now < action.not_after <= now + timedelta(minutes=15)
    settled = {m.key for m in was.messages if m.state in SETTLED}
    assert not settled & {skipped.key for skipped in action.skips}


@settings(max_examples=200)
@given(cases())
def test_left_alone_it_comes_to_rest_and_reaches_nobody_twice(case: Case) -> None:
    was, rules, now = case
    left: dict[str, list[datetime]] = {}
    reminders = [m.at for m in was.messages if m.kind == "reminder" and m.state in REACHED]
    last = max(reminders, default=None)
    for at, action, before in life(was, rules, now):
        if not isinstance(action, Send) or action.why.code == "resume":
            continue
        left.setdefault(action.key, []).append(at)
        approved = any(m.key == action.key and m.approved for m in before.messages)
        if action.kind == "reminder" and (before.mode != "ask" or approved):  # in `ask` it is put before a person
            assert last is None or at - last >= rules.gap_per_invoice
            last = at
            assert settlement.chaseable(before)
    assert all(len(times) == 1 for times in left.values())


@settings(max_examples=100)
@given(cases())
def test_who_pays_more_hears_no_more(case: Case) -> None:
    """Half of the rest arrives: not one message more reaches the customer."""
    was, rules, now = case
    if was.balance <= 0 or was.customer_credit:
        return
    paid = replace(was, paid=was.paid + (was.balance + 1) // 2)

    def reminded(each: Account) -> int:
        return sum(isinstance(a, Send) and a.kind == "reminder" for _, a, _ in life(each, rules, now))

    if not was.disputes and not was.promises and not was.pending_payment and len(was.dues) == 1:
        assert reminded(paid) <= reminded(was)


def test_an_undisturbed_life() -> None:
    """Due on Friday 6 February 2026, a Berlin customer: Tuesday, Monday (7 is a Saturday), Friday, Friday, Monday."""
    assert sends(account(), STANDARD, utc("2026-01-07T09:00")) == [
        ("2026-02-03T07:00", "D-3"),
        ("2026-02-09T07:00", "D+1"),
        ("2026-02-13T07:00", "D+7"),
        ("2026-02-20T07:00", "D+14"),
        ("2026-03-09T07:00", "D+30"),
    ]
    *_, (at, action, ended) = life(account(), STANDARD, utc("2026-01-07T09:00"))
    assert isinstance(action, Wait)
    assert action.until is None
    assert ended.phase is Phase.ESCALATED
    assert at == utc("2026-03-09T07:00")


def test_two_invoices_never_share_the_key_of_an_exception() -> None:
    """The books open an exception once per kind and key of a seller."""
    ended = [sent(r, "2026-03-01T09:00") for r in ("D-3", "D+1", "D+7", "D+14", "D+30")]
    action = lifecycle.next_action(more(account(), *ended), STANDARD, utc("2026-03-10T09:00"))
    assert isinstance(action, Escalate)
    assert action.key == "invoice-demo-R1"


def test_a_document_leaves_at_any_hour_and_waits_for_the_provider() -> None:
    night = utc("2026-01-11T02:00")  # a Sunday
    fresh = account(delivered_at=None, messages=())
    action = lifecycle.next_action(fresh, STANDARD, night)
    assert isinstance(action, Send)
    assert (action.key, action.kind, action.to) == ("invoice-demo-R1/invoice", "invoice", "billing")
    down = replace(fresh, messages=(delivery("2026-01-11T01:59", "released", retry_at=utc("2026-01-11T02:14")),))
    wait = lifecycle.next_action(down, STANDARD, night)
    assert isinstance(wait, Wait)
    assert wait.until == utc("2026-01-11T02:14")
    assert isinstance(lifecycle.next_action(down, STANDARD, utc("2026-01-11T02:14")), Send)


@pytest.mark.parametrize("state", ["held", "unknown", "refused"])
def test_a_copy_goes_out_though_the_first_is_stuck(state: str) -> None:
    stuck = account(delivered_at=None, messages=(delivery("2026-01-07T09:00", state),))
    waits = lifecycle.next_action(stuck, STANDARD, utc("2026-01-08T09:00"))
    assert isinstance(waits, Wait)
    assert (waits.until, waits.why.code) == (None, state)
    resent = more(stuck, delivery("2026-01-08T09:00", "released", copy="#2", approved=True))
    action = lifecycle.next_action(resent, STANDARD, utc("2026-01-08T09:00"))
    assert isinstance(action, Send)
    assert action.key == "invoice-demo-R1/invoice#2"
    arrived = account(messages=(stuck.messages[0], delivery("2026-01-08T09:00", copy="#2")), paid=119_00)
    assert isinstance(lifecycle.next_action(arrived, STANDARD, utc("2026-01-09T09:00")), Close)
    assert lifecycle.closing(arrived, utc("2026-01-09T09:00")) is Phase.PAID


@pytest.mark.parametrize("state", ["held", "unknown", "refused"])
def test_what_is_owed_no_more_waits_for_its_credit_note_and_does_not_spin(state: str) -> None:
    credited = more(
        account(documents=(paper(), paper("credit_note", "C2026-00001")), credited=119_00),
        delivery("2026-01-20T09:00", state, "credit_note"),
    )
    now = utc("2026-01-21T09:00")
    action = lifecycle.next_action(credited, STANDARD, now)
    assert isinstance(action, Wait)
    assert (action.until, action.what) == (None, "delivery")
    assert lifecycle.closing(credited, now) is None
    done = account(documents=credited.documents, credited=119_00, messages=(delivery("2026-01-07T09:00"),))
    done = more(done, delivery("2026-01-22T09:00", "sent", "credit_note"))
    assert isinstance(lifecycle.next_action(done, STANDARD, utc("2026-01-22T09:00")), Close)


@pytest.mark.parametrize("currency", ["EUR", "USD"])
@pytest.mark.parametrize("name", ["standard", "none"])
def test_money_out_that_waits_keeps_a_paid_receivable_open_at_rest(currency: str, name: str) -> None:
    """Also on hold, and in a currency without a least amount: nothing to escalate, nothing to lapse."""
    waiting = account(paid=119_00, currency=currency, subjects=(subject(),), people=(BEN,), holds=(hold(),))
    steps = list(life(waiting, policy(name), utc("2026-01-21T09:00")))
    assert [a.kind for _, a, _ in steps if isinstance(a, Send | Escalate)] == ["approval", "approval", "approval_stuck"]
    last = steps[-1][1]
    assert isinstance(last, Wait)
    assert last.until is None
    assert steps[-1][2].phase is Phase.OPEN


def test_nobody_who_may_approve_is_said_once() -> None:
    stuck = account(subjects=(subject(), subject("pay-1", "pay")), people=(SAM,))
    now = utc("2026-01-21T09:00")
    first = lifecycle.next_action(stuck, STANDARD, now)
    assert isinstance(first, Escalate)
    assert first.kind == "approval_stuck"
    again = lifecycle.next_action(replace(stuck, exceptions=("approval_stuck",)), STANDARD, now)
    assert isinstance(again, Wait)
    assert again.until == utc("2026-02-03T07:00")


@pytest.mark.parametrize(
    "changed",
    [
        {"disputes": (dispute(119_00),)},
        {"holds": (hold(),)},
        {"promises": (promise("2026-03-01", 119_00),)},
        {"ladder_stopped_on": date(2026, 1, 20)},
    ],
)
def test_in_collections_a_pause_is_not_lapsed_for_ever(changed: dict[str, object]) -> None:
    """The books note a standing ladder only while it may go on; the decision must agree with them."""
    handed = account(phase=Phase.IN_COLLECTIONS, **changed)
    action = lifecycle.next_action(handed, STANDARD, utc("2026-02-21T09:00"))
    assert isinstance(action, Wait)
    assert isinstance(lifecycle.next_action(replace(handed, paid=119_00), STANDARD, utc("2026-02-21T09:00")), Close)


@pytest.mark.parametrize(
    ("zone", "before", "until"),
    [
        ("Europe/Berlin", "2026-03-28T22:59", "2026-03-28T23:00"),
        ("America/New_York", "2026-03-29T03:59", "2026-03-29T04:00"),
        ("Asia/Tokyo", "2026-03-28T14:59", "2026-03-28T15:00"),
    ],
)
def test_the_day_of_issue_begins_at_midnight_of_the_seller(zone: str, before: str, until: str) -> None:
    place = replace(account().seller_place, timezone=zone)
    planned = account(
        phase=Phase.SCHEDULED,
        number=None,
        documents=(),
        messages=(),
        delivered_at=None,
        seller_place=place,
        issue_on=date(2026, 3, 29),
    )
    wait = lifecycle.next_action(planned, STANDARD, utc(before))
    assert isinstance(wait, Wait)
    assert wait.until == utc(until)
    assert isinstance(lifecycle.next_action(planned, STANDARD, utc(until)), Issue)


def test_a_claim_without_outcome_comes_first_and_time_never_runs_backwards() -> None:
    claimed = more(account(paid=119_00), sent("D+1", "2026-02-09T07:00", "claimed"))
    action = lifecycle.next_action(claimed, STANDARD, utc("2026-02-09T07:05"))
    assert isinstance(action, Send)
    assert (action.key, action.why.code) == ("invoice-demo-R1/1/1/D+1", "resume")
    assert lifecycle.closing(claimed, utc("2026-02-09T07:05")) is None
    wait = lifecycle.next_action(
        replace(claimed, last_entry_at=utc("2026-03-01T00:00")), STANDARD, utc("2026-02-09T07:05")
    )
    assert isinstance(wait, Wait)
    assert (wait.until, wait.why.code) == (utc("2026-03-01T00:00"), "time_backwards")


@pytest.mark.parametrize("phase", sorted(CLOSED))
def test_closed_is_closed(phase: Phase) -> None:
    action = lifecycle.next_action(account(phase=phase, paid=119_00), STANDARD, utc("2026-03-01T09:00"))
    assert isinstance(action, Wait)
    assert (action.until, action.why.code) == (None, "closed")


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "collecting"),
        ({"delivered_at": None, "messages": ()}, "issued"),
        ({"delivered_at": None, "messages": (delivery("2026-01-07T09:00", "held"),)}, "delivering"),
        ({"delivered_at": None, "messages": (delivery("2026-01-07T09:00", "skipped"),)}, "collecting"),
        ({"delivered_at": None, "messages": (), "adopted": True}, "collecting"),
        ({"disputes": (dispute(50_00),)}, "collecting"),
        ({"disputes": (dispute(119_00),)}, "disputed"),
        ({"disputes": (dispute(119_00),), "holds": (hold(),)}, "on_hold"),
        ({"disputes": (dispute(119_00),), "pending_payment": 119_00}, "disputed"),
        ({"promises": (promise("2026-03-01", 119_00),), "pending_payment": 119_00}, "payment_pending"),
        ({"promises": (promise("2026-03-01", 69_00),), "disputes": (dispute(50_00),)}, "promised"),
        ({"promises": (promise("2026-03-01", 119_00),), "phase": Phase.ESCALATED}, "promised"),
        ({"phase": Phase.ESCALATED}, "escalated"),
        ({"phase": Phase.IN_COLLECTIONS, "disputes": (dispute(119_00),)}, "in_collections"),
    ],
)
def test_state_shows_the_first_pause(fields: dict[str, object], shown: str) -> None:
    assert lifecycle.state(account(**fields), utc("2026-02-01T09:00")) == shown


def test_the_dues_of_one_invoice_keep_the_gap_and_the_oldest_goes_first() -> None:
    """Due Friday 6 and Monday 9 February: D+1 of the first and D-3 of the second meet; two days lie between any two."""
    halves = account(dues=(due("2026-02-06", 60_00), due("2026-02-09", 59_00, "2")))
    times = [
        (f"{at:%m-%d}", action.due, action.rung)
        for at, action, _ in life(halves, STANDARD, utc("2026-02-01T09:00"))
        if isinstance(action, Send) and action.kind == "reminder"
    ]
    assert times[:4] == [("02-03", "1", "D-3"), ("02-06", "2", "D-3"), ("02-09", "1", "D+1"), ("02-11", "2", "D+1")]


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(0, 40))
def test_however_many_dues_are_past_what_is_too_late_is_skipped_at_once(count: int, days: int) -> None:
    """A step of the books ends, also where each due would need one of its own."""
    dues = tuple(due((date(2026, 11, 2) + timedelta(days=n % 3)).isoformat(), id_=str(n)) for n in range(count))
    was = account(dues=dues, total=119_00 * count)
    now, steps = utc("2026-11-03T09:00") + timedelta(days=days), 0
    while isinstance(action := lifecycle.next_action(was, STANDARD, now), Skip):
        was, steps = carry_out(was, STANDARD, action, now), steps + 1
    assert steps <= 2
    assert isinstance(action, Send | Wait | Escalate)


def test_a_message_of_unknown_kind_does_not_matter() -> None:
    noise = message("invoice-demo-R1/approval/x", "2026-01-06T09:00", "unknown", kind="approval", subject="draft@x")
    assert lifecycle.next_action(more(account(), noise), STANDARD, utc("2026-01-08T09:00")) == lifecycle.next_action(
        account(), STANDARD, utc("2026-01-08T09:00")
    )


@given(cases())
def test_a_refund_that_was_granted_comes_before_all_but_a_claim(case: Case) -> None:
    was, rules, now = case
    due = Repayment(key="r", amount=50_00)
    was = replace(was, repayments=(due,), last_entry_at=None, messages=())
    action = lifecycle.next_action(was, rules, now)
    assert isinstance(action, Refund)
    assert (action.key, action.amount) == ("r", 50_00)
    assert not lifecycle.finished(was, action)


@given(cases(), st.integers(1, 10_000))
def test_a_refund_that_waits_wakes_the_receivable_and_keeps_it_open(case: Case, minutes: int) -> None:
    was, rules, now = case
    later = now + timedelta(minutes=minutes)
    waiting = Repayment(key="r", amount=50_00, retry_at=later)
    was = replace(was, repayments=(waiting,), last_entry_at=None, messages=())
    action = lifecycle.next_action(was, rules, now)
    assert not lifecycle.finished(was, action)
    if isinstance(action, Wait):
        assert action.until is not None
        assert action.until <= later


@pytest.mark.parametrize(("state", "ends"), [("released", True), ("claimed", False)])
def test_news_that_nobody_wants_any_more_keeps_no_closed_receivable_open(state: str, ends: bool) -> None:
    """It waited for the mail server; meanwhile the dispute was decided, and its outcome is the news."""
    at = "2026-01-21T09:00"
    taken = message("invoice-demo-R1/dispute/d1", at, state, kind="dispute", subject="dispute/d1")
    closed = account(phase=Phase.CREDITED, credited=119_00, disputes=(dispute(119_00, "accepted"),))
    was, now = more(closed, taken), utc("2026-01-22T09:00")
    assert lifecycle.finished(was, lifecycle.next_action(was, STANDARD, now)) is ends


def test_what_waits_for_approval_in_vain_is_named() -> None:
    """Nothing can be credited that was written off, waived or credited before; nothing extended that is not owed."""
    waiting = tuple(
        subject(f"{kind}-1", kind) for kind in ("credit", "resolve", "cancel", "write_off", "extend", "pay")
    )
    lost = account(subjects=waiting, written_off=119_00)
    assert settlement.creditable(lost) == 0
    assert {each.kind for each in settlement.moot(lost)} == {"credit", "resolve", "cancel", "write_off", "extend"}
    half = account(subjects=waiting, written_off=50_00, discounted=2_00)
    assert (settlement.creditable(half), settlement.moot(half)) == (67_00, ())
    paid = account(subjects=waiting, paid=119_00)
    assert {each.kind for each in settlement.moot(paid)} == {"write_off", "extend"}
