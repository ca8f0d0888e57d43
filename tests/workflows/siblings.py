"""What ends only with a provider, a bank or a mail server, and what the other workflows do: the rest of what golden
histories are made of. Each script answers the id under which it was played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.worker import Worker

from adapters.books import statements
from adapters.documents.archive import Archive
from adapters.standins.stripe.server import StandIn
from schemas.incoming import PAGE, EventHint, SweepStep, event_workflow_id
from tests.bank import line, statement
from tests.workflows.conftest import House
from tests.workflows.endings import NET_14, ends, pay, take_back
from tests.workflows.life import PATIENCE, Life
from tests.workflows.test_bank_file import pays, send
from tests.workflows.test_deliveries import Post, reminder_waits
from tests.workflows.test_payments import closed, overpaid, until
from tests.workflows.till import Till
from workers import wiring
from workers.connect import TASK_QUEUE
from workflows.sweep import PaymentSweep


async def paid_online(till: Till) -> str:
    life, _ = await closed(till)
    return life.id


async def debit_failed(till: Till) -> str:
    life = await till.house.issued(terms="net 7")
    session = await till.mint(life)
    till.sim.pay(session, "sepa_debit", at=await life.now())
    await life.state("payment_pending")
    await life.forward(6)
    till.sim.fail(session, at=await life.now())
    await life.state("collecting")
    await life.forward(10)
    await pay(life)
    return (await ends(life, "paid")).id


async def chargeback_won(till: Till) -> str:
    """Paid, reopened paused, and paid again when the bank decided for us."""
    life, payment = await closed(till)
    back = await life.now() + timedelta(days=40)
    dispute = till.sim.dispute(payment, at=back, due_by=back + timedelta(days=9))
    await till.fresh(life).state("on_hold")
    till.sim.close_dispute(dispute["id"], "won", at=back + timedelta(days=5))
    return (await ends(till.fresh(life), "paid")).id


async def chargeback_lost(till: Till) -> str:
    life, payment = await closed(till)
    dispute = till.sim.dispute(payment, at=await life.now())
    await till.fresh(life).state("on_hold")
    till.sim.close_dispute(dispute["id"], "lost")
    await until(lambda: "chargeback_lost" in till.exceptions(life))
    await till.fresh(life).do("write_off", "ben", reason="lost")
    return (await ends(till.fresh(life), "written_off")).id


async def refunded(till: Till) -> str:
    life, _ = await overpaid(till)
    await till.command(life, "refund", "ben", amount="119.00", reason="paid twice")
    return (await ends(till.fresh(life), "paid")).id


async def taken_back_at_the_till(till: Till) -> str:
    """Paid, and owed again, while a customer's page is being made."""
    life = await till.house.issued()
    till.sim.faults.down()
    asked = asyncio.create_task(life.handle.execute_update("checkout"))
    await life.event("UPDATE_ACCEPTED", 2)
    await pay(life)
    await take_back(life)
    await life.handle.signal("books_changed")
    await life.state("collecting")
    till.sim.faults.up()
    await asked
    await pay(life, "19.00")
    await pay(life)
    return (await ends(life, "paid")).id


async def payment_event(till: Till) -> str:
    life = await till.house.issued()
    payment = await till.paid(life)
    await life.result()
    for event in till.sim.state.tables["event"].values():
        if event["type"] == "payment_intent.succeeded" and event["data"]["object"]["id"] == payment:
            hint = EventHint(provider="stripe", id=event["id"], type=event["type"], object=payment)
            return event_workflow_id(hint)
    raise AssertionError(f"no event tells of {payment}")


async def payment_event_unreadable(till: Till) -> str:
    await till.run("PaymentEvent", "payment-unreadable", {"provider": 5})
    return "payment-unreadable"


@contextmanager
def unheard(sim: StandIn) -> Any:
    """Meanwhile our endpoint hears nothing."""
    sim.webhooks.deliver = "held"
    try:
        yield
    finally:
        sim.webhooks.deliver = "at_once"
        sim.webhooks.held.clear()


async def payment_sweep_events(till: Till) -> str:
    """Two events that never came, and then nothing more."""
    for _ in range(2):
        life = await till.house.issued()
        session = await till.mint(life)
        with unheard(till.sim):
            till.sim.pay(session, at=await life.now())
    await till.run("PaymentSweep", "sweep-events", "events")
    return "sweep-events"


