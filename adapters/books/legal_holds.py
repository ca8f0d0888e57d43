"""Legal holds: while one is in force nothing of the receivable, or of the whole seller, may be deleted, whatever
retention allows. Rows are only added; each is told to the audit chain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from adapters.books.load import person_of
from adapters.books.tx import Tx, booking
from domain import roles
from domain.errors import NotFound, Refused
from schemas import tables as t


def hold(engine: Engine, seller: str, invoice: str | None, by: str, reason: str, now: datetime) -> int:
    """Puts the receivable, or with None the whole seller, on legal hold; the hold's number. Refused when it is on hold
    already, NotAllowed unless `by` may hold."""
    with booking(engine, seller, now) as tx:
        _check(tx, "hold", by)
        _known(tx, invoice)
        if tx.session.exec(_own(seller, invoice)).first() is not None:
            raise Refused(f"{invoice or seller} is on legal hold already; `duely archive release` ends it")
        return _add(tx, t.LegalHold(seller=seller, invoice=invoice, by=by, reason=reason, at=now), "archive.held")


def release(engine: Engine, seller: str, invoice: str | None, by: str, reason: str, now: datetime) -> int:
    """Ends the hold; the release's number. Refused when none is in force, NotAllowed unless `by` may release."""
    with booking(engine, seller, now) as tx:
        _check(tx, "release", by)
        _known(tx, invoice)
        found = tx.session.exec(_own(seller, invoice)).first()
        if found is None:
            raise Refused(f"{invoice or seller} is not on legal hold")
        ended = t.LegalHold(seller=seller, invoice=invoice, releases=found.id, by=by, reason=reason, at=now)
        return _add(tx, ended, "archive.released")


def in_force(session: Session, seller: str) -> dict[str | None, t.LegalHold]:
    """The holds of a seller by receivable; under None that of the whole seller."""
    return {row.invoice: row for row in session.exec(_open().where(t.LegalHold.seller == seller))}


def _open() -> SelectOfScalar[t.LegalHold]:
    ended = select(t.LegalHold.releases).where(col(t.LegalHold.releases).is_not(None))
    return select(t.LegalHold).where(col(t.LegalHold.releases).is_(None), col(t.LegalHold.id).not_in(ended))


def _own(seller: str, invoice: str | None) -> SelectOfScalar[t.LegalHold]:
    return _open().where(t.LegalHold.seller == seller, t.LegalHold.invoice == invoice)


def _check(tx: Tx, command: str, by: str) -> None:
    row = tx.session.get(t.Person, by)
    roles.check(command, by, person_of(row) if row is not None else None, before_issue=False)


def _known(tx: Tx, invoice: str | None) -> None:
    if invoice is not None and tx.session.get(t.Invoice, invoice) is None:
        raise NotFound(f"{invoice} is not in the books")


def _add(tx: Tx, row: t.LegalHold, type_: str) -> int:
    tx.session.add(row)
    tx.session.flush()
    assert row.id is not None
    about: dict[str, Any] = {"hold": str(row.id), "reason": tx.text(row.reason)}
    if row.releases is not None:
        about["releases"] = str(row.releases)
    tx.audit(type_, row.by, tx.actor_kind(row.by), row.invoice, **about)
    return row.id
