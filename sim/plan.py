"""What will happen in a town, written down before it is played: every life with its request, what people do and when,
and every fault. Plain data, so that a failing plan can be kept, read and shortened. It draws nothing and plays nothing.

Times are whole minutes since the town's start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

HOUR, DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that somebody does. `via`: update and signal reach the workflow, `outside` the books beside it.
    `on_send`: not at a time but while the life's n-th reminder is about to be claimed. `times`: how often it is told.
    A text that begins with `$` in `body` is filled in when its time comes."""

    at: int
    what: str
    body: dict[str, Any] = field(default_factory=dict)
    via: str = "update"
    on_send: int = 0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that breaks in the life's n-th attempt at an activity. `call`: at which step of the books in it."""

    attempt: int
    kind: str
    call: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How people of ours deal with what is put before them: after how long, and what they decide."""

    approve_after: int = 2 * HOUR
    rejects: bool = False
    held_after: int = 6 * HOUR
    skips: bool = False
    resolve_after: int = 5 * DAY
    outcome: str = "rejected"
    stuck_after: int = DAY
    at_the_end: str = "write_off"  # write_off | hand_over | leave
    end_after: int = 10 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """`evictions`: before which of its workflow tasks the worker forgets it. `continues`: from which on its history is
    long to the server. `bounces`: which of its mails do. `repeats`: its n-th Update is said again under the same id so
    many minutes later, by somebody who heard no answer."""

    number: int
    fate: str
    starts: int
    request: dict[str, Any]
    gross: int  # minor units, by arithmetic of the plan's own
    manners: Manners
    events: tuple[Event, ...] = ()
    faults: tuple[Fault, ...] = ()
    evictions: tuple[int, ...] = ()
    continues: tuple[int, ...] = ()
    delays: dict[int, int] = field(default_factory=dict)  # of its n-th attempt, in minutes
    bounces: tuple[int, ...] = ()
    repeats: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A town: lives that share one seller, its customers and its books. `mail`: outbox | provider, the second takes a
    message twice when asked twice and reports later what became of it. `outages`: no worker runs. `clock`: from a
    minute on the server's clock is wrong by so many minutes."""

    seed: int
    town: int
    start: datetime
    mail: str
    lives: tuple[Life, ...]
    events: tuple[Event, ...] = ()
    outages: tuple[tuple[int, int], ...] = ()
    clock: tuple[tuple[int, int], ...] = ()
    days: int = 160


_PLANS = TypeAdapter(Plan)


def written(plan: Plan) -> bytes:
    return _PLANS.dump_json(plan, indent=1, exclude_defaults=True)


def read(text: bytes) -> Plan:
    return _PLANS.validate_json(text)
