"""The person at the desk: a letter of which nobody knows whether it arrived is looked up at the recipient's server, and
sent or put away. Believes the mail server, as a person who telephones would."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlmodel import col, select

from adapters.books.engine import read
from chaos.house import House
from domain.errors import DuelyError
from schemas import tables as t
from workers import client as doors

POLL_SECONDS = 2.0
AT_ONCE = 16
"""Letters looked after beside each other: one whose receivable does not answer must not hold up the others."""
UNKNOWN = "delivery_unknown"


class Desk:
    def __init__(self, house: House) -> None:
        self.house = house
        self.decided = 0

    async def run(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def look_after(invoice: str, message: str) -> None:
            async with gate:
                with suppress(DuelyError):  # asked again: the exception stays until it is decided
                    await self._decide(invoice, message)

        while True:
            letters: list[tuple[str, str]] = []
            with suppress(DuelyError):
                letters = await asyncio.to_thread(self.waiting)
            await asyncio.gather(*(look_after(*letter) for letter in letters))
            await asyncio.sleep(POLL_SECONDS)

    def waiting(self) -> list[tuple[str, str]]:
        """(invoice, message) of each that nobody has decided."""
        open_ = select(t.OpenException).where(
            t.OpenException.kind == UNKNOWN, col(t.OpenException.decided_at).is_(None)
        )
        with read(self.house.engine) as session:
            return [(str(each.invoice), each.key) for each in session.exec(open_)]

    async def _decide(self, invoice: str, message: str) -> None:
        arrived = message in self.house.post.keys
        name, fields = ("skip", {"reason": "they have it"}) if arrived else ("send", {})
        body = {"by": "sam", "message": message, **fields}
        await doors.send_command(self.house.client, self.house.engine, invoice, name, body)
        self.decided += 1
