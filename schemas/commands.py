"""The commands a person or machine gives to a receivable (contract, section 4): their form, one model each.

A Signal may carry anything; `parse_command` turns it into a command or the list of what is wrong with it.
Whether a command is allowed, timely or within the balance is decided in the workflow, never here.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidatorFunctionWrapHandler, WrapValidator, model_validator

from domain.errors import Invalid
from schemas.parsing import Strict, parse, problems_at
from schemas.request import MAX_LINES, Attachment, Request, parse_request
from schemas.values import DateString, Email, Name, PositiveAmount, Reference, Sha256, Text

DisputeCode = Literal["price", "quantity", "quality", "not_received", "wrong_po", "duplicate", "already_paid", "other"]
Outcome = Literal["withdrawn", "rejected", "accepted", "partly"]
WriteOffKind = Literal["bad_debt", "small_difference", "bank_fee", "late_discount", "withholding_tax"]
PayMethod = Literal["cheque", "cash", "transfer"]


def _different(ids: tuple[str, ...]) -> tuple[str, ...]:
    if not ids or len(set(ids)) < len(ids):
        raise ValueError("needs at least one line id, each once")
    return ids


def _request(value: Any, _: ValidatorFunctionWrapHandler) -> Request:
    try:
        return value if isinstance(value, Request) else parse_request(value, known=True)
    except Invalid as invalid:
        raise problems_at(invalid.problems) from None


LineIds = Annotated[tuple[Reference, ...], Field(strict=False, max_length=MAX_LINES), AfterValidator(_different)]


class Command(Strict):
    """What all commands share: who says it."""

    name: ClassVar[str]
    by: Name

    def payload(self) -> dict[str, Any]:
        """The JSON form without `by`."""
        return {key: value for key, value in self.as_json().items() if key != "by"}


class Approve(Command):
    """`link`: the message whose signed link says so, written by the gateway once it was opened."""

    name = "approve"
    hash: Sha256 | None = None
    subject: Reference | None = None
    comment: Text | None = None
    link: Text | None = None


class Reject(Command):
    name = "reject"
    reason: Text
    subject: Reference | None = None
    link: Text | None = None


class Amend(Command):
    name = "amend"
    request: Annotated[Request, WrapValidator(_request)]


class Cancel(Command):
    name = "cancel"
    reason: Text


MAX_FILES = 5


class Dispute(Command):
    """Names lines or an amount; neither means everything that is open."""

    name = "dispute"
    reason: Text
    code: DisputeCode = "other"
    lines: LineIds | None = None
    amount: PositiveAmount | None = None
    evidence: Text | None = None
    files: Annotated[tuple[Attachment, ...], Field(strict=False, max_length=MAX_FILES)] | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> Dispute:
        if self.lines is not None and self.amount is not None:
            raise ValueError("takes `lines` or `amount`, not both")
        return self


class Resolve(Command):
    name = "resolve"
    outcome: Outcome
    dispute: Reference | None = None
    credit: PositiveAmount | None = None
    comment: Text | None = None

    @model_validator(mode="after")
    def _credit_fits(self) -> Resolve:
        if self.outcome == "partly" and self.credit is None:
            raise ValueError("needs `credit`, the gross amount granted, when the outcome is partly")
        if self.outcome in ("withdrawn", "rejected") and self.credit is not None:
            raise ValueError(f"grants no `credit` when the outcome is {self.outcome}; leave it out")
        return self


class Promise(Command):
    name = "promise"
    date: DateString
    amount: PositiveAmount | None = None


class Instalment(Strict):
    due: DateString
    amount: PositiveAmount


class Plan(Command):
    name = "plan"
    instalments: Annotated[tuple[Instalment, ...], Field(strict=False, max_length=60)]

    @model_validator(mode="after")
    def _in_order(self) -> Plan:
        days = [instalment.due for instalment in self.instalments]
        if not days or sorted(set(days)) != days:
            raise ValueError("needs at least one instalment, in order of `due`, one a day")
        return self


class Accelerate(Command):
    """Makes everything an instalment plan left open due at once."""

    name = "accelerate"
    reason: Text


class Extend(Command):
    name = "extend"
    due: DateString
    reason: Text


class Hold(Command):
    name = "hold"
    reason: Text
    until: DateString | None = None


class Release(Command):
    name = "release"


class Credit(Command):
    name = "credit"
    reason: Text
    amount: PositiveAmount | None = None
    lines: LineIds | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> Credit:
        if (self.lines is None) == (self.amount is None):
            raise ValueError("needs either `amount` or `lines`, not both")
        return self


class WriteOff(Command):
    name = "write_off"
    reason: Text
    amount: PositiveAmount | None = None
    kind: WriteOffKind = "bad_debt"


class Pay(Command):
    """Money received by hand, booked once under its `external_id`."""

    name = "pay"
    amount: PositiveAmount
    received_on: DateString
    method: PayMethod
    external_id: Name


class Refund(Command):
    name = "refund"
    amount: PositiveAmount
    reason: Text


class HandOver(Command):
    name = "hand_over"
    to: Name
    reason: Text


class Send(Command):
    """Settles the oldest message that waits for a person, or the one named by its key."""

    name = "send"
    message: Text | None = None


class Skip(Command):
    """The same message will never go out."""

    name = "skip"
    reason: Text
    message: Text | None = None


class Resend(Command):
    name = "resend"
    to: Email | None = None


class Assign(Command):
    name = "assign"
    owner: Name


class Escalate(Command):
    name = "escalate"
    reason: Text


class Note(Command):
    name = "note"
    text: Text


COMMANDS: dict[str, type[Command]] = {
    command.name: command
    for command in (
        Approve, Reject, Amend, Cancel, Dispute, Resolve, Promise, Plan, Accelerate, Extend, Hold, Release, Credit,
        WriteOff, Pay, Refund, HandOver, Send, Skip, Resend, Assign, Escalate, Note,
    )
}  # fmt: skip

EXAMPLES: dict[str, dict[str, Any]] = {
    "approve": {"by": "ana"},
    "reject": {"by": "ana", "reason": "wrong price"},
    "amend": {
        "by": "crm",
        "request": {
            "seller": "demo",
            "reference": "ORD-1042",
            "customer": {"name": "Globex GmbH", "country": "DE", "email": "ap@globex.example"},
            "currency": "EUR",
            "lines": [{"description": "Consulting", "quantity": "1", "unit_price": "120.00"}],
        },
    },
    "cancel": {"by": "ben", "reason": "ordered twice"},
    "dispute": {"by": "ana", "reason": "damaged"},
    "resolve": {"by": "ana", "outcome": "withdrawn"},
    "promise": {"by": "ana", "date": "2026-12-01"},
    "plan": {"by": "ben", "instalments": [{"due": "2026-12-01", "amount": "50.00"}]},
    "accelerate": {"by": "ben", "reason": "second instalment missed"},
    "extend": {"by": "ben", "due": "2026-12-01", "reason": "agreed by phone"},
    "hold": {"by": "sam", "reason": "clearing with sales"},
    "release": {"by": "sam"},
    "credit": {"by": "ben", "reason": "goodwill", "amount": "10.00"},
    "write_off": {"by": "ben", "reason": "insolvent"},
    "pay": {
        "by": "ben",
        "amount": "10.00",
        "received_on": "2026-12-01",
        "method": "cheque",
        "external_id": "CHQ-1",
    },
    "refund": {"by": "ben", "amount": "10.00", "reason": "paid twice"},
    "hand_over": {"by": "ben", "to": "Collect Ltd", "reason": "silent for 60 days"},
    "send": {"by": "ana"},
    "skip": {"by": "ana", "reason": "customer called"},
    "resend": {"by": "sam"},
    "assign": {"by": "sam", "owner": "ana"},
    "escalate": {"by": "sam", "reason": "no answer"},
    "note": {"by": "ana", "text": "asked for a copy of the order"},
}


def parse_command(name: str, payloads: tuple[Any, ...]) -> Command:
    """The command in the one payload it takes, or `Invalid` listing everything that is wrong."""
    model = COMMANDS.get(name)
    if model is None:
        raise Invalid.at("", f"there is no command {name}; known are {', '.join(COMMANDS)}")
    if len(payloads) != 1:
        got = f"{len(payloads)} payloads" if payloads else "none"
        raise Invalid.at("", f"expects one JSON object, got {got}")
    return parse(model, payloads[0])
