"""What travels between programs outside and the workflows that work their hints off: keys only. No amount and no state
is believed; the activity reads the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.errors import Invalid, Problem
from schemas.parsing import Strict, parse
from schemas.values import MAX_NAME, Name, SellerKey, Sha256


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


class _File(Strict):
    """A `FileHint` as strangers may send it."""

    seller: SellerKey
    object: Sha256
    format: Literal["camt.053", "mt940", "csv"]
    columns: Annotated[dict[Name, Annotated[str, Field(max_length=MAX_NAME)]], Field(max_length=30)] = Field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStep:
    hint: EventHint
    now: datetime


PAGE = 500
"""Receivables that one step of a sweep answers, to be told before the next: what a schedule's run carries has no end
otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepStep:
    """`after`: the last receivable of the page before."""

    now: datetime
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStep:
    """`position`: the last line whose booking the workflow has heard of: an answer that got lost is given again.
    `after`: once all lines are booked, the last receivable that was told that the source is read."""

    hint: FileHint
    now: datetime
    position: int = -1
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An exception that a file has raised, with the command that most likely settles it."""

    kind: str
    key: str
    text: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What the books hold of a statement file. `known` lines came with an earlier file, `left` are not worked off yet,
    `counts` says how many were by which rule, `questions` are those still open (the first of them)."""

    lines: int
    known: int
    left: int
    counts: dict[str, int]
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What became of a hint: a line for people, and the receivables whose workflows must read the books again.
    `more`: lines are left for another step, which is given `position` and `after`."""

    outcome: str
    told: tuple[str, ...] = ()
    more: bool = False
    problems: tuple[Problem, ...] = ()
    position: int = -1
    after: str = ""
    report: FileReport | None = None


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


def parse_file_hint(payloads: tuple[Any, ...]) -> FileHint:
    """From whatever somebody started a workflow with. Invalid with every problem."""
    if len(payloads) != 1:
        raise Invalid.at("", f"expects one JSON object, got {len(payloads)} payloads")
    body = parse(_File, payloads[0])
    return FileHint(seller=body.seller, object=body.object, format=body.format, columns=body.columns)


def event_workflow_id(hint: EventHint) -> str:
    return f"payment-{hint.provider}-{hint.id}"


def file_workflow_id(hint: FileHint) -> str:
    return f"bank-{hint.seller}-{hint.object.removeprefix('sha256:')}"
