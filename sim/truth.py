"""What must not be asked of a customer, by an account of the simulator's own: kept from the commands that were booked
and from what happened beside them, never from what the books make of it. Where it cannot be sure it allows more, so
what it forbids is certainly wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from domain import money
from schemas.steps import CommandStep, Verdict

ALL = 10**12
"""More than anybody owes."""
WEST = timedelta(hours=14)
"""No day begins earlier anywhere than so long before it does in UTC."""


@dataclass(slots=True)
class Owing:
    """One receivable. `disputes`: what each open one names. `held`: until when, None without an end."""

    currency: str
    gross: int
    settled: int = 0
    receipts: set[str] = field(default_factory=set)
    disputes: dict[str, int] = field(default_factory=dict)
    promised: tuple[int, date, int] | None = None  # how much, until when, and what was settled by then
    held: list[datetime | None] = field(default_factory=list)

    def free(self, now: datetime) -> int:
        """What may be asked for at most."""
        rest = self.gross - self.settled - sum(self.disputes.values())
        if self.promised is not None:
            amount, on, before = self.promised
            if now < _begins(on):
                rest -= max(0, amount - (self.settled - before))
        return max(0, rest)

    def stopped(self, now: datetime) -> bool:
        return any(until is None or now < until for until in self.held)


@dataclass(slots=True)
class Truth:
    """`stops`: customer -> kind; `paused`: everything."""

    owing: dict[str, Owing] = field(default_factory=dict)
    paused: bool = False
    stops: dict[str, str] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)

    def booked(self, step: CommandStep, verdict: Verdict) -> None:
        """A command whose transaction is committed; a repeat of its step changes nothing."""
        one = self.owing.get(step.workflow_id)
        if one is None or (step.workflow_id, step.id) in self.done:
            return
        self.done.add((step.workflow_id, step.id))
        if verdict.result == "done":
            _done(one, step.name, step.payload, verdict)
        elif verdict.result == "pending" and step.name == "resolve" and step.payload["outcome"] == "partly":
            _resolved(one, step.payload)

    def may_ask(self, invoice: str, customer: str, amount: int, now: datetime) -> str | None:
        """Why a reminder of this amount must not leave now; None when nothing is known against it."""
        one = self.owing[invoice]
        if self.paused:
            return "everything is paused"
        if customer in self.stops:
            return f"the customer is stopped ({self.stops[customer]})"
        if one.stopped(now):
            return "the invoice is on hold"
        free = one.free(now)
        if amount > free:
            return f"{amount} is asked for and at most {free} is unpaid, undisputed and not promised"
        return None


def _done(one: Owing, name: str, body: dict[str, Any], verdict: Verdict) -> None:
    amount = money.parse(body["amount"], one.currency) if body.get("amount") else None
    match name:
        case "pay":
            if body["external_id"] not in one.receipts:
                one.receipts.add(body["external_id"])
                one.settled += amount or 0
        case "credit" | "write_off":
            one.settled += ALL if amount is None else amount
        case "cancel":
            one.settled += ALL
        case "dispute":
            one.disputes[verdict.dispute or ""] = ALL if amount is None else amount
        case "resolve":
            _resolved(one, body)
        case "promise":
            one.promised = (ALL if amount is None else amount, date.fromisoformat(body["date"]), one.settled)
        case "hold":
            one.held.append(_begins(date.fromisoformat(body["until"])) if body.get("until") else None)
        case "release":
            one.held.clear()


def _resolved(one: Owing, body: dict[str, Any]) -> None:
    """What was accepted stays out of what may be asked: it is credited."""
    named = body.get("dispute") or next(iter(one.disputes), None)
    if named not in one.disputes:
        return
    if body["outcome"] in {"withdrawn", "rejected"}:
        del one.disputes[named]
    elif body["outcome"] == "partly":
        one.disputes[named] = money.parse(body["credit"], one.currency)


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(0), UTC) - WEST
