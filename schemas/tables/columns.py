"""Column types and the one metadata every table hangs on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Dialect, MetaData, TypeDecorator
from sqlmodel import Field, SQLModel

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Table(SQLModel):
    metadata = metadata


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a business time needs a timezone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def instant(**more: Any) -> Any:
    return Field(sa_column=Column(Instant(), nullable=False), **more)


def instant_or_none(**more: Any) -> Any:
    return Field(default=None, sa_column=Column(Instant(), nullable=True), **more)


def minor(**more: Any) -> Any:
    """An amount in minor units."""
    return Field(sa_type=BigInteger, **more)


def since(value: str, **more: Any) -> Any:
    """A column that came later; rows from before have `value`."""
    return Field(sa_column_kwargs={"server_default": value}, **more)


def json_object(**more: Any) -> Any:
    return Field(default_factory=dict, sa_column=Column(JSON, nullable=False), **more)


def json_list(**more: Any) -> Any:
    return Field(default_factory=list, sa_column=Column(JSON, nullable=False), **more)


def json_or_none(**more: Any) -> Any:
    return Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True), **more)
