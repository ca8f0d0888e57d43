"""Starting, repairing, cancelling and reopening: one invoice per id, whoever starts it and however often."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlmodel import Session, func, select
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from adapters.books.books import Books
from domain.errors import Unavailable
from domain.keys import digest
from schemas import tables as t
from schemas.incoming import FileHint, file_workflow_id
from schemas.request import request_hash_of
from schemas.steps import CommandStep
from tests.workflows.conftest import House
from tests.workflows.life import PATIENCE, Life, Refusal, request, runs_of
from workers import client as receivables
from workers.connect import TASK_QUEUE
from workflows.plugin import PLUGIN

CLIENTS = 50
UPDATE, CANCEL = "cancel-1", {"by": "crm", "reason": "wrong price"}


async def test_fifty_clients_start_one_invoice_with_one_number(house: House) -> None:
    seller = house.clock()
    body, id_ = request(seller, "RACE", created_by="crm"), f"invoice-{seller}-RACE"

    async def start() -> str | None:
        client = await Client.connect(
            house.client.service_client.config.target_host, namespace=house.client.namespace, plugins=[PLUGIN]
        )
        handle = await client.start_workflow(
            "Invoice",
            body,
            id=id_,
            task_queue=TASK_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        )
        return handle.first_execution_run_id or handle.result_run_id

    runs = await asyncio.gather(*(start() for _ in range(CLIENTS)))
    assert len(runs) == CLIENTS
    assert len(set(runs)) == 1
    life = house.life(id_)
    await life.state("awaiting_approval")
    await life.do("approve", by="ana")
    said = await life.state("collecting")
    with Session(house.engine) as session:
        taken = session.exec(select(t.NumberTaken).where(t.NumberTaken.seller == seller)).all()
        invoices = session.exec(select(func.count()).where(t.Invoice.seller == seller)).one()
    assert [row.number for row in taken] == [said["number"]]
    assert invoices == 1
    assert len(life.mails("invoice")) == 1


@pytest.mark.parametrize("id_", ["invoice-demo-", "no-invoice", "invoice-DEMO-1", "invoice-demo-ORD 1", "invoice-x-1"])
async def test_an_id_that_names_no_receivable_is_invalid_at_reference(sqlite_house: House, id_: str) -> None:
    life = await sqlite_house.raw(id_, request("demo", "ORD-1"))
    said = await life.state("invalid")
    assert "reference" in {problem["path"] for problem in said["problems"]}
    assert {command["name"] for command in said["commands"]} == {"amend", "cancel"}
    with pytest.raises(Refusal, match="reference"):
        await life.do("amend", by="crm", request=request("demo", "ORD-1"))
    await life.do("cancel", by="crm", reason="wrong id")
    assert (await life.result())["state"] == "cancelled"


async def test_an_unknown_seller_is_invalid_and_may_end(sqlite_house: House) -> None:
    life = await sqlite_house.raw("invoice-nobody-1", request("nobody", "1"))
    said = await life.state("invalid")
    assert {problem["path"] for problem in said["problems"]} == {"seller"}
    with pytest.raises(Refusal, match="cannot be read"):
        await life.do("dispute", by="x", reason="r")
    await life.do("cancel", by="crm", reason="no such seller")
    assert (await life.result())["state"] == "cancelled"


async def test_an_invalid_one_is_amended_and_goes_on(house: House) -> None:
    seller = house.clock()
    good = request(seller, "FIX")
    life = await house.raw(f"invoice-{seller}-FIX", asked := {**good, "currency": "euro", "lines": []})
    said = await life.state("invalid")
    assert (said["seller"], said["reference"], said["request_hash"]) == (seller, "FIX", request_hash_of(asked))
    assert (said["total"], said["documents"], said["flags"]) == (None, [], [])
    assert {problem["path"] for problem in said["problems"]} == {"currency", "lines"}
    with pytest.raises(Refusal, match="not a person"):
        await life.do("amend", by="nobody", request=good)
    with pytest.raises(Refusal, match="cannot be read"):
        await life.do("approve", by="ana")
    with pytest.raises(Refusal, match="currency"):
        await life.do("amend", by="crm", request={**good, "currency": "euro"})
    assert (await life.status())["problems"] == said["problems"]
    answer = await life.do("amend", by="crm", request=good)
    assert (answer["result"], answer["state"]) == ("done", "awaiting_approval")
    await life.do("approve", by="ana")
    said = await life.state("collecting")
    assert said["total"] == "119.00"


async def test_an_invalid_one_is_cancelled_by_who_may(sqlite_house: House) -> None:
    life = await sqlite_house.raw("invoice-demo-CANCEL-INVALID")
    await life.state("invalid")
    with pytest.raises(Refusal, match="needs"):
        await life.do("cancel", by="ana", reason="r")
    assert (await life.do("cancel", by="crm", reason="r"))["state"] == "cancelled"
    assert (await life.result())["state"] == "cancelled"
    assert (await life.status())["state"] == "cancelled"


async def test_a_start_on_a_running_id_changes_nothing_and_shows_the_difference(sqlite_house: House) -> None:
    life = await sqlite_house.start(seller="demo", reference="TWICE")
    said = await life.state("awaiting_approval")
    with pytest.raises(WorkflowAlreadyStartedError):
        await sqlite_house.raw(life.id, request("demo", "TWICE", price="999.00"))
    assert await life.status() == said
    assert said["request_hash"].startswith("sha256:")


async def test_a_draft_cancelled_before_issue_frees_its_reference(sqlite_house: House) -> None:
    seller = sqlite_house.clock()
    life = await sqlite_house.start(seller=seller)
    await life.state("awaiting_approval")
    await life.do("cancel", by="crm", reason="wrong customer")
    assert (await life.result())["state"] == "cancelled"
    again = await sqlite_house.raw(life.id, request(seller, "ORD-1", price="500.00", customer="initech"))
    said = await again.state("awaiting_approval")
    assert (said["total"], said["customer"]) == ("595.00", "initech")
    await again.do("approve", by="ana")
    assert (await again.state("collecting"))["number"]


async def cancelled_unheard(life: Life) -> None:
    """The step that cancels has committed, and the workflow does not know it yet."""
    id_ = f"cancel/{digest('duely/update/1', UPDATE)}"
    step = CommandStep(workflow_id=life.id, now=datetime.now(UTC), id=id_, name="cancel", payload=CANCEL)
    said = await asyncio.to_thread(Books(life.engine, idempotent=True).command, step)
    assert said.verdict.result == "done"


async def hear_of_it(life: Life) -> None:
    """The same step, repeated since its answer was lost."""
    await asyncio.wait_for(life.handle.execute_update("cancel", CANCEL, id=UPDATE), PATIENCE)
    assert (await life.result())["state"] == "cancelled"


@pytest.mark.parametrize("price", ["100.00", "500.00"])
async def test_a_freed_reference_is_taken_once_the_cancelled_run_has_ended(house: House, price: str) -> None:
    """Also by the same content again: the run that ends will not make it."""
    seller = house.clock()
    life, again = await house.start(seller=seller), request(seller, "ORD-1", price)
    await life.state("awaiting_approval")
    await cancelled_unheard(life)
    for _ in range(2):
        with pytest.raises(Unavailable, match="has not ended yet"):
            await receivables.start(house.client, house.engine, again)
    await hear_of_it(life)
    await receivables.start(house.client, house.engine, again)
    said = await life.state("awaiting_approval")
    assert said["request_hash"] == request_hash_of(again)


async def test_what_waits_unread_under_a_reference_is_not_taken_for_another_request(sqlite_house: House) -> None:
    seller = sqlite_house.clock()
    unread, life = request(seller, "ORD-1", policy="nobodys"), sqlite_house.life(f"invoice-{seller}-ORD-1")
    for created in (True, False):  # a repeat finds it where it waits
        assert (await receivables.start(sqlite_house.client, sqlite_house.engine, unread)).created is created
        await life.state("invalid")
    await cancelled_unheard(life)
    for again in (request(seller, "ORD-1"), request(seller, "ORD-1")):
        with pytest.raises(Unavailable, match="has not ended yet"):
            await receivables.start(sqlite_house.client, sqlite_house.engine, again)
    await hear_of_it(life)
    await receivables.start(sqlite_house.client, sqlite_house.engine, request(seller, "ORD-1"))
    assert (await life.state("awaiting_approval"))["request_hash"] == request_hash_of(request(seller, "ORD-1"))


async def test_many_who_start_a_freed_reference_at_once_start_one_run(house: House) -> None:
    seller = house.clock()
    life, again = await house.start(seller=seller), request(seller, "ORD-1", "500.00")
    await life.state("awaiting_approval")
    await life.do("cancel", by="crm", reason="wrong price")
    await life.result()
    said = await asyncio.gather(*(receivables.start(house.client, house.engine, again) for _ in range(20)))
    assert sum(each.created for each in said) == 1
    await life.state("awaiting_approval")
    assert len(await runs_of(house.client, life.id)) == 2


async def test_a_hint_to_an_unreadable_new_start_of_a_freed_reference_does_not_end_it(sqlite_house: House) -> None:
    seller = sqlite_house.clock()
    life = await sqlite_house.start(seller=seller)
    await life.state("awaiting_approval")
    await life.do("cancel", by="crm", reason="wrong customer")
    await life.result()
    again = await sqlite_house.raw(life.id, {"nonsense": 1})
    await again.state("invalid")
    await again.handle.signal("books_changed")
    await again.handle.signal("note", {"by": "x", "text": "y"})
    with pytest.raises(Refusal, match="cannot be read"):
        await again.do("approve", by="ana")
    assert (await again.status())["state"] == "invalid"
    assert (await again.status())["problems"]
    await again.do("amend", by="crm", request=request(seller, "ORD-1"))
    assert (await again.state("awaiting_approval"))["problems"] == []


async def test_a_closed_one_is_reopened_from_the_books_alone(house: House) -> None:
    life = await house.issued()
    day = (await life.status())["documents"][0]["date"]
    await life.do("pay", by="ben", amount="119.00", received_on=day, method="transfer", external_id="R-1")
    assert (await life.result())["state"] == "paid"
    number = (await life.status())["number"]
    again = await house.raw(life.id, {"reopen": True})
    assert (await again.result())["state"] == "paid"
    said = await again.status()
    assert (said["number"], said["balance"], said["paid"]) == (number, "0.00", "119.00")
    assert len(life.mails("invoice")) == 1
    assert await life.wedged() == []


async def test_a_repeat_of_a_closed_one_with_other_content_stays_the_same_receivable(house: House) -> None:
    life = await house.issued()
    day = (await life.status())["documents"][0]["date"]
    await life.do("pay", by="ben", amount="119.00", received_on=day, method="transfer", external_id="R-2")
    await life.result()
    seller = life.id.split("-")[1]
    again = await house.raw(life.id, request(seller, "ORD-1", price="999.00"))
    assert (await again.result())["total"] == "119.00"
    assert len(life.mails("invoice")) == 1


async def test_reopening_what_never_was_is_invalid(sqlite_house: House) -> None:
    life = await sqlite_house.raw("invoice-demo-NEVER", {"reopen": True})
    said = await life.state("invalid")
    assert {problem["path"] for problem in said["problems"]} == {"reference"}
    await life.do("cancel", by="crm", reason="never was")
    await life.result()


async def by_cron(house: House, kind: str, id_: str, *payloads: object, state: str, **said: str) -> Life:
    """Started by a person's cron schedule; waits until three runs ended in `state`. `said`: a command by its name, and
    who gives it to each run."""
    client, life = house.client, house.life(id_)
    await client.start_workflow(kind, args=list(payloads), id=id_, task_queue=TASK_QUEUE, cron_schedule="@every 1s")
    deadline, ended = time.monotonic() + PATIENCE, list[str]()
    while len(ended) < 3:
        assert time.monotonic() < deadline, f"{ended} ended: {await life.wedged()}"
        runs = [run async for run in client.list_workflows(f'WorkflowId="{id_}"')]
        ended = [run.run_id for run in runs if run.status is WorkflowExecutionStatus.COMPLETED]
        for name, by in said.items():
            with suppress(RPCError):  # there may be none at this moment
                await life.handle.signal(name, {"by": by} if name == "approve" else {"by": by, "reason": "by mistake"})
        await asyncio.sleep(0.1)
    await client.get_workflow_handle(id_).terminate()
    for run_id in ended:
        told = await client.get_workflow_handle(id_, run_id=run_id).query("status")
        assert told["state"] == state, told
    assert await life.wedged() == []
    return life


async def test_a_cron_schedule_drafts_and_mails_once(house: House) -> None:
    """Nothing is owed, so that each run ends by itself: the first one mails, the next ones find it closed."""
    seller = house.clock()
    body = request(seller, "FREE", "0.00")
    life = await by_cron(house, "Invoice", f"invoice-{seller}-FREE", body, state="paid", approve="ana")
    assert len(life.mails("invoice")) == 1
    assert len(life.audited("invoice.drafted")) == len(life.audited("invoice.issued")) == 1


async def test_what_a_cron_schedule_says_wrongly_is_invalid_each_time(sqlite_house: House) -> None:
    id_ = f"invoice-{sqlite_house.clock()}-CRON"
    await by_cron(sqlite_house, "Invoice", id_, {"problems": 7}, state="cancelled", cancel="crm")


async def test_a_bank_file_under_a_cron_schedule_is_read_each_time(sqlite_house: House) -> None:
    """Booked once; one that is not there is refused each time."""
    hint = FileHint(seller=sqlite_house.clock(), object=f"sha256:{'7' * 64}", format="mt940")
    await by_cron(sqlite_house, "BankFile", file_workflow_id(hint), hint, state="refused")
