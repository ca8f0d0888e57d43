"""A seller's audit chain for programs that follow the books: every change once, in the order it was committed. It
writes nothing."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books.engine import read
from schemas import tables as t


def page(engine: Engine, seller: str, after: int, limit: int) -> list[dict[str, Any]]:
    """At most `limit` entries of the chain behind the one numbered `after`. A number is given and committed while the
    seller's books are locked, so nothing comes later between those that were read. Keys and hashes only."""
    query = (
        select(t.AuditEntry)
        .where(t.AuditEntry.seller == seller, col(t.AuditEntry.seq) > after)
        .order_by(col(t.AuditEntry.seq))
        .limit(limit)
    )
    with read(engine) as session:
        return [content(row) for row in session.exec(query)]


def content(row: t.AuditEntry) -> dict[str, Any]:
    """What the digest is made of (`domain/audit.py: digest`), and the digest."""
    return {
        "seller": row.seller,
        "seq": row.seq,
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "type": row.type,
        "actor": row.actor,
        "actor_kind": row.actor_kind,
        "keys": row.keys,
        "previous": row.previous,
        "digest": row.digest,
    }
