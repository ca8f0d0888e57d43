"""Whose clocks a demo may use: those of sellers without an invoice, in the books of the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.books.engine import open_engine
from adapters.books.seed import apply_seed, load_seed
from cli.stories import stage
from domain.errors import Refused
from settings import Settings
from tests.conftest import DEMO, SEEDED_AT
from tests.story import Story

RUN = "260301-090000"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(var=tmp_path)


def bill(engine: Engine, *sellers: str, customer: str) -> None:
    for seller in sellers:
        Story(engine, seller, "X").start(customer, "10.00")


def opened(settings: Settings) -> tuple[Engine, Mapping[str, Sequence[str]]]:
    engine, sellers = stage._books(settings, SEEDED_AT, RUN)
    engine.dispose()
    return open_engine(settings.database_url.get_secret_value()), sellers


def test_used_clocks_are_left_alone(settings: Settings) -> None:
    engine, sellers = opened(settings)
    assert {kind: (len(found), found[0]) for kind, found in sellers.items()} == {
        "clock": (40, "clock01"),
        "bank": (24, "bank01"),
        "shadow": (12, "shadow01"),
    }
    bill(engine, "clock01", "clock03", customer="globex")
    bill(engine, "bank02", customer="acme")
    engine.dispose()
    again = opened(settings)[1]
    assert again["clock"][:2] == ["clock02", "clock04"]
    assert again["bank"][:2] == ["bank01", "bank03"]


@pytest.mark.parametrize(("kind", "customer", "used"), [("clock", "globex", 27), ("bank", "acme", 19)])
def test_books_of_nothing_but_demos_are_put_aside(settings: Settings, kind: str, customer: str, used: int) -> None:
    engine, sellers = opened(settings)
    bill(engine, *sellers[kind][:used], customer=customer)
    engine.dispose()
    assert [len(found) for found in opened(settings)[1].values()] == [40, 24, 12]
    aside = list(settings.var.glob(f"*.until-{RUN}.db"))
    assert len(aside) == 1
    assert aside[0].stat().st_size > 0


@pytest.mark.parametrize("real", ["demo", "bankhaus"])
def test_real_books_are_never_put_aside(settings: Settings, real: str) -> None:
    engine, sellers = opened(settings)
    copy = load_seed(DEMO)
    only = replace(copy, sellers={real: copy.sellers["demo"]}, customers={"globex": copy.customers["globex"]})
    apply_seed(engine, only, SEEDED_AT)
    bill(engine, real, *sellers["clock"][:31], customer="globex")
    engine.dispose()
    with pytest.raises(Refused, match="used up"):
        stage._books(settings, SEEDED_AT, RUN)
    assert not list(settings.var.glob("*.until-*"))
