"""The gateway as its callers meet it: HTTP on a port of its own, real books, and a real Temporal server where a test
asks for one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client

from adapters.books import api_keys
from adapters.books.engine import open_engine
from domain import links
from domain.errors import Unavailable
from gateway.app import make_app
from gateway.house import ClientFactory
from gateway.serving import serving
from settings import Settings
from tests.conftest import Databases, seed_demo
from tests.story import Story
from tests.workflows.conftest import House, postgres_house, seeded_folder, server, sqlite_house
from workers import binary
from workers.connect import connect
from workers.devserver import DevServer
from workflows.plugin import PLUGIN

__all__ = ["House", "postgres_house", "seeded_folder", "server", "sqlite_house"]

SECRET = "whsec_test"
PUBLIC_KEY = b64encode(
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
"""As SendGrid shows one; nobody has the private half."""


@dataclass
class Gateway:
    """`http`: a client without a key. `key(...)` makes one; `as_(key)` are the headers that show it."""

    url: str
    http: httpx.AsyncClient
    engine: Engine
    settings: Settings

    def key(self, *scopes: str, by: str = "crm", seller: str | None = None) -> str:
        return api_keys.add(self.engine, by, scopes or tuple(api_keys.SCOPES), seller, datetime.now(UTC))

    def as_(self, *scopes: str, by: str = "crm", seller: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key(*scopes, by=by, seller=seller)}"}

    def token(self, workflow_id: str) -> str:
        return links.token(self.settings.signing_secret().get_secret_value(), links.CUSTOMER, workflow_id)


async def nobody() -> Client:
    raise Unavailable("no Temporal server answers")


Open = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def opened(unused_tcp_port_factory: Any) -> Open:
    """Serves the gateway while a block runs."""

    @asynccontextmanager
    async def serve(settings: Settings, engine: Engine, factory: ClientFactory = nobody) -> AsyncIterator[Gateway]:
        app = make_app(settings, engine, factory)
        async with (
            serving(app, "127.0.0.1", unused_tcp_port_factory(), settings.trusted_proxies) as url,
            httpx.AsyncClient(base_url=url, timeout=60) as http,
        ):
            yield Gateway(url, http, engine, settings)

    return serve


def settings_of(folder: Path, url: str, **more: Any) -> Settings:
    found = Settings(var=folder, database_url=SecretStr(url), stripe_webhook_secret=SecretStr(SECRET))
    return found.model_copy(update=more)


@pytest.fixture
async def offline(opened: Open, seeded: Engine, seeded_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """On the demo's books, both kinds of database; no Temporal server answers."""
    async with opened(settings_of(tmp_path, seeded_url), seeded) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def demo_books(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases("sqlite", tmp_path_factory.mktemp("books"), None)


@pytest.fixture
def demo_url(demo_books: Databases) -> str:
    """The demo's books of this test's own, SQLite only."""
    return demo_books.copy(seed_demo)


@pytest.fixture
def demo(demo_url: str) -> Iterator[Engine]:
    engine = open_engine(demo_url)
    yield engine
    engine.dispose()


@pytest.fixture
async def bare(opened: Open, demo: Engine, demo_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """The same as `offline`, SQLite only, for what no database changes."""
    async with opened(settings_of(tmp_path, demo_url), demo) as gateway:
        yield gateway


@pytest.fixture
async def gateway(opened: Open, sqlite_house: House) -> AsyncIterator[Gateway]:
    """Before a house where a worker works."""

    async def client() -> Client:
        return sqlite_house.client

    keys = {
        "stripe_webhook_secret": SecretStr(SECRET),
        "sendgrid_webhook_public_key": SecretStr(PUBLIC_KEY),
        "inbound_key": SecretStr("k" * 40),
    }
    settings = sqlite_house.settings.model_copy(update=keys)
    async with opened(settings, sqlite_house.engine, client) as found:
        yield found


@pytest.fixture
def story(demo: Engine, tmp_path: Path) -> Story:
    """ORD-1 of `demo`, drafted, on the books of `bare`."""
    told = Story(demo, "demo", "ORD-1", tmp_path / "archive")
    told.start("globex", "1000.00")
    return told


@pytest.fixture(scope="session")
async def quiet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    """A server where nobody works: what is handed over waits there."""
    folder = tmp_path_factory.mktemp("quiet")
    async with DevServer(binary.find(), folder, headless=True, persist=False) as running:
        yield running


@pytest.fixture
async def client(quiet: DevServer) -> Client:
    return await connect(quiet.address, [PLUGIN])


@pytest.fixture
async def taking(opened: Open, demo: Engine, demo_url: str, tmp_path: Path, client: Client) -> AsyncIterator[Gateway]:
    async def known() -> Client:
        return client

    async with opened(settings_of(tmp_path, demo_url), demo, known) as gateway:
        yield gateway
