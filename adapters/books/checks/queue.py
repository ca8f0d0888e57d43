"""Invariant 1: what waits for a person has one, and a deadline; what was decided says by whom."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from schemas import tables as t


def exceptions_are_owned(session: Session) -> Iterator[Breach]:
    """By somebody known who is active still, with a deadline."""
    query = (
        pick(t.OpenException.id, t.OpenException.owner, t.OpenException.deadline, t.Person.active)
        .join(t.Person, col(t.Person.key) == col(t.OpenException.owner), isouter=True)
        .where(
            col(t.OpenException.decided_at).is_(None),
            col(t.Person.active).is_not(True) | col(t.OpenException.deadline).is_(None),
        )
    )
    for id_, owner, deadline, active in stream(session, query):
        if active is not True:
            yield Breach(1, row(t.OpenException, id_), f"waits for {owner or 'nobody'}, who is no active person")
        if deadline is None:
            yield Breach(1, row(t.OpenException, id_), "waits without a deadline")


def decisions_are_told(session: Session) -> Iterator[Breach]:
    """Nothing leaves the queue without who decided and what."""
    query = pick(t.OpenException.id).where(
        col(t.OpenException.decided_at).is_not(None),
        col(t.OpenException.decided_by).is_(None) | (col(t.OpenException.decided_by) == ""),
    )
    for (id_,) in stream(session, query):
        yield Breach(1, row(t.OpenException, id_), "was settled by nobody")
