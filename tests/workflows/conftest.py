"""One real Temporal server for the whole folder, with a namespace, a worker and a seeded database for each kind."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from adapters.books.engine import open_engine
from adapters.books.migrate import upgrade
from adapters.books.seed import apply_seed, load_seed
from adapters.payment.port import Payments
from adapters.standins.stripe.server import StandIn
from gateway.app import make_app
from gateway.serving import serving
from settings import Settings
from tests.conftest import DEMO, KINDS, SEEDED_AT, Databases
from tests.workflows.life import Life, request
from tests.workflows.till import Till
from workers import binary, wiring
from workers.codec import plugin_of
from workers.connect import TASK_QUEUE
from workers.devserver import DevServer
from workers.namespace import prepare

SELLERS = 75


def seed_many(url: str, folder: Path) -> None:
    """The demo's seed with a seller for every virtual clock this folder could want."""
    text = DEMO.read_text(encoding="utf-8").replace("count = 40", f"count = {SELLERS}")
    path = folder / "seed.toml"
    path.write_text(text, encoding="utf-8")
    upgrade(url)
    engine = open_engine(url)
    apply_seed(engine, load_seed(path), SEEDED_AT)
    engine.dispose()


@dataclasses.dataclass
class House:
    """Everything a worker needs, and its client. `clock()` is a seller that nobody else uses."""

    client: Client
    engine: Engine
    settings: Settings
    skipper: TimeSkipper
    sellers: Iterator[str]

    def worker(self, payments: Payments | None = None) -> Worker:
        return wiring.worker(self.client, self.settings, self.engine, payments=payments)

    def clock(self) -> str:
        return next(self.sellers)

    async def now(self) -> datetime:
        """The business time in which a workflow would start."""
        return datetime.now(UTC)

    def life(self, id_: str) -> Life:
        return Life(self.client.get_workflow_handle(id_), self.client, self.skipper, self.engine, self.settings.outbox)

    async def raw(self, id_: str, *payloads: Any) -> Life:
        """Starts a workflow with these payloads, whatever they are."""
        await self.skipper.client.start_workflow("Invoice", args=list(payloads), id=id_, task_queue=TASK_QUEUE)
        return self.life(id_)

    async def start(self, price: str = "100.00", seller: str = "", reference: str = "ORD-1", **more: Any) -> Life:
        seller = seller or self.clock()
        return await self.raw(f"invoice-{seller}-{reference}", request(seller, reference, price, **more))

    async def issued(self, price: str = "100.00", **more: Any) -> Life:
        """One that was approved, where anybody had to be asked, and delivered."""
        life = await self.start(price, **more)
        said = await life.state("awaiting_approval", "collecting")
        wanted = sum(subject["approvers"] for subject in said["pending"])
        for by in ("ana",) if wanted == 1 else ("ben", "cho")[:wanted]:
            await life.do("approve", by=by)
        await life.state("collecting")
        await life.at_rest()
        return life


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    folder = tmp_path_factory.mktemp("temporal")
    async with DevServer(binary.find(), folder, headless=True, persist=False) as running:
        yield running


async def furnish(address: str, namespace: str, url: str, folder: Path, **more: Any) -> House:
    settings = Settings(var=folder, database_url=SecretStr(url), worker_drain=5, **more)
    client = await Client.connect(address, namespace=namespace, plugins=[plugin_of(settings)])
    await prepare(client, namespace)
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=2000))
    sellers = (f"clock{number:02d}" for number in itertools.count(1))
    return House(client, open_engine(url), settings, skipper, sellers)


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seed")


async def opened(
    kind: str,
    request: pytest.FixtureRequest,
    server: DevServer,
    factory: pytest.TempPathFactory,
    name: str = "",
    **more: Any,
) -> AsyncIterator[House]:
    """`name`: the namespace, by default that of the kind; `more`: further settings."""
    postgres = request.getfixturevalue("postgres") if kind == "postgres" else None
    folder = factory.mktemp(f"house-{kind}")
    url = Databases(kind, folder, postgres).empty()
    seed_many(url, folder)
    house = await furnish(server.address, name or kind, url, folder, **more)
    payments = wiring.payments_of(house.settings)
    async with house.worker(payments):
        yield house
    await payments.close()
    house.engine.dispose()


@pytest.fixture(scope="session")
async def sqlite_house(
    request: pytest.FixtureRequest, server: DevServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async for house in opened("sqlite", request, server, tmp_path_factory):
        yield house


@pytest.fixture(scope="session")
async def postgres_house(
    request: pytest.FixtureRequest, postgres: object, server: DevServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async for house in opened("postgres", request, server, tmp_path_factory):
        yield house


@pytest.fixture(params=KINDS)
def house(request: pytest.FixtureRequest) -> House:
    """Both databases, for what touches locks, types and money."""
    found: House = request.getfixturevalue(f"{request.param}_house")
    return found


async def tills(
    kind: str, request: pytest.FixtureRequest, server: DevServer, factory: pytest.TempPathFactory, port: int
) -> AsyncIterator[Till]:
    """A house of its own that takes money through a Stripe of our own, which tells a real gateway."""
    with StandIn(webhook_url=f"http://127.0.0.1:{port}/webhooks/stripe") as sim:
        keys = {"stripe_api_key": sim.secret_key, "stripe_webhook_secret": sim.webhook_secret}
        more = {name: SecretStr(key) for name, key in keys.items()}
        houses = opened(
            kind, request, server, factory, f"paying-{kind}", payment="stripe", stripe_api_base=sim.base, **more
        )
        async for house in houses:
            app = make_app(house.settings, house.engine, partial(_itself, house.client))
            async with serving(app, "127.0.0.1", port):
                yield Till(house, sim)


async def _itself(client: Client) -> Client:
    return client


@pytest.fixture(scope="session")
async def sqlite_till(
    request: pytest.FixtureRequest,
    server: DevServer,
    tmp_path_factory: pytest.TempPathFactory,
    unused_tcp_port_factory: Callable[[], int],
) -> AsyncIterator[Till]:
    async for till in tills("sqlite", request, server, tmp_path_factory, unused_tcp_port_factory()):
        yield till


@pytest.fixture(scope="session")
async def postgres_till(
    request: pytest.FixtureRequest,
    postgres: object,
    server: DevServer,
    tmp_path_factory: pytest.TempPathFactory,
    unused_tcp_port_factory: Callable[[], int],
) -> AsyncIterator[Till]:
    async for till in tills("postgres", request, server, tmp_path_factory, unused_tcp_port_factory()):
        yield till


@pytest.fixture(params=KINDS)
def till(request: pytest.FixtureRequest) -> Till:
    found: Till = request.getfixturevalue(f"{request.param}_till")
    return found
