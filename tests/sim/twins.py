"""One life told to both books at once, the real ones on SQLite and those in memory: each step must be answered
alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from adapters.books import books as real
from adapters.books.engine import memory_engine, write
from adapters.books.messages import Claimed
from adapters.books.migrate import upgrade_opened
from adapters.books.seed import apply_seed, load_seed
from domain.account import Account
from domain.actions import Send, Wait
from domain.errors import DuelyError
from schemas import tables as t
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step, Verdict
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

    def __init__(self, engine: Engine, idempotent: bool = True, reports: bool = False, sources: tuple[str, ...] = ()):
        with write(engine, "demo") as session:
            session.get_one(t.Seller, "demo").sources = list(sources)
        self.real = real.Books(engine, idempotent, reports)
        self.memory = Books(Parties.read(engine), idempotent, reports, technical=lambda: START)
        self.engine, self.now, self.steps = engine, START, 0

    def step(self, name: str, *said: Any) -> Any:
        """One step of both books; answers what the real ones say."""
        self.steps += 1
        return compared(getattr(self.memory, name), getattr(self.real, name), *said)


def compared(mine: Callable[..., Any], real: Callable[..., Any], *said: Any) -> Any:
    """Does it twice. Decision, policy and every field of the account must be alike, from which `status` is a pure
    function, and so must verdicts, claims and the kinds of refusals."""
    answers = []
    for books in (mine, real):
        try:
            answers.append(books(*said))
        except DuelyError as error:
            answers.append(error)
    ours, theirs = map(_alike, answers)
    assert ours == theirs, f"{real} {said}\n{differences(_outcome(ours), _outcome(theirs))}"
    if isinstance(answers[1], DuelyError):
        raise answers[1]
    return answers[1]


def _outcome(said: Any) -> Any:
    return said.outcome if isinstance(said, Answer) else said[1] if isinstance(said, tuple) and len(said) == 2 else said


def _alike(said: Any) -> Any:
    """What may differ left out: the order in which a contact's other receivables are read, which a database leaves
    open; of a refusal its words."""
    match said:
        case Answer():
            return replace(said, outcome=_alike(said.outcome))
        case Outcome(account=Account() as account):
            told = tuple(sorted(account.contact_reminded_at))
            return replace(said, account=replace(account, contact_reminded_at=told))
        case (claimed, Outcome() as outcome):
            return claimed, _alike(outcome)
        case DuelyError():
            return type(said).__name__
    return said


def differences(mine: Any, other: Any) -> str:
    """What of two outcomes is not alike, for whoever must mend it."""
    pairs = [(name, getattr(mine, name, None), getattr(other, name, None)) for name in ("problems", "action", "then")]
    accounts = [getattr(said, "account", None) for said in (mine, other)]
    if None not in accounts:
        pairs += [(f"account.{name}", *(getattr(each, name) for each in accounts)) for name in Account.__slots__]
    found = [f"{name}: memory {a}\n   real {b}" for name, a, b in pairs if a != b]
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
        said: Outcome = self.twins.step("draft", step)
        return said

    def say(self, name: str, by: str, **payload: Any) -> Verdict:
        """A command; its verdict is the same in both."""
        self.commands += 1
        step = CommandStep(
            workflow_id=self.id, now=self.now, id=f"run/{self.commands}", name=name, payload={"by": by, **payload}
        )
        answer: Answer = self.twins.step("command", step)
        return answer.verdict

    def must(self, name: str, by: str, **payload: Any) -> Verdict:
        verdict = self.say(name, by, **payload)
        assert verdict.result != "refused", verdict.reason
        return verdict

    def look(self) -> Outcome:
        said: Outcome = self.twins.step("look", Step(workflow_id=self.id, now=self.now))
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
            action = outcome.action
            if isinstance(action, Send):
                outcome = self.post(action, release)
            elif isinstance(action, Wait) and action.until is not None and action.until <= end:
                self.twins.now = action.until
                outcome = self.look()
            else:
                assert outcome.account is not None
                self.twins.now = end
                return outcome.account

    def post(self, action: Send, release: bool = True) -> Outcome:
        step = self.step(action.key)
        claimed, outcome = self.claim(step)
        if claimed is None and release and self.say("send", "sam").result == "done":
            claimed, outcome = self.claim(step)
        if claimed is None:
            return outcome
        said: Outcome = self.twins.step("confirm", step, claimed, f"<{action.key}>", None)
        return said

    def step(self, key: str) -> SendStep:
        return SendStep(workflow_id=self.id, now=self.now, key=key)

    def claim(self, step: SendStep) -> tuple[Claimed | None, Outcome]:
        said: tuple[Claimed | None, Outcome] = self.twins.step("claim", step)
        return said
