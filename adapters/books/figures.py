"""The books in figures, for whoever watches them: how many, how old, how much; never whose. One read, nothing written.

Decisions are counted as they come: what was counted once is not read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, case, func
from sqlmodel import Session, col, select

from adapters.books.engine import read
from domain import watched
from schemas import tables as t

OVERLAP = 5_000
"""Reasons that are counted anew each time: a transaction that took its number early may commit late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Of one seller in one currency, in minor units. `overdue`: of `owed`, what fell due before today (UTC); payments
    fill the oldest due first. `sales`: what was issued less what was credited in the last `watched.DSO_DAYS`."""

    owed: int
    overdue: int
    sales: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    invoices: Mapping[str, int]
    """Receivables by InvoiceState."""
    money: Mapping[tuple[str, str], Money]
    """By (seller, currency)."""
    exceptions: Mapping[tuple[str, str], int]
    """Open ones by (kind, age)."""
    late: Mapping[str, int]
    """Of them those whose deadline has passed, by kind."""
    messages: Mapping[str, int]
    """Claims that are not confirmed, by the state of their effect."""
    feeds: Mapping[tuple[str, str], timedelta | None]
    """Age of the latest statement by (seller, source); None: never read."""
    decisions: Mapping[tuple[str, str, str], int]
    """Ever made, by (verdict, kind of message, code of the reason)."""


class Reader:
    """Reads the figures of one database, from one thread at a time."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._settled: Counter[tuple[str, str, str]] = Counter()
        self._counted = 0

    def figures(self, now: datetime) -> Figures:
        """Unavailable when the database is away."""
        with read(self._engine) as session:
            exceptions, late = _exceptions(session, now)
            return Figures(
                invoices=_grouped(session, t.Invoice.state),
                money=_money(session, now),
                exceptions=exceptions,
                late=late,
                messages=_messages(session),
                feeds=_feeds(session, now),
                decisions=self._decisions(session),
            )

    def _decisions(self, session: Session) -> Counter[tuple[str, str, str]]:
        highest = session.exec(select(func.max(t.Why.id))).one() or 0
        settled = max(self._counted, highest - OVERLAP)
        self._settled += _reasons(session, self._counted, settled)
        self._counted = settled
        return self._settled + _reasons(session, settled, highest)


def _reasons(session: Session, after: int, through: int) -> Counter[tuple[str, str, str]]:
    columns = (col(t.Why.verdict), col(t.Why.kind), col(t.Why.code))
    query = select(*columns, func.count()).where(col(t.Why.id) > after, col(t.Why.id) <= through).group_by(*columns)
    return Counter({(verdict, kind, code): number for verdict, kind, code, number in session.exec(query)})


def _grouped(session: Session, column: str) -> dict[str, int]:
    return dict(session.exec(select(column, func.count()).group_by(col(column))).all())


def _messages(session: Session) -> dict[str, int]:
    unsettled = col(t.Effect.state) != "confirmed"
    return dict(session.exec(select(t.Effect.state, func.count()).where(unsettled).group_by(col(t.Effect.state))).all())


def _exceptions(session: Session, now: datetime) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    ages: Counter[tuple[str, str]] = Counter()
    late: Counter[str] = Counter()
    query = select(t.OpenException.kind, t.OpenException.opened_at, t.OpenException.deadline)
    for kind, opened, deadline in session.exec(query.where(col(t.OpenException.decided_at).is_(None))):
        ages[kind, watched.age(now - opened)] += 1
        late[kind] += deadline is not None and deadline < now
    return ages, +late


def _money(session: Session, now: datetime) -> dict[tuple[str, str], Money]:
    owed = {(seller, currency): (int(sum_), int(overdue)) for seller, currency, sum_, overdue in _owed(session, now)}
    sold = {(seller, currency): int(amount) for seller, currency, amount in _sold(session, now)}
    return {
        key: Money(owed=owed.get(key, (0, 0))[0], overdue=owed.get(key, (0, 0))[1], sales=sold.get(key, 0))
        for key in sorted({*owed, *sold})
    }


def _owed(session: Session, now: datetime) -> list[tuple[str, str, int, int]]:
    # Seller and currency are taken from the postings: a receivable's own row is long, and would be read for nothing.
    key: tuple[Any, ...] = (col(t.Posting.invoice).label("id"), col(t.Posting.seller), col(t.Posting.currency))
    columns: tuple[Any, ...] = (*key, func.sum(t.Posting.amount).label("amount"))
    balance = (
        select(*columns)
        .join(t.Invoice, col(t.Posting.invoice) == col(t.Invoice.id))
        .where(t.Posting.account == "receivable", col(t.Invoice.state).in_(watched.OWED))
        .group_by(*key)
        .subquery()
    )
    later = (
        select(func.coalesce(func.sum(t.Due.amount), 0))
        .where(col(t.Due.invoice) == balance.c.id, col(t.Due.due_on) >= now.astimezone(UTC).date())
        .scalar_subquery()
    )
    each: Any = select(balance.c.seller, balance.c.currency, balance.c.amount, (balance.c.amount - later).label("past"))
    rows = each.subquery()
    overdue = func.sum(case((rows.c.past > 0, rows.c.past), else_=0))
    query = select(rows.c.seller, rows.c.currency, func.sum(rows.c.amount), overdue)
    return list(session.exec(query.group_by(rows.c.seller, rows.c.currency)).all())


def _sold(session: Session, now: datetime) -> list[tuple[str, str, int]]:
    """By the documents' own dates: what was taken over with an older ledger is no sale of today."""
    since = now.astimezone(UTC).date() - timedelta(days=watched.DSO_DAYS)
    amount = case((col(t.Document.kind) == "credit_note", -col(t.Document.total)), else_=col(t.Document.total))
    issue = (
        (col(t.Posting.invoice) == col(t.Document.invoice))
        & (col(t.Posting.account) == "receivable")
        & (col(t.Posting.kind) == "issue")
    )
    query = select(t.Posting.seller, t.Posting.currency, func.sum(amount)).join(t.Document, issue)
    query = query.where(col(t.Document.issued_on) > since)
    return list(session.exec(query.group_by(col(t.Posting.seller), col(t.Posting.currency))).all())


def _feeds(session: Session, now: datetime) -> dict[tuple[str, str], timedelta | None]:
    """Of what sellers are configured to wait for, and of what was ever read."""
    found: dict[tuple[str, str], timedelta | None] = {}
    latest = select(t.Policy.name, func.max(t.Policy.version)).group_by(col(t.Policy.name))
    versions = dict(session.exec(latest).all())
    for seller in session.exec(select(t.Seller.key, t.Seller.policy, t.Seller.sources)):
        sources = seller[2]
        if sources is None and seller[1] in versions:
            sources = session.get_one(t.Policy, (seller[1], versions[seller[1]])).content.get("sources", [])
        found |= {(seller[0], str(source)): None for source in sources or ()}
    for mark in session.exec(select(t.SourceWatermark)):
        found[mark.seller, mark.source] = now - mark.read_at
    return found
