"""Ten thousand lives, and the kept plans that once failed. What a life is does not depend on its neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim import plan as plans
from sim.__main__ import main
from sim.books import BOOKS
from sim.drawing import TOWN, life_of, plan_of
from sim.play import play

SEED = 20261129
LIVES = (("database", 50), *[("memory", 995)] * 10)
"""In parts: a test that measures time waits for the one beside it."""
KEPT = sorted((Path(__file__).parent / "seeds").glob("*.json"))


@pytest.mark.parametrize(("seed", "books", "lives"), [(SEED + n, *part) for n, part in enumerate(LIVES)])
def test_lives_break_nothing(seed: int, books: str, lives: int, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--lives", str(lives), "--seed", str(seed), "--books", books, "--processes", "1"])
    told = capsys.readouterr().out
    assert told.splitlines()[-1] == f"sim: {lives} lives, 0 breaches", told
    assert status == 0


@pytest.mark.parametrize("books", BOOKS)
@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_what_once_failed(path: Path, books: str) -> None:
    played = play(plans.read(path.read_bytes()), books)
    assert [str(breach) for _, breach in played.breaches] == []


def test_a_life_is_the_same_alone() -> None:
    town = plan_of(SEED, 3)
    assert town.lives[7] == life_of(SEED, 3 * TOWN + 7, town.days)
    assert plan_of(SEED, 3, lives=8).lives == town.lives[:8]
    assert plan_of(SEED, 3, lives=8).events == town.events


def test_a_town_plays_the_same_again() -> None:
    plan = plan_of(SEED, 1, lives=4)
    first, second = play(plan, "memory"), play(plans.read(plans.written(plan)), "memory")
    assert (first.fates, first.counts) == (second.fates, second.counts)
