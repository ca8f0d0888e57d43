"""The signed links of approvers as the books know them: the message that carried each, and what happened to it. Marks
one as used; it never votes."""

from __future__ import annotations

from sqlmodel import Session

from adapters.books import load
from adapters.books.tx import Tx
from domain import links
from domain.asked import Asked, Facts, parse
from schemas import tables as t

USED, REVOKED = "used", "revoked"


def find(session: Session, key: str) -> Asked | None:
    """What the mail under this key asks; None when no such mail was ever made."""
    asked = parse(key)
    letter = session.get(t.Message, key) if asked is not None else None
    return asked if letter is not None and letter.kind == "approval" else None


def facts(session: Session, asked: Asked, key: str) -> Facts:
    """For `domain.asked.standing`."""
    row = session.get_one(t.ApprovalSubject, (asked.invoice, asked.subject))
    person = session.get(t.Person, asked.person)
    used = session.get(t.LinkMark, (links.APPROVER, key, USED))
    return Facts(
        asked_at=session.get_one(t.Message, key).at,
        subject=load.subject_of(session, row),
        outcome=row.outcome,
        person=load.person_of(person) if person is not None else None,
        used_at=used.at if used is not None else None,
        revoked=session.get(t.LinkMark, (links.APPROVER, key, REVOKED)) is not None,
    )


def mark_used(tx: Tx, asked: Asked, key: str) -> None:
    """Before the answer is given: after a crash in between the same link may give it once more."""
    if tx.session.get(t.LinkMark, (links.APPROVER, key, USED)) is None:
        tx.session.add(t.LinkMark(purpose=links.APPROVER, subject=key, mark=USED, by=asked.person, at=tx.now))
        tx.audit("link.used", asked.person, tx.actor_kind(asked.person), asked.invoice, message=key)


def refused(tx: Tx, asked: Asked, key: str, why: str) -> None:
    tx.audit(
        "link.refused", tx.actor(asked.person), tx.actor_kind(asked.person), asked.invoice, message=key, reason=why
    )
