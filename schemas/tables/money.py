"""The double-entry ledger and the receipts it books."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from schemas.tables.columns import Table, instant, instant_or_none, minor


class Posting(Table, table=True):
    """One side of a transaction: debit positive, credit negative. `kind` says what happened (issue, allocate, credit,
    discount, write_off, withheld, recover, receipt …). `invoice` is empty for money not yet assigned. Transactions are
    numbered per seller: two sellers book at the same time without meeting."""

    __tablename__ = "postings"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    transaction: int = Field(primary_key=True, sa_type=BigInteger)
    position: int = Field(primary_key=True)
    invoice: str | None = Field(default=None, foreign_key="invoices.id")
    customer: str
    kind: str
    account: str
    currency: str
    amount: int = minor()
    posted_on: date
    document_on: date
    booked_at: datetime = instant()
    note: str = ""

    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_postings_invoice_account", "invoice", "account"),
        Index("ix_postings_customer", "seller", "customer", "account"),
    )


class Receipt(Table, table=True):
    """Money in, booked once under (seller, source, external id)."""

    __tablename__ = "receipts"

    id: int | None = Field(default=None, primary_key=True)
    seller: str = Field(foreign_key="sellers.key")
    source: str  # hand | stripe | bank
    external_id: str
    customer: str | None = Field(default=None, index=True)
    currency: str
    amount: int = minor()
    received_on: date
    method: str
    by: str
    booked_at: datetime = instant()

    __table_args__ = (
        UniqueConstraint("seller", "source", "external_id"),
        CheckConstraint("amount > 0", name="amount"),
    )


class Allocation(Table, table=True):
    """A receipt's assignment to a receivable; released, never deleted. `at`: since when this money pays it, also where
    a part of an earlier assignment was released and the rest is this one."""

    __tablename__ = "allocations"

    id: int | None = Field(default=None, primary_key=True)
    receipt: int = Field(foreign_key="receipts.id", index=True)
    invoice: str = Field(foreign_key="invoices.id", index=True)
    amount: int = minor()
    at: datetime = instant()
    released_at: datetime | None = instant_or_none()
    reason: str = ""

    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)


class SourceWatermark(Table, table=True):
    """Through which statement date a source of payments was read."""

    __tablename__ = "source_watermarks"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    source: str = Field(primary_key=True)
    through: date
    read_at: datetime = instant()
