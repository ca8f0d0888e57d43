"""Databases for every test that asks: SQLite and Postgres, each test with its own fresh copy of a prepared one."""

from __future__ import annotations

import fcntl
import gc
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from adapters.books.engine import open_engine
from adapters.books.migrate import upgrade
from rig.postgres import Postgres
from tests import compiled, invariants

DEMO = Path(__file__).parents[1] / "templates" / "seed" / "demo.toml"
SEEDED_AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
KINDS = ("sqlite", "postgres")

Prepare = Callable[[str], object]


class Databases:
    """Copies of prepared databases. `copy` costs milliseconds; the preparation runs once a session."""

    def __init__(self, kind: str, folder: Path, server: Postgres | None):
        self.kind = kind
        self._folder = folder
        self._server = server
        self._templates: dict[Prepare, str] = {}
        self._made = 0

    def empty(self) -> str:
        """The URL of a database without tables."""
        if self._server:
            return self._server.url(self._server.create())
        self._made += 1
        return f"sqlite:///{self._folder / f'{self._made}.db'}"

    def copy(self, prepare: Prepare, url: str = "") -> str:
        """The URL of a copy of what `prepare(url)` made of an empty database; of `url` itself, put back to it."""
        if prepare not in self._templates:
            self._templates[prepare] = self.empty()
            prepare(self._templates[prepare])
        template = self._templates[prepare]
        if url:
            self.remove(url)
        if self._server:
            name = self._server.create(template.rpartition("/")[2], url.rpartition("/")[2])
            return self._server.url(name)
        url = url or self.empty()
        shutil.copy(template.removeprefix("sqlite:///"), url.removeprefix("sqlite:///"))
        return url

    def remove(self, url: str) -> None:
        if self._server:
            self._server.drop(url.rpartition("/")[2])
        else:
            for suffix in ("", "-wal", "-shm"):
                Path(url.removeprefix("sqlite:///") + suffix).unlink(missing_ok=True)


def seed_demo(url: str) -> None:
    from adapters.books.seed import apply_seed, load_seed

    upgrade(url)
    engine = open_engine(url)
    apply_seed(engine, load_seed(DEMO), SEEDED_AT)
    engine.dispose()


def pytest_configure(config: pytest.Config) -> None:
    # How long an example takes says how busy the machine is; speed is measured by `make bench`.
    settings.register_profile("duely", deadline=None)
    settings.load_profile("duely")
    patch = pytest.MonkeyPatch()
    compiled.share(patch)
    config.add_cleanup(patch.undo)
    # Somebody's `timeout` must not leave a Postgres behind: an orderly exit runs what was registered for it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file begins first: in the end no process waits for it."""
    items.sort(key=lambda item: item.path.name != "test_lives.py")


def pytest_collection_finish() -> None:
    """What lives as long as the process is no garbage: half a million objects, and each full collection would stop all
    threads while it walks them. On a slow machine that takes a second, and the SDK calls a workflow that stands still
    for two deadlocked."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test marked `alone` measures time: none runs beside it in another process of the same run."""
    shared = hasattr(item.config, "workerinput")  # one of several processes, whose folders lie in the run's
    folder = Path(item.config.option.basetemp).parent if shared else None
    with turn(folder, item.get_closest_marker("alone") is not None) if folder else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Whoever sees a test fail that holds an invariant is told which, and how to see it again."""
    report = yield
    if report.failed:
        again = f"reproduce: .venv/bin/python -m pytest '{item.nodeid}'"
        report.sections += [(f"breaks {title}", again) for title in invariants.held_by(item.nodeid)]
    return report


@contextmanager
def turn(folder: Path, alone: bool) -> Iterator[None]:
    """Who wants the room alone keeps the door while waiting, so that it empties."""
    with (folder / "door").open("w") as at_door, (folder / "room").open("w") as in_room:
        fcntl.flock(at_door, fcntl.LOCK_EX)
        fcntl.flock(in_room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(at_door, fcntl.LOCK_UN)
        yield


@pytest.fixture(scope="session", autouse=True)
def characters() -> None:
    """A fresh checkout builds Hypothesis' table of characters once; that counts against no test's time to draw."""
    st.text().validate()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases("sqlite", tmp_path_factory.mktemp("sqlite"), None)


@pytest.fixture(scope="session")
def postgres_databases(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases("postgres", tmp_path_factory.mktemp("postgres"), postgres)


@pytest.fixture(scope="session", params=KINDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Run file by file, tests change between the kinds often: what was prepared for each outlives the change."""
    found: Databases = request.getfixturevalue(f"{request.param}_databases")
    return found


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database without tables."""
    url = databases.empty()
    yield url
    databases.remove(url)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of this test's own."""
    url = databases.copy(upgrade)
    yield url
    databases.remove(url)


@pytest.fixture
def seeded_url(databases: Databases) -> Iterator[str]:
    """A database of this test's own with the demo's sellers, customers, people and policies."""
    url = databases.copy(seed_demo)
    yield url
    databases.remove(url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = open_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def seeded(seeded_url: str) -> Iterator[Engine]:
    made = open_engine(seeded_url)
    yield made
    made.dispose()
