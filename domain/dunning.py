"""The decision: what to do next for an issued receivable, when, and why. Pure and total: the same account, policy
and instant give the same answer for the workflow, the last look, `status`, the why-record and the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from domain import arrival, calendar, freshness, ladder, plans, settlement
from domain.account import CLOSED, Account, Due, Phase
from domain.actions import Action, Close, Escalate, Lapse, Send, Skip, Skipped, Wait, Why, Withheld
from domain.messages import MessageState
from domain.policy import AfterOutage, Policy

LOOK_LIMIT = timedelta(minutes=15)
STOPPED = {"no_contact": "must not be written to", "insolvent": "is insolvent", "hold": "is on hold"}
"""The kinds of stop in words, the strictest first."""


def decide(account: Account, policy: Policy, now: datetime) -> Action:
    """The next action for a receivable whose documents are delivered.

    Stops and pauses come before the ladder; the oldest chaseable due comes before younger ones.
    """
    if account.phase in CLOSED:
        return Wait(until=None, what="closed", why=Why("closed", "the receivable is closed"))
    if settlement.close_phase(account) is not None and not account.papers_wait:
        return Close(why=Why("settled", "nothing is owed any more"))
    if lapsed(account, policy, now) or _pause_turned(account, now):
        return Lapse(why=Why("lapsed", "a pause began or ended"))
    if account.balance <= 0:
        what = "approval" if account.subjects else "delivery"
        why = Why("settled", f"nothing is owed any more; {what} is still open")
        return Wait(until=_wake(account, policy, now), what=what, why=why)
    late = arrival.unconfirmed(account, now)
    if late is not None:
        return late
    stop = stopped(account, now)
    if account.phase is not Phase.OPEN:
        return Wait(until=_wake(account, policy, now), what="a person's decision", why=_handed(account))
    if stop is not None:
        return Wait(until=_wake(account, policy, now), what="the end of the pause", why=stop)
    if account.rejected_until is not None and now < account.rejected_until:
        why = Why("grace_after_reject", "grace after a dispute was rejected")
        return Wait(until=_earliest(account.rejected_until, _wake(account, policy, now)), what="grace", why=why)
    if account.quiet_until is not None and now < account.quiet_until:
        why = Why("reply", "an answer came by mail; a person reads it first")
        return Wait(until=_earliest(account.quiet_until, _wake(account, policy, now)), what="a reply", why=why)
    return _chase(account, policy, now)


def stopped(account: Account, now: datetime) -> Why | None:
    """Why the whole ladder stands still, if it does."""
    for kind, words in STOPPED.items():
        for hold in account.stops(kind, now):
            return Why("on_hold", f"{hold.scope} {words}: {hold.reason}")
    balance, promised = account.balance, account.promised
    free = balance - account.disputed
    if balance > 0 and free <= 0:
        return Why("disputed", "all that is owed is disputed")
    if account.pending_payment and account.pending_payment >= free - promised:
        return Why("payment_pending", "a payment is on its way")
    if promised and promised >= free:
        return Why("promised", "all that is undisputed is promised")
    return None


def held(account: Account, policy: Policy, now: datetime) -> tuple[Withheld, ...]:
    """The reminders whose time has come and that wait until a source is read or money is assigned."""
    grace = any(until is not None and now < until for until in (account.rejected_until, account.quiet_until))
    if account.phase is not Phase.OPEN or account.balance <= 0 or grace or stopped(account, now) is not None:
        return ()
    found: list[Withheld] = []
    owed = 0
    for due, amount in _netted(account, policy):
        owed += amount
        if owed < policy.chase_minimum.get(account.currency, 0):
            continue
        planned, _ = ladder.plan(account, policy, due)
        for chosen in ladder.after_outage(due, [p for p in planned if p.at <= now], now)[0]:
            wait = _withheld(account, policy, now, due, chosen)
            if wait is not None and wait.why.code in freshness.HELD_CODES:
                key = ladder.rung_key(account, due, chosen.rung)
                found.append(Withheld(key=key, due=due.id, episode=due.episode, rung=chosen.rung.id, why=wait.why))
    return tuple(found)


def _pause_turned(account: Account, now: datetime) -> bool:
    """Whether the books do not show yet that the whole ladder stopped or goes on. Only a ladder that still runs, or may
    be taken up again, is noted there."""
    if account.phase not in {Phase.OPEN, Phase.ESCALATED}:
        return False
    stands = account.balance > 0 and stopped(account, now) is not None
    return stands != (account.ladder_stopped_on is not None)


def lapsed(account: Account, policy: Policy, now: datetime) -> bool:
    """Whether an open promise has run out, a payment is under way for too long, or an instalment was missed."""
    if account.pending_until is not None and account.pending_until <= now:
        return True
    if plans.news(account, policy, now):
        return True
    return any(promise_ends(account, policy, p.promised_on) <= now for p in account.promises if p.outcome is None)


def promise_ends(account: Account, policy: Policy, promised_on: date) -> datetime:
    """End of the last day of grace after the promised date, in the customer's timezone."""
    day = promised_on + timedelta(days=policy.promise_grace_days + 1)
    return calendar.at(day, time(0), account.customer_place.timezone)


