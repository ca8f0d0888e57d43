"""Books what the mail provider reports, once per event: duplicates, any order and messages of others change nothing. A
report of a message nobody could tell the fate of proves that it had left."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from adapters.books import delivery, outcomes
from adapters.books.messages import Claimed
from adapters.books.settle import settle
from adapters.books.tx import Tx, booking
from domain.delivery import MailEvent
from domain.errors import NotFound
from domain.keys import parse_workflow_id
from schemas import tables as t


def delivered(engine: Engine, events: Sequence[MailEvent], now: datetime) -> tuple[str, ...]:
    """`Books.delivered`."""
    told: list[str] = []
    for seller, receivables in sorted(_by_receivable(events).items()):
        with contextlib.suppress(NotFound), booking(engine, seller, now) as tx:
            for id_, theirs in receivables.items():
                row = tx.session.get(t.Invoice, id_)
                if row is None or row.freed:
                    continue
                tx.now = max(row.updated_at, min(now, max(event.at for event in theirs)))
                if book(tx, row, theirs):
                    settle(tx, row)
                    told.append(id_)
    return tuple(told)


def _by_receivable(events: Sequence[MailEvent]) -> dict[str, dict[str, list[MailEvent]]]:
    """Seller -> workflow id -> events: both stand at the head of a message's key."""
    found: dict[str, dict[str, list[MailEvent]]] = {}
    for event in events:
        id_ = event.key.partition("/")[0]
        parsed = parse_workflow_id(id_)
        if parsed is not None:
            found.setdefault(parsed[0], {}).setdefault(id_, []).append(event)
    return found


def book(tx: Tx, row: t.Invoice, events: Sequence[MailEvent]) -> bool:
    """Keeps the events of one receivable's messages. Answers whether its workflow must look at the books again."""
    letters: dict[str, t.Message] = {}
    for event in events:
        letter = tx.session.get(t.Message, event.key)
        if letter is None or letter.invoice != row.id or tx.session.get(t.MailEvent, event.id) is not None:
            continue
        kept = t.MailEvent(id=event.id, message=event.key, type=event.type, reason=event.reason, at=event.at)
        tx.session.add(kept)
        tx.session.flush()
        letters[letter.key] = letter
    look = False
    for letter in letters.values():
        look |= _follow(tx, row, letter)
    return look


def _follow(tx: Tx, row: t.Invoice, letter: t.Message) -> bool:
    effect = tx.session.get(t.Effect, letter.key)
    if effect is None or effect.state == "claimed":
        return False  # given up by a person; or its own attempt is at work and will read what was reported
    if effect.state == "confirmed":
        return delivery.update(tx, row, letter, effect)
    outcomes.confirm(tx, row, Claimed(key=letter.key, resumed=True, shift_days=0), None, None, reports=True)
    return True
