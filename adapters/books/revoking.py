"""Signed links taken back: a customer's by a new generation, one of our own people's by a mark on what it names. It
makes no link; whoever serves one asks whether it still holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books.engine import read, write
from adapters.books.load import person_of
from adapters.books.tx import Tx
from domain import links, roles
from domain.errors import NotFound, Refused
from schemas import tables as t

REVOKED = "revoked"

Named = tuple[str, str, str, str | None]
"""Purpose, subject, seller, receivable."""


def generation(engine: Engine, workflow_id: str) -> int:
    """Of the customer's links that hold now. NotFound when the books do not hold the receivable."""
    with read(engine) as session:
        return _invoice(session, workflow_id).link_generation


def revoke_customers(engine: Engine, workflow_id: str, by: str, now: datetime) -> int:
    """Every link to the receivable that its customer was ever sent ends; answers the generation of the next ones."""
    with write(engine, None) as session:
        _check(session, by)
        row = _invoice(session, workflow_id)
        row.link_generation += 1
        session.add(row)
        _tell(session, (links.CUSTOMER, row.id, row.seller, row.id), by, max(now, row.updated_at))
        return row.link_generation


def revoke(engine: Engine, subject: str, by: str, now: datetime) -> None:
    """The link that names this message, sheet or change of contact. Refused when it was taken back before."""
    with write(engine, None) as session:
        _check(session, by)
        named = next((each for each in _named(session, subject)), None)
        if named is None:
            raise NotFound(f"no link names {subject}: give a receivable, or the key of a message or a sheet")
        if not _mark(session, named, by, now):
            raise Refused(f"the link of {subject} was revoked before")


def revoke_persons(engine: Engine, person: str, by: str, now: datetime) -> int:
    """Every link that was ever sent to this person of ours; answers how many still held."""
    with write(engine, None) as session:
        _check(session, by)
        if session.get(t.Person, person) is None:
            raise NotFound(f"there is no person {person}")
        letters = session.exec(select(t.Message).where(t.Message.person == person).order_by(col(t.Message.key)))
        sheets = session.exec(select(t.Sheet).where(t.Sheet.owner == person).order_by(col(t.Sheet.key)))
        named = [*map(_of_letter, letters), *map(_of_sheet, sheets)]
        return sum(_mark(session, each, by, now) for each in named)


def _named(session: Session, subject: str) -> Iterator[Named]:
    letter, sheet = session.get(t.Message, subject), session.get(t.Sheet, subject)
    change = session.get(t.ContactChange, subject)
    if letter is not None:
        yield _of_letter(letter)
    if sheet is not None:
        yield _of_sheet(sheet)
    if change is not None:
        yield (links.CONTACT, change.id, change.seller, change.invoice)


def _of_letter(letter: t.Message) -> Named:
    purpose = links.APPROVER if letter.kind == "approval" else links.DESK
    return purpose, letter.key, letter.seller, letter.invoice


def _of_sheet(sheet: t.Sheet) -> Named:
    return links.SHEET, sheet.key, sheet.seller, None


def _mark(session: Session, named: Named, by: str, now: datetime) -> bool:
    purpose, subject, _, _ = named
    if session.get(t.LinkMark, (purpose, subject, REVOKED)) is not None:
        return False
    session.add(t.LinkMark(purpose=purpose, subject=subject, mark=REVOKED, by=by, at=now))
    _tell(session, named, by, now)
    return True


def _tell(session: Session, named: Named, by: str, now: datetime) -> None:
    purpose, subject, seller, invoice = named
    tx = Tx(session, session.get_one(t.Seller, seller), now)
    tx.audit("link.revoked", by, tx.actor_kind(by), invoice, purpose=purpose, link=subject)


def _invoice(session: Session, workflow_id: str) -> t.Invoice:
    row = session.get(t.Invoice, workflow_id)
    if row is None:
        raise NotFound(f"the books do not hold {workflow_id}")
    return row


def _check(session: Session, by: str) -> None:
    """Whoever may hold reminders may stop a link: it only ever takes a way in away."""
    row = session.get(t.Person, by)
    roles.check("hold", by, person_of(row) if row is not None else None, before_issue=False)
