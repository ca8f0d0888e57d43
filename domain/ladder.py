"""One due's ladder: which rungs are still to come, when each may leave, and what an outage did to them.
Reads the account; never looks at pauses or stops (dunning does)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain import calendar
from domain.account import SETTLED, Account, Due, Message, MessageState
from domain.actions import Skipped, Wait, Why
from domain.policy import AfterOutage, Policy, Rung

RETRY_AFTER = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
GONE = SETTLED | {MessageState.UNKNOWN, MessageState.REFUSED}


@dataclass(frozen=True, slots=True)
class Planned:
    """A rung that is still to come: it may leave from `at` on; past `end` its own window is missed."""

    rung: Rung
    at: datetime
    end: datetime
    message: Message | None


def rung_key(account: Account, due: Due, rung: Rung) -> str:
    return f"{account.workflow_id}/{due.id}/{due.episode}/{rung.id}"


def plan(account: Account, policy: Policy, due: Due) -> tuple[list[Planned], list[Skipped]]:
    """The due's unsettled rungs in order, and those whose time can no longer come."""
    planned: list[Planned] = []
    skips: list[Skipped] = []
    for rung in sorted(policy.ladder, key=lambda r: r.offset):
        message = _message(account, rung_key(account, due, rung))
        if message is not None and message.state in GONE:
            continue
        at = _instant(account, policy, due, rung)
        place = account.customer_place
        if rung.offset < 0 and calendar.local_date(at, place.timezone) >= due.ladder_on:
            skips.append(
                _skip(account, due, rung, "too_late", "its day came before the invoice had been delivered")
            )
            continue
        planned.append(Planned(rung, at, calendar.window_end(at, policy.window, place.timezone), message))
    return planned, skips


def _instant(account: Account, policy: Policy, due: Due, rung: Rung) -> datetime:
    """When a rung may leave: its day's window, after grace since delivery and the gap since the last one."""
    place = account.customer_place
    at = calendar.at(due.ladder_on + timedelta(days=rung.offset), policy.window.start, place.timezone)
    if rung.offset > 0 and account.delivered_at is not None:
        at = max(at, account.delivered_at + policy.grace_after_delivery)
    elif account.delivered_at is not None:
        at = max(at, account.delivered_at)
    reminders = [m.at for m in account.messages if m.kind == "reminder" and m.state is MessageState.SENT]
    if reminders and not rung.asks_person:
        at = max(at, max(reminders) + policy.gap_per_invoice)
    return calendar.next_open(at, policy.window, place.timezone, place.country, place.region)


def after_outage(
    account: Account, due: Due, ready: Sequence[Planned], now: datetime
) -> tuple[Planned | None, list[Skipped]]:
    """Which of the rungs whose time has come is sent; the others say why they are not."""
    skips: list[Skipped] = []
    remaining = list(ready)
    for one in ready:
        if one.rung.after_outage is AfterOutage.SKIP and one.end <= now:
            remaining.remove(one)
            skips.append(
                _skip(account, due, one.rung, "missed", "its window passed and the policy says to skip it")
            )
    while len(remaining) > 1 and remaining[0].rung.after_outage is AfterOutage.COLLAPSE:
        gone = remaining.pop(0)
        text = f"collapsed into {remaining[-1].rung.id}, so that one message goes out, not several"
        skips.append(_skip(account, due, gone.rung, "collapsed", text))
    return (remaining[0] if remaining else None), skips


def _skip(account: Account, due: Due, rung: Rung, code: str, text: str) -> Skipped:
    return Skipped(
        key=rung_key(account, due, rung), due=due.id, episode=due.episode, rung=rung.id, why=Why(code, text)
    )


def wait_for(planned: Sequence[Planned]) -> Wait:
    if not planned:
        return Wait(until=None, what="a person's decision", why=Why("ladder_ended", "no rung is left"))
    first = min(planned, key=lambda p: p.at)
    return Wait(
        until=first.at, what=f"reminder {first.rung.id}", why=Why("ladder", f"next rung {first.rung.id}")
    )


def _message(account: Account, key: str) -> Message | None:
    return next((m for m in account.messages if m.key == key), None)


def reason(policy: Policy, chosen: Planned, now: datetime) -> Why:
    sources = (
        f"sources read: {', '.join(policy.sources)}"
        if policy.sources
        else "no payment sources configured (sources = [])"
    )
    late = ", late" if chosen.end <= now else ""
    return Why("rung", f"{chosen.rung.id} of policy {policy.name} v{policy.version}{late}; {sources}")


def lateness(account: Account, chosen: Planned, now: datetime) -> int:
    zone = account.customer_place.timezone
    return max(0, (calendar.local_date(now, zone) - calendar.local_date(chosen.at, zone)).days)


def next_window(account: Account, policy: Policy, now: datetime) -> datetime:
    place = account.customer_place
    day = calendar.local_date(now, place.timezone) + timedelta(days=1)
    start = calendar.at(day, policy.window.start, place.timezone)
    return calendar.next_open(start, policy.window, place.timezone, place.country, place.region)


def retry_at(account: Account, policy: Policy, now: datetime, attempts: int, reminder: bool) -> datetime:
    """When a released claim is decided again: after 15 minutes, 1 hour, 4 hours, then at the next window."""
    if attempts <= len(RETRY_AFTER):
        return now + RETRY_AFTER[attempts - 1]
    return next_window(account, policy, now) if reminder else now + timedelta(days=1)


def next_rung_on(account: Account, policy: Policy, due_id: str, today: date) -> date:
    """The ladder date that brings the due's next rung to today."""
    due = next(d for d in account.dues if d.id == due_id)
    planned, _ = plan(account, policy, due)
    offset = planned[0].rung.offset if planned else 0
    return today - timedelta(days=offset)
