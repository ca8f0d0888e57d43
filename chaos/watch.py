"""What the books show of the invoices that live: asked once for all who wait. Reads only."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books.engine import read
from domain.account import BEFORE_ISSUE
from domain.errors import Unavailable
from schemas import tables as t

POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Seen:
    state: str
    total: int
    issued: bool
    delivered: bool
    """Or put away by a person who knows that it arrived."""


NOTHING = Seen("", 0, issued=False, delivered=False)


class Watch:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._wanted: set[str] = set()
        self._seen: dict[str, Seen] = {}
        self._news = asyncio.Event()

    def follow(self, id_: str) -> None:
        self._wanted.add(id_)

    def leave(self, id_: str) -> None:
        self._wanted.discard(id_)

    def of(self, id_: str) -> Seen:
        """As of the last look."""
        return self._seen.get(id_, NOTHING)

    async def within(self, id_: str, holds: Callable[[Seen], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not holds(self.of(id_)):
            if time.monotonic() > deadline:
                return False
            news = self._news
            try:
                await asyncio.wait_for(news.wait(), max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                return holds(self.of(id_))
        return True

    async def run(self) -> None:
        """Until it is cancelled. A database that is away is asked again."""
        while True:
            with contextlib.suppress(Unavailable):
                self._seen |= await asyncio.to_thread(self._look, list(self._wanted))
            news, self._news = self._news, asyncio.Event()
            news.set()
            await asyncio.sleep(POLL_SECONDS)

    def _look(self, ids: list[str]) -> dict[str, Seen]:
        columns = (t.Invoice.id, t.Invoice.state, t.Invoice.total, t.Invoice.phase, t.Invoice.delivered_at)
        with read(self._engine) as session:
            rows = session.exec(select(*columns).where(col(t.Invoice.id).in_(ids))).all()  # type: ignore[call-overload]
        return {
            id_: Seen(
                state, total, issued=phase not in BEFORE_ISSUE, delivered=delivered is not None or state == "collecting"
            )
            for id_, state, total, phase, delivered in rows
        }
