"""The statements by which a step looks single things up: people, exceptions, what was told and where it arrived. Built
once, as those of `queries`."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func
from sqlmodel import col, select

from adapters.books.checks.finding import pick
from adapters.books.queries import OWN, SELLER, among
from domain.delivery import FAILED
from schemas import tables as t

PEOPLE = select(t.Person).order_by(col(t.Person.key))

PERSON = select(t.Person).where(col(t.Person.key) == bindparam("person"))

LAST_TRANSACTION = select(func.max(t.Posting.transaction)).where(col(t.Posting.seller) == SELLER)

ASKED = select(t.OpenException.id).where(
    col(t.OpenException.seller) == SELLER,
    col(t.OpenException.kind) == bindparam("kind"),
    col(t.OpenException.key) == bindparam("key"),
    col(t.OpenException.invoice).is_not_distinct_from(OWN),
    col(t.OpenException.decided_at).is_(None),
)


@cache
def undecided(named: tuple[str, ...]) -> Select[Any]:
    """Open exceptions, (id, kind), by those columns."""
    query = pick(t.OpenException.id, t.OpenException.kind).where(col(t.OpenException.decided_at).is_(None))
    return query.where(*(getattr(t.OpenException, name) == bindparam(name) for name in named))


MAIL_EVENTS = pick(t.MailEvent.type, t.MailEvent.at, t.MailEvent.reason).where(
    col(t.MailEvent.message) == bindparam("message")
)

DELIVERIES = pick(t.Effect.delivery, t.Effect.delivery_at, t.Effect.confirmed_at).where(
    col(t.Effect.invoice) == OWN, col(t.Effect.kind) == "invoice", col(t.Effect.state) == "confirmed"
)
"""Of the copies of an invoice that left."""

AUDITED = (
    pick(t.AuditEntry.type, t.AuditEntry.at, t.AuditEntry.keys)
    .where(col(t.AuditEntry.seller) == SELLER, col(t.AuditEntry.invoice) == OWN)
    .order_by(col(t.AuditEntry.seq).desc())
)

FAILED_CONTACTS = (
    select(t.Message.contact)
    .join(t.MailEvent, col(t.MailEvent.message) == col(t.Message.key))
    .where(col(t.Message.invoice) == OWN, col(t.Message.person).is_(None), among(t.MailEvent.type, *FAILED))
)

NAMED_CONTACTS = select(t.Message.contact).where(
    col(t.Message.invoice) == OWN, col(t.Message.approved_by).is_not(None), col(t.Message.subject).contains("#")
)
"""Those that a person directed a copy to."""
