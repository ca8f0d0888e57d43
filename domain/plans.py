"""Instalment plans: what a policy lets a customer pay in parts, how that changes the dues, and when a part is missed.

A plan covers what is open. A due keeps what is settled of it; the rest becomes instalments, each a due of its own, so that
settlement, ladder and last look need to know nothing of plans. Amounts are minor units; it never changes the books.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from domain import calendar, settlement
from domain.account import Account, Due, Hold, Phase, Plan
from domain.errors import Problem
from domain.money import show
from domain.policy import Policy

Instalment = tuple[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """An instalment of which `amount` is still owed after its grace, though nothing excuses it."""

    due: Due
    amount: int

    @property
    def ref(self) -> str:
        """Names it once: an extended instalment may be missed again."""
        return f"{self.due.id}/{self.due.episode}"


def propose(amount: int, currency: str, policy: Policy, today: date, count: int) -> tuple[Instalment, ...]:
    """`count` ≥ 1 equal monthly parts, the rest of the division on the first; that one a month from today, or so much
    earlier that the last lies within the policy. Whether the policy takes them, `problems` tells."""
    if count < 1:
        raise ValueError("a plan has at least one instalment")
    part, rest = divmod(amount, count)
    last = min(_months_after(today, count), today + timedelta(days=policy.plan_days))
    days = [_months_after(last, n - count + 1) for n in range(count)]
    return tuple((day, part + (rest if at == 0 else 0)) for at, day in enumerate(days))


def _months_after(day: date, count: int) -> date:
    """The same day of another month, or its last one."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def problems(
    instalments: Sequence[Instalment], amount: int, currency: str, policy: Policy, today: date
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
