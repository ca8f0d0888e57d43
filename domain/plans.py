"""Instalment plans: what a policy lets a customer pay in parts, how that changes the dues, and when a part is missed.

A plan covers what is open. A due keeps what is settled of it; the rest becomes instalments, each a due of its own, so
that settlement, ladder and last look need to know nothing of plans. It never changes the books. Amounts: minor units.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from domain import calendar, settlement
from domain.account import Account, Due, Phase
from domain.errors import Problem
from domain.instalments import Plan
from domain.money import show
from domain.policy import Policy

Part = tuple[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """An instalment of which `amount` is still owed after its grace, and that nothing excuses."""

    due: Due
    amount: int

    @property
    def ref(self) -> str:
        """Names it once; an extended instalment may be missed again."""
        return f"{self.due.id}/{self.due.episode}"


def propose(amount: int, currency: str, policy: Policy, today: date, count: int) -> tuple[Part, ...]:
    """`count` ≥ 1 equal monthly parts, the rest of the division on the first; that one a month from today, or so much
    earlier that the last lies within the policy. Whether the policy takes them, `problems` tells."""
    if count < 1:
        raise ValueError("a plan has at least one instalment")
    part, rest = divmod(amount, count)
    days, end = [_months_after(today, n) for n in range(1, count + 1)], today + timedelta(days=policy.plan_days)
    if days[-1] > end:
        days = [_months_after(end, n - count) for n in range(1, count + 1)]
    return tuple((day, part + (rest if at == 0 else 0)) for at, day in enumerate(days))


def _months_after(day: date, count: int) -> date:
    """The same day of another month, or its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def problems(
    instalments: Sequence[Part], amount: int, currency: str, policy: Policy, today: date
) -> tuple[Problem, ...]:
    """Everything that keeps the instalments from being a plan for `amount`, which is what is open and undisputed."""
    found = []
    if not instalments:
        return (Problem("instalments", "needs at least one"),)
    if len(instalments) > policy.max_instalments:
        found.append(Problem("instalments", f"policy {policy.name} takes {policy.max_instalments} at most"))
    if [day for day, _ in instalments] != sorted({day for day, _ in instalments}):
        found.append(Problem("instalments", "must be in order of `due`, one a day"))
    first, last = min(day for day, _ in instalments), max(day for day, _ in instalments)
    end = today + timedelta(days=policy.plan_days)
    if first < today:
        found.append(Problem("instalments", f"{first} is in the past; the first may be due on {today}"))
    if last > end:
        found.append(Problem("instalments", f"{last} is more than {policy.plan_days} days ahead; end by {end}"))
    least = policy.least_instalment.get(currency, 1)
    for at, (_, part) in enumerate(instalments):
        if part < least:
            text = f"must be at least {show(least, currency)} {currency}"
            found.append(Problem(f"instalments[{at}].amount", text))
    total = sum(part for _, part in instalments)
    if total != amount:
        text = f"sum to {show(total, currency)}; they must sum to what is open, {show(amount, currency)} {currency}"
        found.append(Problem("instalments", text))
    return tuple(found)


def running(account: Account) -> Plan | None:
    return next((plan for plan in account.plans if plan.outcome is None), None)


def possible(account: Account) -> bool:
    """Whether instalments can be agreed at all: something is open, and nothing disputed."""
    disputed = any(dispute.outcome is None for dispute in account.disputes)
    return account.phase in {Phase.OPEN, Phase.ESCALATED} and account.balance > 0 and not disputed


def broken(account: Account) -> bool:
    """Whether an instalment that was missed is still owed."""
    plan = running(account)
    return plan is not None and any(
        f"{due.id}/{due.episode}" in plan.missed for due, _ in settlement.open_dues(account)
    )


def coverable(account: Account) -> int:
    """What a plan is made for: all that is open. Nothing may be disputed then."""
    return max(account.balance, 0)


