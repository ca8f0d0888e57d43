"""When a person is away, and who is asked in their place. Written beside the workflows: whoever writes it tells those
that wait for an approval."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books.engine import write
from adapters.books.load import person_of
from adapters.books.tx import Tx
from domain.errors import NotAllowed, NotFound, Refused
from domain.roles import CONTROLLER, roles_of
from schemas import tables as t


def leave(
    engine: Engine, key: str, first: date, last: date, delegate: str | None, by: str, now: datetime
) -> tuple[str, ...]:
    """`key` is away from `first` to `last`, both included. Answers the receivables that wait for an approval. Refused
    for days that make no sense or a delegate who is nobody; NotAllowed unless by themself or a controller."""
    if last < first or last < now.date():
        raise Refused(f"until: {last} is over, or before {first}")
    with write(engine, None) as session:
        row = _mine(session, key, by)
        if delegate is not None:
            other = session.get(t.Person, delegate)
            if other is None or other.key == key or other.machine or not other.active:
                raise Refused(f"delegate: {delegate} must be another active person")
        row.absent_from, row.absent_until, row.delegate = first, last, delegate
        about = {"from": first.isoformat(), "until": last.isoformat()}
        return _told(session, row, "person.absent", by, now, about | ({"delegate": delegate} if delegate else {}))


def back(engine: Engine, key: str, by: str, now: datetime) -> tuple[str, ...]:
    """The absence is over, or will not be. Refused when there is none."""
    with write(engine, None) as session:
        row = _mine(session, key, by)
        if row.absent_from is None:
            raise Refused(f"{key} is not away")
        row.absent_from = row.absent_until = row.delegate = None
        return _told(session, row, "person.returned", by, now, {})


def _mine(session: Session, key: str, by: str) -> t.Person:
    row, other = session.get(t.Person, key), session.get(t.Person, by)
    if row is None or row.machine:
        raise NotFound(f"there is no person {key}")
    may = other is not None and other.active and (by == key or CONTROLLER in roles_of(person_of(other)))
    if not may:
        raise NotAllowed(f"{by} may not: {key} says so, or a controller")
    return row


def _told(
    session: Session, row: t.Person, type_: str, by: str, now: datetime, about: Mapping[str, str]
) -> tuple[str, ...]:
    """Every seller's chain tells it, as with all that is said of people."""
    session.add(row)
    for seller in session.exec(select(t.Seller).order_by(col(t.Seller.key))).all():
        tx = Tx(session, seller, now)
        tx.audit(type_, by, tx.actor_kind(by), person=row.key, **about)
    waiting = select(t.ApprovalSubject.invoice).where(col(t.ApprovalSubject.outcome).is_(None)).distinct()
    return tuple(sorted(session.exec(waiting)))
