"""Chance that can be had again: a stream of its own for every name, and draws from a table of weights. No global
randomness, so a life is the same alone as among a million."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random


def dice(seed: int, *name: str | int) -> Random:
    return Random("/".join(map(str, (seed, *name))))  # noqa: S311 a simulation, no secret


def drawn(random: Random, weights: Mapping[str, int]) -> str:
    return random.choices(tuple(weights), tuple(weights.values()))[0]
