"""Who bills, who owes, who decides, and by which rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field

from schemas.tables.columns import Table, instant, instant_or_none, json_list, json_object, json_or_none


class Seller(Table, table=True):
    """A legal entity that bills (BG-4). `profile`: name, address, vat_id, email, phone, bank{iban,bic,name},
    number formats, tax default, accounts. `audit_seq`/`audit_head`: the end of its audit chain; this row is the lock
    that every writing transaction of the seller takes first."""

    __tablename__ = "sellers"

    key: str = Field(primary_key=True)
    country: str
    region: str | None = None
    timezone: str
    currency: str
    policy: str
    mode: str | None = None  # None: the policy's
    sources: list[str] | None = json_list()
    locked_until: date | None = None
    profile: dict[str, Any] = json_object()
    salt: str
    audit_seq: int = 0
    audit_head: str = ""

    __table_args__ = (CheckConstraint("mode IS NULL OR mode IN ('shadow','ask','auto')", name="mode"),)


class Customer(Table, table=True):
    """Who owes (BG-7). Stored data; an invoice freezes its own copy."""

    __tablename__ = "customers"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    key: str = Field(primary_key=True)
    name: str
    kind: str = "business"
    email: str | None = None
    country: str
    region: str | None = None
    language: str = "en"
    timezone: str
    vat_id: str | None = None
    policy: str | None = None
    terms: Any = json_or_none()
    profile: dict[str, Any] = json_object()

    __table_args__ = (CheckConstraint("kind IN ('business','public','consumer')", name="kind"),)


class Contact(Table, table=True):
    __tablename__ = "contacts"

    id: int | None = Field(default=None, primary_key=True)
    seller: str = Field(foreign_key="sellers.key", index=True)
    customer: str = Field(index=True)
    role: str
    name: str = ""
    email: str
    language: str | None = None

    __table_args__ = (
        CheckConstraint("role IN ('billing','escalation','dispute')", name="role"),
        UniqueConstraint("seller", "customer", "role", "email"),
    )


class Stop(Table, table=True):
    """A stop of a whole customer, a whole seller, or everything (`seller` is `*`)."""

    __tablename__ = "stops"

    id: int | None = Field(default=None, primary_key=True)
    seller: str = Field(index=True)
    customer: str | None = Field(default=None, index=True)
    kind: str = "hold"
    by: str
    reason: str
    since: datetime = instant()
    until: datetime | None = instant_or_none()
    lifted_at: datetime | None = instant_or_none()

    __table_args__ = (CheckConstraint("kind IN ('hold','insolvent','no_contact')", name="kind"),)


class Policy(Table, table=True):
    """One version of a policy, never changed after it was written."""

    __tablename__ = "policies"

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    content: dict[str, Any] = json_object()
    digest: str

    __table_args__ = (CheckConstraint("version >= 1", name="version"), UniqueConstraint("name", "digest"))


class Person(Table, table=True):
    """Someone (or a machine) who may decide. `limits`: minor units by currency. From `absent_from` to `absent_until`,
    both included, others are asked: `delegate` first, who decides in their own name and within their own limits."""

    __tablename__ = "people"

    key: str = Field(primary_key=True)
    name: str
    email: str | None = None
    roles: list[str] = json_list()
    limits: dict[str, int] = json_object()
    machine: bool = False
    active: bool = True
    absent_from: date | None = None
    absent_until: date | None = None
    delegate: str | None = None

    __table_args__ = (CheckConstraint("(absent_from IS NULL) = (absent_until IS NULL)", name="absence"),)
