"""Whose clocks a demo may use: those of sellers without an invoice, in the books of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.books.engine import open_engine
from cli.stories import stage
from domain.errors import Refused
from settings import Settings
from tests.conftest import SEEDED_AT
from tests.story import Story

RUN = "260301-090000"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var=tmp_path)


def bill(engine: Engine, *sellers: str) -> None:
    for seller in sellers:
        Story(engine, seller, "X").start("globex", "10.00")


def opened(settings: Settings) -> tuple[Engine, list[str]]:
    engine, sellers = stage._books(settings, SEEDED_AT, RUN)
    engine.dispose()
    return open_engine(settings.database_url.get_secret_value()), list(sellers)


def test_used_clocks_are_left_alone(settings: Settings) -> None:
    engine, sellers = opened(settings)
    assert (len(sellers), sellers[0]) == (40, "clock01")
    bill(engine, "clock01", "clock03")
    engine.dispose()
    assert opened(settings)[1][:2] == ["clock02", "clock04"]


def test_books_of_nothing_but_demos_are_put_aside(settings: Settings) -> None:
    engine, sellers = opened(settings)
    bill(engine, *sellers[:31])
    engine.dispose()
    assert len(opened(settings)[1]) == 40
    aside = list(settings.var.glob(f"*.until-{RUN}.db"))
    assert len(aside) == 1
    assert aside[0].stat().st_size > 0


def test_real_books_are_never_put_aside(settings: Settings) -> None:
    engine, sellers = opened(settings)
    bill(engine, "demo", *sellers[:31])
    engine.dispose()
    with pytest.raises(Refused, match="used up"):
        stage._books(settings, SEEDED_AT, RUN)
    assert not list(settings.var.glob("*.until-*"))
