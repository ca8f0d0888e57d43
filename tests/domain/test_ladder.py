"""One due's ladder: when each rung may leave, and what an outage does to it."""

from __future__ import annotations

from typing import Any

import pytest

from domain import dunning, ladder
from domain.actions import Send, Skip, Wait
from domain.policy import Policy
from tests.domain.accounts import TOKYO, account, delivery, due, more, policy, rung, sent, utc
from tests.domain.lives import carry_out, life, sends

STANDARD = policy()
ON = utc("2026-02-06T09:00")


def ladder_of(after: str, *offsets: str, **changed: Any) -> Policy:
    given: dict[str, Any] = {"gap_per_invoice": "20h", **changed}
    return policy(**given, ladder=[rung(o, after) for o in offsets])


@pytest.mark.parametrize(
    ("after", "left", "skipped"),
    [
        ("send_now", [("2026-02-17T10:00", "D+1"), ("2026-02-18T07:00", "D+4"), ("2026-02-19T07:00", "D+5")], []),
        ("collapse", [("2026-02-17T10:00", "D+5")], ["D+1", "D+4"]),
        ("skip", [], ["D+1", "D+4", "D+5"]),
        # eight days late (Monday 9 to Tuesday 17), so D+4 and D+5 (10 and 11) move to 18 and 19
        ("shift", [("2026-02-17T10:00", "D+1"), ("2026-02-18T07:00", "D+4"), ("2026-02-19T07:00", "D+5")], []),
    ],
)
def test_three_missed_rungs(after: str, left: list[tuple[str, str]], skipped: list[str]) -> None:
    rules = ladder_of(after, "D+1", "D+4", "D+5")
    steps = list(life(account(), rules, utc("2026-02-17T10:00"), days=60))
    assert [(f"{at:%Y-%m-%dT%H:%M}", a.rung) for at, a, _ in steps if isinstance(a, Send)] == left
    gone = [s.rung for _, a, _ in steps if isinstance(a, Send | Skip) for s in a.skips]
    assert gone == skipped


@pytest.mark.parametrize(("after", "left"), [("send_now", 1), ("collapse", 1), ("skip", 0), ("shift", 1)])
def test_one_missed_rung(after: str, left: int) -> None:
    assert len(sends(account(), ladder_of(after, "D+1"), utc("2026-02-10T10:00"))) == left


def test_skip_still_sends_within_its_own_window() -> None:
    assert sends(account(), ladder_of("skip", "D+1"), utc("2026-02-09T15:59")) == [("2026-02-09T15:59", "D+1")]
    assert sends(account(), ladder_of("skip", "D+1"), utc("2026-02-09T16:00")) == []


def test_shift_keeps_the_gaps() -> None:
    """D+1 is sent on Tuesday 17 February instead of Monday 9: everything after it moves by eight days."""
    rules = ladder_of("shift", "D+1", "D+11", "D+21")
    assert sends(account(), rules, utc("2026-02-17T10:00")) == [
        ("2026-02-17T10:00", "D+1"),
        ("2026-02-25T07:00", "D+11"),
        ("2026-03-09T07:00", "D+21"),
    ]


def test_a_reminder_never_collapses_into_a_message_to_our_own_people() -> None:
    """An outage over D+1, D+7 and D+14: the customer hears D+7, the owner D+14."""
    was = more(account(), sent("D-3", "2026-02-03T07:00"))
    action = dunning.decide(was, STANDARD, utc("2026-02-23T10:00"))
    assert isinstance(action, Send)
    assert (action.rung, [(s.rung, s.why.code) for s in action.skips]) == ("D+7", [("D+1", "collapsed")])
    then = dunning.decide(carry_out(was, STANDARD, action, utc("2026-02-23T10:00")), STANDARD, utc("2026-02-23T10:00"))
    assert isinstance(then, Send)
    assert (then.rung, then.kind) == ("D+14", "internal")


def test_an_outage_across_the_dense_ladder_ends_in_one_message() -> None:
    assert sends(account(), policy("dense"), utc("2026-02-12T10:00")) == [("2026-02-12T10:00", "D+3")]
    on_time = sends(account(), policy("dense"), utc("2026-01-08T10:00"))
    assert on_time == [("2026-02-09T07:00", "D+3")]  # D+1 Saturday, D+2 Sunday, D+3 Monday: one message, not three


