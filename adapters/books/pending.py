"""What waits for approval, with whoever may give it, as `duely queue` and the morning sheet tell it. It writes nothing;
whom to ask, and when, is decided with the receivable."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import load
from adapters.books.engine import read
from domain import approval, calendar
from domain.sheets import Pending
from schemas import tables as t


def waiting(engine: Engine, seller: str | None = None, concerns: str | None = None) -> list[Pending]:
    """The oldest first; `concerns`: only what this person may give, or waits for in a receivable of their own."""
    with read(engine) as session:
        return list(of(session, seller, concerns))


def of(session: Session, seller: str | None, concerns: str | None) -> Iterator[Pending]:
    """The same in a transaction that is open already."""
    query = (
        select(t.ApprovalSubject, t.Invoice, t.Seller)
        .join(t.Invoice, col(t.Invoice.id) == col(t.ApprovalSubject.invoice))
        .join(t.Seller, col(t.Seller.key) == col(t.Invoice.seller))
        .where(col(t.ApprovalSubject.outcome).is_(None))
        .order_by(col(t.ApprovalSubject.opened_at), col(t.ApprovalSubject.invoice), col(t.ApprovalSubject.id))
    )
    if seller is not None:
        query = query.where(t.Invoice.seller == seller)
    people = load.people(session)
    for asked, row, whose in session.exec(query).all():
        subject = load.subject_of(session, asked)
        able = tuple(person.key for person in approval.eligible(subject, people, row.currency))
        if concerns not in (None, row.owner, *able):
            continue
        yield Pending(
            subject=subject.id,
            invoice=row.id,
            number=row.number or row.reference,
            customer=str(row.customer_data["name"]),
            amount=subject.amount,
            currency=row.currency,
            opened_on=calendar.local_date(asked.opened_at, whose.timezone),
            able=able,
            by_link=load.policy_of(session, whose, row.policy, row.policy_version).approve_by == "link",
        )
