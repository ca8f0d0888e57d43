"""What travels between programs outside and the workflows that work their hints off: keys only. No amount and no state
is believed; the activity reads the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domain.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHint:
    """Input of workflow `PaymentEvent`: a provider says that something happened to `object`."""

    provider: str
    id: str
    type: str
    object: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHint:
    """Input of workflow `BankFile`: a statement file that lies in the archive. `columns` maps a CSV's columns."""

    seller: str
    object: str  # sha256:<hex>
    format: str  # camt.053 | mt940 | csv
    columns: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStep:
    hint: EventHint
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStep:
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStep:
    hint: FileHint
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What became of a hint: a line for people, and the receivables whose workflows must read the books again.
    `more`: lines are left for another step."""

    outcome: str
    told: tuple[str, ...] = ()
    more: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutStep:
    """The customer wants to pay now. `everything`: the whole balance instead of what settles it now."""

    workflow_id: str
    now: datetime
    everything: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """`state`: open (go to `url`), in_progress, nothing_owed, unavailable. Amounts are decimal strings."""

    state: str
    url: str = ""
    amount: str = ""
    currency: str = ""
    expires_at: datetime | None = None


def event_workflow_id(hint: EventHint) -> str:
    return f"payment-{hint.provider}-{hint.id}"


def file_workflow_id(hint: FileHint) -> str:
    return f"bank-{hint.seller}-{hint.object.removeprefix('sha256:')}"
