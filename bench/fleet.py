"""A fleet as production runs it: the real Temporal server and the books on one Postgres, workers and gateways as
processes. Says what processor time and room each part uses. It decides nothing about what is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client

from adapters.books.engine import open_engine
from adapters.books.migrate import upgrade
from adapters.books.seed import apply_seed, load_seed
from rig.postgres import Postgres
from rig.processes import GatewayProcess, Process, WorkerProcess, environment
from rig.servers import Server
from settings import Settings
from workers.codec import plugin_of
from workers.namespace import prepare
from workers.up import DEMO

SELLERS = 8
START_SECONDS = 180
STORES = ("temporal", "temporal_visibility")
BY_TABLE = (
    "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'"
    " AND relnamespace = 'public'::regnamespace"
)
"""With indexes, with what lies outside the row, and with dead rows that were not yet taken away."""

Spent = dict[str, float]
"""Seconds of processor by part: ours, server, temporal (its databases), books, postgres (the rest), load."""


@dataclass(frozen=True)
class Place:
    """A namespace with books of its own, whose sellers are `sellers`. `folder` is its DUELY_VAR."""

    server: Server
    name: str
    folder: Path
    url: str
    client: Client
    engine: Engine

    @property
    def sellers(self) -> list[str]:
        return [f"clock{number:02d}" for number in range(1, SELLERS + 1)]

    @contextmanager
    def workers(self, count: int, **more: str) -> Iterator[list[Process]]:
        with self._running([self._process(WorkerProcess, number, more) for number in range(count)]) as running:
            yield running

    @contextmanager
    def gateways(self, ports: Sequence[int]) -> Iterator[list[Process]]:
        made = [self._process(GatewayProcess, at, {"DUELY_GATEWAY_PORT": str(port)}) for at, port in enumerate(ports)]
        with self._running(made) as running:
            yield running

    def _process(self, kind: type[WorkerProcess | GatewayProcess], number: int, more: Mapping[str, str]) -> Process:
        given = environment(self.server.address, self.url, self.folder, namespace=self.name, **more)
        return kind(given, self.folder / f"{kind.__name__}-{number}.log")

    @contextmanager
    def _running(self, processes: list[Process]) -> Iterator[list[Process]]:
        try:
            for each in processes:
                each.start()
            for each in processes:
                each.ready(START_SECONDS)
            yield processes
        finally:
            for each in processes:
                each.kill()


async def place(server: Server, name: str, policy: str = "") -> Place:
    """Fresh books with the demo's parties and sellers, under `policy`: the rules of TOML, by default the demo's."""
    folder = server.folder / name
    folder.mkdir()
    url = server.books(name)
    settings = Settings(var=folder, database_url=SecretStr(url))
    upgrade(settings.database_url.get_secret_value())
    engine = open_engine(settings.database_url.get_secret_value())
    apply_seed(engine, load_seed(_seed(folder, policy)), datetime.now(UTC))
    client = await Client.connect(server.address, namespace=name, plugins=[plugin_of(settings)])
    await prepare(client, name)
    return Place(server, name, folder, url, client, engine)


def _seed(folder: Path, policy: str) -> Path:
    text = DEMO.read_text("utf-8").replace("count = 40", f"count = {SELLERS}")
    if policy:
        text = text.replace('policy = "standard"', 'policy = "measured"') + f"\n[policies.measured]\n{policy}\n"
    path = folder / "seed.toml"
    path.write_text(text, encoding="utf-8")
    return path


def spent(here: Place, ours: Sequence[Process]) -> Spent:
    """Until now, by processes that live; `ours` are workers or gateways."""
    load = os.times()
    found = {
        "ours": sum(each.cpu_seconds for each in ours),
        "server": _cpu(psutil.Process(here.server.machine.pid)),
        **dict.fromkeys(("temporal", "books", "postgres"), 0.0),
        "load": load.user + load.system,
    }
    for backend in psutil.Process(_postmaster(_postgres(here))).children():
        found[_part(backend, here.name)] += _cpu(backend)
    return found


def difference(after: Spent, before: Spent) -> Spent:
    return {part: max(0.0, seconds - before[part]) for part, seconds in after.items()}


def room(here: Place) -> dict[str, int]:
    """Bytes by table of Temporal's two databases and of the books, named `database.table`."""
    found: dict[str, int] = {}
    for database in (*STORES, here.name):
        with psycopg.connect(_postgres(here).url(database)) as connection:
            name = "books" if database == here.name else database
            found |= {f"{name}.{table}": size for table, size in connection.execute(BY_TABLE)}
    return found


def _postgres(here: Place) -> Postgres:
    assert here.server.postgres is not None, "a fleet stands on Postgres"
    return here.server.postgres


def _postmaster(postgres: Postgres) -> int:
    return int((postgres.folder / "data" / "postmaster.pid").read_text().split()[0])


def _part(backend: psutil.Process, books: str) -> str:
    """Postgres writes into a backend's title which database it works for."""
    try:
        words = " ".join(backend.cmdline()).split()
    except psutil.Error:
        return "postgres"
    if any(word in STORES for word in words):
        return "temporal"
    return "books" if books in words else "postgres"


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
