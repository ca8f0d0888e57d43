"""What can be decided for a receivable: one of these, each with its reason. Values only; workflows and books
carry them out. `action` tells them apart in JSON: decisions are kept in workflow histories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Why:
    """The reason: a stable code for machines, a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before `until` (None: until something happens). `what` names what is then expected."""

    action: Literal["wait"] = "wait"
    until: datetime | None
    what: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    key: str
    due: str
    episode: int
    rung: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A reminder whose time has come and that may not leave yet. Not an action: what a why-record tells."""

    key: str
    due: str
    episode: int
    rung: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """One message, now, under a stable `key`, no later than `not_after`. `skips` are rungs it makes obsolete;
    `shift_days` moves the later rungs by as much as this one was late."""

    action: Literal["send"] = "send"
    key: str
    kind: str  # invoice | credit_note | reminder | receipt | dispute | internal | approval
    template: str
    to: str  # billing | escalation | owner | person key
    why: Why
    not_after: datetime | None = None
    due: str = ""
    episode: int = 0
    rung: str = ""
    ref: str = ""  # document id, money, or approval subject or dispute with its person and round
    amount: int = 0
    skips: tuple[Skipped, ...] = ()
    shift_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money back to the customer through the provider it came by, now, under a stable `key`."""

    action: Literal["refund"] = "refund"
    key: str
    amount: int
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    action: Literal["skip"] = "skip"
    skips: tuple[Skipped, ...]
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    action: Literal["issue"] = "issue"
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """Time alone changed the books (a promise ran out, a hold ended, nothing is owed): read and settle them."""

    action: Literal["lapse"] = "lapse"
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """A person must decide. `kind` names the exception; `last_rung` also moves the receivable to `escalated`."""

    action: Literal["escalate"] = "escalate"
    kind: str
    key: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class PassOn:
    """A dispute that was not decided in time goes to somebody else, with a time of their own."""

    action: Literal["pass_on"] = "pass_on"
    dispute: str
    to: str
    level: int
    deadline: datetime
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    action: Literal["close"] = "close"
    why: Why


Rest = Wait | Send | Refund
"""What is left to do once the books are at rest: wait, or touch the outside."""
Action = Rest | Skip | Issue | Lapse | Escalate | PassOn | Close
