"""A small book: carries out what is decided as `adapters/books` does, without a database, and lets time pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from domain import calendar, dunning, lifecycle, plans
from domain.account import Account, Dispute, Phase
from domain.actions import Action, Close, Escalate, Issue, Lapse, PassOn, Send, Skip, Skipped, Wait
from domain.messages import Message, MessageState
from domain.policy import Policy
from tests.domain.accounts import paper

TO_CUSTOMERS = frozenset({"invoice", "credit_note", "reminder"})


def carry_out(was: Account, rules: Policy, action: Action, now: datetime) -> Account:
    """The account after the books did what was decided; every action but waiting must change it."""
    became = _carried(was, rules, action, now)
    assert became != was, f"{action} changes nothing: the loop would spin"
    return replace(became, last_entry_at=now)


def _carried(was: Account, rules: Policy, action: Action, now: datetime) -> Account:
    match action:
        case Send():
            return _send(_skip(was, action.skips, now), action, now)
        case Skip():
            return _skip(was, action.skips, now)
        case Escalate():
            phase = Phase.ESCALATED if action.kind in {"last_rung", "consumer"} else was.phase
            return replace(was, phase=phase, exceptions=(*was.exceptions, action.kind))
        case Lapse():
            return _lapse(was, rules, now)
        case Close():
            closing = lifecycle.closing(was, now)
            assert closing is not None, "decided to close what the books do not close"
            return replace(was, phase=closing)
        case PassOn():
            return replace(was, disputes=tuple(_passed_on(d, action) for d in was.disputes))
        case Issue():
            return replace(was, phase=Phase.OPEN, number="2026-00001", documents=(paper(),))
    raise AssertionError(action)


def _passed_on(dispute: Dispute, action: PassOn) -> Dispute:
    if dispute.id != action.dispute:
        return dispute
    return replace(dispute, owner=action.to, level=action.level, deadline=action.deadline)


def _put(was: Account, *changed: Message) -> Account:
    keys = {m.key for m in changed}
    return replace(was, messages=(*(m for m in was.messages if m.key not in keys), *changed))


def _skip(was: Account, skips: tuple[Skipped, ...], now: datetime) -> Account:
    rows = [
        Message(
            key=s.key,
            kind="reminder",
            state=MessageState.SKIPPED,
            at=now,
            due=s.due,
            episode=s.episode,
            rung=s.rung,
        )
        for s in skips
    ]
    return _put(was, *rows)


def _send(was: Account, action: Send, now: datetime) -> Account:
    known = next((m for m in was.messages if m.key == action.key), None)
    resumed = known is not None and known.state is MessageState.CLAIMED
    state = MessageState.SENT
    if action.kind in TO_CUSTOMERS and was.mode != "auto" and not resumed and not (known and known.approved):
        state = MessageState.HELD if was.mode == "ask" else MessageState.WOULD_SEND
    row = known or Message(
        key=action.key,
        kind=action.kind,
        state=state,
        at=now,
        due=action.due or None,
        episode=action.episode,
        rung=action.rung or None,
        subject=action.ref or None,
        person=action.to if action.kind == "approval" or (action.kind == "internal" and not action.rung) else None,
    )
    became = _put(was, replace(row, state=state, at=now, retry_at=None))
    if state is MessageState.SENT and action.kind == "invoice" and became.delivered_at is None:
        became = replace(became, delivered_at=now)
    if action.shift_days:
        days = timedelta(days=action.shift_days)
        dues = tuple(replace(d, ladder_on=d.ladder_on + days) if d.id == action.due else d for d in became.dues)
        became = replace(became, dues=dues)
    return became


def _lapse(was: Account, rules: Policy, now: datetime) -> Account:
    promises = tuple(
        replace(p, outcome="broken")
        if p.outcome is None and dunning.promise_ends(was, rules, p.promised_on) <= now
        else p
        for p in was.promises
    )
    missed = tuple(each.ref for each in plans.news(was, rules, now))
    told = tuple(replace(p, missed=(*p.missed, *missed)) if p.outcome is None else p for p in was.plans)
    became = replace(was, promises=promises, plans=told)
    if was.pending_until is not None and was.pending_until <= now:
        became = replace(became, pending_payment=0, pending_until=None)
    if became.phase not in {Phase.OPEN, Phase.ESCALATED}:
        return became
    today = calendar.local_date(now, became.customer_place.timezone)
    stands = became.balance > 0 and dunning.stopped(became, now) is not None
    if stands and became.ladder_stopped_on is None:
        return replace(became, ladder_stopped_on=today)
    if not stands and became.ladder_stopped_on is not None:
        days = timedelta(days=max(0, (today - became.ladder_stopped_on).days))
        dues = tuple(replace(d, ladder_on=d.ladder_on + days) for d in became.dues)
        return replace(became, ladder_stopped_on=None, dues=dues)
    return became


def life(
    was: Account, rules: Policy, now: datetime, days: int = 400, steps: int = 800
) -> Iterator[tuple[datetime, Action, Account]]:
    """Everything that happens by itself from `now` on: (instant, action, the account before it), the last one a wait
    that only somebody else can end, or that reaches beyond `days`. Fails when it does not come to rest in `steps`."""
    end = now + timedelta(days=days)
    for _ in range(steps):
        action = lifecycle.next_action(was, rules, now)
        yield now, action, was
        if not isinstance(action, Wait):
            was = carry_out(was, rules, action, now)
            continue
        if action.until is None or action.until > end:
            return
        assert action.until > now, f"{action} is not after {now}"
        now = action.until
    raise AssertionError(f"not at rest after {steps} steps: {was}")


def sends(was: Account, rules: Policy, now: datetime, days: int = 400) -> list[tuple[str, str]]:
    """(UTC minute, rung or kind) of every message that leaves by itself."""
    return [
        (f"{at:%Y-%m-%dT%H:%M}", action.rung or action.kind)
        for at, action, _ in life(was, rules, now, days)
        if isinstance(action, Send)
    ]
