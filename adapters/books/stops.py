"""Stops of everything at once: no message of any seller leaves until the stop is lifted. It wakes no workflow; the last
look of every send sees it, and whoever sets it tells the workflows to look."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from adapters.books.engine import write
from adapters.books.load import person_of
from adapters.books.tx import Tx
from domain import roles
from domain.errors import Refused
from schemas import tables as t

EVERYTHING = "*"


def pause_all(engine: Engine, by: str, reason: str, now: datetime) -> None:
    """Refused when everything is paused already; NotAllowed unless `by` may hold."""
    with write(engine, None) as session:
        _check(session, "hold", by)
        if session.exec(_in_force()).first() is not None:
            raise Refused("everything is paused already; `duely resume-all` lifts it")
        session.add(t.Stop(seller=EVERYTHING, by=by, reason=reason, since=now))
        _tell(session, "stop.set", by, now, reason)


def resume_all(engine: Engine, by: str, now: datetime) -> None:
    """Refused when nothing is paused; NotAllowed unless `by` may release."""
    with write(engine, None) as session:
        _check(session, "release", by)
        stops = session.exec(_in_force()).all()
        if not stops:
            raise Refused("nothing is paused")
        for stop in stops:
            stop.lifted_at = now
            session.add(stop)
        _tell(session, "stop.lifted", by, now, None)


def _in_force() -> SelectOfScalar[t.Stop]:
    return select(t.Stop).where(t.Stop.seller == EVERYTHING, col(t.Stop.lifted_at).is_(None))


def _check(session: Session, command: str, by: str) -> None:
    row = session.get(t.Person, by)
    roles.check(command, by, person_of(row) if row is not None else None, before_issue=False)


def _tell(session: Session, type_: str, by: str, now: datetime, reason: str | None) -> None:
    """Every seller's chain tells it: each has to prove its own silence."""
    for seller in session.exec(select(t.Seller).order_by(col(t.Seller.key))).all():
        tx = Tx(session, seller, now)
        about = {"reason": tx.text(reason)} if reason else {}
        tx.audit(type_, by, tx.actor_kind(by), scope="all", **about)
