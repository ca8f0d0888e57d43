"""Reads what was sent about a receivable. Writes nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from adapters.books import queries
from adapters.books.rows import Named
from adapters.books.seen import ask
from domain import audit, keys
from domain.delivery import FAILED
from domain.messages import PAPERS, Message, MessageState
from schemas import tables as t

EFFECTS = {
    "claimed": MessageState.CLAIMED,
    "released": MessageState.RELEASED,
    "unknown": MessageState.UNKNOWN,
    "refused": MessageState.REFUSED,
}
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def messages(session: Session, named: Named, customer: dict[str, Any], salt: str) -> tuple[Message, ...]:
    """Every message with how far it got, the oldest first."""
    roles = _roles(customer, salt)
    found = tuple(message_of(row, roles) for row in ask(session, queries.MESSAGES, named))
    return tuple(replace(m, replaced=_replaced(m, found)) if m.state is MessageState.BOUNCED else m for m in found)


def message_of(row: Row[Any], roles: dict[str, str]) -> Message:
    acting = row.state == "acting" and row.effect is not None
    state = (EFFECTS.get(row.effect) or _left(row)) if acting else MessageState(row.state)
    at = row.delivery_at or row.confirmed_at or row.at if acting else row.at
    return Message(
        key=row.key,
        kind=row.kind,
        state=state,
        at=at,
        due=row.due or None,
        episode=row.episode,
        rung=row.rung or None,
        subject=row.ref or None if not row.rung else None,
        person=row.person,
        attempts=row.attempts or 0,
        retry_at=row.retry_at if row.effect == "released" else None,
        approved=row.approved_by is not None,
        delivery=row.delivery,
        to=row.person or roles.get(row.contact, row.contact),
    )


def _left(row: Row[Any]) -> MessageState:
    """It was taken: did it arrive, come back, or is that still to be reported?"""
    if row.delivery in FAILED:
        return MessageState.BOUNCED
    waits = row.delivery is not None and row.delivery_at is None
    return MessageState.ACCEPTED if waits else MessageState.SENT


def _roles(customer: dict[str, Any], salt: str) -> dict[str, str]:
    """Salted address -> the first role it has among the customer's contacts; `customer` is its own address."""
    known = [(c["email"], c["role"]) for c in customer["contacts"]]
    pairs = [*known, (customer["email"], "customer")]
    return {_reference(email.lower(), salt): str(role) for email, role in reversed(pairs) if email}


@lru_cache(maxsize=4096)
def _reference(email: str, salt: str) -> str:
    return audit.salted(email, salt)


def _replaced(bounced: Message, found: Sequence[Message]) -> bool:
    """Whether a later attempt stands for it, or another copy of its document that is not lost as well."""
    lost = {MessageState.BOUNCED, MessageState.SKIPPED}
    for other in found:
        same = keys.first_attempt(other.key) == keys.first_attempt(bounced.key)
        if same and _number(other.key) > _number(bounced.key):
            return True
        copy = bounced.kind in PAPERS and keys.document_of(other.key) == keys.document_of(bounced.key)
        if copy and other.state not in lost:
            return True
    return False


def _number(key: str) -> int:
    return int(key.partition("~")[2] or 1)


def tail(back: t.Reversal | Row[Any]) -> str:
    """What names the reversal among those of its receivable: our number, or the provider's id where a key may carry
    it."""
    own = back.key.removeprefix(f"{back.invoice}/").removeprefix(f"{back.seller}/{back.source}/")
    return own if PLAIN.fullmatch(own) else hashlib.sha256(own.encode()).hexdigest()[:16]
