"""What proves the rest: messages with their reasons, the audit chain, exceptions that a person owns, legal holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from schemas.tables.columns import Table, instant, instant_or_none, json_object, minor


class Message(Table, table=True):
    """One letter, unique by key; what it is about lies in its items. `acting`: its effect row says how far it got."""

    __tablename__ = "messages"

    key: str = Field(primary_key=True)
    seller: str = Field(foreign_key="sellers.key", index=True)
    invoice: str = Field(foreign_key="invoices.id", index=True)
    contact: str  # salted hash of the recipient
    kind: str
    template: str
    subject: str | None = None
    person: str | None = None
    state: str
    at: datetime = instant()
    approved_by: str | None = None

    __table_args__ = (CheckConstraint("state IN ('held','released','acting','skipped','would_send')", name="state"),)


class MessageItem(Table, table=True):
    """What a message is about; invariant 2 is this UNIQUE. `ref` tells approvals and documents apart."""

    __tablename__ = "message_items"

    message: str = Field(primary_key=True, foreign_key="messages.key")
    invoice: str = Field(primary_key=True, foreign_key="invoices.id")
    due: str = Field(default="", primary_key=True)
    episode: int = 0
    kind: str
    rung: str = ""
    ref: str = ""
    amount: int = minor(default=0)

    __table_args__ = (UniqueConstraint("invoice", "due", "episode", "kind", "rung", "ref"),)


class Effect(Table, table=True):
    """Claim, act, confirm: one row for anything the outside can notice, under the key of what it carries out.
    `lease_until` is technical time: an attempt that timed out may still be alive until then."""

    __tablename__ = "effects"

    key: str = Field(primary_key=True)
    seller: str = Field(foreign_key="sellers.key")
    invoice: str = Field(foreign_key="invoices.id", index=True)
    kind: str
    contact: str = ""
    state: str
    attempts: int = 0
    retry_at: datetime | None = instant_or_none()
    lease_until: datetime | None = instant_or_none()
    claimed_at: datetime = instant()
    confirmed_at: datetime | None = instant_or_none()
    provider_id: str | None = None
    delivery: str | None = None  # what the provider reported after it took the message (domain/delivery.py)
    delivery_at: datetime | None = instant_or_none()

    __table_args__ = (
        CheckConstraint("state IN ('claimed','confirmed','released','unknown','refused')", name="state"),
        CheckConstraint("(state = 'confirmed') = (confirmed_at IS NOT NULL)", name="confirmed"),
        UniqueConstraint("provider_id"),
        Index("ix_effects_contact", "seller", "contact", "claimed_at"),
    )


class Why(Table, table=True):
    """The reason for every message sent, withheld or moved."""

    __tablename__ = "whys"

    id: int | None = Field(default=None, primary_key=True)
    seller: str = Field(foreign_key="sellers.key")
    invoice: str = Field(foreign_key="invoices.id", index=True)
    message: str | None = None
    kind: str
    due: str | None = None
    episode: int = 0
    rung: str | None = None
    verdict: str
    code: str
    reason: str
    at: datetime = instant()
    policy: str
    policy_version: int
    balance: int = minor()
    clock: dict[str, Any] = json_object()

    __table_args__ = (
        CheckConstraint(
            "verdict IN ('sent','withheld','moved','skipped','held','would_send','unknown','refused')", name="verdict"
        ),
    )


class AuditEntry(Table, table=True):
    """The audit chain: keys and hashes only; each entry names the digest of the one before."""

    __tablename__ = "audit"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    seq: int = Field(primary_key=True)
    at: datetime = instant()
    type: str
    actor: str
    actor_kind: str
    invoice: str | None = Field(default=None, index=True)
    keys: dict[str, str] = json_object()
    previous: str
    digest: str

    __table_args__ = (
        CheckConstraint("seq >= 1", name="seq"),
        CheckConstraint("actor_kind IN ('person','machine','customer')", name="actor_kind"),
        UniqueConstraint("seller", "digest"),
    )


class AuditText(Table, table=True):
    """Texts that audit entries refer to by salted hash; erasing a row leaves the chain whole."""

    __tablename__ = "audit_texts"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    ref: str = Field(primary_key=True)
    text: str


_UNDECIDED = text("decided_at IS NULL")


class OpenException(Table, table=True):
    """A thing a person must decide. It leaves the queue only with a recorded decision."""

    __tablename__ = "exceptions"

    id: int | None = Field(default=None, primary_key=True)
    seller: str = Field(foreign_key="sellers.key")
    invoice: str | None = Field(default=None, foreign_key="invoices.id", index=True)
    kind: str
    key: str  # what it is about, e.g. a message key
    owner: str
    opened_at: datetime = instant()
    deadline: datetime | None = instant_or_none()
    evidence: dict[str, Any] = json_object()
    decided_at: datetime | None = instant_or_none()
    decided_by: str | None = None
    decision: str | None = None

    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name="decided"),
        Index("ix_exceptions_open", "seller", "kind", "key"),
        Index("ix_exceptions_undecided", "seller", "id", sqlite_where=_UNDECIDED, postgresql_where=_UNDECIDED),
    )


class LegalHold(Table, table=True):
    """Nothing of a receivable, or of a whole seller (`invoice` empty), may be deleted. Rows are only added: a
    release is one of its own that names the hold it ends."""

    __tablename__ = "legal_holds"

    id: int | None = Field(default=None, primary_key=True)
    seller: str = Field(foreign_key="sellers.key", index=True)
    invoice: str | None = Field(default=None, foreign_key="invoices.id", index=True)
    releases: int | None = Field(default=None, foreign_key="legal_holds.id")
    by: str
    reason: str
    at: datetime = instant()

    __table_args__ = (UniqueConstraint("releases"),)
