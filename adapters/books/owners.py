"""Whose disputes and exceptions are: the next one's when nobody decided in time, the new owner's when a receivable is
assigned. Each change is in the audit. It decides nothing."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from adapters.books.tx import SYSTEM, Tx
from domain.actions import PassOn
from schemas import tables as t


def pass_on(tx: Tx, row: t.Invoice, action: PassOn) -> None:
    """Nobody decided in time: the next one has it from now on."""
    dispute = tx.session.get_one(t.Dispute, (row.id, action.dispute))
    dispute.level = action.level
    about = {"dispute": dispute.id, "level": str(action.level), "owner": action.to, "before": dispute.owner or ""}
    tx.audit("dispute.escalated", SYSTEM, invoice=row.id, **about)
    _dispute_to(tx, dispute, action.to, action.deadline, SYSTEM)


def move(tx: Tx, row: t.Invoice, old: str, new: str, by: str) -> None:
    """All that `old` has of a receivable goes to `new`."""
    for dispute in tx.session.exec(select(t.Dispute).where(t.Dispute.invoice == row.id, t.Dispute.owner == old)).all():
        if dispute.outcome is None:
            reassign(tx, dispute, new, by)
    own = select(t.OpenException).where(
        t.OpenException.invoice == row.id, t.OpenException.owner == old, col(t.OpenException.decided_at).is_(None)
    )
    for found in tx.session.exec(own).all():
        give(tx, found, new, found.deadline, by)


def reassign(tx: Tx, dispute: t.Dispute, owner: str, by: str) -> None:
    """By a person; its deadline stays, since it is what the customer was told."""
    about = {"dispute": dispute.id, "owner": owner}
    tx.audit("dispute.assigned", by, tx.actor_kind(by), dispute.invoice, **about)
    _dispute_to(tx, dispute, owner, dispute.deadline, by)


def _dispute_to(tx: Tx, dispute: t.Dispute, owner: str, deadline: datetime | None, by: str) -> None:
    """With what asks for its decision."""
    dispute.owner, dispute.deadline = owner, deadline
    tx.session.add(dispute)
    asked = select(t.OpenException).where(
        t.OpenException.kind == "dispute",
        t.OpenException.key == f"{dispute.invoice}/{dispute.id}",
        col(t.OpenException.decided_at).is_(None),
    )
    for found in tx.session.exec(asked).all():
        give(tx, found, owner, deadline, by)


def give(tx: Tx, found: t.OpenException, owner: str, deadline: datetime | None, by: str) -> None:
    found.owner, found.deadline = owner, deadline
    tx.session.add(found)
    tx.session.flush()
    about = {"kind": found.kind, "about": found.key, "owner": owner}
    tx.audit("exception.assigned", by, tx.actor_kind(by), found.invoice, **about)
