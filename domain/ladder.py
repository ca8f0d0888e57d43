"""One due's ladder: which rungs are still to come, when each may leave, and what an outage did to them.
Reads the account; never looks at pauses or stops (dunning does)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain import arrival, calendar
from domain.account import Account, Due
from domain.actions import Skipped, Wait, Why
from domain.messages import GIVEN, REACHED, Message, MessageState
from domain.policy import AfterOutage, Policy, Rung

RETRY_AFTER = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
GONE = GIVEN | {MessageState.UNKNOWN, MessageState.REFUSED, MessageState.BOUNCED}


@dataclass(frozen=True, slots=True)
class Planned:
    """A rung that is still to come: it may leave from `at` on; past `end` its own window is missed."""

    rung: Rung
    at: datetime
    end: datetime
    message: Message | None
    key: str


def rung_key(account: Account, due: Due, rung: Rung) -> str:
    return f"{account.workflow_id}/{due.id}/{due.episode}/{rung.id}"


def plan(account: Account, policy: Policy, due: Due) -> tuple[list[Planned], list[Skipped]]:
    """The due's unsettled rungs in order, and those whose time can no longer come."""
    planned: list[Planned] = []
    skips: list[Skipped] = []
    handed_in, reminded = account.handed_in_at, max(reminded_at(account, policy), default=None)
    for written in sorted(policy.ladder, key=lambda r: r.offset):
        rung = _as_taken_over(account, policy, due, written)
        key = rung_key(account, due, rung)
        message = arrival.current(account, key)
        if message is not None and message.state in GONE:
            continue
        key = message.key if message is not None else key
        said = _said_elsewhere(account, due, rung)
        if said is not None:
            skips.append(_skip(due, rung, key, "adopted", said))
            continue
        at = _instant(account, policy, due, rung, handed_in, reminded)
        place = account.customer_place
        late = _too_late(account, due, rung, at, handed_in)
        if late is not None:
            skips.append(_skip(due, rung, key, "too_late", late))
            continue
        planned.append(Planned(rung, at, calendar.window_end(at, policy.window, place.timezone), message, key))
    return planned, skips


def _said_elsewhere(account: Account, due: Due, rung: Rung) -> str | None:
    """Why a rung to the customer is settled by a reminder from before the receivable was taken over."""
    on = account.reminded_elsewhere_on
    if on is None or rung.asks_person or calendar.later(due.ladder_on, rung.offset) > on:
        return None
    return f"the customer was reminded on {on.isoformat()}, before it was taken over"


def _as_taken_over(account: Account, policy: Policy, due: Due, rung: Rung) -> Rung:
    """A rung whose day came before the receivable was taken over collapses, whatever else an outage would do to it: the
    first thing the customer hears from us is one message."""
    if account.adopted_at is None or rung.after_outage is AfterOutage.SKIP:
        return rung
    day = calendar.later(due.ladder_on, rung.offset)
    missed = calendar.at(day, policy.window.end, account.customer_place.timezone) <= account.adopted_at
    return replace(rung, after_outage=AfterOutage.COLLAPSE) if missed else rung


def reminded_at(account: Account, policy: Policy) -> list[datetime]:
    """When the customer was reminded of this receivable, at the latest: before it was taken over, too."""
    found = [m.at for m in account.messages if m.kind == "reminder" and m.state in REACHED]
    on, zone = account.reminded_elsewhere_on, account.customer_place.timezone
    return found if on is None else [*found, calendar.at(on, policy.window.end, zone)]


def _too_late(account: Account, due: Due, rung: Rung, at: datetime, handed_in: datetime | None) -> str | None:
    """Why a rung up to the due date can be of no use any more."""
    if rung.offset > 0:
        return None
    zone, day = account.customer_place.timezone, calendar.later(due.ladder_on, rung.offset)
    if handed_in is not None and calendar.local_date(handed_in, zone) >= day:
        return "its day came before the day after the invoice was delivered"
    if rung.offset < 0 and calendar.local_date(at, zone) >= due.ladder_on:
        return "no send window is left between its day and the due date"
    return None


def _instant(
    account: Account, policy: Policy, due: Due, rung: Rung, handed_in: datetime | None, reminded: datetime | None
) -> datetime:
    """When a rung may leave: its day's window, after grace since delivery and the gap since the last one."""
    place = account.customer_place
    at = calendar.at(calendar.later(due.ladder_on, rung.offset), policy.window.start, place.timezone)
    if handed_in is not None:
        grace = policy.grace_after_delivery if rung.offset > 0 else timedelta()
        at = max(at, handed_in + grace)
    if reminded is not None and not rung.asks_person:
        at = max(at, reminded + policy.gap_per_invoice)
    return calendar.next_open(at, policy.window, place.timezone, place.country, place.region)


def after_outage(due: Due, ready: Sequence[Planned], now: datetime) -> tuple[list[Planned], list[Skipped]]:
    """Of the rungs whose time has come: at most one for the customer and one for a person of ours, in order. The others
    say why they do not go out. A reminder never collapses into a message that the customer does not see."""
    skips: list[Skipped] = []
    picks: list[Planned] = []
    for one in ready:
        if one.rung.after_outage is AfterOutage.SKIP and one.end <= now:
            text = "its window passed and the policy says to skip it"
            skips.append(_skip(due, one.rung, one.key, "missed", text))
    missed = {skipped.rung for skipped in skips}
    for inside in (False, True):
        same = [p for p in ready if p.rung.id not in missed and p.rung.asks_person is inside]
        while len(same) > 1 and same[0].rung.after_outage is AfterOutage.COLLAPSE:
            gone = same.pop(0)
            into = next((p for p in same if p.rung.after_outage is not AfterOutage.COLLAPSE), same[-1])
            text = f"collapsed into {into.rung.id}, so that one message goes out, not several"
            skips.append(_skip(due, gone.rung, gone.key, "collapsed", text))
        picks += same[:1]
    return sorted(picks, key=lambda p: p.rung.offset), skips


def _skip(due: Due, rung: Rung, key: str, code: str, text: str) -> Skipped:
    return Skipped(key=key, due=due.id, episode=due.episode, rung=rung.id, why=Why(code, text))


def wait_for(account: Account, policy: Policy, due: Due, planned: Sequence[Planned], now: datetime) -> Wait:
    """Until the next rung. The ladder has not ended while it is open what became of its last message."""
    if planned:
        first = min(planned, key=lambda p: p.at)
        return Wait(until=first.at, what=f"reminder {first.rung.id}", why=Why("ladder", "the next rung of the ladder"))
    last = max(policy.ladder, key=lambda r: r.offset, default=None)
    message = arrival.current(account, rung_key(account, due, last)) if last is not None else None
    awaited = arrival.awaited_until(account, now)
    if message is not None and message.state is MessageState.ACCEPTED and awaited is not None:
        return Wait(until=awaited, what="delivery", why=Why("undelivered", f"{message.rung} has not arrived yet"))
    if message is not None and message.stuck:
        why = Why(message.state.value, f"message {message.rung} waits for a person: send or skip")
    else:
        why = Why("ladder_ended", "no rung is left")
    return Wait(until=None, what="a person's decision", why=why)


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
