"""What the law no longer wants kept: documents and statement files past their date, of receivables that are closed and
on no legal hold. It lists; deleting is a person's, and nothing here does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Engine, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from adapters.books import legal_holds
from adapters.books.checks.finding import pick, stream
from adapters.books.engine import read
from domain import retention
from domain.account import CLOSED
from schemas import tables as t


def due(engine: Engine, on: date, seller: str | None = None) -> Iterator[dict[str, Any]]:
    """Each record that may be deleted on that day, with the law that kept it. All documents of a receivable are kept as
    long as the youngest of them."""
    with read(engine) as session:
        query = select(t.Seller).order_by(col(t.Seller.key))
        for row in session.exec(query if seller is None else query.where(t.Seller.key == seller)).all():
            held = legal_holds.in_force(session, row.key)
            if None not in held:
                yield from _documents(session, row, on, held)
                yield from _bank_files(session, row, on, held)


def _documents(session: Session, seller: t.Seller, on: date, held: dict[str | None, t.LegalHold]) -> Iterator[Any]:
    other = aliased(t.Document)
    youngest = select(func.max(other.issued_on)).where(col(other.invoice) == col(t.Document.invoice)).scalar_subquery()
    query = (
        pick(t.Document, t.Invoice.phase, youngest)
        .join(t.Invoice, col(t.Invoice.id) == col(t.Document.invoice))
        .where(col(t.Invoice.seller) == seller.key)
        .order_by(col(t.Document.issued_on), col(t.Document.id))
    )
    for paper, phase, latest in stream(session, query):
        kept = retention.keep_until(seller.country, latest)
        if kept.until < on and phase in CLOSED and paper.invoice not in held:
            files = [key for key in (paper.object_key, paper.xml_key) if key]
            yield _line(seller, paper.id, paper.kind, paper.number, paper.issued_on, files, kept)


def _bank_files(session: Session, seller: t.Seller, on: date, held: dict[str | None, t.LegalHold]) -> Iterator[Any]:
    query = select(t.BankFile).where(t.BankFile.seller == seller.key).order_by(col(t.BankFile.received_at))
    for (row,) in stream(session, query):
        kept = retention.keep_until(seller.country, row.received_at.date(), retention.VOUCHER)
        if kept.until < on and not any(
            phase not in CLOSED or invoice in held for invoice, phase in _paid_by(session, row)
        ):
            yield _line(seller, row.id, "bank_file", None, row.received_at.date(), [row.object_key], kept)


def _paid_by(session: Session, file: t.BankFile) -> Sequence[Any]:
    """The receivables that money of this file pays, or has paid, with their phases."""
    query = (
        pick(t.Invoice.id, t.Invoice.phase)
        .join(t.Allocation, col(t.Allocation.invoice) == col(t.Invoice.id))
        .join(t.BankLine, col(t.BankLine.receipt) == col(t.Allocation.receipt))
        .where(col(t.BankLine.seller) == file.seller, col(t.BankLine.file) == file.id)
    )
    return session.execute(query.distinct()).all()


def _line(
    seller: t.Seller, id_: str, kind: str, number: str | None, dated: date, files: list[str], kept: retention.Keep
) -> dict[str, Any]:
    return {
        "seller": seller.key,
        "kind": kind,
        "id": id_,
        "number": number,
        "dated": dated.isoformat(),
        "kept_until": kept.until.isoformat(),
        "law": kept.law,
        "files": files,
    }
