"""Where the demo plays: the books of the settings, outbox and archive, a real server, a worker and the gateway in this
process, and around them a Stripe and a SendGrid that are not the real ones.

On a server of its own the worker has the queue `duely`; on one that `TEMPORAL_ADDRESS` names it has a queue of this
run, because the worker of somebody else's books must not take the demo's invoices.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.books import migrate, seed, views
from adapters.books.engine import open_engine
from adapters.mail.outbox import Outbox
from adapters.mail.sendgrid import SendGrid
from cli.stories.outside import Outside, outside
from cli.stories.post import Post, Reported
from domain.errors import Refused, Unavailable
from settings import Settings
from workers import binary, wiring
from workers.codec import plugin_of
from workers.connect import TASK_QUEUE, connect, external_address, namespace
from workers.devserver import DevServer, Endpoint
from workers.logs import Line
from workers.namespace import prepare

SEEDS = Path(__file__).parents[2] / "templates" / "seed"
LOG = Path("demo", "worker.log")
STORIES_AT_MOST = {"clock": 14, "bank": 6, "shadow": 1}
"""By the first letters of the sellers' keys: those of `demo.toml` and those of `stories.toml`."""
SKIPS = 2_000  # of one clock; the server's own limit of 200 would stop it without a word


@dataclass(frozen=True, slots=True)
class Stage:
    """`run` is part of every reference: outbox and server may hold the invoices of an earlier run. `sellers` have no
    invoice yet: each story runs on a virtual clock, and one clock must not date another's numbers. What
    `by_sendgrid` starts is mailed by a worker of its own."""

    skipper: TimeSkipper
    server: Endpoint
    engine: Engine
    settings: Settings
    post: Post
    run: str
    sellers: Mapping[str, Sequence[str]]
    outside: Outside
    by_sendgrid: Client

    @property
    def client(self) -> Client:
        return self.skipper.client


@contextlib.asynccontextmanager
async def stage(settings: Settings, report: binary.Report = lambda _: None) -> AsyncIterator[Stage]:
    """Everything up. `report` hears how a missing server is found or built. Refused when another demo plays in the same
    folder or the server cannot skip time."""
    now = datetime.now(UTC)
    run = f"{now:%y%m%d-%H%M%S}"
    with _alone(settings.var / "demo"), _logging(settings.var / LOG):
        async with contextlib.AsyncExitStack() as closing:
            books = asyncio.create_task(asyncio.to_thread(_books, settings, now, run))
            closing.callback(books.cancel)
            server = await closing.enter_async_context(_server(settings, report))
            engine, sellers = await books
            closing.callback(engine.dispose)
            client = await connect(server.address, [plugin_of(settings)])
            await prepare(client, namespace())
            queue = TASK_QUEUE if external_address() is None else f"{TASK_QUEUE}-demo-{run}"
            skipper = _skipper(client, queue)
            await _can_skip(skipper, server.address)
            around = await closing.enter_async_context(outside(settings, engine, skipper.client))
            post = Post(Outbox(settings.outbox))
            reported = Reported(SendGrid(around.sendgrid.api_key, around.sendgrid.url), post)
            for mail, own in ((post, queue), (reported, f"{queue}-sendgrid")):
                await closing.enter_async_context(wiring.worker(client, around.settings, engine, mail, own))
            by_sendgrid = _on_queue(client, f"{queue}-sendgrid")
            yield Stage(skipper, server, engine, around.settings, post, run, sellers, around, by_sendgrid)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The lock ends with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"a demo runs in {folder.parent} already: end it with Ctrl-C, or set DUELY_VAR") from None
        yield


@contextlib.contextmanager
def _logging(file: Path) -> Iterator[None]:
    """The worker tells of every attempt that failed, and stories make some fail: into a file, not between the turns."""
    handler = logging.FileHandler(file, mode="w", encoding="utf-8")
    handler.setFormatter(Line("text"))
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _books(settings: Settings, now: datetime, run: str) -> tuple[Engine, Mapping[str, Sequence[str]]]:
    """The books with the demo's sellers, and those of them whose clock is unused. Books that hold nothing but earlier
    demos are put aside once their clocks are used up."""
    url = settings.database_url.get_secret_value()
    file = make_url(url).database or ""
    for _ in range(2):
        migrate.upgrade(url)
        engine = open_engine(url)
        for name in ("demo.toml", "stories.toml"):
            seed.apply_seed(engine, seed.load_seed(SEEDS / name), now)
        sellers, others = views.unused(engine, tuple(STORIES_AT_MOST))
        if all(len(sellers[prefix]) >= most for prefix, most in STORIES_AT_MOST.items()):
            return engine, sellers
        engine.dispose()
        if others or not url.startswith("sqlite"):
            break
        Path(file).rename(Path(file).with_suffix(f".until-{run}.db"))
    raise Refused(f"the sellers of {file} that a demo may use are used up: set DUELY_VAR to a new folder")


@contextlib.asynccontextmanager
async def _server(settings: Settings, report: binary.Report) -> AsyncIterator[Endpoint]:
    """The one that is named, else an embedded one that keeps nothing: on the usual ports when they are free."""
    external = external_address()
    if external is not None:
        yield Endpoint(external, None)
        return
    program = await asyncio.to_thread(binary.find, report)
    folder = settings.var / "demo"
    usual = DevServer(program, folder, port=settings.temporal_port, ui_port=settings.ui_port, persist=False)
    try:
        await usual.start()
    except Unavailable:
        usual = DevServer(program, folder, persist=False)
        await usual.start()
    try:
        yield usual.endpoint
    finally:
        await usual.stop()


def _skipper(client: Client, queue: str) -> TimeSkipper:
    config = TimeSkippingConfig(enabled=False, max_session_skip_count=SKIPS)
    return TimeSkipper(_on_queue(client, queue), config=config)


def _on_queue(client: Client, queue: str) -> Client:
    config = client.config()
    config["interceptors"] = [*config["interceptors"], OnQueue(queue)]
    return Client(**config)


async def _can_skip(skipper: TimeSkipper, address: str) -> None:
    """Asks for a skip of a workflow that is not there: a server that can says so, another says that it cannot."""
    try:
        await skipper.fast_forward(skipper.client.get_workflow_handle("duely-demo-probe"), timedelta(days=1))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return
        raise Refused(
            f"the server at {address} does not skip time, which the demo needs: start it with --dynamic-config-value "
            "frontend.WorkflowTimeSkippingEnabled=true, or unset TEMPORAL_ADDRESS for an embedded one"
        ) from None


class OnQueue(Interceptor):
    """Starts every workflow on one task queue."""

    def __init__(self, queue: str):
        self._queue = queue

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _OnQueue(next, self._queue)


class _OnQueue(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, queue: str):
        super().__init__(next)
        self._queue = queue

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        input.task_queue = self._queue
        return await super().start_workflow(input)
