"""The commands of the contract as same-named Update and Signal, from one factory. Handlers record; the main loop
acts. Updates answer or refuse with the reason; Signals never raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from domain.errors import Invalid
from domain.pasting import MEANS
from schemas.commands import COMMANDS, Command, parse_command
from schemas.steps import Note, Verdict

MAX_NOTES = 50
MAX_PROBLEM = 300
MAX_SHOWN = 3


@dataclass(eq=False)
class Ticket:
    """A command in the inbox; the main loop writes the verdict and the state it led to. `update`: the id of the Update
    that waits for the answer; a refused Signal, which has none, has nobody to tell but the details."""

    command: Command
    update: str = ""
    verdict: Verdict | None = None
    state: str = ""


class Inbox:
    """What handlers record for the loop: commands in order, and notes of what could not be read."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.notes: list[Note] = []
        self.refusals: list[str] = []
        self.malformed = 0

    def put(self, command: Command, update: str = "") -> Ticket:
        ticket = Ticket(command, update)
        self.tickets.append(ticket)
        return ticket

    def note(self, name: str, problem: str) -> None:
        self.malformed += 1
        self.show(name, problem)
        said = Note(command=name, problem=problem[:MAX_PROBLEM], at=workflow.now())
        if len(self.notes) < MAX_NOTES:
            self.notes.append(said)
        else:
            self.notes[-1] = replace(said, count=self.notes[-1].count + 1)

    def show(self, name: str, problem: str) -> None:
        """Keeps the last refused Signals for the details."""
        self.refusals = [*self.refusals, f"{name}: {problem[:MAX_PROBLEM]}"][-MAX_SHOWN:]

    def take_notes(self) -> tuple[Note, ...]:
        taken, self.notes = tuple(self.notes), []
        return taken


def read(name: str, payloads: tuple[Any, ...]) -> Command:
    try:
        return parse_command(name, payloads)
    except Invalid as error:
        raise ApplicationError(str(error)[:2000], type="Invalid", non_retryable=True) from None


def described(name: str) -> str:
    """What the Web UI's dialogs show under the name: what it does, and its fields."""
    fields = COMMANDS[name].model_fields.items()
    taken = ", ".join(field if info.is_required() else f"{field}?" for field, info in fields)
    return f"{MEANS[name][0].upper()}{MEANS[name][1:]} ({taken})"


def command(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The Update and the Signal of one command, for a class with an `inbox`."""
    description = described(name)

    async def update(self: Any, body: Any = None, *extra: Any) -> dict[str, Any]:
        info = workflow.current_update_info()
        ticket = self.inbox.put(read(name, (body, *extra)), info.id if info else "")
        await workflow.wait_condition(lambda: ticket.verdict is not None)
        return answer(ticket)

    def validate(self: Any, body: Any = None, *extra: Any) -> None:
        read(name, (body, *extra))

    def signal(self: Any, body: Any = None, *extra: Any) -> None:
        try:
            self.inbox.put(parse_command(name, (body, *extra)))
        except Invalid as error:
            self.inbox.note(name, str(error))

    update.__name__ = update.__qualname__ = name
    signal.__name__ = signal.__qualname__ = f"{name}_signal"
    handler = workflow.update(name=name, description=description)(update)
    handler.validator(validate)
    return handler, workflow.signal(name=name, description=description)(signal)


def answer(ticket: Ticket) -> dict[str, Any]:
    """The contract's answer to an Update (section 4); a refusal raises."""
    verdict = ticket.verdict
    if verdict is None:
        raise RuntimeError("a ticket is answered before it is read")
    if verdict.result == "refused":
        raise ApplicationError(verdict.reason, type="Refused", non_retryable=True)
    said: dict[str, Any] = {"contract": 1, "result": verdict.result, "state": ticket.state}
    if verdict.subject is not None:
        said["subject"] = verdict.subject
    if verdict.dispute is not None:
        said["dispute"] = verdict.dispute
    return said
