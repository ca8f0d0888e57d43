"""Invariant 4: numbers in a series run from its first without gap or repeat, in date order, each on its document."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import func
from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from schemas import tables as t


def series_are_whole(session: Session) -> Iterator[Breach]:
    ends = {(s.seller, s.kind, s.year): s for s in session.execute(pick(t.NumberSeries)).scalars()}
    columns = (
        t.NumberTaken.seller,
        t.NumberTaken.kind,
        t.NumberTaken.year,
        t.NumberTaken.n,
        t.NumberTaken.issued_on,
    )
    taken = stream(session, pick(*columns).order_by(*map(col, columns)))
    for key, numbers in groupby(taken, key=lambda found: (found.seller, found.kind, found.year)):
        series = ends.pop(key, None)
        if series is None:
            yield Breach(4, row(t.NumberSeries, *key), "is missing, but numbers were taken from it")
            continue
        last, last_on = series.first - 1, None
        for *_, n, issued_on in numbers:
            if n != last + 1:
                gap = f"{last + 1} is missing" if n == last + 2 else f"{last + 1} to {n - 1} are missing"
                yield Breach(4, row(t.NumberTaken, *key, n), gap if n > last else f"{n} was taken twice")
            if last_on is not None and issued_on < last_on:
                yield Breach(4, row(t.NumberTaken, *key, n), f"is dated {issued_on}, before {last} of {last_on}")
            if issued_on.year != series.year:
                yield Breach(4, row(t.NumberTaken, *key, n), f"is dated {issued_on}, in another year")
            last, last_on = n, issued_on
        if (series.last, series.last_on) != (last, last_on):
            told = f"says {series.last} of {series.last_on} was the last; it is {last} of {last_on}"
            yield Breach(4, row(t.NumberSeries, *key), told)
    for key, series in ends.items():
        if series.last >= series.first:
            yield Breach(4, row(t.NumberSeries, *key), f"says {series.last} numbers were taken; there is none")


def numbers_have_documents(session: Session) -> Iterator[Breach]:
    """Each number is printed on the document it was taken for, with the same date, for the same seller."""
    query = (
        pick(t.NumberTaken, t.Document, t.Invoice.seller)
        .join(t.Document, col(t.Document.id) == t.NumberTaken.document, isouter=True)
        .join(t.Invoice, col(t.Invoice.id) == t.Document.invoice, isouter=True)
    )
    for taken, document, seller in stream(session, query):
        name = row(t.NumberTaken, taken.seller, taken.kind, taken.year, taken.n)
        if document is None:
            yield Breach(4, name, f"was taken for {taken.document}, which does not exist")
            continue
        pairs = {
            "number": (taken.number, document.number),
            "date": (taken.issued_on, document.issued_on),
            "kind": (taken.kind, document.kind),
            "seller": (taken.seller, seller),
        }
        for what, (here, there) in pairs.items():
            if here != there:
                yield Breach(4, name, f"{what} is {here}, on {document.id} it is {there}")


def documents_have_numbers(session: Session) -> Iterator[Breach]:
    query = (
        pick(t.Document.id, t.Document.number)
        .join(t.Invoice, col(t.Invoice.id) == t.Document.invoice)
        .join(t.NumberTaken, col(t.NumberTaken.document) == t.Document.id, isouter=True)
        .where(col(t.NumberTaken.document).is_(None))
        .where(col(t.Invoice.adopted).is_(False) | (col(t.Document.kind) != "invoice"))
    )
    for document, number in stream(session, query):
        yield Breach(4, row(t.Document, document), f"carries {number}, which was never taken")


def invoices_show_their_number(session: Session) -> Iterator[Breach]:
    first = (
        pick(t.Document.invoice, func.min(t.Document.id).label("id"))
        .where(col(t.Document.kind) == "invoice")
        .group_by(col(t.Document.invoice))
        .subquery()
    )
    query = (
        pick(
            t.Invoice.id,
            t.Invoice.number,
            t.Invoice.issued_on,
            t.Document.id,
            t.Document.number,
            t.Document.issued_on,
        )
        .join(first, first.c.invoice == t.Invoice.id, isouter=True)
        .join(t.Document, col(t.Document.id) == first.c.id, isouter=True)
        .where(col(t.Invoice.number).is_not(None) | first.c.id.is_not(None))
    )
    for invoice, number, issued_on, document, printed, printed_on in stream(session, query):
        if (number, issued_on) != (printed, printed_on):
            told = f"is {number} of {issued_on}, its document {document} says {printed} of {printed_on}"
            yield Breach(4, row(t.Invoice, invoice), told)


def adopted_numbers_are_not_ours(session: Session) -> Iterator[Breach]:
    """An invoice issued elsewhere keeps its number there: none of our series was taken for it, nor is it the same."""
    query = (
        pick(t.Invoice.id, t.Invoice.number, t.NumberTaken.document)
        .join(
            t.NumberTaken,
            (col(t.NumberTaken.seller) == t.Invoice.seller) & (col(t.NumberTaken.number) == t.Invoice.number),
        )
        .where(col(t.Invoice.adopted).is_(True))
    )
    for invoice, number, document in stream(session, query):
        yield Breach(4, row(t.Invoice, invoice), f"was adopted as {number}, which was taken for {document}")
