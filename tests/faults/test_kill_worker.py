"""`kill -9` of the worker at random moments: nothing is lost, nothing leaves twice, books and workflows agree."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from email.parser import BytesParser
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, func, select

from adapters.books.books import Books
from adapters.books.engine import read
from adapters.books.verify import verify
from domain.status import status
from rig.processes import WorkerProcess
from schemas import tables as t
from schemas.commands import EXAMPLES
from tests.faults.conftest import House, today
from tests.faults.requests import CUSTOMERS, bill_once, workflow_id
from tests.workflows.life import Life

SELLER = "demo"
DEADLINE = 900
ENTRIES_OF_A_LIFE = 10  # drafted, issued, claimed, sent, stored, received, allocated, closed, claimed, sent


async def test_kill_nine_at_random_moments(house: House, worker: WorkerProcess) -> None:
    invoices, kills, chance = 200, 5, random.Random(20261120)
    numbers = _first_to_every_customer(house, invoices)
    moments = sorted(chance.sample(range(invoices * (ENTRIES_OF_A_LIFE - 1)), kills))
    worker.start()
    payers = asyncio.create_task(_live(house, numbers))
    before = _audited(house.engine)
    for moment in moments:
        await _until(partial(_reached, house.engine, before + moment, payers))
        worker.kill()
        worker.start()
    results = await payers
    assert {said["state"] for said in results} == {"paid"}
    assert verify(house.engine, house.settings.archive) == []
    _books_and_workflows_agree(house.engine, results)
    _each_mail_once(house.settings.outbox, numbers)


async def test_recovery_after_one_kill(house: House, worker: WorkerProcess, record_property: Any) -> None:
    numbers = _first_to_every_customer(house, 100)
    worker.start()
    lives = await asyncio.gather(*(house.bill(SELLER, number, policy="none") for number in numbers))
    await _until(lambda: _delivered(house.engine) >= len(CUSTOMERS))
    worker.kill()
    worker.start()
    killed = time.monotonic()
    await _until(lambda: _delivered(house.engine) == len(numbers))
    took = time.monotonic() - killed
    record_property("recovered_in", took)
    print(f"the last of {len(numbers)} invoices was delivered {took:.1f} s after the kill")  # noqa: T201 - a measurement
    assert {(await life.status())["state"] for life in lives} == {"collecting"}
    assert verify(house.engine, house.settings.archive) == []


def _first_to_every_customer(house: House, invoices: int) -> range:
    first = bill_once(house.engine, SELLER, today() - timedelta(days=2))
    return range(first, first + invoices)


async def _live(house: House, numbers: range) -> list[dict[str, Any]]:
    """Every invoice from its start to its payment. Most are paid as soon as they are issued, before, while or after the
    mail leaves; every tenth is forgotten until it was reminded."""
    lives = {number: await house.bill(SELLER, number, policy="swift", terms="net 7") for number in numbers}
    unpaid, forgotten = set(numbers), []
    deadline = time.monotonic() + DEADLINE
    while unpaid:
        assert time.monotonic() < deadline, f"{len(unpaid)} were not issued"
        for number, total, delivered_at in _open(house.engine):
            late = number % 10 == 0
            if number not in unpaid or (late and delivered_at is None):
                continue
            unpaid.remove(number)
            if late:
                forgotten.append(asyncio.create_task(_forget(lives[number], _payment(number, total))))
            else:
                await lives[number].handle.signal("pay", _payment(number, total))
        await asyncio.sleep(0.1)
    await asyncio.gather(*forgotten)
    results = asyncio.gather(*(life.handle.result() for life in lives.values()))
    return list(await asyncio.wait_for(results, max(1.0, deadline - time.monotonic())))


async def _forget(life: Life, payment: dict[str, str]) -> None:
    """Nine days pass on a clock of its own before the customer pays."""
    clock = life.skipper.client.get_workflow_handle(life.id)
    await asyncio.wait_for(life.skipper.fast_forward(clock, timedelta(days=9)), DEADLINE)
    await life.handle.signal("pay", payment)


def _payment(number: int, total: int) -> dict[str, str]:
    amount = f"{total // 100}.{total % 100:02d}"
    day = today().date().isoformat()
    return {"by": "ben", "amount": amount, "received_on": day, "method": "transfer", "external_id": f"B-{number}"}


def _open(engine: Engine) -> list[tuple[int, int, datetime | None]]:
    with read(engine) as session:
        rows = session.exec(select(t.Invoice).where(t.Invoice.phase == "open")).all()
    return [(int(row.reference.removeprefix("N-")), row.total, row.delivered_at) for row in rows]


def _reached(engine: Engine, entries: int, payers: asyncio.Task[list[dict[str, Any]]]) -> bool:
    return payers.done() or _audited(engine) >= entries


def _audited(engine: Engine) -> int:
    with read(engine) as session:
        return session.exec(select(func.count()).select_from(t.AuditEntry)).one()


def _delivered(engine: Engine) -> int:
    with read(engine) as session:
        return session.exec(select(func.count()).where(col(t.Invoice.delivered_at).is_not(None))).one()


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.05)


def _books_and_workflows_agree(engine: Engine, results: list[dict[str, Any]]) -> None:
    """Invariant 9: what each workflow said last is what the books say."""
    books = Books(engine, idempotent=True)
    for said in results:
        where = workflow_id(said["seller"], int(said["reference"].removeprefix("N-")))
        outcome = books.outcome(where)
        assert outcome.account is not None
        expected = status(outcome.account, outcome.policy, outcome.action, today(), where, (), EXAMPLES)
        told = ("state", "number", "total", "paid", "balance", "flags", "documents", "dues")
        assert {name: said[name] for name in told} == {name: expected[name] for name in told}


def _each_mail_once(outbox: Path, numbers: range) -> None:
    keys: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for path in outbox.glob("*.eml"):
        with path.open("rb") as file:
            mail = BytesParser().parse(file, headersonly=True)
        keys[mail["X-Duely-Key"]] += 1
        kinds[(mail["X-Duely-Invoice"], mail["X-Duely-Kind"])] += 1
    assert set(keys.values()) == {1}
    for each in ("invoice", "receipt"):
        assert {where for where, kind in kinds if kind == each} == {workflow_id(SELLER, number) for number in numbers}
    assert {where for where, kind in kinds if kind == "reminder"} == {
        workflow_id(SELLER, number) for number in numbers if number % 10 == 0
    }
    assert set(kinds.values()) == {1}
