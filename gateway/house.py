"""What every route works with: settings, the books, the archive, and a client of the Temporal server that is found when
it is needed and found again after the server was away. It knows no route."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fastapi import Request
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from adapters.books import api_keys
from adapters.documents.archive import Archive
from domain.einvoice import EInvoice
from domain.errors import Unavailable
from gateway.figures import Board
from gateway.metrics import Metrics
from settings import Settings
from workers.wiring import previews

ClientFactory = Callable[[], Awaitable[Client]]

CONNECT_SECONDS = 5
HEALTH = timedelta(seconds=2)
FRESH_SECONDS = 1.0
"""An answer of the server counts for so long; then it is asked again before anything is handed to it."""

_AWAY = frozenset({RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED})


class Link:
    """One client for the whole process. While the server is away every caller learns it at once, not after the SDK's
    own long retries; the first call after it is back works."""

    def __init__(self, factory: ClientFactory):
        self._factory = factory
        self._client: Client | None = None
        self._connecting: asyncio.Task[Client] | None = None
        self._answered_at = float("-inf")

    async def client(self) -> Client:
        """Unavailable when the server does not answer now."""
        if self._client is None:
            self._client = await self._connected()
        elif time.monotonic() - self._answered_at > FRESH_SECONDS:
            await self._ask(self._client)
        self._answered_at = time.monotonic()
        return self._client

    async def client_if_any(self) -> Client | None:
        with contextlib.suppress(Unavailable):
            return await self.client()
        return None

    async def _connected(self) -> Client:
        """However many ask, one connects."""
        task = self._connecting or asyncio.create_task(self._connect())
        self._connecting = task
        try:
            return await asyncio.shield(task)
        finally:
            if task.done() and self._connecting is task:
                self._connecting = None

    async def _connect(self) -> Client:
        try:
            return await asyncio.wait_for(self._factory(), CONNECT_SECONDS)
        except TimeoutError:
            raise Unavailable("the Temporal server does not answer") from None

    async def _ask(self, client: Client) -> None:
        try:
            await client.service_client.check_health(timeout=HEALTH)
        except RPCError as error:
            # Servers that keep no health service are as good as those that do.
            if error.status in _AWAY:
                raise Unavailable("the Temporal server does not answer") from None


@dataclass(frozen=True)
class House:
    settings: Settings
    engine: Engine
    link: Link
    archive: Archive
    secret: str
    metrics: Metrics = field(default_factory=Metrics)
    board: Board = field(init=False)
    preview: Callable[[EInvoice, Mapping[str, bytes]], bytes] = field(default_factory=previews)

    def __post_init__(self) -> None:
        object.__setattr__(self, "board", Board(self.engine))

    def now(self) -> datetime:
        """What the clock says, for what comes in from outside; a receivable's own time is its workflow's."""
        return datetime.now(UTC)

    async def caller(self, key: str) -> api_keys.Caller | None:
        return await asyncio.to_thread(api_keys.check, self.engine, key)


def house_of(request: Request) -> House:
    found: House = request.app.state.house
    return found
