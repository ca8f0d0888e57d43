"""Legal documents with the numbers they took, and files that are attached to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from schemas.tables.columns import Table, instant, json_object, json_or_none, minor


class NumberSeries(Table, table=True):
    """seller × kind × year: the last number taken and its date. Written only inside an issuing transaction."""

    __tablename__ = "number_series"

    seller: str = Field(primary_key=True, foreign_key="sellers.key")
    kind: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    first: int = 1
    last: int
    last_on: date | None = None

    __table_args__ = (CheckConstraint("last >= first - 1", name="last"),)


class NumberTaken(Table, table=True):
    """Every number with the reason it was taken."""

    __tablename__ = "numbers"

    seller: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    n: int = Field(primary_key=True)
    number: str
    issued_on: date
    document: str = Field(foreign_key="documents.id")
    reason: str

    __table_args__ = (
        ForeignKeyConstraint(
            ["seller", "kind", "year"], ["number_series.seller", "number_series.kind", "number_series.year"]
        ),
        UniqueConstraint("seller", "number"),
        UniqueConstraint("document"),
        CheckConstraint("n >= 1", name="n"),
    )


class Document(Table, table=True):
    """A legal document: invoice or credit note. `content` is the draft it was, `model` what was frozen of it under its
    number; `object_key` the archived PDF, `xml_key` the XML of its profile."""

    __tablename__ = "documents"

    id: str = Field(primary_key=True)  # {workflow id}/{kind}-{n}
    invoice: str = Field(foreign_key="invoices.id", index=True)
    kind: str
    number: str
    issued_on: date
    total: int = minor()
    content: dict[str, Any] = json_object()
    content_hash: str
    model: dict[str, Any] | None = json_or_none()
    object_key: str | None = None
    xml_key: str | None = None
    issued_at: datetime = instant()

    __table_args__ = (
        CheckConstraint("kind IN ('invoice','credit_note')", name="kind"),
        CheckConstraint("total >= 0", name="total"),
    )


class File(Table, table=True):
    """A file that was handed in: its bytes lie in the archive under `key`."""

    __tablename__ = "files"

    key: str = Field(primary_key=True)
    suffix: str
    size: int
    stored_at: datetime = instant()

    __table_args__ = (CheckConstraint("size > 0", name="size"),)
