"""One receivable on a real server, as a test sees it: commands, status, mails, history. Waits by asking."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import Engine
from sqlmodel import Session, col, select
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecution, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.testing import TimeSkipper

from schemas import tables as t

PATIENCE = 40.0
"""Seconds after which something that should have happened counts as never."""

SKIPS = frozenset({EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
                   EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED})  # fmt: skip
CROSSED = frozenset({WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
                     WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND})  # fmt: skip
BERLIN = ZoneInfo("Europe/Berlin")


class Refusal(Exception):
    """The reason an Update was refused with."""


def request(
    seller: str, reference: str, price: str = "100.00", customer: str = "globex", **more: Any
) -> dict[str, Any]:
    """A good request: one line at 19 %, so that `price` 100.00 is 119.00 gross."""
    line = {"description": "Consulting", "quantity": "1", "unit_price": price, "tax": {"category": "S", "rate": "19"}}
    return {
        "seller": seller,
        "reference": reference,
        "created_by": "crm",
        "customer": customer,
        "currency": "EUR",
        "lines": [line],
        **more,
    }


async def runs_of(client: Client, id_: str) -> list[WorkflowExecution]:
    """All runs of this id, the oldest first. What is listed comes behind what happened: waits until the latest run,
    which the server knows at once, is listed too."""
    latest = (await client.get_workflow_handle(id_).describe()).run_id
    deadline = time.monotonic() + PATIENCE
    while True:
        runs = [run async for run in client.list_workflows(f'WorkflowId="{id_}"')]
        if latest in {run.run_id for run in runs}:
            return sorted(runs, key=lambda run: run.start_time)
        assert time.monotonic() < deadline, f"run {latest} of {id_} is not listed"
        await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Mail:
    """One .eml of the outbox. `at` is the business time it left at."""

    at: datetime
    kind: str
    rung: str
    to: str
    text: str
    subject: str

    @property
    def local(self) -> datetime:
        return self.at.astimezone(BERLIN)


@dataclass(frozen=True)
class Life:
    handle: WorkflowHandle[Any, Any]
    client: Client
    skipper: TimeSkipper
    engine: Engine
    outbox: Path

    @property
    def id(self) -> str:
        return self.handle.id

    async def status(self) -> dict[str, Any]:
        said: dict[str, Any] = await self.handle.query("status")
        return said

    async def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE) -> dict[str, Any]:
        """The first status for which `holds`; fails with the last one seen when none comes."""
        deadline = time.monotonic() + seconds
        while True:
            said = await self.status()
            if holds(said):
                return said
            assert time.monotonic() < deadline, said
            await asyncio.sleep(0.01)

    async def state(self, *wanted: str) -> dict[str, Any]:
        return await self.until(lambda said: said["state"] in wanted)

    async def at_rest(self) -> dict[str, Any]:
        """Waits until every message that may leave has left."""
        return await self.until(lambda said: said["waits_for"] is not None)

    async def do(self, name: str, by: str = "", **fields: Any) -> dict[str, Any]:
        """The answer of the Update; raises `Refusal` with its reason."""
        body = {"by": by, **fields} if by else fields
        return await self.raw(name, body)

    async def raw(self, name: str, *payloads: Any) -> dict[str, Any]:
        try:
            said: dict[str, Any] = await asyncio.wait_for(
                self.handle.execute_update(name, args=list(payloads)), PATIENCE
            )
        except WorkflowUpdateFailedError as error:
            raise Refusal(str(error.cause)) from None
        return said

    async def forward(self, days: float) -> dict[str, Any]:
        """Lets so much business time pass; everything that falls due happens on its day."""
        handle = self.skipper.client.get_workflow_handle(self.id)
        await asyncio.wait_for(self.skipper.fast_forward(handle, timedelta(days=days)), 60)
        return await self.status()

    async def forward_to(self, day: date, hour: int = 18) -> dict[str, Any]:
        """Goes on to that hour of that day in Berlin, after the window unless told otherwise."""
        target = datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN)
        left = target - await self.now()
        assert left > timedelta(0), f"{day} has passed"
        return await self.forward(left / timedelta(days=1))

    async def now(self) -> datetime:
        return await self.skipper.get_current_time(self.skipper.client.get_workflow_handle(self.id))

    async def result(self) -> dict[str, Any]:
        said: dict[str, Any] = await asyncio.wait_for(self.handle.result(), PATIENCE)
        return said

    def mails(self, *kinds: str) -> list[Mail]:
        """What left for this receivable, oldest first."""
        found = []
        for path in sorted(self.outbox.glob("*.eml"), key=lambda each: each.stat().st_mtime_ns):
            with path.open("rb") as file:
                mail = BytesParser(policy=default).parse(file)
            if mail["X-Duely-Invoice"] == self.id and (not kinds or mail["X-Duely-Kind"] in kinds):
                found.append(_mail(mail))
        return found

    def rungs(self) -> list[str]:
        return [mail.rung for mail in self.mails("reminder")]

    def audited(self, *types: str) -> list[t.AuditEntry]:
        with Session(self.engine) as session:
            query = select(t.AuditEntry).where(t.AuditEntry.invoice == self.id).order_by(col(t.AuditEntry.seq))
            return [entry for entry in session.exec(query) if not types or entry.type in types]

    def text_of(self, ref: str) -> str:
        with Session(self.engine) as session:
            return session.exec(select(t.AuditText.text).where(t.AuditText.ref == ref)).one()

    def whys(self, verdict: str) -> list[t.Why]:
        with Session(self.engine) as session:
            query = select(t.Why).where(t.Why.invoice == self.id, t.Why.verdict == verdict).order_by(col(t.Why.id))
            return list(session.exec(query))

    async def details(self) -> str:
        metadata = await self.handle.query("__temporal_workflow_metadata")
        return str(metadata.current_details)

    async def told(self) -> str:
        """The details as they read once rendered, without the escapes."""
        return (await self.details()).replace("\\", "")

    async def wedged(self) -> list[str]:
        """Why workflow tasks failed, over all runs of this id. A continuation that crosses a new Signal, or more
        Signals than the server buffers, is none: it has the task done again."""
        found = []
        for run in await runs_of(self.client, self.id):
            handle = self.client.get_workflow_handle(self.id, run_id=run.run_id)
            async for event in handle.fetch_history_events():
                failed = event.workflow_task_failed_event_attributes
                if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED and failed.cause not in CROSSED:
                    found.append(f"{WorkflowTaskFailedCause.Name(failed.cause)}: {failed.failure.message}")
        return found

    async def events(self, run_id: str | None = None) -> Counter[str]:
        """How many events of each kind the history has, those of the virtual clock apart."""
        handle = self.client.get_workflow_handle(self.id, run_id=run_id)
        counted: Counter[str] = Counter()
        async for event in handle.fetch_history_events():
            if event.event_type not in SKIPS:
                counted[EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")] += 1
        return counted

    async def event(self, name: str, times: int = 1) -> None:
        """Waits until the history has so many events of that kind."""
        deadline = time.monotonic() + PATIENCE
        while (found := (await self.events())[f"WORKFLOW_EXECUTION_{name}"]) < times:
            assert time.monotonic() < deadline, f"{name}: {found}"
            await asyncio.sleep(0.01)


def _mail(mail: EmailMessage) -> Mail:
    body = mail.get_body(preferencelist=("plain",))
    return Mail(
        at=mail["Date"].datetime,
        kind=mail["X-Duely-Kind"],
        rung=mail["X-Duely-Rung"] or "",
        to=mail["To"],
        text=body.get_content() if body is not None else "",
        subject=mail["Subject"],
    )


def open_day(day: date, country: str = "DE", region: str | None = "BE") -> date:
    """The day itself, or the next that is neither weekend nor public holiday: said by the library, not by our code."""
    closed = holidays.country_holidays(country, subdiv=region)
    while day.isoweekday() > 5 or day in closed:
        day += timedelta(days=1)
    return day


def in_window(mail: Mail) -> bool:
    return 8 <= mail.local.hour < 17 and mail.local.date() == open_day(mail.local.date())
