"""A house with a namespace and a database of its own for every test, whose workers the test starts and ends itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import Worker

from adapters.books.engine import open_engine
from adapters.mail.port import Mail
from rig import books
from rig.nursery import Nursery
from rig.processes import ROOT, WorkerProcess, environment
from settings import Settings
from tests.conftest import SEEDED_AT, Databases
from tests.faults.requests import request, workflow_id
from tests.workflows.life import Life
from workers import binary, wiring
from workers.connect import TASK_QUEUE
from workers.devserver import DevServer
from workers.namespace import prepare
from workflows.plugin import PLUGIN

Hire = Callable[..., WorkerProcess]


def seed_swift(url: str) -> None:
    books.furnish(url, SEEDED_AT)


@dataclass(frozen=True)
class House:
    """Everything a worker needs, and its client. `demo` bills on real time, `clock01` … on virtual clocks."""

    client: Client
    engine: Engine
    settings: Settings
    skipper: TimeSkipper

    def worker(self, mail: Mail | None = None) -> Worker:
        return wiring.worker(self.client, self.settings, self.engine, mail)

    async def bill(self, seller: str, number: int, **more: Any) -> Life:
        """Starts the invoice of that number, as a client does who wants a killed worker missed within seconds."""
        id_ = workflow_id(seller, number)
        await self.skipper.client.start_workflow(
            "Invoice",
            request(seller, number, **more),
            id=id_,
            task_queue=TASK_QUEUE,
            task_timeout=timedelta(seconds=2),
        )
        return Life(self.client.get_workflow_handle(id_), self.client, self.skipper, self.engine, self.settings.outbox)


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    folder = tmp_path_factory.mktemp("temporal")
    async with DevServer(binary.find(), folder, headless=True, persist=False) as running:
        yield running


@pytest.fixture(scope="session")
def books_on_disk(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases("sqlite", tmp_path_factory.mktemp("books"), None)


async def furnish(server: DevServer, url: str, folder: Path) -> House:
    client = await Client.connect(server.address, namespace=folder.name, plugins=[PLUGIN])
    await prepare(client, client.namespace)
    settings = Settings(var=folder, database_url=SecretStr(url), worker_drain=1)
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=2000))
    return House(client, open_engine(url), settings, skipper)


@pytest.fixture
async def house(
    server: DevServer, books_on_disk: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    made = await furnish(server, books_on_disk.copy(seed_swift), tmp_path_factory.mktemp("house"))
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    found = Nursery(tmp_path_factory.mktemp("nursery") / "log", ROOT)
    yield found
    found.stop()


@pytest.fixture
def hire(house: House, server: DevServer, nursery: Nursery) -> Iterator[Hire]:
    """Makes workers of the house, with settings of their own; none outlives the test."""
    made: list[WorkerProcess] = []

    def one(**settings: str) -> WorkerProcess:
        url, var = house.settings.database_url.get_secret_value(), house.settings.var
        ours = environment(server.address, url, var, namespace=house.client.namespace, **settings)
        made.append(WorkerProcess(ours, var / "worker.log", nursery=nursery))
        return made[-1]

    yield one
    for worker in made:
        worker.kill()


@pytest.fixture
def worker(hire: Hire) -> WorkerProcess:
    return hire()


def today() -> datetime:
    """Real time, for receivables that live on it."""
    return datetime.now(UTC)


@pytest.fixture
def now() -> datetime:
    return today()