def _wake(account: Account, policy: Policy, now: datetime) -> datetime | None:
    """When time alone will change something while the ladder stands still."""
    ends = [promise_ends(account, policy, p.promised_on) for p in account.promises if p.outcome is None]
    ends += [h.until for h in account.holds if h.until is not None]
    ends += [account.pending_until] if account.pending_until is not None else []
    ends += arrival.wakes(account)
    ends += plans.turns(account, policy)
    return min((end for end in ends if end > now), default=None)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((i for i in instants if i is not None), default=None)


def _handed(account: Account) -> Why:
    if account.phase is Phase.IN_COLLECTIONS:
        return Why("in_collections", "handed over to collections; payments still book")
    return Why("escalated", "the ladder has ended; a person decides")


def _chase(account: Account, policy: Policy, now: datetime) -> Action:
    if account.consumer and not policy.consumer:
        why = Why("consumer", f"policy {policy.name} is not for consumers")
        return Escalate(kind="consumer", key=account.workflow_id, why=why)
    waits: list[Wait] = []
    skips: list[Skipped] = []
    owed = 0
    for due, amount in _netted(account, policy):
        owed += amount
        action = _due_action(account, policy, now, due, amount, owed)
        if isinstance(action, Skip):
            skips += action.skips
        elif isinstance(action, Wait):
            waits.append(action)
        elif not skips:
            return action
    if skips:  # of all dues together: sixty that are past are one step of the books
        return Skip(skips=tuple(skips), why=skips[-1].why)
    if policy.ladder and _ended(waits):
        why = Why("last_rung", "the last rung has passed unpaid")
        return Escalate(kind="last_rung", key=account.workflow_id, why=why)
    first = _soonest(waits) or Wait(until=None, what="a payment", why=Why("nothing_due", "nothing is due to be chased"))
    return Wait(until=_earliest(first.until, _wake(account, policy, now)), what=first.what, why=first.why)


def _netted(account: Account, policy: Policy) -> list[tuple[Due, int]]:
    """What is chased, oldest first. Under `net` the customer's credit counts as paid to the oldest, unless it covers
    everything: then freshness holds the message until the money is assigned."""
    chaseable = settlement.chaseable(account)
    credit = account.customer_credit if policy.unmatched == "net" else 0
    if credit >= sum(amount for _, amount in chaseable):
        return list(chaseable)
    left: list[tuple[Due, int]] = []
    for due, amount in chaseable:
        taken = min(amount, max(credit, 0))
        credit -= taken
        if amount > taken:
            left.append((due, amount - taken))
    return left


def _ended(waits: Sequence[Wait]) -> bool:
    """Whether a person must take over: a due's last rung has passed, or all that is left is too small to chase. Not
    before what a person holds already is decided."""
    codes = {wait.why.code for wait in waits}
    if codes & {"ask", "unknown", "refused", "bounced", "undelivered"}:
        return False
    spent = all(wait.until is None for wait in waits) and codes <= {"ladder_ended", "chase_minimum"}
    return bool(waits) and ("ladder_ended" in codes or spent)


