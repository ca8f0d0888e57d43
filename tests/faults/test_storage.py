"""The database locked or gone, the archive full or out of order: steps are repeated until it is back, then everything
has happened once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from adapters.books.engine import open_engine
from adapters.books.verify import verify
from rig.postgres import Postgres
from rig.proxy import Proxy
from tests.conftest import Databases
from tests.faults.conftest import House, furnish, seed_swift
from tests.faults.requests import bill_once
from tests.faults.test_mail_server import NUMBER, exceptions
from tests.workflows.life import Life
from workers.devserver import DevServer

SELLER = "demo"
PATIENCE = 60


async def start(house: House) -> Life:
    return await house.bill(SELLER, NUMBER)


async def repeated(life: Life, step: str) -> str:
    """Waits until the server repeats that step; answers why it failed."""
    deadline = time.monotonic() + PATIENCE
    while True:
        described = await life.handle.describe()
        for pending in described.raw_description.pending_activities:
            if pending.activity_type.name == step and pending.attempt > 1:
                return pending.last_failure.message
        assert time.monotonic() < deadline, f"{step} was never repeated"
        await asyncio.sleep(0.05)


async def ends_well(house: House, life: Life) -> None:
    await life.until(lambda said: said["state"] == "collecting", PATIENCE)
    assert len(life.mails("invoice")) == 1
    assert verify(house.engine, house.settings.archive) == []


async def test_sqlite_locked_by_another_process(house: House, now: datetime) -> None:
    bill_once(house.engine, SELLER, now)
    file = str(make_url(house.settings.database_url.get_secret_value()).database)
    async with house.worker():
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            life = await start(house)
            reason = await repeated(life, "draft")
            other.execute("ROLLBACK")
        await ends_well(house, life)
    assert "locked" in reason


async def test_sqlite_file_gone_for_a_while(house: House, now: datetime) -> None:
    """A volume that is not mounted."""
    bill_once(house.engine, SELLER, now)
    file = Path(str(make_url(house.settings.database_url.get_secret_value()).database))
    house.engine.dispose()
    away = file.parent.with_name("away")
    async with house.worker():
        file.parent.rename(away)
        try:
            life = await start(house)
            reason = await repeated(life, "draft")
        finally:
            away.rename(file.parent)
        await ends_well(house, life)
    assert "database" in reason


@pytest.fixture
async def far(
    server: DevServer, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[House, Proxy, str]]:
    """A house whose Postgres is behind a proxy, and the way around it."""
    folder = tmp_path_factory.mktemp("far")
    databases = Databases("postgres", folder, postgres)
    direct = databases.copy(seed_swift)
    proxy = Proxy(postgres.port)
    await proxy.back()
    url = make_url(direct).set(port=proxy.port).render_as_string(hide_password=False)
    house = await furnish(server, url, folder)
    yield house, proxy, direct
    house.engine.dispose()
    await proxy.gone()
    databases.remove(direct)


async def test_postgres_gone_for_a_while(far: tuple[House, Proxy, str], now: datetime) -> None:
    house, proxy, direct = far
    engine = open_engine(direct)
    bill_once(engine, SELLER, now)
    async with house.worker():
        await proxy.gone()
        life = await start(house)
        reason = await repeated(life, "draft")
        await proxy.back()
        await life.until(lambda said: said["state"] == "collecting", PATIENCE)
    assert len(life.mails("invoice")) == 1
    assert verify(engine, house.settings.archive) == []
    engine.dispose()
    assert "does not answer" in reason


async def test_postgres_row_locked_by_another(far: tuple[House, Proxy, str], now: datetime) -> None:
    house, _, direct = far
    engine = open_engine(direct)
    bill_once(engine, SELLER, now)
    async with house.worker():
        with psycopg.connect(direct) as other:
            other.execute("SELECT 1 FROM sellers WHERE key = %s FOR UPDATE", (SELLER,))
            life = await start(house)
            reason = await repeated(life, "draft")
            other.rollback()
        await life.until(lambda said: said["state"] == "collecting", PATIENCE)
    assert len(life.mails("invoice")) == 1
    assert verify(engine, house.settings.archive) == []
    engine.dispose()
    assert "holds the lock" in reason


async def test_archive_out_of_order(house: House, now: datetime) -> None:
    """A file where the folder should be, as when a mount went wrong."""
    bill_once(house.engine, SELLER, now)
    house.settings.archive.touch()
    async with house.worker():
        life = await start(house)
        reason = await repeated(life, "send")
        assert life.mails("invoice") == []
        house.settings.archive.unlink()
        await ends_well(house, life)
    assert "archive" in reason


@pytest.fixture
def tiny_archive(house: House) -> Iterator[Path]:
    """A real file system with room for less than one document."""
    folder = house.settings.archive
    folder.mkdir(parents=True)
    mounted = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", "size=8k", "none", str(folder))
    if not mounted:
        pytest.skip("may not mount a small file system here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


async def test_archive_disk_full(house: House, now: datetime, tiny_archive: Path) -> None:
    bill_once(house.engine, SELLER, now)
    async with house.worker():
        life = await start(house)
        reason = await repeated(life, "send")
        assert list(tiny_archive.iterdir()) == []
        assert life.mails("invoice") == []
        assert _mount("-o", "remount,size=10m", str(tiny_archive))
        await ends_well(house, life)
    assert "No space left" in reason


async def test_archive_full_for_hours_is_an_exception(house: House, now: datetime) -> None:
    """Growing gaps, and one exception that goes when the letter does."""
    bill_once(house.engine, "clock01", now)
    house.settings.archive.touch()
    async with house.worker():
        life = await house.bill("clock01", NUMBER)
        await repeated(life, "send")
        await life.forward(1)
        assert exceptions(house, life) == [("delivery_failing", None)]
        house.settings.archive.unlink()
        await life.forward(2)
        await ends_well(house, life)
    assert exceptions(house, life) == [("delivery_failing", "sent")]
    times = [why.at for why in life.whys("moved")]
    least = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(hours=12))
    assert all(after - before >= gap for before, after, gap in zip(times, times[1:], least, strict=False)), times
