"""A bank's file through its workflow: booked part by part whatever breaks in between, refused whole or not at all, and
heard by the receivables, also by those that waited for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlmodel import Session, select

from adapters.books import statement_lines, statements
from adapters.books.engine import write
from adapters.documents.archive import Archive
from adapters.standins import bank
from cli.stories.clock import net_days
from domain import calendar
from domain.account import Place
from domain.statements import Statement
from schemas import tables as t
from schemas.incoming import FileHint, file_workflow_id
from tests.bank import line, reference, statement
from tests.workflows import malformed
from tests.workflows.conftest import House
from tests.workflows.life import PATIENCE, Life
from workers import incoming
from workers.connect import TASK_QUEUE

SUFFIX = {"camt.053": "xml", "mt940": "sta"}
WRITERS: dict[str, Callable[[Statement], bytes]] = {"camt.053": bank.camt053, "mt940": bank.mt940}


async def send(house: House, seller: str, told: Statement, form: str = "camt.053") -> dict[str, Any]:
    """The file by the way of the archive; the workflow's answer."""
    key = Archive(house.settings.archive).put(WRITERS[form](told), SUFFIX[form])
    hint = FileHint(seller=seller, object=key, format=form)
    assert await incoming.file(house.client, hint)
    handle = house.client.get_workflow_handle(file_workflow_id(hint))
    said: dict[str, Any] = await asyncio.wait_for(handle.result(), PATIENCE)
    assert await handle.query("status") == said
    assert await Life(handle, house.client, house.skipper, house.engine, house.settings.outbox).wedged() == []
    return said


async def pays(life: Life, **more: Any) -> Any:
    """The line that pays a receivable in full on the day it was issued."""
    said = await life.status()
    day = said["documents"][0]["date"]
    amount = round(100 * float(said["balance"]))
    return line(amount, day, reference=reference(said["number"], said["seller"]), bank_reference=said["number"], **more)


def rows(house: House, table: Any, **about: Any) -> list[Any]:
    with Session(house.engine, expire_on_commit=False) as session:
        return list(session.exec(select(table).filter_by(**about)))


async def test_a_file_pays_invoices_and_their_workflows_hear_of_it(house: House) -> None:
    seller = house.clock()
    lives = [await house.issued(seller=seller, reference=f"R-{n}") for n in range(3)]
    lines = [await pays(life) for life in lives]
    day = lines[0].booked_on
    told = statement(*lines, closed=day.isoformat())
    said = await send(house, seller, told)
    assert (said["state"], said["lines"], said["left"], said["counts"]) == ("done", 3, 0, {"reference": 3})
    for life in lives:
        assert (await life.result())["state"] == "paid"
    again = await send(house, seller, told, "mt940")  # the same day in another format
    assert (again["state"], again["lines"], again["known"], again["counts"]) == ("done", 3, 3, {})
    assert len(rows(house, t.Receipt, seller=seller)) == 3
    (mark,) = rows(house, t.SourceWatermark, seller=seller)
    assert (mark.source, mark.through) == ("bank", day)


async def test_a_file_that_does_not_add_up_is_refused_whole(sqlite_house: House) -> None:
    house, seller = sqlite_house, sqlite_house.clock()
    told = statement(line(5_00), line(6_00))
    said = await send(house, seller, replace(told, closing=12_00))
    assert said["state"] == "refused"
    assert "does not add up" in said["problems"][0]["message"]
    assert rows(house, t.BankLine, seller=seller) == rows(house, t.SourceWatermark, seller=seller) == []
    (asked,) = rows(house, t.OpenException, seller=seller)
    assert (asked.kind, asked.owner) == ("bank_file", "sam")
    assert "12.00" in asked.evidence["problems"][0]
    refused = [entry for entry in rows(house, t.AuditEntry, seller=seller) if entry.type == "bank_file.refused"]
    assert len(refused) == 1
    await send(house, seller, told)
    (asked,) = rows(house, t.OpenException, seller=seller, kind="bank_file")
    assert asked.decision is not None


async def test_a_file_that_is_not_there_or_of_another_account_is_refused(sqlite_house: House) -> None:
    house, seller = sqlite_house, sqlite_house.clock()
    said = await send(house, seller, statement(line(5_00), account="DE02120300000000202051"))
    assert "is not the account of seller" in said["problems"][0]["message"]
    missing = FileHint(seller=seller, object=f"sha256:{'0' * 64}", format="camt.053")
    nobody = FileHint(seller="nobody", object=f"sha256:{'0' * 64}", format="camt.053")
    for hint, path in ((missing, "object"), (nobody, "seller")):
        assert await incoming.file(house.client, hint)
        said = await house.client.get_workflow_handle(file_workflow_id(hint)).result()
        assert (said["state"], [problem["path"] for problem in said["problems"]]) == ("refused", [path])