def _soonest(waits: Sequence[Wait]) -> Wait | None:
    timed = [(wait.until, wait) for wait in waits if wait.until is not None]
    if timed:
        return min(timed, key=lambda pair: pair[0])[1]
    return waits[0] if waits else None


def _due_action(account: Account, policy: Policy, now: datetime, due: Due, amount: int, owed: int) -> Action:
    """`owed`: what is chaseable of this due and the older ones together."""
    plan, skips = ladder.plan(account, policy, due)
    later = [p for p in plan if p.at > now]
    if owed < policy.chase_minimum.get(account.currency, 0):
        why = Why("chase_minimum", "what is owed is below the amount worth chasing")
        return Wait(until=max((p.at for p in later), default=None), what="a payment", why=why)
    picks, more = ladder.after_outage(due, [p for p in plan if p.at <= now], now)
    skips += more
    waits: list[Wait] = []
    escalate: Escalate | None = None
    for chosen in picks:
        held = _withheld(account, policy, now, due, chosen)
        if held is None:
            return _message(account, policy, now, due, chosen, amount, tuple(skips))
        if isinstance(held, Escalate):
            escalate = held
        else:
            waits.append(held)
    if skips:
        return Skip(skips=tuple(skips), why=skips[-1].why)
    if escalate is not None:
        return escalate
    first = _soonest(waits)
    if first is None:
        return ladder.wait_for(account, policy, due, plan, now)
    return Wait(until=_earliest(first.until, *(p.at for p in later)), what=first.what, why=first.why)


def _message(
    account: Account,
    policy: Policy,
    now: datetime,
    due: Due,
    chosen: ladder.Planned,
    amount: int,
    skips: tuple[Skipped, ...],
) -> Send:
    rung, zone = chosen.rung, account.customer_place.timezone
    return Send(
        key=chosen.key,
        kind="internal" if rung.asks_person else "reminder",
        template=rung.template,
        to=rung.to,
        why=ladder.reason(policy, chosen, now),
        not_after=min(calendar.window_end(now, policy.window, zone), now + LOOK_LIMIT),
        due=due.id,
        episode=due.episode,
        rung=rung.id,
        amount=amount,
        skips=skips,
        shift_days=ladder.lateness(account, chosen, now) if rung.after_outage is AfterOutage.SHIFT else 0,
    )


def _withheld(
    account: Account, policy: Policy, now: datetime, due: Due, chosen: ladder.Planned
) -> Wait | Escalate | None:
    """Why the chosen rung does not leave at this instant, if it does not."""
    what = f"reminder {chosen.rung.id}"
    message = chosen.message
    if message is not None and message.state is MessageState.HELD:
        return Wait(until=None, what=what, why=Why("ask", "waits for a person: send or skip"))
    place = account.customer_place
    retry_at = message.retry_at if message is not None else None
    at = max(now, retry_at) if retry_at is not None else now
    opens = calendar.next_open(at, policy.window, place.timezone, place.country, place.region)
    if opens > now:
        retry = Why("retry", "the provider was down")
        why = retry if at > now else Why("send_window", "outside the send window")
        return Wait(until=opens, what=what, why=why)
    if chosen.rung.asks_person:
        return None
    if arrival.nobody_reached(account):
        why = Why("bounced", "the last message reached nobody; give an address with resend")
        return Wait(until=None, what=what, why=why)
    awaited = arrival.awaited_until(account, now)
    if awaited is not None:
        return Wait(until=awaited, what=what, why=Why("undelivered", "an earlier message has not arrived yet"))
    hold = freshness.unready(account, policy, now, due, chosen)
    if hold is None:
        return None
    overdue = chosen.at + policy.max_hold <= now and hold.code in freshness.HELD_CODES
    if overdue and hold.code not in account.exceptions:
        return Escalate(kind=hold.code, key=chosen.key, why=hold)
    return Wait(until=ladder.next_window(account, policy, now), what=what, why=hold)
