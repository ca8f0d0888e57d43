"""What has arrived: what waits for a delivery, what a bounce takes back, and that no order of reports writes twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import dunning, keys, lifecycle
from domain.account import Account, Phase
from domain.actions import Escalate, Send, Wait
from domain.arrival import CONFIRM_WITHIN
from domain.delivery import ARRIVED, FAILED, advance
from domain.messages import TO_CUSTOMER, Message, MessageState, Notice
from domain.policy import Policy
from tests.domain.accounts import account, delivery, due, more, policy, rung, sent, utc
from tests.domain.lives import carry_out

STANDARD = policy()
D3 = sent("D-3", "2026-02-03T07:00")
D1 = utc("2026-02-09T07:00")


def decided(was: Account, at: str, rules: Policy = STANDARD) -> object:
    return lifecycle.next_action(was, rules, utc(at))


def test_no_reminder_leaves_while_the_one_before_is_under_way() -> None:
    """D+7 is due on Friday 13 February at 07:00, and D+1 left late, the day before."""
    rules = policy(gap_per_invoice="1d")
    action = decided(more(account(), D3, sent("D+1", "2026-02-12T07:00", "accepted")), "2026-02-13T07:00", rules)
    assert isinstance(action, Wait)
    assert (action.until, action.why.code) == (utc("2026-02-15T07:00"), "undelivered")
    sends = decided(
        more(account(), D3, sent("D+1", "2026-02-12T07:00", delivery="delivered")), "2026-02-13T07:00", rules
    )
    assert isinstance(sends, Send)
    assert sends.rung == "D+7"


def test_what_was_not_reported_for_three_days_is_put_before_a_person_and_the_ladder_goes_on() -> None:
    was = more(account(), D3, sent("D+1", "2026-02-09T07:00", "accepted"))
    action = decided(was, "2026-02-12T07:00")
    assert isinstance(action, Escalate)
    assert (action.kind, action.key) == ("delivery_unconfirmed", "invoice-demo-R1/1/1/D+1")
    told = replace(was, exceptions=("delivery_unconfirmed",))
    then = decided(told, "2026-02-13T07:00")
    assert isinstance(then, Send)
    assert then.rung == "D+7"


def test_the_wait_for_a_report_ends_by_itself() -> None:
    """Under way since Wednesday: the look at the silence is on Saturday, long before the first rung."""
    fresh = account(delivered_at=None, messages=(delivery("2026-01-07T09:00", "accepted"),))
    action = decided(fresh, "2026-01-07T10:00")
    assert isinstance(action, Wait)
    assert action.until == utc("2026-01-07T09:00") + CONFIRM_WITHIN
    assert lifecycle.state(fresh, utc("2026-01-07T10:00")) == "delivering"
    assert lifecycle.state(replace(fresh, exceptions=("delivery_unconfirmed",)), D1) == "collecting"


def test_grace_counts_from_the_delivery() -> None:
    late = account(
        delivered_at=utc("2026-02-10T12:00"),
        messages=(delivery("2026-02-10T12:00", delivery="delivered"),),
    )
    action = decided(late, "2026-02-11T09:00", policy(ladder=[rung("D+1")]))
    assert isinstance(action, Wait)
    assert action.until == utc("2026-02-13T12:00")


def test_a_bounced_rung_does_not_count_and_goes_to_the_next_contact() -> None:
    bounced = sent("D+1", "2026-02-09T08:00", "bounced", replaced=True)
    again = replace(sent("D+1", "2026-02-09T08:00", "released"), key=f"{bounced.key}~2")
    action = decided(more(account(), D3, bounced, again), "2026-02-09T08:00")
    assert isinstance(action, Send)
    assert (action.key, action.rung) == (again.key, "D+1")


@pytest.mark.parametrize("last", ["D+1", "D+30"])
def test_when_nobody_is_left_the_ladder_waits_for_a_person(last: str) -> None:
    gone = [sent(r, "2026-02-04T09:00") for r in ("D-3", "D+1", "D+7", "D+14") if r != last]
    was = more(account(), *gone, sent(last, "2026-03-09T08:00", "bounced"))
    action = decided(was, "2026-03-12T09:00")
    assert isinstance(action, Wait)
    assert action.until is None
    assert "bounced" in lifecycle.flags(was)
    found = more(was, delivery("2026-03-13T09:00", copy="#2"))
    later = decided(found, "2026-03-17T09:00")
    assert isinstance(later, Wait if last == "D+30" else Send)


def test_a_document_that_came_back_goes_out_again_before_anything_else() -> None:
    first = delivery("2026-01-07T09:00", "bounced", replaced=True)
    again = replace(delivery("2026-01-07T10:00", "released"), key=f"{first.key}~2", subject=f"{first.key}~2")
    was = account(delivered_at=None, messages=(first, again))
    action = decided(was, "2026-01-07T10:00")
    assert isinstance(action, Send)
    assert (action.key, action.kind) == (again.key, "invoice")
    assert lifecycle.state(was, D1) == "delivering"
    assert was.papers_wait


def test_a_contact_that_reported_spam_is_not_reminded() -> None:
    action = dunning.decide(more(account(exceptions=("spam_report",)), D3), STANDARD, D1)
    assert isinstance(action, Wait)
    assert action.why.code == "spam_report"


NOTICE = Notice(kind="receipt", ref="receipt/7", amount=119_00, on=D1.date())


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.IN_COLLECTIONS, Phase.PAID, Phase.WRITTEN_OFF])
@pytest.mark.parametrize("at", ["2026-02-08T03:00", "2026-02-09T07:00"])
def test_money_is_told_of_at_any_hour_and_in_any_phase(phase: Phase, at: str) -> None:
    closed = phase in {Phase.PAID, Phase.WRITTEN_OFF}
    was = more(account(phase=phase, paid=119_00 if closed else 19_00, notices=(NOTICE,)), D3)
    action = decided(was, at)
    assert isinstance(action, Send)
    assert (action.key, action.kind, action.template) == ("invoice-demo-R1/receipt/7", "receipt", "receipt")
    assert (action.amount, action.ref) == (119_00, "receipt/7")


def test_the_books_close_before_the_customer_is_told() -> None:
    was = account(paid=119_00, notices=(NOTICE,))
    action = decided(was, "2026-02-08T03:00")
    assert action.action == "close"  # type: ignore[attr-defined]
    closed = carry_out(was, STANDARD, action, utc("2026-02-08T03:00"))  # type: ignore[arg-type]
    assert closed.phase is Phase.PAID
    assert isinstance(decided(closed, "2026-02-08T03:00"), Send)


def test_a_notice_waits_for_a_provider_that_is_down_and_the_closed_receivable_with_it() -> None:
    down = Message(
        key="invoice-demo-R1/receipt/7",
        kind="receipt",
        state=MessageState.RELEASED,
        at=D1,
        retry_at=utc("2026-02-09T07:15"),
    )
    was = more(account(phase=Phase.PAID, paid=119_00, notices=(NOTICE,)), down)
    action = decided(was, "2026-02-09T07:00")
    assert isinstance(action, Wait)
    assert action.until == utc("2026-02-09T07:15")
    assert isinstance(decided(was, "2026-02-09T07:15"), Send)


def test_a_closed_receivable_with_nothing_to_tell_does_not_wait_for_the_clock() -> None:
    ahead = account(phase=Phase.PAID, paid=119_00, last_entry_at=utc("2027-01-01T00:00"))
    action = decided(ahead, "2026-02-09T07:00")
    assert isinstance(action, Wait)
    assert action.until is None
    waits = decided(replace(ahead, notices=(NOTICE,)), "2026-02-09T07:00")
    assert isinstance(waits, Wait)
    assert waits.until == utc("2027-01-01T00:00")


HOUR = timedelta(hours=1)
FATES = st.sampled_from(
    [
        ("delivered",),
        ("bounced",),
        ("dropped",),
        ("delivered", "bounced"),
        ("bounced", "delivered"),
        ("blocked", "processed", "delivered"),
        ("deferred", "delivered", "delivered"),
        ("deferred",),
        (),
    ]
)
"""What is reported of one message, in the order it comes in."""


@dataclass
class World:
    """Books of one receivable and a provider that reports; `contacts`: how many addresses the customer has."""

    was: Account
    rules: Policy
    now: datetime
    contacts: int
    fates: Iterator[tuple[str, ...]]
    gap: timedelta
    coming: list[tuple[datetime, str, str]] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    left: list[tuple[datetime, str]] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)

    def live(self, steps: int = 400) -> None:
        for _ in range(steps):
            action = lifecycle.next_action(self.was, self.rules, self.now)
            if isinstance(action, Send):
                self._send(action)
            elif not isinstance(action, Wait):
                self.was = carry_out(self.was, self.rules, action, self.now)
            elif not self._pass(action.until):
                return
        raise AssertionError("not at rest")

    def _pass(self, until: datetime | None) -> bool:
        times = [at for at in (until, *(at for at, *_ in self.coming[:1])) if at is not None]
        if not times:
            return False
        self.now = min(times)
        while self.coming and self.coming[0][0] <= self.now:
            _, key, word = self.coming.pop(0)
            self._hear(key, word)
        return True

    def _send(self, action: Send) -> None:
        under_way = [m for m in self.was.messages if m.state is MessageState.ACCEPTED and m.kind in TO_CUSTOMER]
        if action.kind == "reminder":
            assert all(m.at + CONFIRM_WITHIN <= self.now for m in under_way)
        self.was = carry_out(self.was, self.rules, action, self.now)
        if action.kind not in TO_CUSTOMER:
            return
        self.left.append((self.now, action.key))
        self._put(action.key, state=MessageState.ACCEPTED)
        self.was = replace(self.was, delivered_at=None if action.kind == "invoice" else self.was.delivered_at)
        self.words[action.key] = "accepted"
        for number, word in enumerate(next(self.fates), start=1):
            self.coming.append((self.now + number * self.gap, action.key, word))
        self.coming.sort()

    def _hear(self, key: str, word: str) -> None:
        before = self.words[key]
        self.words[key] = after = advance(before, word)
        if after in ARRIVED and before not in ARRIVED:
            self._put(key, state=MessageState.SENT, at=self.now, replaced=False)
            for other in self._attempts(key):
                if other.state is MessageState.RELEASED:
                    self._put(other.key, state=MessageState.SKIPPED)
        elif after in FAILED and before not in FAILED:
            self.failed.add(key)
            attempts = self._attempts(key)
            others = {MessageState.ACCEPTED, MessageState.SENT, MessageState.RELEASED}
            on_its_way = any(m.key != key and m.state in others for m in attempts)
            again = len(attempts) < self.contacts and not on_its_way
            self._put(key, state=MessageState.BOUNCED, at=self.now, replaced=again or on_its_way)
            if again:
                number = len(attempts) + 1
                self._again(next(m for m in attempts if m.key == key), keys.attempt(key, number))
        first = [m.at for m in self.was.messages if m.kind == "invoice" and m.state is MessageState.SENT]
        self.was = replace(self.was, delivered_at=min(first, default=None))

    def _again(self, bounced: Message, key: str) -> None:
        subject = key if bounced.subject else None
        row = replace(bounced, key=key, state=MessageState.RELEASED, at=self.now, subject=subject, replaced=False)
        self.was = replace(self.was, messages=(*self.was.messages, row))

    def _attempts(self, key: str) -> list[Message]:
        return [m for m in self.was.messages if keys.first_attempt(m.key) == keys.first_attempt(key)]

    def _put(self, key: str, **changed: object) -> None:
        rows = (replace(m, **changed) if m.key == key else m for m in self.was.messages)  # type: ignore[arg-type]
        self.was = replace(self.was, messages=tuple(rows))


@settings(max_examples=200)
@given(
    st.lists(FATES, min_size=40, max_size=40),
    st.integers(1, 3),
    st.sampled_from([HOUR / 10, HOUR, 20 * HOUR, 50 * HOUR]),
    st.sampled_from(["standard", "gentle", "dense"]),
)
def test_no_order_of_reports_brings_a_rung_to_a_recipient_twice(
    fates: list[tuple[str, ...]], contacts: int, gap: timedelta, name: str
) -> None:
    start = account(delivered_at=None, messages=(), dues=(due("2026-02-02"),))
    world = World(start, policy(name), utc("2026-01-07T09:00"), contacts, iter(fates * 10), gap)
    world.live()
    assert max(Counter(key for _, key in world.left).values(), default=0) <= 1
    arrived = Counter(
        keys.first_attempt(key) for key, word in world.words.items() if word in ARRIVED and key not in world.failed
    )
    assert all(count == 1 for count in arrived.values())
    for at, key in world.left:  # never a second attempt while the first may still arrive
        earlier = [k for t, k in world.left if t < at and keys.first_attempt(k) == keys.first_attempt(key)]
        assert set(earlier) <= world.failed
