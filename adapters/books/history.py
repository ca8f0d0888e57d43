"""What the books know of a customer's earlier invoices, for the warnings of a draft. Few rows and few of their lines;
it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, bindparam
from sqlmodel import col, select

from adapters.books.checks.finding import pick
from adapters.books.queries import CUSTOMER, OWN, SELLER
from adapters.books.recipients import addresses
from adapters.books.seen import ask
from adapters.books.tx import Tx
from domain.document import Draft, Period
from domain.warnings import Billed, History, Past, name_of
from schemas import tables as t

INVOICES = 50
LINES_OF = 12
"""The lines of so many of them are looked at."""

_ROW = t.Invoice
_EARLIER = (
    pick(
        *(_ROW.reference, _ROW.kind, _ROW.phase, _ROW.total, _ROW.number),
        *(_ROW.issued_on, _ROW.created_at, _ROW.draft, _ROW.customer_data),
    )
    .where(
        col(_ROW.seller) == SELLER,
        col(_ROW.customer) == CUSTOMER,
        col(_ROW.currency) == bindparam("currency"),
        col(_ROW.id) != OWN,
        col(_ROW.phase).not_in(("cancelled", "rejected")),
    )
    .order_by(col(_ROW.created_at).desc())
    .limit(INVOICES)
)
"""Columns, not objects: whole receivables would be most of what a draft costs."""


def history(tx: Tx, workflow_id: str, draft: Draft, customer: dict[str, Any]) -> History:
    """`customer`: its data as it will stand on the invoice."""
    about = {"seller": tx.seller.key, "customer": draft.customer.key, "currency": draft.currency}
    names = {name_of(line.item, line.description) for line in draft.lines}
    past = []
    for number, row in enumerate(ask(tx.session, _EARLIER, about | {"invoice": workflow_id})):
        # A prepayment is billed again with the whole, and what was credited may be.
        compared = number < LINES_OF and row.kind == draft.kind == "invoice" and row.phase != "credited"
        found = _past(row)
        past.append(replace(found, lines=tuple(dict.fromkeys(_lines(row.draft, names)))) if compared else found)
    return History(tuple(past), next(addresses(customer), None), _ibans(tx))


def _past(row: Row[Any]) -> Past:
    period = _period(row.draft)
    return Past(
        reference=row.reference,
        total=row.total,
        purchase_order=row.draft.get("purchase_order"),
        period_from=period.start if period else None,
        period_to=period.end if period else None,
        issued_on=row.issued_on or row.created_at.date(),
        issued=row.number is not None,
        to=next(addresses(row.customer_data), None),
    )


def _lines(content: dict[str, Any], names: set[str]) -> Iterator[Billed]:
    for line in content["lines"]:
        name = name_of(line.get("item"), line["description"])
        if name in names:
            yield Billed(
                name=name,
                quantity=Decimal(line["quantity"]),
                price=Decimal(line["unit_price"]) / Decimal(line["price_base"]),
                period=_period(line) or _period(content),
                order=content.get("purchase_order"),
                order_line=line.get("order_line"),
            )


def _period(data: dict[str, Any]) -> Period | None:
    period = data.get("period")
    return Period(date.fromisoformat(period["start"]), date.fromisoformat(period["end"])) if period else None


def _ibans(tx: Tx) -> frozenset[str] | None:
    """The accounts on the last invoice that the seller issued to anybody."""
    query = (
        select(col(t.Document.content)["bank"], col(t.Document.content)["banks"])
        .join(t.NumberTaken, col(t.NumberTaken.document) == col(t.Document.id))
        .where(t.NumberTaken.seller == tx.seller.key, t.NumberTaken.kind == "invoice")
        .order_by(col(t.NumberTaken.year).desc(), col(t.NumberTaken.n).desc())
        .limit(1)
    )
    last = tx.session.exec(query).first()
    if last is None:
        return None
    bank, banks = last
    return frozenset(each["iban"] for each in (bank, *(banks or ())) if each)
