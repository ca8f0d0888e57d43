"""What people say about the queue itself: a word that settles an exception, or somebody else who gets it. Each is in
the audit; what must end with the very thing it is about is refused, with the command that ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from adapters.books import chain, load, owners
from adapters.books.engine import read
from adapters.books.settle import settle
from adapters.books.tx import Tx, booking
from domain import roles
from domain.errors import NotFound, Refused
from domain.exceptions import BY_WORD, SETTLED_BY
from schemas import tables as t


def decide(engine: Engine, id_: int, by: str, decision: str, now: datetime, seller: str | None = None) -> str | None:
    """Settles one by a word. Answers its receivable, whose workflow is to be told. `seller`: only of this one. Refused
    for what ends another way; NotAllowed unless `by` may decide; NotFound for none that is open."""
    with _deciding(engine, id_, "decide", by, now, seller) as (tx, row):
        if row.kind not in BY_WORD:
            ways = " or ".join(f"`duely {name}`" for name in SETTLED_BY.get(row.kind, ()))
            raise Refused(
                f"{row.kind} {id_} ends with what it is about, not by a word: {ways or 'nothing else'} settles it"
            )
        row.decided_at, row.decided_by, row.decision = tx.now, by, decision
        about = {"kind": row.kind, "about": row.key, "decision": tx.text(decision)}
        tx.audit("exception.settled", by, tx.actor_kind(by), row.invoice, **about)
        file = tx.session.get(t.BankFile, (row.seller, row.key)) if row.kind == chain.KIND else None
        if file is not None:
            chain.extend(tx, file, trusted=True)
        return row.invoice


def assign(engine: Engine, id_: int, by: str, owner: str, now: datetime, seller: str | None = None) -> str | None:
    """Gives one to somebody else, and a dispute with it. Answers and refuses as `decide` does."""
    with _deciding(engine, id_, "assign", by, now, seller) as (tx, row):
        person = tx.session.get(t.Person, owner)
        if person is None or not person.active or person.machine:
            raise Refused(f"owner: {owner} is not an active person")
        if row.owner == owner:
            raise Refused(f"owner: {owner} has it already")
        dispute = tx.session.get(t.Dispute, tuple(row.key.rsplit("/", 1))) if row.kind == "dispute" else None
        if dispute is None:
            owners.give(tx, row, owner, row.deadline, by)
        else:
            owners.reassign(tx, dispute, owner, by)
        return row.invoice


@contextmanager
def _deciding(
    engine: Engine, id_: int, what: str, by: str, now: datetime, seller: str | None
) -> Iterator[tuple[Tx, t.OpenException]]:
    """The open exception in the books of its seller, which come to rest afterwards."""
    with read(engine) as session:
        known = session.get(t.OpenException, id_)
        whose = known.seller if known is not None else ""
    if not whose or seller not in (None, whose):
        raise NotFound(f"there is no exception {id_}")
    with booking(engine, whose, now) as tx:
        found = tx.session.get_one(t.OpenException, id_)
        person = tx.session.get(t.Person, by)
        roles.check_decider(what, by, load.person_of(person) if person is not None else None)
        if found.decided_at is not None:
            raise Refused(f"exception {id_} is settled already: {found.decision}, by {found.decided_by}")
        row = tx.session.get(t.Invoice, found.invoice) if found.invoice else None
        tx.now = max(now, found.opened_at, *([row.updated_at] if row is not None else []))
        yield tx, found
        tx.session.add(found)
        if row is not None:
            settle(tx, row)
