"""What a seller wants done, as data: approval tiers, send window, ladder, freshness, fees. Versioned; an
invoice names the version it runs under. Reads and checks; never decides.

`DEFAULTS` holds every key with its default, written as in a policy file. A key that is given replaces its
default whole (a ladder, a currency table), except in `window`, where each field has its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, Final

from domain.calendar import Window
from domain.errors import Invalid, Problem
from domain.policy_file import Table

MODES: Final = ("ask", "auto", "shadow")
SOURCES: Final = ("bank", "stripe")
"""What the books are fed from: statement files, and the payment provider."""


class AfterOutage(StrEnum):
    """What happens to a rung whose own window passed without it being sent."""

    SEND_NOW = "send_now"
    COLLAPSE = "collapse"
    SKIP = "skip"
    SHIFT = "shift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Applies to a gross amount below `below` (minor units; None: no upper bound). Each of `roles` must be
    among the approvers."""

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
    mode: str | None = None  # auto | ask | shadow; None: the policy's

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
    approver_silence: timedelta  # then a silent approver is reminded; after as long again the next is asked
    # What came later has a default: histories hold policies from before.
    approve_by: str = "claim"  # claim: `by` is believed; link: only a signed link approves
    link_valid: timedelta = timedelta(days=14)  # how long a link in an approval mail or on a sheet is good
    reply_pause: timedelta = timedelta(days=2)  # no reminder for so long after a reply by mail
    promise_days: int = 60  # how far ahead a customer may promise
    plan_by: str = "person"  # person: one decides on a customer's plan; customer: within the limits it is agreed
    max_instalments: int = 6
    plan_days: int = 183  # how far ahead the last instalment may lie
    least_instalment: dict[str, int] = field(default_factory=dict)
    plan_grace_days: int = 3
    plan_acceleration: str = "person"  # person | auto: who makes everything due after a missed instalment
    dispute_days: int = 10  # how long whoever owns a dispute has to decide
    dispute_owners: dict[str, str] = field(default_factory=dict)  # reason code, or "other", -> role or person
    dispute_escalation: tuple[str, ...] = ("controller",)  # roles or persons, somebody else after each missed deadline


_RUNG: Final[dict[str, Any]] = {"to": "billing", "channel": "email", "after_outage": "collapse"}
_TIER: Final[dict[str, Any]] = {"roles": []}

DEFAULTS: Final[Mapping[str, Any]] = {
    "tiers": {
        "EUR": [
            {"below": "250.00", "approvers": 0},
            {"below": "10000.00", "approvers": 1},
            {"approvers": 2, "roles": ["controller"]},
        ]
    },
    "window": {"start": "08:00", "end": "17:00", "days": [1, 2, 3, 4, 5], "holidays": False},
    "ladder": [
        {"at": "D-3", "template": "friendly", "tone": "friendly", "after_outage": "skip"},
        {"at": "D+1", "template": "reminder", "tone": "friendly"},
        {"at": "D+7", "template": "firmer", "tone": "firm"},
        {"at": "D+14", "template": "final", "tone": "firm", "to": "owner"},
        {"at": "D+30", "template": "last_notice", "tone": "final"},
    ],
    "mode": "auto",
    "gap_per_invoice": "2d",
    "per_contact_per_day": 1,
    "grace_after_delivery": "3d",
    "settlement_days": 1,
    "max_age": "26h",
    "max_hold": "3d",
    "sources": [],
    "unmatched": "hold",
    "small_difference": {"EUR": "0.05"},
    "chase_minimum": {"EUR": "5.00"},
    "discount_grace_days": 2,
    "promise_grace_days": 1,
    "max_promises": 2,
    "grace_after_reject": "3d",
    "consumer": False,
    "tracking": False,
    "interest": None,
    "approver_silence": "2d",
    "approve_by": "claim",
    "link_valid": "14d",
    "reply_pause": "2d",
    "promise_days": 60,
    "plan_by": "person",
    "max_instalments": 6,
    "plan_days": 183,
    "least_instalment": {"EUR": "25.00"},
    "plan_grace_days": 3,
    "plan_acceleration": "person",
    "dispute_days": 10,
    "dispute_owners": {},
    "dispute_escalation": ["controller"],
}
"""`consumer`: whether consumers may be chased under it. `interest`: "statutory", or percent a year as
"9.00"; kept, as a rung's `tone` and `channel` are, and nothing is charged by it (ADR 0009)."""

_INTEREST = re.compile(r"statutory|[0-9]{1,2}(\.[0-9]{1,2})?")
MOST_APPROVERS = 5


