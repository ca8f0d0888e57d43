"""The place of a measurement: one dev server with files, and for each thing measured a namespace, books and a worker
process of its own. It measures nothing but what processes use; it writes only below its folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client

from adapters.books.engine import open_engine
from adapters.books.migrate import upgrade
from adapters.books.seed import apply_seed, load_seed
from bench.timing import Spent
from bench.worker import READY, spent_file
from rig.servers import Server, open_server
from settings import Settings
from workers.codec import plugin_of
from workers.namespace import prepare
from workers.up import DEMO

ROOT = Path(__file__).resolve().parents[1]
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 60.0
CUSTOMERS, CONTACTS = 20, 100
"""Whom invoices are spread over, and reminders: a contact takes a hundred a day."""
AT_ONCE = {
    "window": '{ start = "00:00", end = "23:59", days = [1, 2, 3, 4, 5, 6, 7], holidays = true }',
    "ladder": '[{ at = "D+1", template = "reminder", tone = "friendly", after_outage = "send_now" }]',
    "grace_after_delivery": '"0d"', "settlement_days": "0", "per_contact_per_day": "100",
}  # fmt: skip
"""A policy that reminds at any hour of what is overdue since yesterday: what a morning's burst is made of."""


@dataclass(frozen=True)
class Place:
    """A namespace with books. `folder` is its DUELY_VAR."""

    name: str
    address: str
    client: Client
    settings: Settings
    engine: Engine

    @property
    def folder(self) -> Path:
        return self.settings.var

    @property
    def environment(self) -> dict[str, str]:
        ours = {"TEMPORAL_ADDRESS": self.address, "TEMPORAL_NAMESPACE": self.name, "DUELY_VAR": str(self.folder)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DUELY_", "TEMPORAL_"))}
        return kept | ours


class Process:
    """A process of ours. Its processor time and memory are what the kernel says of it."""

    def __init__(self, module: str, arguments: Sequence[str], place: Place, **more: str):
        self._place = place
        with (place.folder / "processes.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments], cwd=ROOT, env=place.environment | more,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    async def says(self) -> str:
        """Its next line. RuntimeError with its last words when it has ended instead."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), PATIENCE)
        if not line:
            log = (self._place.folder / "processes.log").read_text("utf-8", "replace").strip()
            raise RuntimeError(f"a process ended at once: {log.splitlines()[-1] if log else 'it said nothing'}")
        return line.decode().strip()

    def cpu(self) -> float:
        return cpu_of(self.pid)

    def resident(self) -> int:
        return resident_of(self.pid)

    async def spent(self) -> Spent:
        """Where a worker's time went until now."""
        path = spent_file(self._place.folder, self.pid)
        path.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        async with asyncio.timeout(PATIENCE):
            while not path.exists():  # noqa: ASYNC110 another process writes it
                await asyncio.sleep(0.01)
        found: Spent = json.loads(path.read_bytes())
        return found

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            await asyncio.to_thread(self._process.wait, 30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        if self._process.stdout is not None:
            self._process.stdout.close()


@dataclass
class House:
    folder: Path
    server: Server

    @property
    def server_pid(self) -> int:
        pid = self.server.machine.pid
        assert pid is not None, "the server runs"
        return pid

    async def place(self, name: str) -> Place:
        """Fresh books with the demo's parties, a seller `now` who reminds at any hour, and a namespace."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        settings = Settings(var=folder, worker_drain=1, database_url=SecretStr(f"sqlite:///{folder / 'duely.db'}"))
        upgrade(settings.database_url.get_secret_value())
        engine = open_engine(settings.database_url.get_secret_value())
        apply_seed(engine, load_seed(_seed(folder)), datetime.now(UTC))
        client = await Client.connect(self.server.address, namespace=name, plugins=[plugin_of(settings)])
        await prepare(client, name)
        return Place(name, self.server.address, client, settings, engine)


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[House]:
    """A dev server with files."""
    async with open_server("dev", folder / "temporal") as server:
        yield House(folder, server)


@contextlib.asynccontextmanager
async def worker(place: Place, kind: str = "invoice", *flags: str) -> AsyncIterator[Process]:
    """A worker of that place while the block runs."""
    process = await started(place, kind, *flags)
    try:
        yield process
    finally:
        await process.stop()


async def started(place: Place, kind: str = "invoice", *flags: str) -> Process:
    process = Process("bench.worker", [kind, *flags], place)
    assert await process.says() == READY
    return process


def cpu_of(pid: int) -> float:
    """Seconds of processor time of all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_of(pid: int) -> int:
    """Bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _seed(folder: Path) -> Path:
    """The demo's seed with a seller more, `now`, whose ladder has one rung, and with `CONTACTS` by number."""
    text = DEMO.read_text("utf-8").replace("count = 40", "count = 1")
    now = text[text.index("[sellers.demo]") : text.index("[policies.")].replace("sellers.demo", "sellers.now")
    now = "\n".join(line for line in now.splitlines() if not line.startswith("copies"))
    now = now.replace('policy = "standard"', 'policy = "now"')
    rules = "\n".join(f"{key} = {value}" for key, value in AT_ONCE.items())
    path = folder / "seed.toml"
    globex = text[text.index("[customers.globex]") : text.index("[customers.initech]")]
    many = (globex.replace("globex", f"c{number:03d}") for number in range(CONTACTS))
    whole = "\n".join([text, now, f'[policies.now]\nmode = "auto"\n{rules}\n', *many])
    path.write_text(whole, encoding="utf-8")
    return path
