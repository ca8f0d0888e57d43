"""Plays a ledger under one policy: the production workflow and the books in memory, customer by customer, with the days
of payment that it is given and without a fault. It believes no reminder to change anything; that is the response
model's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from adapters.mail.port import Message
from domain import calendar, money
from domain.policy import Policy
from sim.books import SELLER, parties
from sim.cadence.compare import Played
from sim.cadence.ledger import Past
from sim.doings import Doings
from sim.memory.books import Books
from sim.memory.ledger import Memory
from sim.memory.parties import Parties
from sim.plan import DAY, Event, Life, Manners, Plan
from sim.resident import Resident
from sim.town import Town

MINUTE = timedelta(minutes=1)
MORNING, NOON = time(9), time(12)
NEVER = 100 * 365 * DAY
AFTERWARDS = 120
"""Days that are played after the last day of the ledger, so that each ladder comes to its end."""
OURS = frozenset({"approval"})
"""Messages that only stand because the ledger is issued anew."""


@dataclass(frozen=True, slots=True)
class Player:
    """`country` and `timezone` are the seller's. `played`: told after each receivable."""

    country: str
    timezone: str
    played: Callable[[], None] = lambda: None

    def __call__(self, past: Sequence[Past], policy: Policy, paid: Mapping[str, date]) -> Played:
        found = Played()
        known = self._parties(policy)
        for _, theirs in groupby(sorted(past, key=lambda each: each.customer), key=lambda each: each.customer):
            self._customer(list(theirs), policy.name, known, paid, found)
        return found

    def _parties(self, policy: Policy) -> Parties:
        """The demo's seller at home, with this policy as it would run by itself."""
        everybody = parties()
        ladder = tuple(replace(rung, mode=None) for rung in policy.ladder)
        alone = replace(policy, mode="auto", sources=(), ladder=ladder)
        seller = everybody.sellers[SELLER]
        home = replace(seller.facts, country=self.country, timezone=self.timezone)
        return replace(everybody, sellers={SELLER: replace(seller, facts=home, policies={policy.name: alone})})

    def _customer(
        self, past: Sequence[Past], policy: str, known: Parties, paid: Mapping[str, date], found: Played
    ) -> None:
        start = datetime.combine(min(each.issued_on for each in past) - timedelta(days=1), time(0), UTC)
        lives = tuple(_life(number, each, policy, start, paid) for number, each in enumerate(past))
        last = max(day for each in past for day in (each.due_on, each.disputed_on, paid.get(each.reference)) if day)
        days = (last - start.date()).days + AFTERWARDS
        plan = Plan(seed=0, town=0, start=start, mail="outbox", lives=lives, days=days)
        town = Town(plan, lambda idempotent, _, clock: Memory(Books(known, idempotent, technical=clock), SELLER))
        Doings(town)
        by_number = dict(enumerate(past))

        def arrived(resident: Resident, message: Message) -> None:
            if message.kind not in OURS:
                found.messages[f"{message.kind} {message.rung or ''}".strip()] += 1
            each = by_number[resident.life.number]
            if message.kind == "reminder":
                found.first.setdefault(each.reference, calendar.local_date(message.at, each.timezone))

        town.arrivals = arrived
        town.run_until(start + timedelta(days=days))
        _told(town, found)
        for _ in past:
            self.played()


def _told(town: Town, found: Played) -> None:
    if town.breaches:
        raise AssertionError(f"the simulator breaks its own books: {town.breaches[0]}")
    for (verdict, code), count in town.ledger.reasons.items():
        if verdict in {"withheld", "skipped"}:
            found.held[code if verdict == "withheld" else f"{verdict}, {code}"] += count
    for house in town.ledger.books.houses.values():
        found.exceptions.update(entry.keys["kind"] for entry in house.chain if entry.type == "exception.opened")


def _life(number: int, past: Past, policy: str, start: datetime, paid: Mapping[str, date]) -> Life:
    """It is issued in the morning of its day and paid at noon of the day it is paid on."""
    begins = _minute(past.issued_on, MORNING, past.timezone, start)
    resolved = NEVER
    if past.disputed_on is not None and past.resolved_on is not None:
        resolved = (past.resolved_on - past.disputed_on).days * DAY
    return Life(
        number=number,
        fate="recorded",
        starts=begins,
        request=_request(number, past, policy),
        gross=past.total,
        manners=Manners(approve_after=0, held_after=0, resolve_after=resolved, at_the_end="leave"),
        events=tuple(_events(past, begins, start, paid)),
    )


def _events(past: Past, begins: int, start: datetime, paid: Mapping[str, date]) -> Iterable[Event]:
    if past.disputed_on is not None:
        at = _minute(past.disputed_on, NOON, past.timezone, start) - begins
        yield Event(at=max(1, at), what="dispute", body={"by": "customer", "reason": "as the ledger says"})
    on = paid.get(past.reference)
    if on is not None:
        body = {"by": "ben", "amount": "$rest", "received_on": on.isoformat(), "method": "transfer",
                "external_id": "$ref-paid"}  # fmt: skip
        yield Event(at=max(2, _minute(on, NOON, past.timezone, start) - begins), what="pay", body=body)


def _request(number: int, past: Past, policy: str) -> dict[str, Any]:
    """One line over the whole amount: what it was for changes nothing about how it is chased."""
    days = (past.due_on - past.issued_on).days
    return {
        "seller": SELLER,
        "reference": f"L-{number}",
        "created_by": "crm",
        "currency": past.currency,
        "policy": policy,
        "terms": f"net {days}" if days else "due on receipt",
        "customer": {
            "name": past.customer, "email": "ledger@customer.example", "country": past.country, "language": "en",
            "timezone": past.timezone, "address": {"street": "-", "postcode": "-", "city": "-"},
        },
        "lines": [
            {"description": past.reference, "quantity": "1", "unit_price": money.show(past.total, past.currency),
             "tax": {"category": "E", "rate": "0", "reason": "as the ledger says"}}
        ],
    }  # fmt: skip


def _minute(day: date, clock: time, timezone: str, start: datetime) -> int:
    return int((calendar.at(day, clock, timezone) - start) / MINUTE)
