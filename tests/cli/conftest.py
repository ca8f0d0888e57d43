"""The program as its users call it: arguments in, exit code and two streams out, on books of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import settings
from cli.main import main
from tests.story import Story

CONTENT: dict[str, Any] = {
    "seller": "demo",
    "reference": "ORD-1",
    "customer": "globex",
    "currency": "EUR",
    "lines": [{"description": "Work", "quantity": "1", "unit_price": "100.00", "tax": {"category": "S", "rate": "19"}}],
}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Duely = Callable[..., Ended]


@pytest.fixture
def duely(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, unused_tcp_port: int
) -> Iterator[Duely]:
    """Runs one verb in this process; no Temporal server answers."""
    monkeypatch.setenv("DUELY_VAR", str(tmp_path / "var"))
    monkeypatch.setenv("DUELY_TEMPORAL_PORT", str(unused_tcp_port))
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    settings.current.cache_clear()

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["duely", *map(str, arguments)])
        code = main()
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    yield call
    settings.current.cache_clear()


@pytest.fixture
def seeded_duely(duely: Duely, seeded_url: str, monkeypatch: pytest.MonkeyPatch) -> Duely:
    """The same on the demo's books."""
    monkeypatch.setenv("DUELY_DATABASE_URL", seeded_url)
    settings.current.cache_clear()
    return duely


@pytest.fixture
def story(seeded: Any) -> Story:
    """ORD-1 of `demo`, drafted, on the books that `seeded_duely` uses."""
    told = Story(seeded, "demo", "ORD-1")
    told.start("globex", "100.00")
    return told
