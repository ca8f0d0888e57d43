"""The endings' other stage: the production workflow by the simulator's kernel, real books, no server and no wall clock.
A script of `endings.py` cannot tell the difference; played twice, it gives the same commands.

Nothing here waits, so that a script runs to its end without an event loop: `played`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from temporalio.api.common.v1 import Payload

from activities.sending import Sender
from adapters.books.books import Books
from adapters.books.engine import memory_engine
from adapters.documents.archive import Archive
from adapters.documents.port import NO_FILES, Rendition
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step
from settings import Settings
from sim.calls import Call
from sim.kernel import CONVERTER, Run
from tests.conftest import Databases, seed_demo
from tests.workflows.conftest import House
from tests.workflows.life import Life, Refusal
from workflows.invoice import Invoice

START = datetime(2026, 1, 7, 9, tzinfo=UTC)
STEPS: dict[str, type[Step]] = {
    "draft": DraftStep, "command": CommandStep, "look": Step, "send": SendStep, "release": SendStep
}  # fmt: skip


def played(script: Awaitable[Any]) -> Any:
    """What the script answers; AssertionError when it waits for something that nobody will do."""
    try:
        cast(Coroutine[Any, Any, Any], script).send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("on this stage nothing happens while a script waits")


class Blank:
    """Documents that only their names matter of."""

    def render(self, document: Any, files: Any = NO_FILES) -> Rendition:
        return Rendition(f"%PDF {document.number}".encode())


@dataclass
class Theatre:
    """The steps by name, as activities do them."""

    sender: Sender

    def act(self, call: Call) -> Payload:
        (step,) = CONVERTER.from_payloads(call.arguments, [STEPS[call.name]])
        said: list[Payload] = CONVERTER.to_payloads([self._act(call.name, step)])
        return said[0]

    def _act(self, name: str, step: Any) -> Outcome | Answer:
        books = self.sender.books
        match name:
            case "draft":
                return self.sender.tell(step, books.draft(step))
            case "command" if step.name == "dispute":
                return books.command(step)
            case "command":
                answer = books.command(step)
                return Answer(verdict=answer.verdict, outcome=self.sender.tell(step, answer.outcome))
            case "look":
                return self.sender.tell(step, books.look(step))
            case "send":
                return self.sender.tell(step, self.sender.attempt(step))
            case _:
                return books.release(step)


@dataclass(frozen=True)
class Acted(Life):
    """A `Life` on a run of the kernel."""

    run: Run = field(kw_only=True)
    theatre: Theatre = field(kw_only=True)
    asked: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.run.workflow_id

    async def status(self) -> dict[str, Any]:
        said: dict[str, Any] = self.run.query("status")
        return said

    async def raw(self, name: str, *payloads: Any) -> dict[str, Any]:
        self.asked.append(name)
        self.run.update(self.run.now, id_ := f"{name}-{len(self.asked)}", name, *payloads)
        self.settle()
        if isinstance(answer := self.run.answers[id_], BaseException):
            raise Refusal(str(answer))
        return cast(dict[str, Any], answer)

    async def signal(self, name: str, *payloads: Any) -> None:
        self.run.signal(self.run.now, name, *payloads)
        self.settle()

    async def forward(self, days: float) -> dict[str, Any]:
        end = self.run.now + timedelta(days=days)
        while self.run.end is None and (due := self._due(end)) is not None:
            self.run.fire(self.run.timers[due], due)
            self.settle()
        self.run.now = max(self.run.now, end)
        return await self.status()

    async def now(self) -> datetime:
        return self.run.now

    async def result(self) -> dict[str, Any]:
        assert self.run.end is not None, await self.status()
        return cast(dict[str, Any], self.run.end.result)

    def settle(self) -> None:
        """Has every activity done that the workflow asks for, in turn."""
        while self.run.calls:
            seq, call = next(iter(self.run.calls.items()))
            self.run.resolve(self.run.now, seq, self.theatre.act(call))

    def _due(self, end: datetime) -> int | None:
        return min((seq for seq, at in self.run.timers.items() if at <= end), key=self.run.timers.get, default=None)  # type: ignore[arg-type]


@dataclass
class Stage(House):
    """A `House` of acted lives; `lives` keeps them in the order they began."""

    theatre: Theatre = field(kw_only=True)
    lives: list[Acted] = field(default_factory=list)

    async def now(self) -> datetime:
        return START

    async def raw(self, id_: str, *payloads: Any) -> Life:
        run = Run(Invoice, id_, f"run-{len(self.lives)}", START, tuple(CONVERTER.to_payloads(payloads)))
        handle = cast(Any, SimpleNamespace())
        life = Acted(
            handle, self.client, self.skipper, self.engine, self.settings.outbox, run=run, theatre=self.theatre
        )
        handle.signal = life.signal
        self.lives.append(life)
        run.start()
        life.settle()
        return life


@contextmanager
def opened_stage(databases: Databases, folder: Path) -> Iterator[Stage]:
    """The demo's seed in memory."""
    settings = Settings(var=folder)
    engine, seeded = memory_engine(), databases.copy(seed_demo)
    copy = engine.raw_connection()
    with closing(sqlite3.connect(seeded.removeprefix("sqlite:///"))) as file:
        file.backup(copy.driver_connection)  # type: ignore[arg-type]
    copy.close()
    databases.remove(seeded)
    mail = Outbox(settings.outbox)
    sender = Sender(Books(engine, mail.idempotent, mail.reports), mail, Composer(Blank(), Archive(settings.archive)))
    sellers = (f"clock{number:02d}" for number in range(1, 41))
    nobody = cast(Any, None)
    yield Stage(nobody, engine, settings, nobody, sellers, theatre=Theatre(sender))
    engine.dispose()
