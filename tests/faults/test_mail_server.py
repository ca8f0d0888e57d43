"""A mail server that is away, refuses, dawdles or hangs up: nothing is lost, nothing leaves twice, and what nobody can
know is put before a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlmodel import col, select

from adapters.books.engine import read
from adapters.books.verify import verify
from rig.mailserver import MailServer
from schemas import tables as t
from tests.faults.conftest import House
from tests.faults.requests import bill_once
from tests.workflows.life import BERLIN, Life, open_day

NUMBER = 100


@pytest.fixture
def post() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


async def bill(house: House, seller: str, now: datetime) -> Life:
    """One small invoice to a customer who was billed before: nobody has to approve it."""
    bill_once(house.engine, seller, now)
    return await house.bill(seller, NUMBER)


async def test_four_days_without_a_server(house: House, post: MailServer, now: datetime) -> None:
    async with house.worker(post.adapter):
        silent, paying = await bill(house, "clock01", now), await bill(house, "clock02", now)
        due = now.date()
        for life in (silent, paying):
            due = datetime.fromisoformat((await life.state("collecting"))["dues"][0]["due_on"]).date()
            await life.forward_to(due)
        sent = [len(post.about(life.id, "reminder")) for life in (silent, paying)]
        post.stop()
        back = open_day(open_day(due + timedelta(days=1)) + timedelta(days=3))
        await silent.forward_to(open_day(due + timedelta(days=1)))
        await silent.forward_to(back)
        await paying.forward_to(open_day(due + timedelta(days=1)))
        answer = await paying.do(
            "pay", "ben", amount=(await paying.status())["balance"], received_on=now.date().isoformat(),
            method="transfer", external_id="B-1",
        )  # fmt: skip
        assert answer["state"] == "paid"
        post.start()
        await silent.forward_to(open_day(back + timedelta(days=1)))
    assert len(post.about(paying.id, "reminder")) == sent[1]
    late = post.about(silent.id, "reminder")[sent[0] :]
    assert len(late) == 1
    left = late[0]["Date"].datetime.astimezone(BERLIN)
    assert left.date() == open_day(back + timedelta(days=1))
    assert 8 <= left.hour < 17
    assert_one_exception_for_growing_gaps(house, silent)
    assert verify(house.engine, house.settings.archive) == []


def assert_one_exception_for_growing_gaps(house: House, life: Life) -> None:
    with read(house.engine) as session:
        failing = session.exec(
            select(t.OpenException).where(
                t.OpenException.invoice == life.id, t.OpenException.kind == "delivery_failing"
            )
        ).all()
    assert len(failing) == 1
    assert failing[0].decided_at is not None
    moved = life.whys("moved")
    rounds = [why.at for why in moved if why.message == moved[0].message]
    gaps = [later - earlier for earlier, later in pairwise(rounds)]
    look = timedelta(minutes=15)
    for gap, least in zip(gaps, (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4)), strict=False):
        assert least <= gap <= least + look + timedelta(minutes=1), gaps
    assert len(gaps) > 3
    assert all(gap >= timedelta(hours=12) for gap in gaps[3:]), gaps


async def test_refused_for_now_is_repeated(house: House, post: MailServer, now: datetime) -> None:
    post.recipients = ["451 later", "452 4.2.2 full"]
    async with house.worker(post.adapter):
        life = await bill(house, "clock01", now)
        await life.state("collecting")
    assert (post.asked, len(post.about(life.id, "invoice"))) == (3, 1)
    assert verify(house.engine, house.settings.archive) == []


async def test_refused_for_good_waits_for_a_person(house: House, post: MailServer, now: datetime) -> None:
    post.recipients = ["550 5.1.1 nobody here"]
    async with house.worker(post.adapter):
        life = await bill(house, "clock01", now)
        await life.until(lambda said: "bounced" in (said.get("flags") or ()))
        assert exceptions(house, life) == [("delivery_refused", None)]
        await life.do("send", "sam")
        await life.state("collecting")
    assert (post.asked, len(post.about(life.id, "invoice"))) == (2, 1)
    assert exceptions(house, life) == [("delivery_refused", "send")]
    assert verify(house.engine, house.settings.archive) == []


async def test_slower_than_the_heartbeat_is_sent_once(house: House, post: MailServer, now: datetime) -> None:
    post.slow = 7
    beats: set[datetime] = set()

    async def collecting(life: Life) -> bool:
        described = (await life.handle.describe()).raw_description
        beats.update(each.last_heartbeat_time.ToDatetime() for each in described.pending_activities)
        return str((await life.status())["state"]) == "collecting"

    async with house.worker(post.adapter):
        life = await bill(house, "clock01", now)
        while not await collecting(life):
            pass
    assert len(post.about(life.id, "invoice")) == 1
    assert exceptions(house, life) == []
    # An attempt counts as dead after five seconds of silence. Told at most every four, a busy second would be enough.
    assert len(beats) >= 4


@pytest.mark.parametrize("decision", ["send", "skip"])
async def test_hanging_up_after_the_content_is_unknown(
    house: House, post: MailServer, now: datetime, decision: str
) -> None:
    post.hangs_up = True
    async with house.worker(post.adapter):
        life = await bill(house, "clock01", now)
        await life.until(lambda said: bool(exceptions(house, life)))
        assert exceptions(house, life) == [("delivery_unknown", None)]
        await life.state("delivering")
        post.hangs_up = False
        await life.do(decision, "sam", **({"reason": "they have it"} if decision == "skip" else {}))
        if decision == "send":
            await life.state("collecting")
    assert len(post.about(life.id, "invoice")) == (2 if decision == "send" else 1)
    settled = exceptions(house, life)
    assert [kind for kind, _ in settled] == ["delivery_unknown"]
    assert all(found is not None for _, found in settled)
    assert verify(house.engine, house.settings.archive) == []


def exceptions(house: House, life: Life) -> list[tuple[str, str | None]]:
    with read(house.engine) as session:
        query = select(t.OpenException).where(t.OpenException.invoice == life.id).order_by(col(t.OpenException.id))
        return [(found.kind, found.decision) for found in session.exec(query)]