def replaced(account: Account, parts: Sequence[tuple[str, date, int]]) -> tuple[Due, ...]:
    """All dues once what is open of them is to be paid in `parts` (id, day, amount), which sum to the balance. Those
    there were keep what is settled of them and come before the parts, so that no part counts as paid; the sum of the
    dues stays. Charges ride on the last due: its amount is without them, and so may not be below zero."""
    eve = parts[0][1] - timedelta(days=1)
    kept = [_settled(due, open_, eve) for due, open_ in _open(account)]
    riding = min(account.charges, coverable(account))
    added = [Due(id=id_, due_on=day, ladder_on=day, episode=1, amount=amount) for id_, day, amount in parts]
    added[-1] = replace(added[-1], amount=added[-1].amount - riding)
    return (*kept, *added)


def _settled(due: Due, open_: int, eve: date) -> Due:
    """What is left of a due without its open part; one that the parts leave nothing to ask for is over by their eve."""
    day = min(due.due_on, eve)
    return replace(due, amount=due.amount - open_, due_on=day, ladder_on=due.ladder_on if day == due.due_on else day)


def _open(account: Account) -> list[tuple[Due, int]]:
    """Every due and what is open of it without charges, which are settled last."""
    left = coverable(account) - min(account.charges, coverable(account))
    found = []
    for due in sorted(account.dues, key=lambda each: each.due_on, reverse=True):
        open_ = min(due.amount, left)
        left -= open_
        found.append((due, open_))
    return found[::-1]


def grace_ends(account: Account, policy: Policy, due: Due) -> datetime:
    """End of the last day of grace of an instalment, in the customer's timezone."""
    return calendar.at(last_day(policy, due) + timedelta(days=1), time(0), account.customer_place.timezone)


def last_day(policy: Policy, due: Due) -> date:
    return calendar.later(due.due_on, policy.plan_grace_days)


def missed(account: Account, policy: Policy, now: datetime) -> tuple[Missed, ...]:
    """The instalments of the running plan whose grace is over. What is disputed, promised or on its way is not missed,
    and nothing is while a stop is in force."""
    stands = any(hold.until is None or now < hold.until for hold in account.holds)
    grace = account.rejected_until is not None and now < account.rejected_until
    if account.phase not in {Phase.OPEN, Phase.ESCALATED} or stands or grace:
        return ()
    return tuple(m for m in awaited(account) if grace_ends(account, policy, m.due) <= now)


def not_missed(account: Account, policy: Policy, now: datetime) -> str:
    """Why no instalment of the running plan is missed yet, for whoever asks for all of it at once."""
    waiting = awaited(account)
    if not waiting:
        return "what is open of it is disputed, promised or being paid"
    due = min((each.due for each in waiting), key=lambda due: due.due_on)
    if grace_ends(account, policy, due) <= now:
        return "a stop or the grace after a dispute is in force"
    then = last_day(policy, due) + timedelta(days=1)
    return f"{due.id} is due on {due.due_on}; if it stays unpaid, accelerate from {then} on"


def news(account: Account, policy: Policy, now: datetime) -> tuple[Missed, ...]:
    """Those missed that the books do not tell yet."""
    plan = running(account)
    told = plan.missed if plan is not None else ()
    return tuple(each for each in missed(account, policy, now) if each.ref not in told)


def turns(account: Account, policy: Policy) -> list[datetime]:
    """When time alone may make an instalment a missed one."""
    return [grace_ends(account, policy, each.due) for each in awaited(account)]


def awaited(account: Account) -> tuple[Missed, ...]:
    """The instalments of the running plan with something left that nothing excuses, whatever the day."""
    plan = running(account)
    if plan is None:
        return ()
    return tuple(Missed(due=due, amount=left) for due, left in settlement.chaseable(account) if due.id in plan.dues)


def outcome(account: Account) -> str | None:
    """How the running plan has ended by itself: `kept` once nothing of it is owed, `ended` when that was given up or
    left to collectors. None while it runs, or without one."""
    plan = running(account)
    if plan is None:
        return None
    if account.phase is Phase.IN_COLLECTIONS:
        return "ended"
    if any(due.id in plan.dues for due, _ in settlement.open_dues(account)):
        return None
    lost = account.bad_debt > 0 or (account.credited > 0 and account.paid == 0)
    return "ended" if lost else "kept"
