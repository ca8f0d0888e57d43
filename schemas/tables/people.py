"""What people and customers say and are asked beside the commands: replies by mail, morning sheets and what was thought
of each message on them, changes of address, marks on signed links."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from schemas.tables.columns import Table, instant, instant_or_none, json_object


class Reply(Table, table=True):
    """A mail that came in, once per `id` (a hash of its Message-ID, or of its bytes). `kind` is what it was taken for
    (domain/replies.py); the mail itself lies in the archive under `object_key`. `sender` is a salted hash."""

    __tablename__ = "replies"

    id: str = Field(primary_key=True)
    seller: str = Field(foreign_key="sellers.key", index=True)
    invoice: str | None = Field(default=None, foreign_key="invoices.id", index=True)
    kind: str
    sender: str
    subject: str
    text: str
    object_key: str
    received_at: datetime = instant()
    quiet_until: datetime | None = instant_or_none()


class Sheet(Table, table=True):
    """One owner's morning sheet of one seller and day: claimed, sent, confirmed once under its key. `content` is what
    it said."""

    __tablename__ = "sheets"

    key: str = Field(primary_key=True)  # sheet/{seller}/{owner}/{day}
    seller: str = Field(foreign_key="sellers.key", index=True)
    owner: str = Field(foreign_key="people.key", index=True)
    day: date
    content: dict[str, Any] = json_object()
    made_at: datetime = instant()
    state: str = "claimed"
    lease_until: datetime | None = instant_or_none()  # technical time, as in `effects`
    confirmed_at: datetime | None = instant_or_none()
    provider_id: str | None = None

    __table_args__ = (
        CheckConstraint("state IN ('claimed','confirmed','released','unknown','refused')", name="state"),
        UniqueConstraint("seller", "owner", "day"),
    )


class Judgement(Table, table=True):
    """What a person thought of a message that was decided on: the evidence for letting its rung go by itself."""

    __tablename__ = "judgements"

    message: str = Field(primary_key=True, foreign_key="messages.key")
    by: str = Field(primary_key=True, foreign_key="people.key")
    seller: str = Field(foreign_key="sellers.key", index=True)
    verdict: str
    comment: str = ""
    at: datetime = instant()

    __table_args__ = (CheckConstraint("verdict IN ('agree','veto')", name="verdict"),)


class ContactChange(Table, table=True):
    """A new billing contact that somebody with the customer's link asked for; it counts once the old one confirms."""

    __tablename__ = "contact_changes"

    id: str = Field(primary_key=True)
    seller: str = Field(foreign_key="sellers.key", index=True)
    invoice: str = Field(foreign_key="invoices.id", index=True)
    customer: str
    name: str
    email: str
    requested_at: datetime = instant()
    expires_at: datetime = instant()
    confirmed_at: datetime | None = instant_or_none()


class LinkMark(Table, table=True):
    """What happened to a signed link (domain/links.py): it was used, or taken back. Tokens are kept nowhere."""

    __tablename__ = "link_marks"

    purpose: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    mark: str = Field(primary_key=True)
    by: str
    at: datetime = instant()

    __table_args__ = (CheckConstraint("mark IN ('used','revoked')", name="mark"),)
