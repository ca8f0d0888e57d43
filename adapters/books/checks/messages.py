"""Invariant 2: each (invoice, due, episode, kind, rung) reaches a recipient at most once."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Select, func
from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from domain.delivery import FAILED
from domain.keys import first_attempt
from schemas import tables as t


def items_once(session: Session) -> Iterator[Breach]:
    """What a message is about is claimed by one message only."""
    about = [col(c) for c in (
        t.MessageItem.invoice, t.MessageItem.due, t.MessageItem.episode, t.MessageItem.kind, t.MessageItem.rung,
        t.MessageItem.ref,
    )]  # fmt: skip
    query = pick(*about, func.count(), func.max(t.MessageItem.message)).group_by(*about).having(func.count() > 1)
    for *_, count, message in stream(session, query):
        yield Breach(2, row(t.MessageItem, message), f"{count} messages are about the same")


def providers_once(session: Session) -> Iterator[Breach]:
    query = (
        pick(t.Effect.provider_id, func.count(), func.max(t.Effect.key))
        .where(col(t.Effect.provider_id).is_not(None))
        .group_by(col(t.Effect.provider_id))
        .having(func.count() > 1)
    )
    for provider_id, count, key in stream(session, query):
        yield Breach(2, row(t.Effect, key), f"{count} effects have the provider's id {provider_id}")


def effects_have_messages(session: Session) -> Iterator[Breach]:
    """Nothing left that no message stands for, and none for another invoice than its message's."""
    query = (
        pick(t.Effect.key, t.Effect.kind, t.Effect.invoice, t.Message.key, t.Message.kind, t.Message.invoice)
        .join(t.Message, col(t.Message.key) == t.Effect.key, isouter=True)
        .where(
            col(t.Message.key).is_(None)
            | (t.Message.kind != t.Effect.kind)
            | (t.Message.invoice != t.Effect.invoice)
            | (t.Message.seller != t.Effect.seller)
        )
    )
    for key, kind, invoice, message, message_kind, message_invoice in stream(session, query):
        text = f"is a {kind} for {invoice}, its message a {message_kind} for {message_invoice}"
        yield Breach(2, row(t.Effect, key), text if message else "has no message")


def acting_messages_have_effects(session: Session) -> Iterator[Breach]:
    query = (
        pick(t.Message.key, t.Message.state, t.Effect.state)
        .join(t.Effect, col(t.Effect.key) == t.Message.key, isouter=True)
        .where((col(t.Message.state) == "acting") != col(t.Effect.key).is_not(None))
    )
    for key, state, effect in stream(session, query):
        yield Breach(2, row(t.Message, key), f"is {state}, but its effect is {effect or 'missing'}")


def keys_name_their_items(session: Session) -> Iterator[Breach]:
    """The key a message is claimed under follows from what it is about: another key could send the same again."""
    for message, item in stream(session, _with_items()):
        if item is None:
            yield Breach(2, row(t.Message, message.key), "is about nothing: it has no items")
        elif not _named(message.key, item):
            yield Breach(2, row(t.MessageItem, message.key, item.invoice), "does not follow from the message's key")


def _with_items() -> Select[tuple[t.Message, t.MessageItem]]:
    return pick(t.Message, t.MessageItem).join(t.MessageItem, col(t.MessageItem.message) == t.Message.key, isouter=True)


def _named(key: str, item: t.MessageItem) -> bool:
    if item.rung:
        return key == f"{item.invoice}/{item.due}/{item.episode}/{item.rung}{item.ref}"
    return key.startswith(f"{item.invoice}/") and key.endswith(item.ref)


def deliveries_are_reported(session: Session) -> Iterator[Breach]:
    """What is more than taken by the provider is what the provider reported, and only what has left is delivered."""
    reported = (
        pick(func.count())
        .where(col(t.MailEvent.message) == t.Effect.key, col(t.MailEvent.type) == t.Effect.delivery)
        .scalar_subquery()
    )
    beyond = col(t.Effect.delivery).is_not(None) & (col(t.Effect.delivery) != "accepted")
    query = pick(t.Effect.key, t.Effect.delivery, t.Effect.state).where(
        beyond & ((reported == 0) | (col(t.Effect.state) != "confirmed"))
    )
    for key, delivery, state in stream(session, query):
        text = f"is {delivery}, but no report says so" if state == "confirmed" else f"is {delivery}, but only {state}"
        yield Breach(2, row(t.Effect, key), text)


def attempts_arrive_once(session: Session) -> Iterator[Breach]:
    """Of several attempts at one message one has arrived, unless a report took back that the earlier had failed."""
    failed = pick(t.MailEvent.message).where(col(t.MailEvent.type).in_(FAILED))
    arrived = col(t.Effect.delivery).is_(None) | col(t.Effect.delivery).not_in(FAILED)
    query = (
        pick(t.Effect.key)
        .where(col(t.Effect.state) == "confirmed", arrived, col(t.Effect.delivery_at).is_not(None))
        .where(col(t.Effect.key).not_in(failed))
        .where(col(t.Effect.invoice).in_(pick(t.Message.invoice).where(col(t.Message.key).contains("~"))))
    )
    seen: set[str] = set()
    for (key,) in stream(session, query.order_by(col(t.Effect.key))):
        first = first_attempt(key)
        if first in seen:
            yield Breach(2, row(t.Effect, key), "has arrived, and so has another attempt at it")
        seen.add(first)