async def test_no_start_payload_wedges_it(sqlite_house: House) -> None:
    house = sqlite_house
    good = {"seller": "demo", "object": f"sha256:{'1' * 64}", "format": "mt940"}
    odd: dict[str, tuple[Any, ...]] = {
        **malformed.BODIES,
        "another id": (good,),
        "columns of numbers": ({**good, "columns": {"amount": 1}},),
        "a path": ({**good, "object": "../etc/passwd"},),
        "format": ({**good, "format": "pdf"},),
        "two": (good, good),
    }
    handles = [
        await house.client.start_workflow("BankFile", args=list(payloads), id=f"bank-odd-{at}", task_queue=TASK_QUEUE)
        for at, payloads in enumerate(odd.values())
    ]
    for handle in handles:
        said = await asyncio.wait_for(handle.result(), PATIENCE)
        assert said["state"] == "refused"
        assert said["problems"]


@pytest.mark.parametrize("moment", ["in the middle", "before the answer"])
async def test_a_worker_that_dies_books_each_line_once(
    house: House, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The process is gone with the transaction open, or after it is closed and before anybody hears of it."""
    seller = house.clock()
    lives = [await house.issued(seller=seller, reference=f"R-{n}") for n in range(2)]
    lines = [await pays(life) for life in lives]
    spare = [line(1_00 + n, lines[0].booked_on.isoformat(), text=f"odd {n}") for n in range(5)]
    deaths: list[str] = []
    monkeypatch.setattr(statements, "CHUNK", 3)
    if moment == "in the middle":
        dying(monkeypatch, statement_lines, deaths, at=5, after=False)
    else:
        dying(monkeypatch, statements, deaths, at=2, after=True)
    said = await send(house, seller, statement(*spare[:3], *lines, *spare[3:], closed=lines[0].booked_on.isoformat()))
    assert deaths == ["died"]
    assert said["counts"] == {"reference": 2, "unclear: no_key": 5}
    assert len(rows(house, t.Receipt, seller=seller)) == 7
    assert len([e for e in rows(house, t.AuditEntry, seller=seller) if e.type.startswith("bank_line.")]) == 7
    for life in lives:
        assert (await life.result())["state"] == "paid"


def dying(monkeypatch: pytest.MonkeyPatch, module: Any, deaths: list[str], at: int, after: bool) -> None:
    """The `at`-th call of the module's `book` dies, before its work or after it."""
    real, calls = module.book, iter(range(1, 1_000))

    def book(*arguments: Any) -> Any:
        now = next(calls) == at
        if now and not after:
            deaths.append("died")
            raise SystemError("died")
        said = real(*arguments)
        if now:
            deaths.append("died")
            raise SystemError("died")
        return said

    monkeypatch.setattr(module, "book", book)


async def test_a_stale_source_holds_a_reminder_until_the_file_is_read(house: House) -> None:
    """Each reason is on record once, and the reminder leaves when the bank has been read far enough."""
    seller = house.clock()
    with write(house.engine, seller) as session:
        session.get_one(t.Seller, seller).sources = ["bank"]
    # A Monday without holidays around: what is read on Tuesday is fresh enough on Wednesday, and not after a weekend.
    place = Place(timezone="Europe/Berlin", country="DE", region="BE")
    days = net_days(calendar.local_date(datetime.now(UTC), place.timezone), 20, place)
    life = await house.issued("1000.00", seller=seller, terms=f"net {days}")
    due = date.fromisoformat((await life.status())["dues"][0]["due_on"])
    await life.forward_to(calendar.add_business_days(due, 1, "DE", "BE"), 18)
    assert "D+1" not in life.rungs()
    (held,) = life.whys("withheld")
    assert (held.code, held.rung) == ("stale_source", "D+1")
    assert held.reason.startswith("source bank is not read through ")
    now = await life.now()
    read = statement(line(-1_00, now.date().isoformat()), closed=now.date().isoformat(), created_at=now)
    await send(house, seller, read)
    await life.until(lambda said: "source bank" not in said["next"]["why"])  # told, long before its next look
    await life.forward_to(calendar.add_business_days(now.date(), 1, "DE", "BE"), 18)
    assert "D+1" in life.rungs()
    assert len(life.whys("withheld")) == 1
    assert await life.wedged() == []
