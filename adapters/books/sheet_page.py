"""A morning sheet as its owner opens it: what it said, with what has come up since and how each message stands now. It
writes nothing but a person's verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col

from adapters.books import judgements, load, pending, sheets
from adapters.books.checks.finding import pick
from adapters.books.engine import read
from adapters.books.tx import booking
from domain import links
from domain.errors import Refused
from domain.sheets import MOST, Item, Sheet
from schemas import tables as t

WORDLESS = ("released", "refused")
"""States of a sheet that nobody holds a link to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPage:
    """`states`: message -> held, would_send, released, acting, sent, skipped, as they are now; `said`: message -> the
    owner's own verdict; `open_tasks`: exceptions of the sheet that nobody has decided yet."""

    key: str
    sheet: Sheet
    seller_name: str
    owner_name: str
    language: str
    states: dict[str, str]
    said: dict[str, str]
    open_tasks: frozenset[int]


def page(engine: Engine, key: str, now: datetime) -> SheetPage | None:
    """None for a sheet that is not there, has expired or was revoked, or whose owner is not with us any more."""
    with read(engine) as session:
        row, person = _row(session, key, now)
        if row is None or person is None:
            return None
        seller = session.get_one(t.Seller, row.seller)
        sheet = _as_of_now(session, row)
        keys = [item.key for item in sheet.items]
        return SheetPage(
            key=key,
            sheet=sheet,
            seller_name=str(seller.profile["name"]),
            owner_name=person.name,
            language=str(seller.profile.get("language", "en")),
            states=_states(session, keys),
            said=_said(session, keys, row.owner),
            open_tasks=_open(session, [task.id for task in (*sheet.disputes, *sheet.tasks)]),
        )


def judge(engine: Engine, page: SheetPage, message: str, verdict: str, comment: str, now: datetime) -> None:
    """The owner's verdict on a message that mode `shadow` would have sent. Refused for any other message."""
    with booking(engine, page.sheet.seller, now) as tx:
        letter = tx.session.get(t.Message, message)
        if letter is None or letter.state != "would_send" or message not in {item.key for item in page.sheet.would}:
            raise Refused(f"message: {message} is none that this sheet asks about")
        row = tx.session.get_one(t.Invoice, letter.invoice)
        tx.now = max(now, row.updated_at)
        judgements.give(tx, message, letter.invoice, page.sheet.owner, verdict, comment)


def _row(session: Session, key: str, now: datetime) -> tuple[t.Sheet | None, t.Person | None]:
    row = session.get(t.Sheet, key)
    if row is None or row.state in WORDLESS or session.get(t.LinkMark, (links.SHEET, key, "revoked")) is not None:
        return None, None
    seller, person = session.get_one(t.Seller, row.seller), session.get_one(t.Person, row.owner)
    policy = load.latest_policy(session, seller, seller.policy)
    expired = policy is None or now >= row.made_at + policy.link_valid
    return (None, None) if expired or not person.active else (row, person)


def _as_of_now(session: Session, row: t.Sheet) -> Sheet:
    """The sheet, and after it what its owner's receivables have come to wait for since it was made; of approvals, those
    that still wait."""
    sheet = sheets.content_of(row)
    held = sheets.messages(session, row.seller, row.owner, "held", row.day, None)
    since = sheets.made_before(session, row.seller, row.owner, row.day)
    would = sheets.messages(session, row.seller, row.owner, "would_send", row.day, since)
    waits = tuple(pending.of(session, row.seller, row.owner))[:MOST]
    return replace(sheet, asks=_with(sheet.asks, held), would=_with(sheet.would, would), pending=waits)


def _with(told: tuple[Item, ...], found: Iterable[Item]) -> tuple[Item, ...]:
    known = {item.key for item in told}
    return (*told, *(item for item in found if item.key not in known))[:MOST]


def _states(session: Session, keys: list[str]) -> dict[str, str]:
    query = (
        pick(t.Message.key, t.Message.state, t.Effect.state)
        .join(t.Effect, col(t.Effect.key) == col(t.Message.key), isouter=True)
        .where(col(t.Message.key).in_(keys))
    )
    return {key: "sent" if effect == "confirmed" else state for key, state, effect in session.execute(query)}


def _said(session: Session, keys: list[str], by: str) -> dict[str, str]:
    query = pick(t.Judgement.message, t.Judgement.verdict).where(
        col(t.Judgement.message).in_(keys), col(t.Judgement.by) == by
    )
    return dict(tuple(each) for each in session.execute(query))


def _open(session: Session, ids: list[int]) -> frozenset[int]:
    query = pick(t.OpenException.id).where(col(t.OpenException.id).in_(ids), col(t.OpenException.decided_at).is_(None))
    return frozenset(session.execute(query).scalars())
