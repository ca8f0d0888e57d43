"""A house with a namespace and a database of its own for every test, whose workers the test starts and ends itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
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
from adapters.books.seed import apply_seed, load_seed
from adapters.mail.port import Mail
from settings import Settings
from tests.conftest import SEEDED_AT, Databases, seed_demo
from tests.faults.requests import request, workflow_id
from tests.workflows.life import Life
from workers import binary, wiring
from workers.connect import TASK_QUEUE
from workers.devserver import DevServer
from workers.namespace import prepare
from workflows.plugin import PLUGIN

ROOT = Path(__file__).parents[2]
POLICIES = Path(__file__).with_name("policies.toml")


def seed_swift(url: str) -> None:
    seed_demo(url)
    engine = open_engine(url)
    apply_seed(engine, load_seed(POLICIES), SEEDED_AT)
    engine.dispose()


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


@dataclass
class WorkerProcess:
    """A worker as a process: started, killed, started again. Its last words are in `log`."""

    house: House
    address: str
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.house.settings.var / "worker.log"

    def start(self, *arguments: str) -> None:
        settings = self.house.settings
        ours = ("DUELY_", "TEMPORAL_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment |= {
            "TEMPORAL_ADDRESS": self.address,
            "TEMPORAL_NAMESPACE": self.house.client.namespace,
            "DUELY_VAR": str(settings.var),
            "DUELY_DATABASE_URL": settings.database_url.get_secret_value(),
            **self.environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.worker_process", *arguments],
                cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed, nobody is told."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def died(self, seconds: float = 60) -> int:
        assert self.process is not None
        return self.process.wait(seconds)


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


@pytest.fixture
def worker(house: House, server: DevServer) -> Iterator[WorkerProcess]:
    made = WorkerProcess(house, server.address)
    yield made
    made.kill()


def today() -> datetime:
    """Real time, for receivables that live on it."""
    return datetime.now(UTC)


@pytest.fixture
def now() -> datetime:
    return today()
