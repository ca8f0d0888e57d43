"""The rig's servers survive what is done to them, and what is missing is said in one line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain.errors import Invalid, Unavailable
from rig import production
from rig.crashes import POINTS, owner_of
from rig.ports import HIGHEST, LOOPBACK, LOWEST, free_port
from rig.postgres import Postgres
from rig.proxy import Proxy
from rig.servers import open_server


@pytest.fixture
def durable() -> Iterator[Postgres]:
    server = Postgres(durable=True)
    yield server
    server.stop()


def test_a_killed_postgres_has_what_it_confirmed(durable: Postgres) -> None:
    url = durable.url(durable.create())
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    durable.kill()
    durable.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]


def test_the_files_of_a_postgres_outlive_it_where_somebody_wants_them(durable: Postgres, tmp_path: Path) -> None:
    durable.kept = tmp_path / "postgres"
    durable.stop()
    assert (tmp_path / "postgres" / "PG_VERSION").exists()
    assert not durable.folder.exists()


async def test_a_proxy_that_is_silent_holds_back_and_loses_nothing() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(echo, LOOPBACK, port := free_port()):
        proxy = Proxy(port)
        await proxy.back()
        proxy.silent()
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(b"late")
        answer = asyncio.create_task(reader.read(100))
        done, _ = await asyncio.wait({answer}, timeout=0.2)
        assert not done
        await proxy.back()
        assert await answer == b"late"
        writer.close()
        await proxy.gone()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(LOOPBACK, proxy.port)


async def test_what_is_missing_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"install Go .* SERVER=dev$"):
        production.find()
    with pytest.raises(Invalid, match="mysql is none of dev, postgres"):
        async with open_server("mysql", tmp_path):
            pass


def test_a_port_is_not_one_of_those_for_outgoing_connections() -> None:
    assert all(LOWEST <= free_port() < HIGHEST <= 32768 for _ in range(20))


@pytest.mark.parametrize("label", POINTS)
def test_every_crash_point_is_there(label: str) -> None:
    """A method that was renamed would leave its crash point without victims."""
    point = POINTS[label]
    assert callable(getattr(owner_of(point), point.name))
