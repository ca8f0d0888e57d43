"""Everything on one host: tables, namespace, server, worker and what runs beside it, until it is told to stop. Files
lie under `var/`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from temporalio.service import RPCError

from adapters.books import views
from adapters.books.migrate import upgrade
from adapters.books.seed import SeedReport, apply_seed, load_seed
from adapters.books.seed_logos import suffix_of
from adapters.documents.archive import Archive
from domain.errors import Unavailable
from settings import Settings
from workers import run
from workers.client import listens
from workers.codec import plugin_of
from workers.connect import LOOPBACK, connect, external_address
from workers.devserver import Endpoint, serving
from workers.namespace import prepare
from workers.schedules import schedule_reading, schedule_sheets, schedule_sweeps
from workers.wiring import engine_of

DEMO = Path(__file__).resolve().parents[1] / "templates" / "seed" / "demo.toml"

Report = Callable[[str], None]

Beside = Callable[[Settings, Engine], AbstractAsyncContextManager[str]]
"""What runs in the same loop as the worker, at which address: the gateway, which lies above this layer."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `init` did: the migrations it applied and the namespace it made ready, on which server."""

    migrations: tuple[str, ...]
    namespace: str
    address: str


async def init(settings: Settings, report: Report) -> Prepared:
    """Tables, namespace, search attributes; on an embedded server, started for the purpose, when no other answers."""
    async with _some_server(settings, report) as server:
        return await _prepared(settings, server)


async def up(settings: Settings, report: Report, beside: Beside, ready: Callable[[Endpoint, str], None]) -> None:
    """`init`, the demo if nobody is seeded, server, worker, and `beside`, whose address `ready` is told. Ends after
    SIGINT or SIGTERM: the worker drains, what runs beside it ends, then the server stops."""
    with run.stopping() as stop:
        serve = serving(
            folder(settings),
            port=settings.temporal_port,
            ui_port=settings.ui_port,
            report=report,
            extra=_codec_server(settings),
        )
        async with serve as server:
            await _prepared(settings, server)
            engine = engine_of(settings)
            try:
                await asyncio.to_thread(seed_if_empty, engine, Archive(settings.archive))
                client = await connect(server.address, [plugin_of(settings)])
                async with beside(settings, engine) as url:
                    ready(server, url)
                    await run.run(client, settings, engine, stop)
            finally:
                engine.dispose()


def seed(engine: Engine, archive: Archive, file: Path | None) -> SeedReport:
    """Loads `file`, else the demo; logos into the archive before anything names them."""
    found = load_seed(file or DEMO)
    for data in found.files.values():
        archive.put(data, suffix_of(data))
    return apply_seed(engine, found, datetime.now(UTC))


def seed_if_empty(engine: Engine, archive: Archive) -> None:
    if not views.sellers(engine):
        seed(engine, archive, None)


def folder(settings: Settings) -> Path:
    """Where the embedded server keeps its database and log."""
    return settings.var / "temporal"


def _codec_server(settings: Settings) -> tuple[str, ...]:
    """Where the embedded Web UI asks for what is encrypted: the gateway, which runs beside it."""
    return ("--ui-codec-endpoint", f"{settings.public_url}/codec") if settings.codec_ring().keys else ()


@asynccontextmanager
async def _some_server(settings: Settings, report: Report) -> AsyncIterator[Endpoint]:
    if external_address() is None and await listens(settings.temporal_port):
        yield Endpoint(f"{LOOPBACK}:{settings.temporal_port}", None)
        return
    async with serving(folder(settings), port=settings.temporal_port, headless=True, report=report) as server:
        yield server


async def _prepared(settings: Settings, server: Endpoint) -> Prepared:
    applied = await asyncio.to_thread(upgrade, settings.database_url.get_secret_value())
    client = await connect(server.address)
    try:
        await prepare(client, client.namespace)
        await schedule_reading(client)
        await schedule_sheets(client)
        if settings.payment == "stripe":
            await schedule_sweeps(client)
    except RPCError as error:
        raise Unavailable(f"the Temporal server does not let itself be prepared: {error.message}") from None
    return Prepared(tuple(applied), client.namespace, server.address)
