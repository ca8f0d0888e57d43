"""Invariants 5, 7 and 8 for money in: booked once, posted in full, never assigned beyond its amount."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from typing import Any

from sqlalchemy import Label, Select, Subquery, case, func, literal
from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from adapters.books.queries import BORNE
from domain.ledger import CUSTOMER_CREDIT, UNIDENTIFIED
from schemas import tables as t

OWED_BACK = (CUSTOMER_CREDIT, UNIDENTIFIED)


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


def credit_is_left_of_receipts(session: Session) -> Iterator[Breach]:
    """What the ledger owes a customer, or an unknown payer, is what of the receipts is neither assigned nor gone."""
    live = _sum(t.Allocation.amount, t.Allocation.receipt, col(t.Allocation.released_at).is_(None))
    gone = _sum(t.Reversal.amount, t.Reversal.receipt, t.Reversal.state == "booked")
    customer: Label[Any] = func.coalesce(t.Receipt.customer, "").label("customer")
    rest = func.sum(t.Receipt.amount - func.coalesce(live.c.total, 0) - func.coalesce(gone.c.total, 0))
    kept = (
        pick(col(t.Receipt.seller), customer, col(t.Receipt.currency), rest)
        .outerjoin(live, live.c.key == t.Receipt.id)
        .outerjoin(gone, gone.c.key == t.Receipt.id)
        .group_by(col(t.Receipt.seller), customer, col(t.Receipt.currency))
    )
    key = [col(t.Posting.seller), case((col(t.Posting.account) == UNIDENTIFIED, ""), else_=col(t.Posting.customer))]
    owed = (
        pick(*key, col(t.Posting.currency), -func.sum(t.Posting.amount))
        .where(col(t.Posting.account).in_(OWED_BACK))
        .group_by(*key, col(t.Posting.currency))
    )
    found: dict[tuple[Any, ...], int] = defaultdict(int)
    for *about, amount in session.execute(kept):
        found[tuple(about)] += int(amount)
    for *about, amount in session.execute(owed):
        found[tuple(about)] -= int(amount)
    for (seller, who, currency), off in sorted(found.items()):
        if off:
            yield Breach(7, row(t.Customer, seller, who), f"its receipts leave {off} {currency} more than the ledger")


def _sum(amount: Any, key: Any, *where: Any) -> Subquery:
    named: Label[Any] = col(key).label("key")
    return pick(named, func.sum(amount).label("total")).where(*where).group_by(named).subquery()


def reversals_fit_their_receipt(session: Session) -> Iterator[Breach]:
    """No more went back than came in; what a person has not explained yet is nobody's credit."""
    back = _sum(t.Reversal.amount, t.Reversal.receipt, col(t.Reversal.state).in_(("booked", "unexplained")))
    query = (
        pick(t.Receipt.id, t.Receipt.amount, back.c.total)
        .join(back, back.c.key == t.Receipt.id)
        .where(back.c.total > t.Receipt.amount)
    )
    for receipt, amount, total in stream(session, query):
        yield Breach(7, row(t.Receipt, receipt), f"{total} went back, but only {amount} came in")


def what_left_is_no_credit(session: Session) -> Iterator[Breach]:
    """A refund is unexplained only while the money that it took is assigned: else somebody is owed it once more."""
    live = _sum(t.Allocation.amount, t.Allocation.receipt, col(t.Allocation.released_at).is_(None))
    borne = _sum(t.Reversal.amount, t.Reversal.receipt, col(t.Reversal.state).in_(BORNE))
    unassigned = t.Receipt.amount - func.coalesce(live.c.total, 0) - func.coalesce(borne.c.total, 0)
    query = (
        pick(t.Reversal.key, t.Reversal.amount, unassigned)
        .join(t.Receipt, col(t.Receipt.id) == t.Reversal.receipt)
        .outerjoin(live, live.c.key == t.Receipt.id)
        .outerjoin(borne, borne.c.key == t.Receipt.id)
        .where(col(t.Reversal.state) == "unexplained", unassigned >= t.Reversal.amount)
    )
    for key, amount, free in stream(session, query.order_by(col(t.Reversal.key))):
        yield Breach(7, row(t.Reversal, key), f"{amount} left unexplained, but {free} of its receipt are free")


def external_ids_once(session: Session) -> Iterator[Breach]:
    key = [col(c) for c in (t.Receipt.seller, t.Receipt.source, t.Receipt.external_id)]
    query = pick(*key, func.count(), func.max(t.Receipt.id)).group_by(*key).having(func.count() > 1)
    for _, source, external_id, count, receipt in stream(session, query):
        yield Breach(8, row(t.Receipt, receipt), f"{source} {external_id} is booked {count} times")


def _unmatched(day: list[Any]) -> Iterator[Breach]:
    money = Counter(p.amount for p in day if p.account not in (None, *OWED_BACK))
    credit = Counter(-p.amount for p in day if p.account in OWED_BACK)
    for receipt in (found for found in day if found.account is None):
        if money[receipt.amount] and credit[receipt.amount]:
            money[receipt.amount] -= 1
            credit[receipt.amount] -= 1
        else:
            yield Breach(5, row(t.Receipt, receipt.id), f"{receipt.amount} is not what was posted on {receipt.on}")
    for posting in (found for found in day if found.account in OWED_BACK):
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
