"""A provider that reports deliveries, on a real server: what arrives counts, what comes back goes on to somebody else,
and news of money never holds up the end."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from adapters.books.books import Books
from adapters.mail.outbox import Outbox
from adapters.mail.port import Message
from domain.delivery import MailEvent
from domain.errors import ProviderDown
from schemas import tables as t
from tests.conftest import Databases
from tests.workflows.conftest import House, furnish, seed_many
from tests.workflows.life import Life
from workers import wiring
from workers.client import tell
from workers.devserver import DevServer

COUNT = itertools.count()


@dataclass
class Reporting:
    """An outbox that behaves as SendGrid does: it cannot be asked, takes the same key twice, and reports later."""

    folder: Path
    down: bool = False
    idempotent: bool = False
    reports: bool = True
    taken: list[Message] = field(default_factory=list)
    does: Callable[[Message], None] | None = None

    def send(self, message: Message) -> str:
        if self.does is not None:
            self.does(message)
        if self.down:
            raise ProviderDown("mail: out of order")
        self.taken.append(message)
        return Outbox(self.folder).send(message)

    def find(self, key: str) -> str | None:
        return None


@dataclass
class Post:
    house: House
    mail: Reporting

    async def report(self, life: Life, type_: str, *keys: str) -> None:
        """What the webhook does with the provider's events."""
        now = await life.now()
        events = [
            MailEvent(id=f"event-{next(COUNT)}", key=f"{life.id}/{key}", type=type_, at=now, reason="") for key in keys
        ]
        for id_ in Books(self.house.engine, idempotent=False, reports=True).delivered(events, now):
            await tell(self.house.client, self.house.engine, id_, hint="mail_event")

    async def delivering(self, life: Life) -> None:
        await life.state("awaiting_approval")
        await life.do("approve", by="ana")
        await life.until(lambda said: state_of(said, "invoice") == "accepted")

    def recipients(self, life: Life, kind: str) -> list[str]:
        return [mail.to[0].email for mail in self.mail.taken if mail.invoice == life.id and mail.kind == kind]


async def almost_due(post: Post) -> Life:
    """A delivered invoice, a second or two before its first reminder."""
    life = await post.house.start("1000.00")
    await post.delivering(life)
    await post.report(life, "delivered", "invoice")
    await life.state("collecting")
    at = datetime.fromisoformat((await life.status())["next"]["at"])
    await life.forward((at - await life.now() - timedelta(seconds=2)) / timedelta(days=1))
    return life


async def reminder_waits(post: Post) -> Life:
    """The first reminder's fourth or fifth attempt has failed, and the next one is minutes away."""
    life = await almost_due(post)
    post.mail.down = True
    await life.forward(2.5 / 1440)
    return life


def state_of(said: dict[str, object], key: str) -> str | None:
    messages: list[dict[str, str]] = said["messages"]  # type: ignore[assignment]
    return next((m["state"] for m in messages if m["key"].partition("/")[2] == key), None)


@pytest.fixture(scope="module")
async def post(server: DevServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Post]:
    folder = tmp_path_factory.mktemp("reporting")
    url = Databases("sqlite", folder, None).empty()
    seed_many(url, folder)
    house = await furnish(server.address, folder.name, url, folder)  # each module that asks has its own
    mail = Reporting(house.settings.outbox)
    async with wiring.worker(house.client, house.settings, house.engine, mail):
        yield Post(house, mail)
    house.engine.dispose()


async def test_a_rung_counts_once_it_is_delivered(post: Post) -> None:
    life = await post.house.start("1000.00")
    await post.delivering(life)
    assert (await life.status())["state"] == "delivering"
    await post.report(life, "processed", "invoice")
    await post.report(life, "delivered", "invoice")
    said = await life.state("collecting")
    assert [m["delivery"] for m in said["messages"] if m["kind"] == "invoice"] == ["delivered"]
    said = await life.forward(32)
    assert life.rungs()[:1] == ["D-3"]
    while "D+1" not in life.rungs():
        await post.report(life, "delivered", "1/1/D-3")
        said = await life.forward(1)
    assert state_of(said, "1/1/D+1") == "accepted"
    await life.forward(1)
    await post.report(life, "delivered", "1/1/D+1")
    await life.forward(6)
    assert life.rungs() == ["D-3", "D+1", "D+7"]
    assert await life.wedged() == []


