"""Paying through the workflow: one page however many ask, beside a mail outage, and nobody chased who has paid."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import Session, select
from temporalio.service import RPCError, RPCStatusCode

from adapters.books.verify import verify
from adapters.mail.port import Message
from adapters.standins.stripe.server import StandIn
from domain.errors import ProviderDown
from schemas import tables as t
from schemas.incoming import Checkout
from tests.conftest import Databases
from tests.workflows.conftest import furnish, seed_many
from tests.workflows.life import PATIENCE, Life
from tests.workflows.till import Till
from workers import wiring
from workers.devserver import DevServer

NET_7 = {"terms": "net 7"}


async def ask(life: Life, *body: Any) -> Checkout:
    said = life.handle.execute_update("checkout", args=list(body), result_type=Checkout)
    found: Checkout = await asyncio.wait_for(said, PATIENCE)
    return found


def pages(till: Till, life: Life) -> list[Any]:
    every = till.sim.state.tables["checkout.session"].values()
    return [page for page in every if page["client_reference_id"] == life.id]


def rows(till: Till, life: Life) -> list[t.PaymentSession]:
    with Session(till.house.engine) as session:
        return list(session.exec(select(t.PaymentSession).where(t.PaymentSession.invoice == life.id)))


@contextmanager
def nobody_tells(till: Till) -> Iterator[None]:
    """Webhooks that never arrive."""
    till.sim.webhooks.deliver = "held"
    try:
        yield
    finally:
        till.sim.webhooks.deliver = "at_once"
        till.sim.webhooks.held.clear()


async def test_twenty_customers_at_once_get_one_page(till: Till) -> None:
    life = await till.house.issued()

    async def customer(number: int) -> Checkout:
        """The server takes ten Updates of a workflow at a time; whoever is turned away loads the page again."""
        while True:
            try:
                return await ask(life, {"everything": bool(number % 2)})
            except RPCError as error:
                if error.status is not RPCStatusCode.RESOURCE_EXHAUSTED:
                    raise

    said = await asyncio.gather(*(customer(number) for number in range(20)))
    assert {(answer.state, answer.amount) for answer in said} == {("open", "119.00")}
    assert len({answer.url for answer in said}) == len(pages(till, life)) == len(rows(till, life)) == 1
    assert await life.wedged() == []


@pytest.mark.parametrize("body", [(), (None,), ("pay",), ({"everything": "yes"},), ([1], {"a": 2}, 3)])
async def test_whatever_is_sent_the_customer_may_pay(sqlite_till: Till, body: tuple[Any, ...]) -> None:
    life = await sqlite_till.house.issued()
    assert (await ask(life, *body)).state == "open"
    assert await life.wedged() == []


async def test_before_issue_nothing_is_owed(sqlite_till: Till) -> None:
    life = await sqlite_till.house.start("1000.00")
    await life.state("awaiting_approval")
    assert (await ask(life)).state == "nothing_owed"
    unreadable = await sqlite_till.house.raw(f"invoice-{sqlite_till.house.clock()}-BAD", {"lines": 7})
    assert (await ask(unreadable)).state == "nothing_owed"


async def test_a_payment_that_nobody_told_of_withholds_the_reminder(till: Till) -> None:
    life = await till.house.issued(**NET_7)
    session = await till.mint(life)
    with nobody_tells(till):
        till.sim.pay(session, at=await life.now())
        said = await life.forward(5)
    assert (said["state"], life.rungs()) == ("paid", [])
    assert [why.rung for why in life.whys("withheld")] == ["D-3"]
    assert verify(till.house.engine) == []


async def test_a_debit_pauses_until_it_fails_and_the_chase_goes_on(till: Till) -> None:
    life = await till.house.issued(**NET_7)
    session = await till.mint(life)
    till.sim.pay(session, "sepa_debit", at=await life.now())
    said = await life.state("payment_pending")
    assert [(pause["kind"], pause["amount"]) for pause in said["pauses"]] == [("payment_pending", "119.00")]
    assert (await ask(life)).state == "in_progress"
    assert (await life.forward(6))["state"] == "payment_pending"
    till.sim.fail(session, at=await life.now())
    await life.state("collecting")
    assert life.rungs() == []
    await life.forward(9)
    assert life.rungs() != []
    assert (await ask(life)).state == "open"
    assert verify(till.house.engine) == []


async def test_a_debit_that_never_ends_wakes_the_receivable_by_itself(sqlite_till: Till) -> None:
    till = sqlite_till
    life = await till.house.issued(**NET_7)
    session = await till.mint(life)
    began = await life.now()
    till.sim.pay(session, "sepa_debit", at=began)
    said = await life.state("payment_pending")
    until = datetime.fromisoformat(said["pauses"][0]["until"])
    assert timedelta(days=13, hours=23) < until - began <= timedelta(days=14)
    assert said["next"]["at"] == said["pauses"][0]["until"]
    said = await life.forward(14.1)
    assert (said["state"], said["exceptions"]) == ("collecting", ["payment_stalled"])
    assert life.rungs() == []
    await life.forward(10)
    assert life.rungs() != []


async def test_while_stripe_is_down_nobody_is_chased_and_the_reason_is_kept(sqlite_till: Till) -> None:
    till = sqlite_till
    life = await till.house.issued(**NET_7)
    await till.mint(life)
    till.sim.faults.down()
    try:
        assert (await ask(life)).state == "unavailable"
        await life.forward(4.5)
        moved = life.whys("moved")
    finally:
        till.sim.faults.up()
    assert life.rungs() == []
    assert moved[0].reason.startswith("Stripe fails with HTTP 500; again at ")
    await life.forward(9)
    assert life.rungs() != []
    assert verify(till.house.engine) == []


class Deaf:
    """A mail server that takes nothing."""

    idempotent = True
    reports = False

    def send(self, message: Message) -> str:
        raise ProviderDown("the mail server does not answer")

    def find(self, key: str) -> str | None:
        return None


@pytest.fixture
async def deaf(server: DevServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Till]:
    folder = tmp_path_factory.mktemp("deaf")
    url = Databases("sqlite", folder, None).empty()
    seed_many(url, folder)
    with StandIn() as sim:
        key = SecretStr(sim.secret_key)
        house = await furnish(
            server.address, "deaf", url, folder, payment="stripe", stripe_api_key=key, stripe_api_base=sim.base
        )
        payments = wiring.payments_of(house.settings)
        async with wiring.worker(house.client, house.settings, house.engine, Deaf(), payments=payments):
            yield Till(house, sim)
        await payments.close()
        house.engine.dispose()


async def test_a_mail_outage_keeps_nobody_from_paying(deaf: Till) -> None:
    life = await deaf.house.start()
    await life.do("approve", by="ana")
    await life.state("delivering", "issued")
    assert (await ask(life)).amount == "119.00"
    deaf.sim.pay(pages(deaf, life)[0]["id"], at=await life.now())
    assert (await ask(life)).state == "nothing_owed"
