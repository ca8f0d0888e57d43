"""A seller's audit chain for an auditor: the links of all entries, and the content of those that are his to see.

What other receivables' entries say stays here: of them a dossier has the digests only. Whoever holds the content of
all, as an export of a year does, can tell that these are the true ones (`verify.py --with`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlmodel import Session, col, func, select

from adapters.books.checks.finding import pick, stream
from adapters.books.events import content
from adapters.dossier.parcel import Parcel
from schemas import tables as t

LINKS = ("seq", "previous", "digest")
BATCH = 500


def add(parcel: Parcel, session: Session, seller: t.Seller, folder: str, invoice: str | None, year: int) -> None:
    """With `invoice` its entries and their texts; else every entry, and the texts of the year's."""
    own = select(func.count()).where(t.AuditEntry.seller == seller.key)
    head = {
        "seller": seller.key,
        "seq": seller.audit_seq,
        "digest": seller.audit_head,
        "complete": invoice is None,
        "entries": session.exec(own if invoice is None else own.where(t.AuditEntry.invoice == invoice)).one(),
    }
    parcel.json(f"{folder}audit/head.json", head)
    parcel.table(f"{folder}audit/chain.csv", LINKS, _links(session, seller.key))
    parcel.lines(f"{folder}audit/entries.jsonl", map(content, entries(session, seller.key, invoice)))
    wanted = (e for e in entries(session, seller.key, invoice) if invoice is not None or e.at.year == year)
    parcel.lines(f"{folder}audit/texts.jsonl", _texts(session, seller.key, wanted))


def entries(session: Session, seller: str, invoice: str | None) -> Iterator[t.AuditEntry]:
    query = pick(t.AuditEntry).where(col(t.AuditEntry.seller) == seller).order_by(col(t.AuditEntry.seq))
    for (row,) in stream(session, query if invoice is None else query.where(col(t.AuditEntry.invoice) == invoice)):
        yield row


def _links(session: Session, seller: str) -> Iterator[Any]:
    query = pick(t.AuditEntry.seq, t.AuditEntry.previous, t.AuditEntry.digest).where(col(t.AuditEntry.seller) == seller)
    yield from stream(session, query.order_by(col(t.AuditEntry.seq)))


def _texts(session: Session, seller: str, wanted: Iterator[t.AuditEntry]) -> Iterator[dict[str, str]]:
    """Those that the entries refer to, once each. What was erased is not there, and the chain is whole without it."""
    seen: set[str] = set()
    batch: list[str] = []
    for entry in wanted:
        fresh = {each for each in (entry.actor, *entry.keys.values()) if each.startswith("sha256:")} - seen
        seen |= fresh
        batch += sorted(fresh)
        if len(batch) >= BATCH:
            yield from _found(session, seller, batch)
            batch = []
    yield from _found(session, seller, batch)


def _found(session: Session, seller: str, refs: list[str]) -> Iterator[dict[str, str]]:
    query = select(t.AuditText).where(t.AuditText.seller == seller, col(t.AuditText.ref).in_(refs))
    for row in session.exec(query.order_by(col(t.AuditText.ref))).all():
        yield {"ref": row.ref, "text": row.text}
