"""Makes a failing plan small: whatever it fails without is left out, greedily, and the rest is what a person reads.
Keeps it as a file that a test plays for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sim.plan import Life, Plan, written

KEPT = Path(__file__).resolve().parents[1] / "tests" / "sim" / "seeds"
PARTS = ("faults", "evictions", "continues", "bounces", "repeats", "events")
T = TypeVar("T", Plan, Life)
MOST = 120
"""Towns that are played at most for one plan."""


def shrunk(plan: Plan, fails: Callable[[Plan], bool], most: int = MOST) -> Plan:
    """The smallest plan found for which `fails` still holds; `plan` itself must fail."""
    left, found = most, True
    while found and left > 0:
        found = False
        for smaller in _smaller(plan):
            if left <= 0:
                break
            left -= 1
            if fails(smaller):
                plan, found = smaller, True
                break
    return plan


def kept(plan: Plan, name: str, folder: Path = KEPT) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_bytes(written(plan) + b"\n")
    return path


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Plans with one thing less, the biggest things first."""
    half = len(plan.lives) // 2
    if half:
        yield replace(plan, lives=plan.lives[half:])
        yield replace(plan, lives=plan.lives[:half])
    if len(plan.lives) > 1:
        for n in range(len(plan.lives)):
            yield replace(plan, lives=plan.lives[:n] + plan.lives[n + 1 :])
    for part in ("outages", "clock", "events"):
        yield from (_with(plan, part, few) for few in _fewer(getattr(plan, part)))
    for n, life in enumerate(plan.lives):
        for lesser in _lesser(life):
            yield replace(plan, lives=(*plan.lives[:n], lesser, *plan.lives[n + 1 :]))


def _lesser(life: Life) -> Iterator[Life]:
    if life.delays:
        yield replace(life, delays={})
        for n in life.delays:
            yield replace(life, delays={k: v for k, v in life.delays.items() if k != n})
    for part in PARTS:
        yield from (_with(life, part, few) for few in _fewer(getattr(life, part)))


def _with(whole: T, part: str, value: Any) -> T:
    return replace(whole, **{part: value})


def _fewer(things: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    """Without all of them, then without each."""
    if things:
        yield ()
    if len(things) > 1:
        for n in range(len(things)):
            yield things[:n] + things[n + 1 :]
