"""An instalment plan as the books know it. Values only: rules are in `domain/plans.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """One part of a plan as it was agreed; its due may have changed since."""

    due: str
    due_on: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Instalments agreed for what was open, each a due of its own. `missed`: due/episode of those that were missed."""

    id: str
    by: str
    made_at: datetime
    instalments: tuple[Instalment, ...]
    outcome: str | None = None  # None while it runs, else kept | accelerated | replaced | ended
    missed: tuple[str, ...] = ()

    @property
    def dues(self) -> frozenset[str]:
        return frozenset(part.due for part in self.instalments)