async def test_what_is_not_reported_becomes_an_exception_and_the_ladder_goes_on(post: Post) -> None:
    life = await post.house.start("1000.00")
    await post.delivering(life)
    said = await life.forward(4)
    assert said["exceptions"] == ["delivery_unconfirmed"]
    await life.forward(40)
    assert life.rungs()[:2] == ["D-3", "D+1"]


async def test_a_bounce_goes_to_the_second_contact_and_then_to_a_person(post: Post) -> None:
    life = await post.house.start("1000.00")
    await post.delivering(life)
    await post.report(life, "bounced", "invoice")
    await life.until(lambda said: state_of(said, "invoice~2") == "accepted")
    assert post.recipients(life, "invoice") == ["ap@globex.example", "finance@globex.example"]
    said = await life.status()
    assert (state_of(said, "invoice"), said["state"]) == ("bounced", "delivering")
    assert "bounced" in said["flags"]
    await post.report(life, "dropped", "invoice~2")
    await life.until(lambda said: state_of(said, "invoice~3") == "accepted")
    await post.report(life, "bounced", "invoice~3")
    said = await life.until(lambda said: "bounced" in said["exceptions"])
    assert {"resend", "send", "skip"} <= {command["name"] for command in said["commands"]}
    await life.do("resend", by="sam", to="new@globex.example")
    await life.until(lambda said: state_of(said, "invoice#2") == "accepted")
    await post.report(life, "delivered", "invoice#2")
    said = await life.state("collecting")
    assert (said["exceptions"], said["flags"]) == ([], [])
    assert post.recipients(life, "invoice")[-1] == "new@globex.example"


async def paid(life: Life, external_id: str) -> None:
    day = (await life.status())["documents"][0]["date"]
    await life.do("pay", by="ben", amount="1190.00", received_on=day, method="transfer", external_id=external_id)


async def test_a_mail_server_that_is_down_delays_the_receipt_and_neither_booking_nor_closing(post: Post) -> None:
    life = await post.house.start("1000.00")
    await post.delivering(life)
    await post.report(life, "delivered", "invoice")
    await life.state("collecting")
    post.mail.down = True
    try:
        await paid(life, "R-1")
        said = await life.status()
        assert (said["state"], said["balance"]) == ("paid", "0.00")
        assert booked(life) == "paid"
        assert said["next"]["what"] == "a notice"
        assert post.recipients(life, "receipt") == []
    finally:
        post.mail.down = False
    await life.forward(20 / 1440)
    assert (await life.result())["state"] == "paid"
    assert post.recipients(life, "receipt") == ["ap@globex.example"]
    assert await life.wedged() == []


def booked(life: Life) -> str:
    with Session(life.engine) as session:
        return session.exec(select(t.Invoice.phase).where(t.Invoice.id == life.id)).one()


async def test_a_receipt_that_came_back_opens_a_run_for_the_second_contact(post: Post) -> None:
    life = await post.house.start("1000.00")
    await post.delivering(life)
    await post.report(life, "delivered", "invoice")
    await life.state("collecting")
    await paid(life, "R-2")
    await life.result()
    with Session(life.engine) as session:
        key = session.exec(select(t.Message.key).where(t.Message.invoice == life.id, t.Message.kind == "receipt")).one()
    await report_closed(post, life, "bounced", key)
    await life.result()
    assert post.recipients(life, "receipt") == ["ap@globex.example", "finance@globex.example"]
    await report_closed(post, life, "delivered", f"{key}~2")  # a hint that finds nothing to do opens no run
    assert booked(life) == "paid"


async def report_closed(post: Post, life: Life, type_: str, key: str) -> None:
    with Session(life.engine) as session:
        now = session.get_one(t.Invoice, life.id).updated_at + timedelta(seconds=1)
    found = MailEvent(id=f"event-{next(COUNT)}", key=key, type=type_, at=now, reason="")
    for id_ in Books(life.engine, idempotent=False, reports=True).delivered([found], now):
        await tell(post.house.client, post.house.engine, id_, hint="mail_event")
