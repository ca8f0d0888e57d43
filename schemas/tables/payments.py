"""Money that moves at a provider or a bank: checkout sessions, what came back, statement lines, and how a payer is
recognised. What is booked from them lies in `receipts`, `allocations` and `postings`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from schemas.tables.columns import Table, instant, instant_or_none, json_list, json_object, minor

_LIVE = text("state IN ('claimed','open','processing')")


class PaymentSession(Table, table=True):
    """A checkout at a provider. `id` is the idempotency key, and `params` what is asked for under it: both are stored
    before the call, so that a repeat asks for the very same. `discount` is waived when it is paid. At most one of a
    receivable is live."""

    __tablename__ = "payment_sessions"

    id: str = Field(primary_key=True)  # {workflow id}/checkout-{n}
    seller: str = Field(foreign_key="sellers.key", index=True)
    invoice: str = Field(foreign_key="invoices.id", index=True)
    provider: str
    amount: int = minor()
    discount: int = minor(default=0)
    currency: str
    params: dict[str, Any] = json_object()
    state: str
    provider_id: str | None = None
    payment_id: str | None = Field(default=None, index=True)
    url: str = ""
    minted_at: datetime = instant()
    expires_at: datetime = instant()
    pending_until: datetime | None = instant_or_none()  # how long an unfinished payment stops the ladder
    ended_at: datetime | None = instant_or_none()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("state IN ('claimed','open','processing','stalled','paid','expired','failed')", name="state"),
        UniqueConstraint("provider", "provider_id"),
        Index("ix_payment_sessions_live", "invoice", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )


class Reversal(Table, table=True):
    """Money of a receipt that went back: a refund, a chargeback, a returned debit. Booked once under its external id;
    a refund of ours has its `key` (the idempotency key) before the provider gives it an id."""

    __tablename__ = "reversals"

    key: str = Field(primary_key=True)  # {workflow id}/refund-{n}, or {seller}/{source}/{external id}
    seller: str = Field(foreign_key="sellers.key", index=True)
    source: str  # stripe | bank
    external_id: str | None = None
    receipt: int = Field(foreign_key="receipts.id", index=True)
    invoice: str | None = Field(default=None, foreign_key="invoices.id", index=True)
    kind: str
    amount: int = minor()
    state: str
    reason: str = ""
    occurred_on: date
    due_by: datetime | None = instant_or_none()  # evidence deadline of a chargeback
    attempts: int = 0
    spent: int = 0  # idempotency keys that the provider answers with a failure for good
    retry_at: datetime | None = instant_or_none()
    by: str
    at: datetime = instant()

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("kind IN ('refund','chargeback','returned')", name="kind"),
        CheckConstraint("state IN ('requested','claimed','booked','unexplained','won','failed')", name="state"),
        UniqueConstraint("seller", "source", "external_id"),
    )


class ProviderEvent(Table, table=True):
    """A provider's event that was worked off: what it was about and what came of it."""

    __tablename__ = "provider_events"

    provider: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    type: str
    object_id: str
    outcome: str
    handled_at: datetime = instant()


class Payout(Table, table=True):
    """Money a provider sent to the bank, and the line of the statement it arrived with. `trace` is the bank's own
    reference for it, when the provider knows it."""

    __tablename__ = "payouts"

    provider: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    status: str
    amount: int = minor()
    currency: str
    arrives_on: date
    trace: str = ""
    seller: str | None = Field(default=None, foreign_key="sellers.key")
    line: str | None = None

    __table_args__ = (UniqueConstraint("seller", "line"),)


class BankFile(Table, table=True):
    """A statement file, once per content. `statements`: account, number, dates and balances of each."""

    __tablename__ = "bank_files"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    id: str = Field(primary_key=True)  # SHA-256 of the content, hex
    format: str
    object_key: str
    statements: list[dict[str, Any]] = json_list()
    lines: int
    fresh: int  # lines that no earlier file held
    state: str
    received_at: datetime = instant()
    booked_at: datetime | None = instant_or_none()

    __table_args__ = (CheckConstraint("state IN ('received','booked')", name="state"),)


class BankLine(Table, table=True):
    """One booked movement of the seller's account, once however many files hold it. `amount`: credit positive."""

    __tablename__ = "bank_lines"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    key: str = Field(primary_key=True)
    file: str
    position: int
    account: str
    booked_on: date
    amount: int = minor()
    currency: str
    charges: int = minor(default=0)
    name: str = ""
    iban: str = ""
    text: str = ""
    reference: str = ""
    end_to_end: str = ""
    bank_reference: str = ""
    return_code: str = ""
    reversal: bool = False
    batch: str = ""  # of a part of a batch: the key of the batch where another file tells it as one line
    state: str
    rule: str = ""
    receipt: int | None = Field(default=None, foreign_key="receipts.id", index=True)

    __table_args__ = (
        CheckConstraint("state IN ('new','booked','unclear','ignored')", name="state"),
        ForeignKeyConstraint(["seller", "file"], ["bank_files.seller", "bank_files.id"]),
        Index("ix_bank_lines_file", "seller", "file", "position"),
        Index("ix_bank_lines_batch", "seller", "batch"),
    )


class PaymentReference(Table, table=True):
    """A key a payer may write: a creditor reference (ISO 11649) or a document's number. It names its targets, one
    receivable today, a bundle later."""

    __tablename__ = "payment_references"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    reference: str = Field(primary_key=True)
    kind: str

    __table_args__ = (CheckConstraint("kind IN ('creditor_reference','number')", name="kind"),)


class ReferenceTarget(Table, table=True):
    __tablename__ = "reference_targets"

    seller: str = Field(primary_key=True)
    reference: str = Field(primary_key=True)
    invoice: str = Field(primary_key=True, foreign_key="invoices.id", index=True)

    __table_args__ = (
        ForeignKeyConstraint(["seller", "reference"], ["payment_references.seller", "payment_references.reference"]),
    )


class LearnedIban(Table, table=True):
    """Which customer an account (as a salted hash) has paid for, as a person confirmed."""

    __tablename__ = "learned_ibans"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    iban: str = Field(primary_key=True)
    customer: str
    by: str
    at: datetime = instant()


class ReceiptCandidate(Table, table=True):
    """Whose an unidentified receipt may be: while it is, that customer is not chased."""

    __tablename__ = "receipt_candidates"

    receipt: int = Field(primary_key=True, foreign_key="receipts.id")
    customer: str = Field(primary_key=True)


class MailEvent(Table, table=True):
    """What the mail provider reported of a message, once per event."""

    __tablename__ = "mail_events"

    id: str = Field(primary_key=True)
    message: str = Field(foreign_key="messages.key", index=True)
    type: str
    reason: str = ""
    at: datetime = instant()


class ApiKey(Table, table=True):
    """A program's key for the HTTP interface: only its hash is kept. `by` is who it acts as."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True)
    digest: str
    by: str = Field(foreign_key="people.key")
    scopes: list[str] = json_list()
    seller: str | None = Field(default=None, foreign_key="sellers.key")
    made_at: datetime = instant()
    revoked_at: datetime | None = instant_or_none()