@pytest.mark.parametrize(
    ("due_on", "delivered", "skipped"),
    [
        ("2026-02-04", "2026-02-04T09:00", True),  # due at once: D-3 lies before delivery
        ("2026-02-06", "2026-02-04T09:00", True),  # two days net: the invoice itself is reminder enough
        ("2026-02-06", "2026-02-03T09:00", True),  # D-3 is the day of delivery
        ("2026-02-06", "2026-02-02T09:00", False),
    ],
)
def test_no_friendly_reminder_before_or_on_the_day_of_delivery(due_on: str, delivered: str, skipped: bool) -> None:
    was = account(dues=(due(due_on),), delivered_at=utc(delivered), messages=(delivery(delivered),))
    first = next(a for _, a, _ in life(was, STANDARD, utc(delivered)) if not isinstance(a, Wait))
    assert isinstance(first, Skip if skipped else Send)
    if isinstance(first, Skip):
        assert [(s.rung, s.why.code) for s in first.skips] == [("D-3", "too_late")]


@pytest.mark.parametrize("state", ["accepted", "sent", "skipped", "unknown", "refused"])
def test_what_left_or_may_have_left_is_never_sent_again(state: str) -> None:
    """Until a person decides: nobody guesses."""
    was = more(account(), sent("D+1", "2026-02-09T07:00", state))
    assert "D+1" not in [rung for _, rung in sends(was, STANDARD, utc("2026-02-09T10:00"))]


@pytest.mark.parametrize("state", ["sent", "skipped"])
def test_grace_after_delivery(state: str) -> None:
    """Delivered (or settled otherwise by a person) on Monday 9 February 14:00: D+1 not before Thursday 14:00."""
    at = "2026-02-09T13:00"
    was = account(delivered_at=utc(at) if state == "sent" else None, messages=(delivery(at, state),))
    assert sends(was, policy(ladder=[rung("D+1")]), utc(at)) == [("2026-02-12T13:00", "D+1")]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("sent", "2026-02-11T12:00"),
        ("unknown", "2026-02-11T12:00"),
        ("would_send", "2026-02-11T12:00"),
        ("skipped", "2026-02-10T07:00"),
    ],
)
def test_the_gap_counts_from_whatever_may_have_been_heard(state: str, expected: str) -> None:
    rules = policy(ladder=[rung("D+1"), rung("D+4")], gap_per_invoice="2d")
    was = more(account(), sent("D+1", "2026-02-09T12:00", state))
    assert sends(was, rules, utc("2026-02-09T12:00"))[0] == (expected, "D+4")


@pytest.mark.parametrize(
    ("attempts", "now", "expected"),
    [
        (1, "2026-02-06T09:00", "2026-02-06T09:15"),
        (2, "2026-02-06T09:00", "2026-02-06T10:00"),
        (3, "2026-02-06T09:00", "2026-02-06T13:00"),
        (4, "2026-02-06T09:00", "2026-02-09T07:00"),
        (9, "2026-02-09T07:00", "2026-02-10T07:00"),
    ],
)
def test_a_released_claim_is_decided_again_later_and_later(attempts: int, now: str, expected: str) -> None:
    assert ladder.retry_at(account(), STANDARD, utc(now), attempts, reminder=True) == utc(expected)


def test_a_retry_outside_the_window_waits_for_the_next() -> None:
    down = sent("D+1", "2026-02-09T14:00", "released", retry_at=utc("2026-02-09T18:00"))
    was = more(account(), sent("D-3", "2026-02-03T07:00"), down)
    action = dunning.decide(was, STANDARD, utc("2026-02-09T14:00"))
    assert isinstance(action, Wait)
    assert (action.until, action.why.code) == (utc("2026-02-10T07:00"), "retry")
    assert isinstance(dunning.decide(was, STANDARD, utc("2026-02-10T07:00")), Send)


def test_a_document_retries_a_day_later_at_any_hour() -> None:
    assert ladder.retry_at(account(), STANDARD, ON, 4, reminder=False) == utc("2026-02-07T09:00")


def test_after_a_broken_promise_the_next_rung_is_today() -> None:
    today = utc("2026-03-02T09:00").date()
    was = more(account(), sent("D-3", "2026-02-03T07:00"), sent("D+1", "2026-02-09T07:00"))
    assert ladder.next_rung_on(was, STANDARD, "1", today).isoformat() == "2026-02-23"


def test_the_next_window_is_the_customers() -> None:
    assert ladder.next_window(account(customer_place=TOKYO), STANDARD, utc("2026-02-06T16:00")) == utc(
        "2026-02-08T23:00"
    )


def test_a_rungs_key_differs_in_every_part() -> None:
    """Effects are claimed under it: a changed recipe would send twice."""

    def key(reference: str, id_: str, episode: int, at: str) -> str:
        (step,) = ladder_of("collapse", at).ladder
        return ladder.rung_key(account(reference=reference), due("2026-02-06", id_=id_, episode=episode), step)

    base = ("R-1", "1", 1, "D+1")
    others = [("R-2", "1", 1, "D+1"), ("R-1", "2", 1, "D+1"), ("R-1", "1", 2, "D+1"), ("R-1", "1", 1, "D+11")]
    assert len({key(*parts) for parts in [base, *others]}) == 5
    assert key(*base) == "invoice-demo-R-1/1/1/D+1"
