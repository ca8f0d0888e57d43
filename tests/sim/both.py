"""The books of a town kept twice, in a database and in memory: whatever a town does to them is done to both, and both
must say the same. Faults, repeats and late news come with the town."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from schemas.steps import Outcome
from sim.books import STEPS, database, memory
from sim.watch import Complain
from tests.sim.twins import START, compared


class Twins:
    """The steps of both books."""

    def __init__(self, real: Any, mine: Any) -> None:
        self.real, self.mine, self.compared = real, mine, 0
        mine.technical = lambda: START  # a lease does not end while a town is played, which takes no time

    def __getattr__(self, name: str) -> Any:
        if name not in STEPS:
            return getattr(self.real, name)
        return lambda *said: self.both(getattr(self.mine, name), getattr(self.real, name), *said)

    def both(self, mine: Any, real: Any, *said: Any) -> Any:
        self.compared += 1
        return compared(mine, real, *said)


class Both:
    """The ledger of a town, kept twice."""

    def __init__(self, idempotent: bool, complain: Complain, clock: Callable[[], datetime]) -> None:
        self.real, self.mine = database(idempotent, complain, clock), memory(idempotent, complain, clock)
        self.books = Twins(self.real.books, self.mine.books)

    def __getattr__(self, name: str) -> Any:
        """The town's own questions go to the database, what happens beside the workflows to both."""
        found = getattr(self.real, name)
        if name in {"items", "reasons", "sender"}:
            return found
        return lambda *said: self.books.both(getattr(self.mine, name), found, *said)

    def outcome(self, invoice: str) -> Outcome:
        said: Outcome = self.real.outcome(invoice)
        return said

    def close(self) -> None:
        self.real.close()
