"""How long the work of a worker that is killed waits for another; what else holds then, `chaos` shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, func, select

from adapters.books.engine import read
from adapters.books.verify import verify
from rig.processes import WorkerProcess
from schemas import tables as t
from tests.faults.conftest import House, today
from tests.faults.requests import CUSTOMERS, bill_once

SELLER = "demo"
DEADLINE = 900


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


def _delivered(engine: Engine) -> int:
    with read(engine) as session:
        return session.exec(select(func.count()).where(col(t.Invoice.delivered_at).is_not(None))).one()


async def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.05)
