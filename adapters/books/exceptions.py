"""Whose exceptions are, and what people decide about them beside the commands of a receivable: a word that settles one,
somebody else who gets it. Each with its audit entry; nothing leaves the queue without one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import load
from adapters.books.engine import read
from adapters.books.tx import SYSTEM, Tx, booking
from domain import desk, roles
from domain.actions import PassOn
from domain.errors import NotFound, Refused
from domain.exceptions import BY_WORD, SETTLED_BY
from domain.policy import Policy
from schemas import tables as t


def pass_on(tx: Tx, row: t.Invoice, action: PassOn) -> None:
    """Nobody decided in time: the next one has it from now on."""
    dispute = tx.session.get_one(t.Dispute, (row.id, action.dispute))
    dispute.level = action.level
    about = {"dispute": dispute.id, "level": str(action.level), "owner": action.to, "before": dispute.owner or ""}
    tx.audit("dispute.escalated", SYSTEM, invoice=row.id, **about)
    _dispute_to(tx, dispute, action.to, action.deadline, SYSTEM)


def move(tx: Tx, row: t.Invoice, policy: Policy, old: str, new: str, by: str) -> None:
    """All that `old` has of a receivable goes to `new`; a dispute with a fresh deadline when its own is over."""
    for dispute in tx.session.exec(select(t.Dispute).where(t.Dispute.invoice == row.id, t.Dispute.owner == old)).all():
        if dispute.outcome is not None:
            continue
        over = dispute.deadline is not None and dispute.deadline <= tx.now
        until = desk.deadline(policy, tx.now, tx.seller.timezone) if over else dispute.deadline
        about = {"dispute": dispute.id, "owner": new}
        tx.audit("dispute.assigned", by, tx.actor_kind(by), row.id, **about)
        _dispute_to(tx, dispute, new, until, by)
    own = select(t.OpenException).where(
        t.OpenException.invoice == row.id, t.OpenException.owner == old, col(t.OpenException.decided_at).is_(None)
    )
    for found in tx.session.exec(own).all():
        _give(tx, found, new, found.deadline, by)


def _dispute_to(tx: Tx, dispute: t.Dispute, owner: str, deadline: datetime | None, by: str) -> None:
    dispute.owner, dispute.deadline = owner, deadline
    tx.session.add(dispute)
    asked = select(t.OpenException).where(
        t.OpenException.kind == "dispute",
        t.OpenException.key == f"{dispute.invoice}/{dispute.id}",
        col(t.OpenException.decided_at).is_(None),
    )
    for found in tx.session.exec(asked).all():
        _give(tx, found, owner, deadline, by)


def _give(tx: Tx, found: t.OpenException, owner: str, deadline: datetime | None, by: str) -> None:
    found.owner, found.deadline = owner, deadline
    tx.session.add(found)
    tx.session.flush()
    about = {"kind": found.kind, "about": found.key, "owner": owner}
    tx.audit("exception.assigned", by, tx.actor_kind(by), found.invoice, **about)


def decide(engine: Engine, id_: int, by: str, decision: str, now: datetime) -> str | None:
    """Settles one by a word. Answers its receivable, whose workflow is to be told. Refused for what must end with the
    very thing it is about; NotAllowed unless `by` may decide."""
    found = _find(engine, id_)
    with booking(engine, found.seller, now) as tx:
        row = _open(tx, id_, "decide", by)
        if row.kind not in BY_WORD:
            ways = ", ".join(f"`{name}`" for name in SETTLED_BY.get(row.kind, ()))
            raise Refused(f"{row.kind} {id_} ends with what it is about, not by a word: {ways} settles it")
        tx.settle_exceptions(by, decision, kind=row.kind, key=row.key, invoice=row.invoice)
        _kept(tx, row, decision)
        return _settled(tx, row)


def assign(engine: Engine, id_: int, by: str, owner: str, now: datetime) -> str | None:
    """Gives one to somebody else, a dispute with it. Answers its receivable, whose workflow is to be told."""
    found = _find(engine, id_)
    with booking(engine, found.seller, now) as tx:
        row = _open(tx, id_, "assign", by)
        person = tx.session.get(t.Person, owner)
        if person is None or not person.active or person.machine:
            raise Refused(f"owner: {owner} is not an active person")
        if row.owner == owner:
            raise Refused(f"owner: {owner} has it already")
        dispute = tx.session.get(t.Dispute, tuple(row.key.rsplit("/", 1))) if row.kind == "dispute" else None
        if dispute is None:
            _give(tx, row, owner, row.deadline, by)
        else:
            tx.audit("dispute.assigned", by, tx.actor_kind(by), row.invoice, dispute=dispute.id, owner=owner)
            _dispute_to(tx, dispute, owner, dispute.deadline, by)
        return _settled(tx, row)
