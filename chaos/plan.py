"""How much is tried, under which seed, and what the fates are. Says nothing of how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AT_ONCE = (20, 96)
"""Lives that go on beside each other; many only wait, as for the lease of a letter whose sender was killed."""
REPLAYED = 60
"""Histories that are replayed at the end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`restarts`: of the Temporal server; all other faults come in proportion. `seed` draws fates, faults and their
    order; moments come from the machine, so that a second run with the same seed is alike, not equal."""

    server: str = "dev"
    invoices: int = 2000
    kills: int = 500
    restarts: int = 20
    seed: int = 1
    mail: Literal["smtp", "outbox"] = "smtp"

    @property
    def at_once(self) -> int:
        """A tenth, so that kills and lives keep pace."""
        least, most = AT_ONCE
        return min(most, max(least, self.invoices // 10))

    @property
    def command(self) -> str:
        return (
            f"make chaos SERVER={self.server} INVOICES={self.invoices} KILLS={self.kills} "
            f"RESTARTS={self.restarts} MAIL={self.mail} SEED={self.seed}"
        )


FATES = {
    "prompt": 26,
    "delivered": 14,
    "parts": 8,
    "approved": 8,
    "rejected": 3,
    "cancelled": 3,
    "withdrawn": 6,
    "accepted": 5,
    "promised": 6,
    "held": 4,
    "written_off": 5,
    "card": 6,
    "charged_back": 2,
    "refunded": 2,
    "forgotten": 5,
    "silent": 3,
}
"""Weights of what becomes of an invoice."""
