"""One life while it is played: its runs, what it last heard from the books, and what was said to it. It decides
nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.account import Account
from domain.errors import Invalid
from domain.keys import workflow_id
from domain.payments import PaymentState
from schemas.commands import parse_command
from sim.kernel import CONVERTER, Run
from sim.plan import Fault, Life
from workflows.invoice import REOPEN, Invoice


@dataclass(eq=False)
class Resident:
    """`said`: commands its workflow has taken; `malformed`: those that nobody can read, by run."""

    life: Life
    runs: list[Run] = field(default_factory=list)
    account: Account | None = None
    attempts: int = 0
    tasks: int = 0
    reminders: int = 0
    mails: int = 0
    said: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    updates: list[tuple[Run, str]] = field(default_factory=list)
    repeated: list[tuple[Run, Run, str]] = field(default_factory=list)  # said to one run, and again to a later one
    answered: set[str] = field(default_factory=set)  # what people of ours have dealt with
    asked: set[tuple[str, int]] = field(default_factory=set)  # activities that were asked for
    lost: set[tuple[str, int]] = field(default_factory=set)  # ... whose attempt is over, and the server waits for it
    timed: dict[tuple[str, int], datetime] = field(default_factory=dict)
    on_send: set[int] = field(default_factory=set)  # events that have happened at a reminder
    payment: PaymentState | None = None
    broken: bool = False
    renewed: bool = False  # its name was free, and used again: what was refused between has no row

    @property
    def id(self) -> str:
        return workflow_id(self.life.request["seller"], self.life.request["reference"])

    @property
    def run(self) -> Run | None:
        """The open one."""
        if self.broken or not self.runs or self.runs[-1].end is not None:
            return None
        return self.runs[-1]

    def begin(self, at: datetime, body: dict[str, Any]) -> Run:
        return self._began(at, tuple(CONVERTER.to_payloads([body])), None)

    def reopen(self, at: datetime) -> Run:
        return self.begin(at, REOPEN)

    def go_on(self, at: datetime, before: Run) -> Run:
        """The next run of a workflow that continued as new."""
        assert before.end is not None
        assert before.end.continued is not None
        following = self._began(at, before.end.continued, before.run_id)
        self.malformed[following.run_id] = self.malformed[before.run_id]
        return following

    def _began(self, at: datetime, arguments: tuple[Any, ...], continued: str | None) -> Run:
        run = Run(Invoice, self.id, f"run-{self.life.number}-{len(self.runs) + 1}", at, arguments, continued)
        self.runs.append(run)
        return run

    def heard(self, name: str, body: Any) -> bool:
        """Counts a command that reached the workflow; whether it can be read."""
        try:
            parse_command(name, (body,))
        except Invalid:
            return False
        self.said += 1
        return True

    def fault(self) -> Fault | None:
        """What breaks in the attempt that has just begun."""
        return next((fault for fault in self.life.faults if fault.attempt == self.attempts), None)


@dataclass
class Attempt:
    """The one that is under way: `fault` is what still breaks in it, `calls` how many steps of the books it made."""

    resident: Resident
    fault: Fault | None
    calls: int = 0
    claimed: set[str] = field(default_factory=set)
