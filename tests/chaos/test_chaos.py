"""Fifty workers killed while two hundred invoices live, server, database, network and payment provider failing as well:
nothing is lost, nothing leaves twice, books and workflows agree. `make chaos` is the same with more of it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from chaos import older, run
from chaos.certificate import bound
from chaos.killing import RANDOM
from chaos.plan import FATES, Plan
from rig.processes import ROOT

WORKFLOWS = ROOT / "workflows"
PLAN = Plan(invoices=200, kills=50, restarts=1, seed=20261129, mail="outbox")


async def test_fifty_kills_over_two_hundred_invoices(tmp_path: Path) -> None:
    certificate = await run.play(PLAN, tmp_path, print)
    assert certificate.findings == []
    assert certificate.last_line == "chaos: 200 invoices, 50 kills, 0 breaches"
    assert set(certificate.fates) == set(FATES)
    # Which, and how many of them, is the machine's: a busy one kills more at random. Each by itself: tests/faults.
    assert sum(certificate.kills.values()) - certificate.kills[RANDOM] >= 3, "labelled crash points were reached"
    assert certificate.faults["Temporal server restarted"] == 1


def test_today_understands_its_own_patches() -> None:
    if older._git("rev-parse", "HEAD") is None:
        pytest.skip("no git here")
    _tables, patches = older._understands("HEAD")
    assert patches is not None
    texts = [module.read_text("utf-8") for module in WORKFLOWS.glob("*.py")]
    assert set(patches.split()) == {each for text in texts for each in re.findall(r'patched\("[a-z-]*"\)', text)}


async def test_what_fails_beside_the_run_ends_it() -> None:
    async def desk() -> None:
        raise LookupError("no such mail server")

    with pytest.raises(LookupError, match="no such mail server"):
        async with run.beside(desk()):
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("breaches", "trials", "expected"),
    [(0, 2000, 0.001497), (0, 500, 0.005974), (1, 500, 0.009454), (3, 100, 0.075711), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_the_bound_is_that_of_clopper_and_pearson(breaches: int, trials: int, expected: float) -> None:
    """Values of the one-sided 95 % limit: 1 - 0.05^(1/n) without a breach, else the beta quantile."""
    assert bound(breaches, trials) == pytest.approx(expected, rel=1e-3)
