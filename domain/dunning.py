"""The decision: what to do next for an issued receivable, when, and why. Pure and total: the same account, policy
and instant give the same answer for the workflow, the last look, `status`, the why-record and the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from domain import calendar, freshness, ladder, settlement
from domain.account import CLOSED, Account, Due, MessageState, Phase
from domain.actions import Action, Close, Escalate, Lapse, Send, Skip, Wait, Why
from domain.policy import AfterOutage, Policy

LOOK_LIMIT = timedelta(minutes=15)


def decide(account: Account, policy: Policy, now: datetime) -> Action:
    """The next action for a receivable whose documents are delivered.

    Stops and pauses come before the ladder; the oldest chaseable due comes before younger ones.
    """
    if account.phase in CLOSED:
        return Wait(until=None, what="closed", why=Why("closed", "the receivable is closed"))
    if settlement.close_phase(account) is not None:
        return Close(why=Why("settled", "nothing is owed any more"))
    stop = stopped(account, now)
    if lapsed(account, policy, now) or (stop is None) != (account.ladder_stopped_on is None):
        return Lapse(why=Why("lapsed", "a pause began or ended"))
    if account.phase is not Phase.OPEN:
        return Wait(until=_wake(account, policy, now), what="a person's decision", why=_handed(account))
    if stop is not None:
        return Wait(until=_wake(account, policy, now), what="the end of the pause", why=stop)
    if account.rejected_until is not None and now < account.rejected_until:
        why = Why("grace_after_reject", "grace after a dispute was rejected")
        return Wait(
            until=_earliest(account.rejected_until, _wake(account, policy, now)), what="grace", why=why
        )
    return _chase(account, policy, now)


def stopped(account: Account, now: datetime) -> Why | None:
    """Why the whole ladder stands still, if it does."""
    for hold in account.holds:
        if hold.until is None or now < hold.until:
            return Why("on_hold", f"{hold.scope} is on hold: {hold.reason}")
    if account.balance > 0 and not any(amount for _, amount in settlement.chaseable(account)):
        if account.disputed >= account.balance:
            return Why("disputed", "all that is owed is disputed")
        if account.promised:
            return Why("promised", "all that is undisputed is promised")
    if account.pending_payment and account.pending_payment >= account.balance - account.disputed:
        return Why("payment_pending", "a payment is on its way")
    return None


def lapsed(account: Account, policy: Policy, now: datetime) -> bool:
    """Whether an open promise has run out."""
    return any(
        promise_ends(account, policy, p.promised_on) <= now for p in account.promises if p.outcome is None
    )


def promise_ends(account: Account, policy: Policy, promised_on: date) -> datetime:
    """End of the last day of grace after the promised date, in the customer's timezone."""
    day = promised_on + timedelta(days=policy.promise_grace_days + 1)
    return calendar.at(day, time(0), account.customer_place.timezone)


def _wake(account: Account, policy: Policy, now: datetime) -> datetime | None:
    """When time alone will change something while the ladder stands still."""
    ends = [promise_ends(account, policy, p.promised_on) for p in account.promises if p.outcome is None]
    ends += [h.until for h in account.holds if h.until is not None]
    return min((end for end in ends if end > now), default=None)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((i for i in instants if i is not None), default=None)


def _handed(account: Account) -> Why:
    if account.phase is Phase.IN_COLLECTIONS:
        return Why("in_collections", "handed over to collections; payments still book")
    return Why("escalated", "the ladder has ended; a person decides")


def _chase(account: Account, policy: Policy, now: datetime) -> Action:
    chaseable = [(due, amount) for due, amount in settlement.chaseable(account) if amount > 0]
    total = sum(amount for _, amount in chaseable)
    if total < policy.chase_minimum.get(account.currency, 0):
        why = Why("chase_minimum", "what is owed is below the amount worth chasing")
        return Wait(until=_wake(account, policy, now), what="a payment", why=why)
    if account.consumer and not policy.consumer:
        return Escalate(
            kind="consumer", key="consumer", why=Why("consumer", f"policy {policy.name} is not for consumers")
        )
    waits: list[Wait] = []
    for due, amount in chaseable:
        action = _due_action(account, policy, now, due, amount)
        if not isinstance(action, Wait):
            return action
        waits.append(action)
    timed = [w for w in waits if w.until is not None]
    if policy.ladder and not timed and all(w.why.code == "ladder_ended" for w in waits):
        return Escalate(
            kind="last_rung", key="last_rung", why=Why("last_rung", "the last rung has passed unpaid")
        )
    first = min(timed, key=lambda w: w.until or now) if timed else waits[0]
    return Wait(until=_earliest(first.until, _wake(account, policy, now)), what=first.what, why=first.why)


def _due_action(account: Account, policy: Policy, now: datetime, due: Due, amount: int) -> Action:
    plan, skips = ladder.plan(account, policy, due)
    ready = [p for p in plan if p.at <= now]
    chosen, more = ladder.after_outage(account, due, ready, now)
    skips += more
    if chosen is None:
        if skips:
            return Skip(skips=tuple(skips), why=skips[-1].why)
        return ladder.wait_for(plan)
    later = [p for p in plan if p.at > now]
    held = _withheld(account, policy, now, due, chosen, later)
    if held is not None:
        return Skip(skips=tuple(skips), why=skips[-1].why) if skips else held
    return Send(
        key=ladder.rung_key(account, due, chosen.rung),
        kind="internal" if chosen.rung.asks_person else "reminder",
        template=chosen.rung.template,
        to=chosen.rung.to,
        why=ladder.reason(policy, chosen, now),
        not_after=min(
            calendar.window_end(now, policy.window, account.customer_place.timezone), now + LOOK_LIMIT
        ),
        due=due.id,
        episode=due.episode,
        rung=chosen.rung.id,
        amount=_net(account, policy, amount),
        skips=tuple(skips),
        shift_days=ladder.lateness(account, chosen, now)
        if chosen.rung.after_outage is AfterOutage.SHIFT
        else 0,
    )


def _withheld(
    account: Account,
    policy: Policy,
    now: datetime,
    due: Due,
    chosen: ladder.Planned,
    later: Sequence[ladder.Planned],
) -> Wait | Escalate | None:
    """Why the chosen rung does not leave at this instant, if it does not."""
    what = f"reminder {chosen.rung.id}"
    message = chosen.message
    if message is not None and message.state is MessageState.HELD:
        until = later[0].at if later else None
        return Wait(until=until, what=what, why=Why("ask", "waits for a person: send or skip"))
    place = account.customer_place
    retry_at = message.retry_at if message is not None else None
    at = max(now, retry_at) if retry_at is not None else now
    opens = calendar.next_open(at, policy.window, place.timezone, place.country, place.region)
    if opens > now:
        code = "retry" if retry_at is not None and retry_at > now else "send_window"
        return Wait(
            until=opens,
            what=what,
            why=Why(code, "the provider was down" if code == "retry" else "outside the send window"),
        )
    if chosen.rung.asks_person:
        return None
    hold = freshness.unready(account, policy, now, due, chosen)
    if hold is None:
        return None
    if (
        chosen.at + policy.max_hold <= now
        and hold.code in freshness.HELD_CODES
        and hold.code not in account.exceptions
    ):
        return Escalate(kind=hold.code, key=ladder.rung_key(account, due, chosen.rung), why=hold)
    return Wait(until=ladder.next_window(account, policy, now), what=what, why=hold)


def _net(account: Account, policy: Policy, amount: int) -> int:
    return max(0, amount - account.customer_credit) if policy.unmatched == "net" else amount
