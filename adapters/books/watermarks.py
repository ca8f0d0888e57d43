"""How far each source of payments is read, and who waits for it. A mark never goes back."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import col, select

from adapters.books.tx import SYSTEM, Tx
from domain.account import Phase
from schemas import tables as t

BANK = "bank"


def advance(tx: Tx, source: str, through: date, read_at: datetime) -> None:
    """`through` and `read_at` are the statement's own dates, whenever it came to us."""
    mark = tx.session.get(t.SourceWatermark, (tx.seller.key, source))
    if mark is None:
        mark = t.SourceWatermark(seller=tx.seller.key, source=source, through=through, read_at=read_at)
    mark.through, mark.read_at = max(mark.through, through), max(mark.read_at, read_at)
    tx.session.add(mark)
    tx.audit("source.read", SYSTEM, source=source, through=through.isoformat(), read_at=read_at.isoformat())


def waiting(tx: Tx, after: str, limit: int) -> list[str]:
    """Receivables whose reminder waits for a source, in order of their ids, from `after` on."""
    last = (
        select(t.Why.code)
        .where(t.Why.invoice == t.Invoice.id)
        .order_by(col(t.Why.id).desc())
        .limit(1)
        .correlate(t.Invoice)
        .scalar_subquery()
    )
    query = select(t.Invoice.id).where(
        t.Invoice.seller == tx.seller.key,
        t.Invoice.phase == Phase.OPEN.value,
        col(t.Invoice.id) > after,
        last == "stale_source",
    )
    return list(tx.session.exec(query.order_by(col(t.Invoice.id)).limit(limit)))
