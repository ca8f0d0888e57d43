"""What a check of the simulator answers: which invariant does not hold, for whom, and how that shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Breach:
    """`invariant`: I1 … I10 (docs/invariants.md), `burst` (a late wake is not a burst), or `step` (an activity failed
    in a way that nobody foresaw). `life`: its number, or -1 for the town."""

    invariant: str
    life: int
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {f'life {self.life}' if self.life >= 0 else 'the town'}: {self.text}"
