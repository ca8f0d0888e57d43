"""One life told to both books at once, the real ones on SQLite and those in memory: each step must be answered alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from adapters.books import books as real
from adapters.books.engine import memory_engine
from adapters.books.migrate import upgrade_opened
from adapters.books.seed import apply_seed, load_seed
from domain.account import Account
from domain.actions import Send, Wait
from schemas.steps import CommandStep, DraftStep, Outcome, SendStep, Step, Verdict
from sim.memory.books import Books
from sim.memory.parties import Parties
from tests.conftest import DEMO, SEEDED_AT

START = datetime(2026, 1, 7, 9, tzinfo=UTC)


def seeded_engine() -> Engine:
    """Books in this process's memory with the demo's seller."""
    engine = memory_engine()
    upgrade_opened(engine)
    seed = load_seed(DEMO)
    apply_seed(engine, replace(seed, sellers={"demo": seed.sellers["demo"]}), SEEDED_AT)
    return engine


def copied(engine: Engine) -> Engine:
    """The same books once more, with nothing in common."""
    copy = memory_engine()
    source, target = engine.raw_connection(), copy.raw_connection()
    source.driver_connection.backup(target.driver_connection)  # type: ignore[union-attr]
    source.close()
    target.close()
    return copy


class Twins:
    """Both books of one seller. `steps` counts what was compared."""

    def __init__(self, engine: Engine, idempotent: bool = True) -> None:
        self.real, self.memory = real.Books(engine, idempotent), Books(Parties.read(engine), idempotent)
        self.engine, self.now, self.steps = engine, START, 0

    def both(self, step: Step, name: str, *about: Any) -> Any:
        ours, theirs = (getattr(books, name)(step, *about) for books in (self.memory, self.real))
        for mine, other in zip(_outcomes(ours), _outcomes(theirs), strict=True):
            self.alike(mine, other)
        return theirs

    def alike(self, mine: Outcome, other: Outcome) -> None:
        """Decision, policy, and every field of the account, from which `status` is a pure function."""
        self.steps += 1
        assert _plain(mine) == _plain(other), differences(_plain(mine), _plain(other))


def _outcomes(said: Any) -> tuple[Outcome, ...]:
    if isinstance(said, Outcome):
        return (said,)
    return (said.outcome,) if hasattr(said, "outcome") else (said[1],) if isinstance(said, tuple) else ()


def _plain(outcome: Outcome) -> Outcome:
    """Without the order in which one contact's other receivables are read, which a database leaves open."""
    account = outcome.account
    if account is None:
        return outcome
    return replace(outcome, account=replace(account, contact_reminded_at=tuple(sorted(account.contact_reminded_at))))


def differences(mine: Any, other: Any) -> str:
    """What of two outcomes is not alike, for whoever must mend it."""
    found = []
    for name in ("problems", "action", "then", "policy"):
        if getattr(mine, name) != getattr(other, name):
            found.append(f"{name}: memory {getattr(mine, name)}\n   real {getattr(other, name)}")
    if mine.account is not None and other.account is not None:
        for name in Account.__slots__:
            pair = getattr(mine.account, name), getattr(other.account, name)
            if pair[0] != pair[1]:
                found.append(f"account.{name}: memory {pair[0]}\n   real {pair[1]}")
    return "\n".join(found) or f"memory {mine}\n   real {other}"


class Life:
    """One receivable, told to both."""

    def __init__(self, twins: Twins, reference: str) -> None:
        self.twins, self.reference = twins, reference
        self.id = f"invoice-demo-{reference}"
        self.commands = 0

    @property
    def now(self) -> datetime:
        return self.twins.now

    def request(self, customer: str | dict[str, Any], price: str, **more: Any) -> dict[str, Any]:
        tax = [{"category": "S", "rate": rate} for rate in ("19", "7")]
        lines = [
            {"id": "1", "description": "Work", "quantity": "1", "unit_price": price, "tax": tax[0]},
            {"id": "2", "description": "Book", "quantity": "2", "unit_price": "10.00", "tax": tax[1]},
        ]
        return {
            "seller": "demo", "reference": self.reference, "created_by": "crm", "customer": customer,
            "currency": "EUR", "lines": lines, **more,
        }  # fmt: skip

    def start(self, customer: str | dict[str, Any], price: str, **more: Any) -> Outcome:
        return self.draft(self.request(customer, price, **more))

    def draft(self, request: dict[str, Any] | None, by: str = "") -> Outcome:
        step = DraftStep(workflow_id=self.id, now=self.now, request=request, by=by)
        said: Outcome = self.twins.both(step, "draft")
        return said

    def say(self, name: str, by: str, **payload: Any) -> Verdict:
        """A command; its verdict is the same in both."""
        self.commands += 1
        step = CommandStep(
            workflow_id=self.id, now=self.now, id=f"run/{self.commands}", name=name, payload={"by": by, **payload}
        )
        mine, other = self.twins.memory.command(step), self.twins.real.command(step)
        assert mine.verdict == other.verdict
        self.twins.alike(mine.outcome, other.outcome)
        return other.verdict

    def must(self, name: str, by: str, **payload: Any) -> Verdict:
        verdict = self.say(name, by, **payload)
        assert verdict.result != "refused", verdict.reason
        return verdict

    def look(self) -> Outcome:
        said: Outcome = self.twins.both(Step(workflow_id=self.id, now=self.now), "look")
        return said

    @property
    def account(self) -> Account:
        account = self.twins.real.outcome(self.id).account
        assert account is not None
        return account

    def run(self, days: float, release: bool = True) -> Account:
        """Lets `days` pass and everything happen that is due; a message that waits for a person is released."""
        end, outcome = self.now + timedelta(days=days), self.look()
        while True:
            assert outcome.account is not None
            match outcome.action:
                case Send():
                    outcome = self.post(outcome.action, release)
                case Wait() if outcome.action.until is not None and outcome.action.until <= end:
                    self.twins.now = outcome.action.until
                    outcome = self.look()
                case _:
                    self.twins.now = end
                    return outcome.account

    def post(self, action: Send, release: bool = True) -> Outcome:
        step = self.step(action.key)
        claimed, outcome = self.claim(step)
        if claimed is None and release and self.say("send", "sam").result == "done":
            claimed, outcome = self.claim(step)
        if claimed is None:
            return outcome
        said: Outcome = self.twins.both(step, "confirm", claimed, f"<{action.key}>", None)
        return said

    def step(self, key: str) -> SendStep:
        return SendStep(workflow_id=self.id, now=self.now, key=key)

    def claim(self, step: SendStep) -> Any:
        mine, other = self.twins.memory.claim(step), self.twins.real.claim(step)
        assert mine[0] == other[0]
        self.twins.alike(mine[1], other[1])
        return other
