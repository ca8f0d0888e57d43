"""A house with a namespace and a database of its own for every test, whose workers the test starts and ends itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.books.engine import open_engine
from adapters.books.seed import apply_seed, load_seed
from settings import Settings
from tests.conftest import SEEDED_AT, Databases, seed_demo
from tests.workflows.conftest import House
from workers import binary
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
    """The house of one test: `demo` bills on real time, `clock01` … on virtual clocks."""
    client = await Client.connect(server.address, namespace=folder.name[-60:].strip("-_."), plugins=[PLUGIN])
    await prepare(client, client.namespace)
    settings = Settings(var=folder, database_url=SecretStr(url), worker_drain=1)
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=2000))
    sellers = (f"clock{number:02d}" for number in range(1, 41))
    return House(client, open_engine(url), settings, skipper, sellers)


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
