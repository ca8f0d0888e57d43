"""Every fault that the simulator knows is really injected, and the product stands it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim.mishaps import ATTEMPTS
from sim.plan import DAY, HOUR, Event, Fault
from sim.play import Played, play
from tests.sim.plans import LATE, PAID, REQUEST, life, town

MAIL = 3
"""The attempt that sends the invoice; the draft and its approval come before."""


def stood(played: Played, fault: str) -> Played:
    assert [str(breach) for _, breach in played.breaches] == []
    assert played.counts[f"fault: {fault}"] >= 1, dict(played.counts)
    return played


@pytest.mark.parametrize("kind", ATTEMPTS)
def test_an_attempt_fails(kind: str) -> None:
    """Mails by a provider that takes the same message twice when it is asked twice."""
    of_mail = kind.startswith("mail_")
    faults = (Fault(attempt=MAIL if of_mail else 1, kind=kind),)
    played = stood(play(town(life(faults=faults), mail="provider" if of_mail else "outbox")), kind)
    assert played.fates == {("on_time", "paid"): 1}


def test_a_worker_forgets_a_run() -> None:
    stood(play(town(life(evictions=(2, 3, 5)))), "evicted and replayed")


def test_a_history_grows_long() -> None:
    played = stood(play(town(life(0, PAID, continues=(4,)))), "history grew long")
    assert played.fates == {("on_time", "paid"): 1}


def test_who_heard_no_answer_says_it_again_to_a_later_run() -> None:
    """The fourth Update of its life: three people said yes before. Its history grew long since."""
    credit = Event(at=5 * DAY, what="credit", body={"by": "ben", "amount": "10.00", "reason": "late"})
    plan = town(life(0, credit, replace(PAID, at=9 * DAY), continues=(12,), repeats=((4, DAY),)))
    played = stood(play(plan), "repeated to a later run")
    assert played.fates == {("on_time", "paid"): 1}
    assert played.counts["sent: credit_note"] == 1


def test_an_attempt_begins_late() -> None:
    stood(play(town(life(delays={2: 30}))), "attempt delayed")


@pytest.mark.parametrize(
    ("at", "changes"),
    [
        (130, {"delays": {MAIL: 30}}),
        (121, {"faults": (Fault(attempt=MAIL, kind="mail_killed_before"),)}),
        (121, {"faults": (Fault(attempt=MAIL, kind="mail_down"), Fault(attempt=MAIL + 1, kind="result_lost"))}),
    ],
    ids=["none has begun", "the last one left its claim", "the last one was not heard of"],
)
def test_a_command_comes_between_two_attempts(at: int, changes: dict[str, Any]) -> None:
    """The invoice is approved and leaves two hours after its start."""
    note = Event(at=at, what="note", body={"by": "sam", "text": "hello"})
    played = stood(play(town(life(0, note, PAID, **changes), mail="provider")), "interrupted by a command")
    assert played.fates == {("on_time", "paid"): 1}
    assert played.counts["fault: interrupted by a command"] == 1


def test_no_worker_runs_for_days_and_no_burst_follows() -> None:
    """Over the days of three rungs of `dense`: one message."""
    dense = life(0, LATE)
    dense = replace(dense, request={**dense.request, "policy": "dense"})
    played = stood(play(town(dense, outages=((30 * DAY, 36 * DAY),))), "waited for a worker")
    assert sum(count for name, count in played.counts.items() if name.startswith("sent: reminder")) == 1


def test_the_servers_clock_jumps_and_comes_back() -> None:
    played = play(town(life(0, LATE), clock=((29 * DAY, 30 * HOUR), (30 * DAY, 0))))
    assert stood(played, "clock stepped").fates == {("on_time", "paid"): 1}


def test_money_that_is_told_twice_is_booked_once() -> None:
    played = stood(play(town(life(0, replace(PAID, times=2)))), "said twice")
    assert played.counts["sent: receipt"] == 1


@pytest.mark.parametrize("what", ["provider_returned", "provider_chargeback"])
def test_money_goes_back(what: str) -> None:
    came = Event(at=25 * DAY, what="provider_paid", via="outside", times=2)
    back = Event(at=31 * DAY, what=what, via="outside", times=2)
    played = play(town(life(0, came, back, LATE)))
    assert [str(breach) for _, breach in played.breaches] == []
    assert played.counts["provider: provider_paid"] == 2
    assert played.counts[f"provider: {what}"] == 2
    assert played.counts["opened again"] >= 1


def test_words_that_nobody_can_read_are_counted() -> None:
    junk = Event(at=DAY, what="pay", body={"by": 7}, via="signal", times=2)
    played = play(town(life(0, junk, PAID)))
    assert [str(breach) for _, breach in played.breaches] == []
    assert played.counts["signals"] == 2


def test_upstream_starts_twice_and_a_name_that_is_free_is_used_again() -> None:
    """A large one waits for approval: cancelled before, started anew, paid; a third start changes nothing."""
    big = [{**REQUEST["lines"][0], "unit_price": "5000"}]
    cancel = Event(at=1, what="cancel", body={"by": "crm", "reason": "ordered twice"})
    again = Event(at=DAY, what="start", via="outside", times=2)
    once = life(0, cancel, again, PAID, request={**REQUEST, "reference": "L-0", "lines": big}, gross=595000)
    played = stood(play(town(once)), "started twice")
    assert played.fates == {("on_time", "paid"): 1}
    assert played.counts["fault: started twice"] == 2
    assert played.counts["sent: invoice"] == 1
