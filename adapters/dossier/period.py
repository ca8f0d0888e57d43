"""The export of a year: every document issued in it, with an index, the number ledger, the whole audit chain and the
postings, a folder a seller. Streamed from the books to the disk; it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, func
from sqlmodel import Session, col, select

from adapters.books import papers
from adapters.books.checks.finding import pick, stream
from adapters.books.engine import read
from adapters.documents.store import Store
from adapters.dossier import chain, documents, rows
from adapters.dossier.page import readme, script
from adapters.dossier.parcel import Parcel, line, parcel, writer
from domain import einvoice
from domain.errors import NotFound, Refused
from schemas import tables as t

LOT = 50
"""Documents in memory at once, with all that was frozen of them."""


def export(
    engine: Engine,
    store: Store,
    year: int,
    seller: str | None,
    out: Path,
    step: Callable[[int], Any] = lambda _: None,
) -> None:
    """Writes the year of one seller, or of all, to `out`. NotFound for an unknown seller, Refused when nothing was
    issued in that year; NotFound or Conflict, and no file, when the archive lost or changed a document."""
    with read(engine) as session:
        if seller is not None and session.get(t.Seller, seller) is None:
            raise NotFound(f"there is no seller {seller}")
        issuing = [key for key in session.exec(_issuing(year)) if seller in (None, key)]
        if not issuing:
            raise Refused(f"no document{f' of {seller}' if seller else ''} was issued in {year}")
        at = session.exec(select(func.max(t.AuditEntry.at)).where(col(t.AuditEntry.seller).in_(issuing))).one()
        sellers = [session.get_one(t.Seller, key) for key in issuing]
        with parcel(out, at, step) as made:
            made.add("verify.py", script())
            made.add("README.txt", readme(f"year {year}", sellers))
            for each in sellers:
                _fill(made, session, store, each, year)


def _issuing(year: int) -> Any:
    """The sellers with a document of that year."""
    query = select(t.Invoice.seller).join(t.Document, col(t.Document.invoice) == col(t.Invoice.id))
    return query.where(_within(t.Document.issued_on, year)).distinct().order_by(col(t.Invoice.seller))


def _within(column: Any, year: int) -> ColumnElement[bool]:
    within: ColumnElement[bool] = col(column).between(date(year, 1, 1), date(year, 12, 31))
    return within


def _fill(made: Parcel, session: Session, store: Store, seller: t.Seller, year: int) -> None:
    folder = f"{seller.key}/"
    _documents(made, session, store, seller, year)
    made.lines(f"{folder}receivables.jsonl", _receivables(session, seller, year))
    own = col(t.Posting.seller) == seller.key
    about = _within(t.Posting.posted_on, year) | col(t.Posting.invoice).in_(_invoices(seller, year))
    made.table(f"{folder}postings.csv", rows.POSTINGS, rows.postings(session, own & about))
    taken = _within(t.NumberTaken.issued_on, year)
    made.table(f"{folder}numbers.csv", rows.NUMBERS, rows.numbers(session, seller.key, taken))
    chain.add(made, session, seller, folder, None, year)


def _documents(made: Parcel, session: Session, store: Store, seller: t.Seller, year: int) -> None:
    """Files and the three tables about them grow side by side."""
    folder = f"{seller.key}/"
    with (
        made.spool(f"{folder}documents.jsonl") as lines,
        made.spool(f"{folder}taxes.csv") as taxes,
        made.spool(f"{folder}index.csv") as index,
        closing(stream(session, _papers(seller, year), LOT)) as found,
    ):
        write_tax, write = writer(taxes, documents.TAXES), writer(index, documents.INDEX)
        for paper, row in found:
            about = documents.add(made, store, folder, row, paper)
            lines.write(line(about))
            model = papers.model(row, paper)
            told = "" if paper.model is None else einvoice.model_hash(paper.model)
            write(documents.indexed(paper, model, about, told))
            for each in documents.taxes(model):
                write_tax(each)


def _papers(seller: t.Seller, year: int) -> Select[Any]:
    return (
        pick(t.Document, t.Invoice)
        .join(t.Invoice, col(t.Invoice.id) == col(t.Document.invoice))
        .where(col(t.Invoice.seller) == seller.key, _within(t.Document.issued_on, year))
        .order_by(col(t.Document.issued_on), col(t.Document.kind), col(t.Document.number))
    )


def _invoices(seller: t.Seller, year: int) -> Any:
    return (
        select(t.Document.invoice)
        .join(t.Invoice, col(t.Invoice.id) == col(t.Document.invoice))
        .where(t.Invoice.seller == seller.key, _within(t.Document.issued_on, year))
    )


def _receivables(session: Session, seller: t.Seller, year: int) -> Iterator[dict[str, Any]]:
    query = pick(t.Invoice).where(col(t.Invoice.id).in_(_invoices(seller, year))).order_by(col(t.Invoice.id))
    for (row,) in stream(session, query, LOT):
        yield rows.receivable(session, row)
