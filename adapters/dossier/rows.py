"""Rows of the books as an auditor reads them: amounts as decimal strings, instants in UTC, names as the tables have
them. Reads as a stream and writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, func, inspect
from sqlmodel import Session, SQLModel, col, select

from adapters.books.checks.finding import pick, stream
from adapters.books.load import SUMS
from adapters.books.views import evidence
from domain import ledger, money
from domain.status import instant
from schemas import tables as t

POSTINGS = (
    "transaction", "position", "posted_on", "document_on", "booked_at", "invoice", "customer", "kind", "account",
    "currency", "amount", "note",
)  # fmt: skip
NUMBERS = ("kind", "year", "n", "number", "issued_on", "document", "reason")


def plain(row: SQLModel, currency: str, but: Collection[str] = ()) -> dict[str, Any]:
    """A row without the columns `but`; its amounts are in its own currency if it has one."""
    unit = getattr(row, "currency", currency)
    said = {}
    for column in inspect(type(row)).columns:
        if column.key in but:
            continue
        value = getattr(row, column.key)
        if isinstance(value, datetime):
            value = instant(value)
        elif isinstance(value, date):
            value = value.isoformat()
        elif isinstance(column.type, BigInteger) and value is not None:
            value = money.show(value, unit)
        elif column.key == "evidence" and isinstance(value, dict):
            value = evidence(value, currency)
        said[column.key] = value
    return said


def own(session: Session, table: Any, invoice: str, *order: Any) -> Iterator[Any]:
    """The rows of `table` that hang on the receivable."""
    query = pick(table).where(col(table.invoice) == invoice).order_by(*(order or inspect(table).primary_key))
    for (row,) in stream(session, query):
        yield row


def receivable(session: Session, row: t.Invoice) -> dict[str, Any]:
    """Who owes what: the sums over its postings, as `status` shows them."""
    amounts = {name: 0 for name, _ in SUMS.values()} | {"balance": 0}
    query = (
        select(t.Posting.kind, func.sum(t.Posting.amount))
        .where(t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE)
        .group_by(col(t.Posting.kind))
    )
    for kind, total in session.exec(query):
        name, sign = SUMS[kind]
        amounts[name] += sign * int(total)
        amounts["balance"] += int(total)
    return {
        "id": row.id,
        "seller": row.seller,
        "reference": row.reference,
        "number": row.number,
        "issued_on": row.issued_on.isoformat() if row.issued_on else None,
        "customer": row.customer,
        "name": row.customer_data.get("name"),
        "state": row.state,
        "phase": row.phase,
        "owner": row.owner,
        "policy": {"name": row.policy, "version": row.policy_version},
        "currency": row.currency,
        "decimals": money.exponent(row.currency),
        "amounts": {name: money.show(amount, row.currency) for name, amount in amounts.items()},
    }


def postings(session: Session, where: ColumnElement[bool]) -> Iterator[list[Any]]:
    """In the order they were booked, as `POSTINGS` names the columns. All sides of a transaction have the same date and
    receivable, so that a condition on these takes whole transactions."""
    order = (col(t.Posting.seller), col(t.Posting.transaction), col(t.Posting.position))
    for (row,) in stream(session, pick(t.Posting).where(where).order_by(*order)):
        said = {**plain(row, row.currency), "transaction": row.transaction}
        yield [said[name] for name in POSTINGS]


def numbers(session: Session, seller: str, where: ColumnElement[bool], invoice: str = "") -> Iterator[list[Any]]:
    """The number ledger, as `NUMBERS` names the columns. With `invoice` what other receivables' numbers were taken for
    is left out."""
    query = (
        pick(t.NumberTaken, t.Document.invoice)
        .join(t.Document, col(t.Document.id) == col(t.NumberTaken.document), isouter=True)
        .where(col(t.NumberTaken.seller) == seller, where)
        .order_by(col(t.NumberTaken.kind), col(t.NumberTaken.year), col(t.NumberTaken.n))
    )
    for row, whose in stream(session, query):
        document, reason = (row.document, row.reason) if invoice in ("", whose) else ("", "")
        yield [row.kind, row.year, row.n, row.number, row.issued_on.isoformat(), document, reason]
