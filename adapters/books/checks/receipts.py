"""Invariants 5, 7 and 8 for money in: booked once, posted in full, never assigned beyond its amount."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from typing import Any

from sqlalchemy import Label, Select, func, literal
from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from domain.ledger import CUSTOMER_CREDIT
from schemas import tables as t


def receipts_are_posted(session: Session) -> Iterator[Breach]:
    """Day by day what came in is what was posted as money and as the customers' credit. The ledger names no receipt,
    so on a day that differs those are named that no posting has the amount of."""
    days = merge(stream(session, _receipts()), stream(session, _postings()), key=_day)
    for _, found in groupby(days, key=_day):
        yield from _unmatched(list(found))


def receipts_are_not_exceeded(session: Session) -> Iterator[Breach]:
    live = (
        pick(col(t.Allocation.receipt).label("receipt"), func.sum(t.Allocation.amount).label("total"))
        .where(col(t.Allocation.released_at).is_(None))
        .group_by(col(t.Allocation.receipt))
        .subquery()
    )
    query = (
        pick(t.Receipt.id, t.Receipt.amount, live.c.total)
        .join(live, live.c.receipt == t.Receipt.id)
        .where(live.c.total > t.Receipt.amount)
    )
    for receipt, amount, assigned in stream(session, query):
        yield Breach(7, row(t.Receipt, receipt), f"{assigned} is assigned, but only {amount} came in")


def external_ids_once(session: Session) -> Iterator[Breach]:
    key = [col(c) for c in (t.Receipt.seller, t.Receipt.source, t.Receipt.external_id)]
    query = pick(*key, func.count(), func.max(t.Receipt.id)).group_by(*key).having(func.count() > 1)
    for _, source, external_id, count, receipt in stream(session, query):
        yield Breach(8, row(t.Receipt, receipt), f"{source} {external_id} is booked {count} times")


def _unmatched(day: list[Any]) -> Iterator[Breach]:
    money = Counter(p.amount for p in day if p.account not in (None, CUSTOMER_CREDIT))
    credit = Counter(-p.amount for p in day if p.account == CUSTOMER_CREDIT)
    for receipt in (found for found in day if found.account is None):
        if money[receipt.amount] and credit[receipt.amount]:
            money[receipt.amount] -= 1
            credit[receipt.amount] -= 1
        else:
            yield Breach(5, row(t.Receipt, receipt.id), f"{receipt.amount} is not what was posted on {receipt.on}")
    for posting in (found for found in day if found.account == CUSTOMER_CREDIT):
        if credit[-posting.amount]:
            credit[-posting.amount] -= 1
            yield Breach(5, row(t.Posting, posting.seller, posting.id), f"{-posting.amount} was posted, none came in")


def _day(found: Any) -> tuple[Any, ...]:
    return (found.seller, found.currency, found.on)


def _receipts() -> Select[Any]:
    on: Label[Any] = col(t.Receipt.received_on).label("on")
    order = (col(t.Receipt.seller), col(t.Receipt.currency), on)
    account = literal(None).label("account")
    return pick(*order, t.Receipt.id, account, t.Receipt.amount).order_by(*order)


def _postings() -> Select[Any]:
    on: Label[Any] = col(t.Posting.document_on).label("on")
    order = (col(t.Posting.seller), col(t.Posting.currency), on)
    id_: Label[Any] = col(t.Posting.transaction).label("id")
    query = pick(*order, id_, t.Posting.account, t.Posting.amount).where(col(t.Posting.kind) == "receipt")
    return query.order_by(*order)
