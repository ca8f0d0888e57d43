"""Queues split by kind: workers that serve one kind each carry an invoice together, a rate holds for all of them, and
a kind that nobody serves delays its messages, loses none and is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select
from temporalio import workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, Worker

from adapters.books.engine import read
from adapters.books.verify import verify
from adapters.payment.bank_only import BankOnly
from schemas import tables as t
from schemas.steps import SendStep
from settings import Settings
from tests.faults.conftest import House
from tests.faults.requests import bill_once
from tests.workflows.life import Life, open_day
from workers import wiring
from workflows import steps
from workflows.invoice import Invoice
from workflows.plugin import PLUGIN

NUMBER = 100
RATE, BURST = 8.0, 8
"""The server keeps the rate in each of a queue's four parts, and lets each begin with two tasks."""


@workflow.defn(sandboxed=False)
class Hurry:
    """Sends as many as it is told, all at once, from the queue of mails; about nothing that the books know."""

    @workflow.run
    async def run(self, many: int) -> None:
        step = SendStep(workflow_id="invoice-demo-NOBODY", now=workflow.now(), key="none")
        await asyncio.gather(*(steps.send(step, timedelta(minutes=1), "", "duely-mail") for _ in range(many)))


@asynccontextmanager
async def serving(house: House, *kinds: str, rate: float | None = None) -> AsyncIterator[None]:
    """A process for each of `kinds`, as far as Temporal can tell."""
    async with AsyncExitStack() as running:
        for kind in kinds:
            given = Settings(
                var=house.settings.var,
                database_url=SecretStr(house.settings.database_url.get_secret_value()),
                worker_drain=1,
                worker_serves=kind,
                mail_per_second=rate,
            )
            for each in wiring.workers(house.client, given, house.engine, BankOnly()):
                await running.enter_async_context(each)
        yield


async def queues_of(life: Life) -> dict[str, set[str]]:
    """Where the steps of each name waited."""
    found: dict[str, set[str]] = {}
    for event in (await life.handle.fetch_history()).events:
        if event.HasField("activity_task_scheduled_event_attributes"):
            said = event.activity_task_scheduled_event_attributes
            found.setdefault(said.activity_type.name, set()).add(said.task_queue.name)
    return found


async def paid(life: Life, now: datetime) -> None:
    answer = await life.do(
        "pay", "ben", amount=(await life.status())["balance"], received_on=now.date().isoformat(),
        method="transfer", external_id="B-1",
    )  # fmt: skip
    assert answer["state"] == "paid"


async def first_reminder_due(life: Life) -> None:
    due = datetime.fromisoformat((await life.state("collecting"))["dues"][0]["due_on"]).date()
    await life.forward_to(open_day(due + timedelta(days=1)))


async def replays_on_one_queue(life: Life) -> None:
    """A history of split queues means the same to a worker that has one: settings may change under open invoices."""
    body = (await life.handle.fetch_history()).to_json().replace('"duely-mail"', '"duely"')
    replayer = Replayer(workflows=[Invoice], plugins=[PLUGIN], workflow_runner=wiring.runner())
    await replayer.replay_workflow(WorkflowHistory.from_json(life.id, body))


async def test_three_workers_of_one_kind_each_carry_an_invoice_together(house: House, now: datetime) -> None:
    bill_once(house.engine, "clock01", now)
    async with serving(house, "workflow", "mail", "documents"):
        life = await house.bill("clock01", NUMBER)
        await first_reminder_due(life)
        await paid(life, now)
        await life.result()
    assert len(life.mails("invoice")) == 1
    assert len(life.mails("reminder")) >= 1
    waited = await queues_of(life)
    assert waited.pop("send") == {"duely-documents", "duely-mail"}
    assert set().union(*waited.values()) == {"duely"}
    await replays_on_one_queue(life)
    assert verify(house.engine, house.settings.archive) == []


async def test_one_worker_for_everything_has_one_queue(house: House, now: datetime) -> None:
    bill_once(house.engine, "clock01", now)
    async with house.worker():
        life = await house.bill("clock01", NUMBER)
        await life.state("collecting")
    assert await queues_of(life) == {"draft": {"duely"}, "send": {"duely"}}


async def test_the_rate_holds_for_all_workers_together(house: House) -> None:
    many = 24
    at = house.client.service_client.config.target_host
    second = await Client.connect(at, namespace=house.client.namespace, plugins=[PLUGIN])
    async with (
        serving(house, "mail", rate=RATE),
        serving(replace(house, client=second), "mail", rate=RATE),
        Worker(house.client, task_queue="hurry", workflows=[Hurry]),
    ):
        handle = await house.client.start_workflow(Hurry.run, many, id="hurry", task_queue="hurry")
        await asyncio.wait_for(handle.result(), 30)
        began = sorted(
            event.event_time.ToDatetime()
            for event in (await handle.fetch_history()).events
            if event.HasField("activity_task_started_event_attributes")
        )
    assert len(began) == many
    assert (began[-1] - began[0]).total_seconds() >= (many - BURST) / RATE * 0.9


async def test_a_kind_that_nobody_serves_delays_and_is_seen(
    house: House, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "LOOK_LIMIT", timedelta(0))  # so long waits a message: the least there is, five seconds
    bill_once(house.engine, "clock01", now)
    async with serving(house, "workflow"):
        life = await house.bill("clock01", NUMBER)
        await life.until(lambda _: exceptions(house, life) == [("delivery_failing", None)])
        assert [why.code for why in life.whys("moved")] == ["no_worker"]
        assert life.mails("invoice") == []
        async with serving(house, "documents"):
            await life.state("collecting")
    assert len(life.mails("invoice")) == 1
    assert exceptions(house, life) == [("delivery_failing", "sent")]
    assert verify(house.engine, house.settings.archive) == []


def exceptions(house: House, life: Life) -> list[tuple[str, str | None]]:
    with read(house.engine) as session:
        found = session.exec(select(t.OpenException).where(t.OpenException.invoice == life.id))
        return [(each.kind, each.decision) for each in found]
