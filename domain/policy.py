"""What a seller wants done, as data: approval tiers, send window, ladder, freshness, fees. Versioned; an invoice
names the version it runs under. Reads and checks; never decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.calendar import Window


class AfterOutage(StrEnum):
    """What happens to a rung whose own window passed without it being sent."""

    SEND_NOW = "send_now"
    COLLAPSE = "collapse"
    SKIP = "skip"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Applies to a gross amount below `below` (minor units; None: no upper bound). Each of `roles` must be among
    the approvers."""

    below: int | None
    approvers: int
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    id: str  # as written in the policy: D-3, D+7
    offset: int  # days from the due date
    template: str
    tone: str
    to: str  # billing | escalation | owner
    channel: str
    after_outage: AfterOutage

    @property
    def asks_person(self) -> bool:
        return self.to == "owner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    name: str
    version: int
    tiers: dict[str, tuple[Tier, ...]]
    window: Window
    ladder: tuple[Rung, ...]
    mode: str
    gap_per_invoice: timedelta
    per_contact_per_day: int
    grace_after_delivery: timedelta
    settlement_days: int
    max_age: timedelta
    max_hold: timedelta
    sources: tuple[str, ...]
    unmatched: str  # hold | net | ignore
    small_difference: dict[str, int]
    chase_minimum: dict[str, int]
    discount_grace_days: int
    promise_grace_days: int
    max_promises: int
    grace_after_reject: timedelta
    consumer: bool
    tracking: bool
    interest: str | None
    approver_silence: timedelta  # after this long a silent approver is reminded, after twice the next is asked
