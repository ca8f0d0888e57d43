"""Tells workflows that the books changed, a bounded number at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from temporalio.client import Client

from gateway.house import House
from workers import client as receivables

AT_ONCE = 32


async def tell(house: House, client: Client, ids: Iterable[str]) -> None:
    """Every one is tried; then raises the first failure: Unavailable when the server went away meanwhile."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(id_: str) -> None:
        async with turn:
            await receivables.tell(client, house.engine, id_)

    for failed in await asyncio.gather(*map(one, ids), return_exceptions=True):
        if isinstance(failed, BaseException):
            raise failed
