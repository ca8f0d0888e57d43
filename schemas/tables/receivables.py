"""The receivable with its dues, disputes, promises and approvals."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from schemas.tables.columns import (
    Table,
    instant,
    instant_or_none,
    json_list,
    json_object,
    json_or_none,
    minor,
    since,
)

PHASES = (
    "draft",
    "awaiting_approval",
    "rejected",
    "scheduled",
    "open",
    "escalated",
    "in_collections",
    "paid",
    "credited",
    "written_off",
    "cancelled",
)


class Intake(Table, table=True):
    """The first word on a reference, written before a workflow starts: the unique key that tells a repeat from other
    content under the same name. A draft cancelled before issue removes it."""

    __tablename__ = "intake"

    seller: str = Field(primary_key=True)
    reference: str = Field(primary_key=True)
    request_hash: str
    received_at: datetime = instant()


class Invoice(Table, table=True):
    """One receivable. Amounts are not kept here: they are sums over `postings`. `draft` is the frozen content,
    `terms` the dates and discounts it gives, `customer_data` the customer as it stood."""

    __tablename__ = "invoices"

    id: str = Field(primary_key=True)  # workflow id
    seller: str = Field(foreign_key="sellers.key")
    reference: str
    request_hash: str
    request: dict[str, Any] = json_object()
    customer: str = Field(index=True)
    contact: str  # salted hash of the billing address mail goes to
    phase: str
    state: str = Field(index=True)  # InvoiceState, as last shown
    kind: str = "invoice"
    currency: str
    total: int = minor()
    hash: str
    draft: dict[str, Any] = json_object()
    customer_data: dict[str, Any] = json_object()
    creators: list[str] = json_list()
    owner: str
    policy: str
    policy_version: int
    warnings: list[dict[str, str]] = json_list()
    number: str | None = Field(default=None, index=True)
    adopted: bool = False
    reopened: bool = False
    issue_on: date | None = None
    issued_on: date | None = None
    oldest_due_on: date | None = None
    created_at: datetime = instant()
    updated_at: datetime = instant()
    delivered_at: datetime | None = instant_or_none()
    next_at: datetime | None = instant_or_none()
    ladder_stopped_on: date | None = None
    rejected_until: datetime | None = instant_or_none()
    quiet_until: datetime | None = instant_or_none()  # after a reply by mail: a person reads it first
    plans: int = since("0", default=0)  # how many instalment plans were agreed
    link_generation: int = since("0", default=0)  # the customer's links of earlier ones are revoked
    reply_token: str | None = Field(default=None, index=True)  # in the address that answers go to (keys.reply_token)
    contact_changes: int = since("0", default=0)  # how often another billing contact was asked for
    freed: bool = False  # cancelled before issue: the reference may be used again

    __table_args__ = (
        CheckConstraint(f"phase IN ({', '.join(map(repr, PHASES))})", name="phase"),
        CheckConstraint("total >= 0", name="total"),
        CheckConstraint("(issued_on IS NULL) = (number IS NULL)", name="issued_has_number"),
        CheckConstraint("NOT freed OR number IS NULL", name="numbered_is_never_free"),
        UniqueConstraint("seller", "number"),
        UniqueConstraint("seller", "reference"),
        Index("ix_invoices_contact_next", "seller", "contact", "next_at"),
        Index("ix_invoices_customer_created", "seller", "customer", "created_at"),
        Index("ix_invoices_phase", "seller", "phase", "id"),
    )


class InvoiceLine(Table, table=True):
    """Invoice line (BG-25), as frozen; kept apart from `draft` for search and reports."""

    __tablename__ = "invoice_lines"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    position: int = Field(primary_key=True)
    line_id: str
    description: str
    quantity: str
    unit: str
    unit_price: str
    net: int = minor()
    tax_category: str
    tax_rate: str
    revenue: str

    __table_args__ = (UniqueConstraint("invoice", "line_id"),)


class Due(Table, table=True):
    __tablename__ = "dues"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    id: str = Field(primary_key=True)
    due_on: date
    ladder_on: date
    episode: int = 1
    amount: int = minor()

    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("episode >= 1", name="episode"),
    )


class Dispute(Table, table=True):
    __tablename__ = "disputes"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    id: str = Field(primary_key=True)
    by: str
    code: str
    reason: str
    lines: list[str] = json_list()
    evidence: list[Any] = json_list()  # texts, and files as {name, file}
    amount: int = minor()
    opened_at: datetime = instant()
    owner: str | None = None  # who is to decide; None: the receivable's owner
    deadline: datetime | None = instant_or_none()
    level: int = since("0", default=0)  # how often its deadline passed it on
    credited: int | None = minor(default=None)  # what was credited when it ended
    outcome: str | None = None  # settled: nothing was owed any more; older books say withdrawn, by duely
    resolved_by: str | None = None
    resolved_at: datetime | None = instant_or_none()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "outcome IS NULL OR outcome IN ('withdrawn','rejected','accepted','partly','settled')", name="outcome"
        ),
        CheckConstraint("(outcome IS NULL) = (resolved_at IS NULL)", name="resolved"),
    )


class Promise(Table, table=True):
    __tablename__ = "promises"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    id: str = Field(primary_key=True)
    by: str
    amount: int = minor()
    promised_on: date
    made_at: datetime = instant()
    outcome: str | None = None
    ended_at: datetime | None = instant_or_none()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("outcome IS NULL OR outcome IN ('kept','broken','replaced')", name="outcome"),
    )


class PaymentPlan(Table, table=True):
    """Instalments agreed for what was open; each is a due. `instalments`: [{due_id, due_on, amount, missed}], the last
    being the episodes in which it was missed."""

    __tablename__ = "payment_plans"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    id: str = Field(primary_key=True)
    by: str
    made_at: datetime = instant()
    instalments: list[dict[str, Any]] = json_list()
    outcome: str | None = None
    ended_at: datetime | None = instant_or_none()

    __table_args__ = (
        CheckConstraint("outcome IS NULL OR outcome IN ('kept','accelerated','replaced','ended')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
    )


class DraftVersion(Table, table=True):
    """Each content a draft ever had, as often as it was drafted, so that a stale approval link can say what changed.
    `hash` is what its approvals are bound to."""

    __tablename__ = "draft_versions"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    hash: str = Field(primary_key=True)
    content: dict[str, Any] = json_object()
    by: str
    at: datetime = instant()


class InvoiceHold(Table, table=True):
    __tablename__ = "invoice_holds"

    id: int | None = Field(default=None, primary_key=True)
    invoice: str = Field(foreign_key="invoices.id", index=True)
    by: str
    reason: str
    since: datetime = instant()
    until: datetime | None = instant_or_none()
    lifted_at: datetime | None = instant_or_none()


class CommandDone(Table, table=True):
    """The verdict on each command, so that a step repeated after a crash answers instead of doing it twice."""

    __tablename__ = "commands_done"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    id: str = Field(primary_key=True)
    name: str
    verdict: dict[str, Any] = json_object()
    at: datetime = instant()


class ApprovalSubject(Table, table=True):
    """What waits for approval: the draft, or money going out. Bound to the hash of exactly this content, and of this
    opening of it (`approval.opening`)."""

    __tablename__ = "approval_subjects"

    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    id: str = Field(primary_key=True)
    kind: str
    amount: int = minor()
    hash: str
    approvers: int
    roles: list[str] = json_list()
    creators: list[str] = json_list()
    command: dict[str, Any] | None = json_or_none()
    opened_at: datetime = instant()
    outcome: str | None = None  # granted | rejected | void
    ended_at: datetime | None = instant_or_none()

    __table_args__ = (
        CheckConstraint("approvers >= 1", name="approvers"),
        CheckConstraint("outcome IS NULL OR outcome IN ('granted','rejected','void')", name="outcome"),
    )


class ApprovalVote(Table, table=True):
    __tablename__ = "approval_votes"

    invoice: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    hash: str = Field(primary_key=True)
    by: str = Field(primary_key=True)
    at: datetime = instant()
    comment: str = ""

    __table_args__ = (
        ForeignKeyConstraint(["invoice", "subject"], ["approval_subjects.invoice", "approval_subjects.id"]),
    )
