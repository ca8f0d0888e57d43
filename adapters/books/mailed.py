"""Reads what was sent about a receivable. Writes nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from adapters.books import queries
from adapters.books.rows import Named
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
    found = tuple(message_of(*each, roles) for each in session.exec(queries.MESSAGES, params=named))
    return tuple(replace(m, replaced=_replaced(m, found)) if m.state is MessageState.BOUNCED else m for m in found)


def message_of(letter: t.Message, item: t.MessageItem, effect: t.Effect | None, roles: dict[str, str]) -> Message:
    acting = effect if letter.state == "acting" else None
    state = MessageState(letter.state) if acting is None else EFFECTS.get(acting.state) or _left(acting)
    at = letter.at if acting is None else acting.delivery_at or acting.confirmed_at or letter.at
    return Message(
        key=letter.key,
        kind=letter.kind,
        state=state,
        at=at,
        due=item.due or None,
        episode=item.episode,
        rung=item.rung or None,
        subject=item.ref or None if not item.rung else None,
        person=letter.person,
        attempts=effect.attempts if effect is not None else 0,
        retry_at=effect.retry_at if effect is not None and effect.state == "released" else None,
        approved=letter.approved_by is not None,
        delivery=effect.delivery if effect is not None else None,
        to=letter.person or roles.get(letter.contact, letter.contact),
    )


def _left(effect: t.Effect) -> MessageState:
    """It was taken: did it arrive, come back, or is that still to be reported?"""
    if effect.delivery in FAILED:
        return MessageState.BOUNCED
    waits = effect.delivery is not None and effect.delivery_at is None
    return MessageState.ACCEPTED if waits else MessageState.SENT


def _roles(customer: dict[str, Any], salt: str) -> dict[str, str]:
    """Salted address -> the first role it has among the customer's contacts; `customer` is its own address."""
    known = [(c["email"], c["role"]) for c in customer["contacts"]]
    pairs = [*known, (customer["email"], "customer")]
    return {audit.salted(email.lower(), salt): str(role) for email, role in reversed(pairs) if email}


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


def tail(back: t.Reversal) -> str:
    """What names the reversal among those of its receivable: our number, or the provider's id where a key may carry
    it."""
    own = back.key.removeprefix(f"{back.invoice}/").removeprefix(f"{back.seller}/{back.source}/")
    return own if PLAIN.fullmatch(own) else hashlib.sha256(own.encode()).hexdigest()[:16]