async def payment_sweep_in_pages(till: Till) -> str:
    """One receivable more waits than a step answers. The sweep hears of their ids alone, so that is all there is."""
    ids = [f"invoice-demo-{number:04}" for number in range(PAGE + 1)]

    @activity.defn(name="lost_events")
    async def lost_events(step: SweepStep) -> list[EventHint]:
        return []

    @activity.defn(name="source_read")
    async def source_read(step: SweepStep) -> list[str]:
        return [id_ for id_ in ids if id_ > step.after][:PAGE]

    @activity.defn(name="tell")
    async def tell(told: list[str]) -> None:
        pass

    queue = "pages"
    steps: list[Callable[..., Any]] = [lost_events, source_read, tell]
    async with Worker(
        till.client, task_queue=queue, workflows=[PaymentSweep], activities=steps, workflow_runner=wiring.runner()
    ):
        await till.client.execute_workflow("PaymentSweep", "events", id="sweep-in-pages", task_queue=queue)
    return "sweep-in-pages"


async def payment_sweep_balance(till: Till) -> str:
    """A payment that no event told, found in the provider's account."""
    life = await till.house.issued()
    session = await till.mint(life)
    with unheard(till.sim):
        till.sim.pay(session, at=await life.now())
    await till.run("PaymentSweep", "sweep-balance", "balance")
    return "sweep-balance"


async def continued(house: House) -> str:
    """A long one: the server wants fresh runs of it, over which it keeps its commands."""
    life = await house.issued("1000.00", **NET_14)
    for number in range(8):
        await life.do("note", by="x", text=f"note {number}")
    await life.handle.signal("note", {"text": "no by"})
    await life.forward(20)
    await pay(life)
    return (await ends(life, "paid")).id


async def bank_file_in_parts(house: House) -> str:
    """Over several runs; the last line pays a receivable."""
    seller = house.clock()
    life = await house.issued(seller=seller)
    lines = [line(1_00 + n, "2026-01-20", text=f"odd {n}") for n in range(12)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "CHUNK", 1)
        said = await send(house, seller, statement(*lines, await pays(life)))
    await ends(life, "paid")
    return str(said["id"])


async def bank_file(house: House) -> str:
    seller = house.clock()
    life = await house.issued(seller=seller)
    said = await send(house, seller, statement(line(1_00, "2026-01-20", text="odd"), await pays(life)))
    await ends(life, "paid")
    return str(said["id"])


async def bank_file_refused(house: House) -> str:
    said = await send(house, house.clock(), replace(statement(line(5_00)), closing=12_00))
    return str(said["id"])


async def archive_reading(house: House) -> str:
    """One file is lost, and told; afterwards it is back for whoever comes next."""
    life = await house.issued()
    archive, key = Archive(house.settings.archive), (await life.status())["documents"][0]["hash"]
    whole = archive.get(key)
    archive.path(key).unlink()
    found = await scheduled(house, "ArchiveReading")
    archive.put(whole, "pdf")
    return found


async def sheets(house: House) -> str:
    return await scheduled(house, "Sheets")


async def scheduled(house: House, workflow: str) -> str:
    """As its schedule starts it."""
    handle = await house.client.start_workflow(workflow, id=f"golden-{workflow}", task_queue=TASK_QUEUE)
    await asyncio.wait_for(handle.result(), PATIENCE)
    return handle.id


async def mail_outage(post: Post) -> str:
    """A claim is given back and taken anew once mail leaves again; it bounces, and goes on to the second contact."""
    post.mail.down = True
    life: Life = await post.house.start("1000.00")
    await life.state("awaiting_approval")
    await life.do("approve", by="ana")
    await life.forward(25 / 1440)
    post.mail.down = False
    await life.forward(30 / 1440)
    await life.until(lambda said: sent(said, "invoice"))
    await post.report(life, "bounced", "invoice")
    await life.until(lambda said: sent(said, "invoice~2"))
    await post.report(life, "delivered", "invoice~2")
    await life.state("collecting")
    await pay(life)
    return (await ends(life, "paid")).id


async def disputed_meanwhile(post: Post) -> str:
    """A reminder waits for the mail server when a dispute comes."""
    life = await reminder_waits(post)
    asked = asyncio.create_task(life.do("dispute", by="globex", reason="damaged"))
    await life.event("UPDATE_ACCEPTED", 2)
    post.mail.down = False
    await life.forward(10 / 1440)
    await asked
    await pay(life)
    return (await ends(life, "paid")).id


def sent(said: dict[str, Any], key: str) -> bool:
    return any(m["key"].endswith(f"/{key}") and m["delivery"] == "accepted" for m in said["messages"])


AT_THE_TILL: dict[str, Callable[[Till], Awaitable[str]]] = {
    script.__name__: script
    for script in (
        paid_online, debit_failed, chargeback_won, chargeback_lost, refunded, taken_back_at_the_till, payment_event,
        payment_event_unreadable, payment_sweep_events, payment_sweep_in_pages, payment_sweep_balance,
    )
}  # fmt: skip
IN_THE_HOUSE: dict[str, Callable[[House], Awaitable[str]]] = {
    script.__name__: script for script in (bank_file, bank_file_refused, archive_reading, sheets)
}
IN_HASTE: dict[str, Callable[[House], Awaitable[str]]] = {
    script.__name__: script for script in (continued, bank_file_in_parts)
}
