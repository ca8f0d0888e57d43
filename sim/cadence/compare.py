"""Plays one ledger under several policies and puts what they did side by side: facts as they are, money with the range
of the response model. The first policy is the one that the ledger was recorded under."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from domain.policy import Policy
from sim.cadence import response
from sim.cadence.figures import Money, money
from sim.cadence.ledger import Past

Paid = Mapping[str, date]


@dataclass(slots=True)
class Played:
    """What a policy would have done. `messages` by rung or kind, `held` reminders by reason, `exceptions` by kind;
    `first`: the day the first reminder of a receivable left on."""

    messages: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    first: dict[str, date] = field(default_factory=dict)


Play = Callable[[Sequence[Past], Policy, Paid], Played]


@dataclass(frozen=True, slots=True)
class Compared:
    """Of one policy: the facts, and by currency the money with the low, middle and high share of the model."""

    policy: str
    facts: Played
    money: Mapping[str, tuple[Money, ...]]


def compare(past: Sequence[Past], policies: Sequence[Policy], play: Play) -> list[Compared]:
    recorded = {each.reference: each.paid_on for each in past if each.paid_on is not None}
    played = [play(past, policy, recorded) for policy in policies]
    currencies = sorted({each.currency for each in past})
    return [
        Compared(policy.name, facts, {code: _range(past, code, played[0], facts) for code in currencies})
        for policy, facts in zip(policies, played, strict=True)
    ]


def _range(past: Sequence[Past], currency: str, recorded: Played, other: Played) -> tuple[Money, ...]:
    own = [each for each in past if each.currency == currency]
    return tuple(money(own, _paid(own, recorded, other, share)) for share in response.SHARES)


def _paid(past: Sequence[Past], recorded: Played, other: Played, share: Decimal) -> dict[str, date]:
    days = {each.reference: response.paid_on(each, recorded.first, other.first, share) for each in past}
    return {reference: day for reference, day in days.items() if day is not None}