def parse_policy(name: str, version: int, data: Mapping[str, Any]) -> Policy:
    """A policy from parsed TOML (CONTRACT, section 10). Raises `Invalid` with every problem and its path,
    such as `ladder[2].at`. Durations are written "15m", "20h", "3d"; offsets "D-3", "D0", "D+7"; amounts
    "250.00"."""
    problems: list[Problem] = []
    table = Table(data, "", problems, DEFAULTS)
    table.only(DEFAULTS)
    policy = Policy(
        name=name,
        version=version,
        tiers={currency: _tiers(table, currency) for currency in table.currencies("tiers")},
        window=_window(table),
        ladder=_ladder(table),
        mode=table.choice("mode", MODES),
        gap_per_invoice=table.duration("gap_per_invoice"),
        per_contact_per_day=table.count("per_contact_per_day", 1, 100),
        grace_after_delivery=table.duration("grace_after_delivery"),
        settlement_days=table.count("settlement_days", 0, 30),
        max_age=table.duration("max_age", above_zero=True),
        max_hold=table.duration("max_hold", above_zero=True),
        sources=table.texts("sources"),
        unmatched=table.choice("unmatched", ("hold", "net", "ignore")),
        small_difference=table.amounts("small_difference"),
        chase_minimum=table.amounts("chase_minimum"),
        discount_grace_days=table.count("discount_grace_days", 0, 30),
        promise_grace_days=table.count("promise_grace_days", 0, 30),
        max_promises=table.count("max_promises", 0, 100),
        grace_after_reject=table.duration("grace_after_reject"),
        consumer=table.flag("consumer"),
        tracking=table.flag("tracking"),
        interest=_interest(table),
        approver_silence=table.duration("approver_silence", above_zero=True),
        approve_by=table.choice("approve_by", ("claim", "link")),
        link_valid=table.duration("link_valid", above_zero=True),
        reply_pause=table.duration("reply_pause"),
        promise_days=table.count("promise_days", 0, 366),
        plan_by=table.choice("plan_by", ("person", "customer")),
        max_instalments=table.count("max_instalments", 0, 60),
        plan_days=table.count("plan_days", 1, 1830),
        least_instalment=table.amounts("least_instalment"),
        plan_grace_days=table.count("plan_grace_days", 0, 30),
        plan_acceleration=table.choice("plan_acceleration", ("person", "auto")),
        dispute_days=table.count("dispute_days", 1, 90),
        dispute_owners=table.names("dispute_owners"),
        dispute_escalation=table.texts("dispute_escalation"),
    )
    if problems:
        raise Invalid(problems)
    return policy


def mode_of(policy: Policy, rung: str) -> str:
    """The mode in which a message goes out: its rung's own, else the policy's. `rung` is empty for documents."""
    own = next((each.mode for each in policy.ladder if each.id == rung), None)
    return own or policy.mode


def _tiers(table: Table, currency: str) -> tuple[Tier, ...]:
    rows = table.rows(f"tiers.{currency}", table.raw("tiers")[currency], _TIER)
    tiers: list[Tier] = []
    for at, row in enumerate(rows):
        row.only(("below", "approvers", "roles"))
        tier = Tier(
            below=row.amount("below", currency),
            approvers=row.count("approvers", 0, MOST_APPROVERS),
            roles=row.texts("roles"),
        )
        bounded = row.raw("below") is not None
        if at == len(rows) - 1 and bounded:
            row.problem("below", "must be left out in the last tier, so that no amount is without one")
        if at < len(rows) - 1 and not bounded:
            row.problem("below", "is missing; only the last tier has no upper bound")
        if len(tier.roles) > tier.approvers:
            row.problem("roles", f"names more roles than the {tier.approvers} approvers of this tier")
        if tiers and tier.below is not None and tier.below <= (tiers[-1].below or 0):
            row.problem("below", "must be higher than in the tier before")
        if tiers and tier.approvers < tiers[-1].approvers:
            row.problem("approvers", "must not be fewer than in the tier before")
        tiers.append(tier)
    if not rows:
        table.problem(f"tiers.{currency}", "needs at least one tier")
    return tuple(tiers)


def _window(table: Table) -> Window:
    inner = table.inner("window")
    inner.only(("start", "end", "days", "holidays"))
    start, end = inner.clock("start"), inner.clock("end")
    if start and end and end <= start:
        inner.problem("end", "must be later than start")
        start = None
    start, end = (start, end) if start is not None and end is not None else (time.min, time.max)
    return Window(start=start, end=end, days=inner.weekdays("days"), holidays=inner.flag("holidays"))


def _ladder(table: Table) -> tuple[Rung, ...]:
    rungs: dict[int, Rung] = {}
    for row in table.rows("ladder", table.raw("ladder"), _RUNG):
        row.only(("at", "template", "tone", "to", "channel", "after_outage", "mode"))
        rung = Rung(
            id=str(row.raw("at")),
            offset=row.offset("at"),
            template=row.needed("template"),
            tone=row.needed("tone"),
            to=row.choice("to", ("billing", "escalation", "owner")),
            channel=row.choice("channel", ("email", "portal", "post")),
            after_outage=AfterOutage(row.choice("after_outage", tuple(AfterOutage))),
            mode=row.choice("mode", MODES) if row.raw("mode") is not None else None,
        )
        if rung.offset in rungs:
            row.problem("at", f"{rung.id} is there already; one rung a day")
        rungs.setdefault(rung.offset, rung)
    return tuple(rungs[offset] for offset in sorted(rungs))


def _interest(table: Table) -> str | None:
    value = table.raw("interest")
    if value is None or (isinstance(value, str) and _INTEREST.fullmatch(value)):
        return value
    table.problem("interest", 'must be "statutory", or percent a year in quotes such as "9.00"')
    return None
