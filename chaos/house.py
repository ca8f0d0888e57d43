"""Everything a run stands on: server, books, three workers each with a network of its own, gateway, mail server,
payment provider. Opens and closes it; what is done to it, others decide."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.books.engine import open_engine
from adapters.standins.stripe.server import StandIn
from chaos.plan import Plan
from chaos.post import Post, Tray
from domain.errors import Unavailable
from rig import books
from rig.nursery import Nursery
from rig.ports import LOOPBACK, free_port
from rig.postgres import Postgres
from rig.processes import ROOT, GatewayProcess, WorkerProcess, environment
from rig.proxy import Proxy
from rig.servers import Server, open_server
from settings import Settings
from workers.namespace import prepare
from workflows.plugin import PLUGIN

WORKERS = 3
SUPERVISED_SECONDS = 120
SKIPS = 2000
"""Timers that one fast-forward may pass."""


@dataclass
class Slot:
    """A worker's place: whoever works there talks to the server through this network."""

    number: int
    network: Proxy
    settings: dict[str, str]
    log: Path
    nursery: Nursery
    worker: WorkerProcess
    old: bool = False

    async def start(self, crash: str = "", root: Path | None = None) -> None:
        """A new worker, once its predecessor is gone, and again while what it needs is away, as whoever supervises it
        would. `root`: the checkout whose code it runs, when not ours. Raises Unavailable when it does not come up."""
        self.old = root is not None
        deadline = time.monotonic() + SUPERVISED_SECONDS
        while True:
            self.worker = WorkerProcess(self.settings, self.log, root or ROOT, None if root else self.nursery)
            await asyncio.to_thread(self.worker.start, crash)
            try:
                await asyncio.to_thread(self.worker.ready)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def kill(self) -> None:
        await asyncio.to_thread(self.worker.kill)

    async def died(self) -> bool:
        return not await asyncio.to_thread(lambda: self.worker.alive)


@dataclass
class House:
    server: Server
    postgres: Postgres
    client: Client
    skipper: TimeSkipper
    engine: Engine
    settings: Settings
    slots: list[Slot]
    gateway: GatewayProcess
    post: Post | Tray
    stripe: StandIn
    struck: float = 0.0
    """When the last fault struck, on the machine's clock: a fault may hold a letter back that was held back before."""

    def strike(self) -> None:
        self.struck = time.monotonic()


@asynccontextmanager
async def open_house(plan: Plan, folder: Path, report: Callable[[str], None]) -> AsyncIterator[House]:
    """Raises Unavailable in one line for what is missing."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(open_server(plan.server, folder, report=report))
        postgres = server.postgres or _postgres(stack)
        url = postgres.url(postgres.create(name="books"))
        await asyncio.to_thread(books.furnish, url, datetime.now(UTC) - timedelta(days=3))
        client = await Client.connect(server.address, plugins=[PLUGIN])
        await prepare(client, client.namespace)
        engine = open_engine(url)
        stack.callback(engine.dispose)
        settings = Settings(var=folder, database_url=SecretStr(url))
        post, mail = _post(stack, plan, settings)
        port = free_port()
        stripe = stack.enter_context(StandIn(webhook_url=f"http://{LOOPBACK}:{port}/webhooks/stripe"))
        more = {
            **mail,
            "DUELY_PAYMENT": "stripe",
            "STRIPE_API_KEY": stripe.secret_key,
            "STRIPE_API_BASE": stripe.base,
            "STRIPE_WEBHOOK_SECRET": stripe.webhook_secret,
            "DUELY_GATEWAY_PORT": str(port),
            "DUELY_WORKER_DRAIN": "5",
        }
        nursery = Nursery(folder / "nursery.log", ROOT)
        stack.callback(nursery.stop)
        slots = [await _slot(stack, number, server, url, folder, nursery, more) for number in range(WORKERS)]
        gateway = GatewayProcess(
            environment(server.address, url, folder, **more), folder / "gateway.log", nursery=nursery
        )
        stack.callback(gateway.kill)
        gateway.start()
        skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=SKIPS))
        await asyncio.gather(*(slot.start() for slot in slots), asyncio.to_thread(gateway.ready))
        yield House(server, postgres, client, skipper, engine, settings, slots, gateway, post, stripe)


def _postgres(stack: AsyncExitStack) -> Postgres:
    """Three workers are more than a file of SQLite is for; whoever runs that many has a server."""
    postgres = Postgres(durable=True)
    stack.callback(postgres.stop)
    return postgres


def _post(stack: AsyncExitStack, plan: Plan, settings: Settings) -> tuple[Post | Tray, dict[str, str]]:
    if plan.mail == "outbox":
        return Tray(settings.outbox), {"DUELY_MAIL": "outbox"}
    post = Post()
    post.start()
    stack.callback(post.stop)
    return post, {"DUELY_MAIL": "smtp", "SMTP_URL": post.url}


async def _slot(
    stack: AsyncExitStack, number: int, server: Server, url: str, folder: Path, nursery: Nursery, more: dict[str, str]
) -> Slot:
    network = Proxy(int(server.address.rpartition(":")[2]))
    await network.back()
    stack.push_async_callback(network.gone)
    settings = environment(network.address, url, folder, **more)
    log = folder / f"worker{number}.log"
    slot = Slot(number, network, settings, log, nursery, WorkerProcess(settings, log, nursery=nursery))
    stack.push_async_callback(slot.kill)
    return slot
