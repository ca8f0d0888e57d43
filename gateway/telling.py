"""Tells workflows that the books changed, a bounded number at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TypeVar

from temporalio.client import Client

from domain.errors import DuelyError
from gateway.house import House
from workers import client as receivables

AT_ONCE = 32

T = TypeVar("T")


async def tell(house: House, client: Client, ids: Iterable[str]) -> None:
    """Every one is tried; then raises the first failure: Unavailable when the server went away meanwhile."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(id_: str) -> None:
        async with turn:
            await receivables.tell(client, house.engine, id_)

    for failed in await asyncio.gather(*map(one, ids), return_exceptions=True):
        if isinstance(failed, BaseException):
            raise failed


async def booked(house: House, workflow_id: str, act: Callable[..., T], *about: object) -> T:
    """Does `act` in the books and tells the receivable's workflow. Unavailable, with nothing done, while no server
    answers; one that goes away in between changes nothing, as the workflow reads what was booked at its next look."""
    client = await house.link.client()
    found = await asyncio.to_thread(act, house.engine, *about)
    with contextlib.suppress(DuelyError):
        await receivables.tell(client, house.engine, workflow_id)
    return found
