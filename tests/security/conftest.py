"""The gateway before whoever means harm: the app itself, every route of it, and a sender of one's own for each
request, so that only the tests about floods meet the pace."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, select
from starlette.routing import Route

from adapters.books import api_keys
from domain import keyring, links
from gateway.app import make_app
from schemas import tables as t
from settings import Settings
from tests.gateway.conftest import bare, demo, demo_books, demo_url, nobody, opened, settings_of
from tests.story import Story

__all__ = ["bare", "demo", "demo_books", "demo_url", "opened"]

PURPOSES = {
    "i": links.CUSTOMER,
    "pay": links.CUSTOMER,
    "a": links.APPROVER,
    "d": links.DESK,
    "s": links.SHEET,
    "c": links.CONTACT,
    "v": links.GENUINE,
}
"""What a signed link is for, by the first part of its path."""

FORM = re.compile(r'name="form" value="([0-9a-f]{64})"')


@dataclass
class Front:
    """`theirs`: a receivable of clock01, `ours` one of demo; both issued."""

    app: FastAPI
    settings: Settings
    engine: Engine
    ours: Story
    theirs: Story
    _senders: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def secret(self) -> str:
        return self.settings.signing_secret().get_secret_value()

    @property
    def routes(self) -> list[tuple[str, Route]]:
        """(method, route) of all there are."""
        found = [route for route in self.app.state.routes if isinstance(route, Route)]
        return [(method, route) for route in found for method in sorted(route.methods or ())]

    def token(self, purpose: str, subject: str = "") -> str:
        return links.token(self.secret, purpose, subject or self.subject(purpose))

    def subject(self, purpose: str) -> str:
        """What a good link of ours would name, where the books hold such a thing."""
        if purpose == links.GENUINE:
            return f"{self.ours.id}/invoice"
        if purpose == links.APPROVER:
            with Session(self.engine) as session:
                query = select(t.Message.key).where(t.Message.invoice == self.ours.id, t.Message.kind == "approval")
                return session.exec(query).first() or ""
        return self.ours.id

    def key(self, *scopes: str, by: str = "crm", seller: str | None = None) -> dict[str, str]:
        made = api_keys.add(self.engine, by, scopes or tuple(api_keys.SCOPES), seller, datetime.now(UTC))
        return {"Authorization": f"Bearer {made}"}

    async def ask(self, method: str, path: str, cookies: Any = None, **more: Any) -> httpx.Response:
        number = next(self._senders)
        transport = httpx.ASGITransport(self.app, client=(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url=self.settings.public_url, cookies=cookies, timeout=60
        ) as http:
            return await http.request(method, path, **more)


def issued(engine: Engine, seller: str, reference: str, folder: Path, **more: Any) -> Story:
    story = Story(engine, seller, reference, folder)
    story.start("globex", "1000.00", **more)
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    return story


@pytest.fixture
def front(demo: Engine, demo_url: str, tmp_path: Path) -> Front:
    settings = settings_of(tmp_path, demo_url, codec_keys=SecretStr(keyring.entry("test", b"k" * 32)))
    folder = tmp_path / "archive"
    ours, theirs = (issued(demo, seller, "ORD-1", folder) for seller in ("demo", "clock01"))
    return Front(make_app(settings, demo, nobody), settings, demo, ours, theirs)
