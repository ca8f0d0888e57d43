"""Reads the simpler rows that hang on a receivable, as the domain's values. It writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from domain import calendar, terms
from domain.account import DiscountStep, Dispute, Document, Due, Hold, Promise, Watermark
from domain.policy import Policy
from schemas import tables as t


def dues(session: Session, row: t.Invoice) -> tuple[Due, ...]:
    rows = session.exec(select(t.Due).where(t.Due.invoice == row.id).order_by(col(t.Due.due_on), col(t.Due.id)))
    return tuple(Due(id=d.id, due_on=d.due_on, ladder_on=d.ladder_on, episode=d.episode, amount=d.amount) for d in rows)


def discounts(row: t.Invoice) -> tuple[DiscountStep, ...]:
    if row.issued_on is None:
        return ()
    steps = terms.discount_steps(terms.parse_terms(row.draft["terms"]), row.issued_on)
    return tuple(DiscountStep(percent=str(percent), until=until) for percent, until in steps)


def disputes(session: Session, row: t.Invoice) -> tuple[Dispute, ...]:
    rows = session.exec(
        select(t.Dispute).where(t.Dispute.invoice == row.id).order_by(col(t.Dispute.opened_at), col(t.Dispute.id))
    )
    return tuple(
        Dispute(
            id=d.id,
            by=d.by,
            code=d.code,
            reason=d.reason,
            amount=d.amount,
            lines=tuple(d.lines),
            opened_at=d.opened_at,
            outcome=d.outcome,
        )
        for d in rows
    )


def promises(session: Session, row: t.Invoice) -> tuple[Promise, ...]:
    rows = session.exec(
        select(t.Promise).where(t.Promise.invoice == row.id).order_by(col(t.Promise.made_at), col(t.Promise.id))
    )
    return tuple(
        Promise(id=p.id, by=p.by, amount=p.amount, promised_on=p.promised_on, made_at=p.made_at, outcome=p.outcome)
        for p in rows
    )


def holds(session: Session, row: t.Invoice, now: datetime) -> tuple[Hold, ...]:
    """Stops in force: of the invoice, its customer, its seller, and of everything."""
    own = session.exec(
        select(t.InvoiceHold).where(t.InvoiceHold.invoice == row.id, col(t.InvoiceHold.lifted_at).is_(None))
    )
    holds = [Hold(scope="invoice", by=h.by, reason=h.reason, until=h.until) for h in own]
    wider = session.exec(
        select(t.Stop).where(
            or_(
                col(t.Stop.seller) == "*",
                (col(t.Stop.seller) == row.seller)
                & (col(t.Stop.customer).is_(None) | (col(t.Stop.customer) == row.customer)),
            ),
            col(t.Stop.lifted_at).is_(None),
        )
    )
    for stop in wider:
        scope = "all" if stop.seller == "*" else "customer" if stop.customer else "seller"
        holds.append(Hold(scope=scope, by=stop.by, reason=stop.reason, until=stop.until))
    return tuple(h for h in holds if h.until is None or now < h.until)


def documents(session: Session, row: t.Invoice) -> tuple[Document, ...]:
    rows = session.exec(
        select(t.Document).where(t.Document.invoice == row.id).order_by(col(t.Document.issued_at), col(t.Document.id))
    )
    return tuple(
        Document(
            id=d.id,
            kind=d.kind,
            number=d.number,
            issued_on=d.issued_on,
            total=d.total,
            object_key=d.object_key,
        )
        for d in rows
    )


def watermarks(session: Session, row: t.Invoice, policy: Policy) -> tuple[Watermark, ...]:
    if not policy.sources:
        return ()
    rows = session.exec(select(t.SourceWatermark).where(t.SourceWatermark.seller == row.seller))
    return tuple(Watermark(source=w.source, through=w.through, read_at=w.read_at) for w in rows)


def reminded(session: Session, row: t.Invoice, now: datetime) -> tuple[datetime, ...]:
    """When the same contact was reminded of its other invoices, over the last two days."""
    query = select(t.Effect.claimed_at).where(
        t.Effect.seller == row.seller,
        t.Effect.contact == row.contact,
        t.Effect.kind == "reminder",
        t.Effect.invoice != row.id,
        col(t.Effect.state).in_(("claimed", "confirmed", "unknown")),
        col(t.Effect.claimed_at) > now - timedelta(days=2),
    )
    return tuple(session.exec(query))


def older_debt(session: Session, row: t.Invoice, now: datetime) -> bool:
    """Whether an older debt of the same contact is to be chased on the same day, and not yet overdue by a day: one
    that is stuck must not starve the younger ones."""
    if row.oldest_due_on is None:
        return False
    ends = calendar.local_date(now, row.customer_data["timezone"]) + timedelta(days=1)
    query = (
        select(t.Invoice.id)
        .where(
            t.Invoice.seller == row.seller,
            t.Invoice.contact == row.contact,
            t.Invoice.id != row.id,
            t.Invoice.state == "collecting",
            col(t.Invoice.oldest_due_on) < row.oldest_due_on,
            col(t.Invoice.next_at) > now - timedelta(days=1),
            col(t.Invoice.next_at) < _midnight(ends, row),
        )
        .limit(1)
    )
    return session.exec(query).first() is not None


def _midnight(day: date, row: t.Invoice) -> datetime:
    return calendar.at(day, datetime.min.time(), row.customer_data["timezone"])


def exceptions(session: Session, row: t.Invoice) -> tuple[str, ...]:
    kinds: Sequence[Any] = session.exec(
        select(t.OpenException.kind).where(t.OpenException.invoice == row.id, col(t.OpenException.decided_at).is_(None))
    ).all()
    return tuple(sorted(set(kinds)))
