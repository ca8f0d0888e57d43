"""Morning sheets in the books: what one says is read from the rows, then it is claimed, sent and confirmed once under
its key, as any effect. `adapters/morning.py` writes and mails them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import load, pending
from adapters.books.checks.finding import pick
from adapters.books.engine import read
from adapters.books.tx import SYSTEM, booking
from domain import calendar, codec, lifecycle
from domain.account import Phase
from domain.actions import Send, Wait
from domain.desk import last_day
from domain.errors import Unavailable
from domain.messages import TO_CUSTOMER
from domain.sheets import Item, Sheet, Task, compose, sheet_key
from schemas import tables as t

MORNING, NOON = time(7), time(12)
LEASE = timedelta(seconds=65)
PAUSED = ("disputed", "promised", "on_hold", "payment_pending")
"""States, as last shown, in which the whole ladder stands still; each is the code of its reason."""
ORDINARY = frozenset({"ladder", "ladder_ended", "nothing_due", "closed", "settled", "ask", "retry", "send_window"})
"""Codes of waiting that keep nothing back: the time has not come, or the sheet tells of it otherwise."""
ENDED = ("confirmed", "unknown", "refused")
MOST_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """The right to mail a sheet. `resumed`: an earlier attempt may have got it out already."""

    key: str
    sheet: Sheet
    resumed: bool


def due(engine: Engine, now: datetime) -> list[tuple[str, str, date]]:
    """(seller, owner, day) whose sheet is not made yet: from seven until noon of each seller's own business days."""
    found = []
    with read(engine) as session:
        for seller in session.exec(select(t.Seller).order_by(col(t.Seller.key))):
            day = calendar.local_date(now, seller.timezone)
            begins, ends = (calendar.at(day, clock, seller.timezone) for clock in (MORNING, NOON))
            if not begins <= now < ends or not calendar.is_business_day(day, seller.country, seller.region):
                continue
            made = select(t.Sheet.owner).where(
                t.Sheet.seller == seller.key, t.Sheet.day == day, col(t.Sheet.state).in_(ENDED)
            )
            done = set(session.exec(made))
            found += [(seller.key, owner, day) for owner in _owners(session, seller.key) if owner not in done]
    return found


def _owners(session: Session, seller: str) -> list[str]:
    """People who are in charge of anything that is open or waits for approval, and can be written to."""
    owed = select(t.Invoice.owner).where(t.Invoice.seller == seller, col(t.Invoice.phase) == Phase.OPEN.value)
    asked = select(t.OpenException.owner).where(
        t.OpenException.seller == seller, col(t.OpenException.decided_at).is_(None)
    )
    pends = (
        select(t.Invoice.owner)
        .join(t.ApprovalSubject, col(t.ApprovalSubject.invoice) == col(t.Invoice.id))
        .where(t.Invoice.seller == seller, col(t.ApprovalSubject.outcome).is_(None))
    )
    named = {*session.exec(owed), *session.exec(asked), *session.exec(pends)}
    people = session.exec(select(t.Person).where(col(t.Person.key).in_(named)).order_by(col(t.Person.key)))
    return [person.key for person in people if person.active and person.email and not person.machine]


def build(engine: Engine, seller: str, owner: str, day: date, now: datetime) -> Sheet:
    """What the sheet of that day says as of `now`; the one that was made, if it was."""
    with read(engine) as session:
        made = session.get(t.Sheet, sheet_key(seller, owner, day))
        if made is not None and made.state != "released":
            return content_of(made)
        return _sheet(session, session.get_one(t.Seller, seller), owner, day, now)


def content_of(row: t.Sheet) -> Sheet:
    return codec.decode(Sheet, row.content)


def claim(engine: Engine, seller: str, owner: str, day: date, now: datetime, idempotent: bool) -> Claimed | None:
    """The right to mail the sheet now, or None: it was mailed, or there is nothing to say. Unavailable while an earlier
    attempt may still be alive and the mail adapter would take the same mail twice."""
    key = sheet_key(seller, owner, day)
    with booking(engine, seller, now) as tx:
        row = tx.session.get(t.Sheet, key)
        if row is not None and row.state in ENDED:
            return None
        resumed = row is not None and row.state == "claimed"
        alive = row is not None and row.lease_until is not None and row.lease_until > datetime.now(UTC)
        if resumed and alive and not idempotent:
            raise Unavailable("an earlier attempt still holds the claim")
        if row is not None and resumed:
            row.lease_until = _lease()
            tx.session.add(row)
            return Claimed(key, content_of(row), resumed=True)
        sheet = _sheet(tx.session, tx.seller, owner, day, now)
        if sheet.empty:
            return None
        row = row or t.Sheet(key=key, seller=seller, owner=owner, day=day, made_at=now)
        row.content, row.made_at, row.state = codec.encode(sheet), now, "claimed"
        row.lease_until = _lease()
        tx.session.add(row)
        return Claimed(key, sheet, resumed=False)


def _lease() -> datetime:
    """Technical time: it guards against a process that still runs."""
    return datetime.now(UTC) + LEASE


def end(engine: Engine, seller: str, key: str, now: datetime, state: str, provider_id: str | None = None) -> None:
    """What became of the claim: confirmed, released (it certainly did not leave), unknown or refused."""
    with booking(engine, seller, now) as tx:
        row = tx.session.get_one(t.Sheet, key)
        if row.state in ENDED:
            return
        row.state, row.lease_until, row.provider_id = state, None, provider_id
        if state == "confirmed":
            row.confirmed_at = now
            tx.audit("sheet.sent", SYSTEM, sheet=key, owner=row.owner)
        tx.session.add(row)


def _sheet(session: Session, seller: t.Seller, owner: str, day: date, now: datetime) -> Sheet:
    planned, withheld = _day(session, seller, owner, day, now)
    since = made_before(session, seller.key, owner, day)
    return compose(
        seller.key,
        owner,
        day,
        seller.mode or "ask",
        asks=list(messages(session, seller.key, owner, "held", day, None)),
        would=list(messages(session, seller.key, owner, "would_send", day, since)),
        planned=planned,
        withheld=[*withheld, *_paused(session, seller.key, owner)],
        tasks=list(_tasks(session, seller, owner)),
        pending=list(pending.of(session, seller.key, owner)),
    )


def made_before(session: Session, seller: str, owner: str, day: date) -> datetime | None:
    """When the sheet before that day's was made."""
    query = select(t.Sheet.made_at).where(t.Sheet.seller == seller, t.Sheet.owner == owner, t.Sheet.day < day)
    return session.exec(query.order_by(col(t.Sheet.day).desc())).first()


def messages(
    session: Session, seller: str, owner: str, state: str, day: date, since: datetime | None
) -> Iterator[Item]:
    """Letters of the owner's receivables that are `held`, or `would_send` (later than `since`)."""
    query = (
        pick(t.Message, t.MessageItem, t.Invoice)
        .join(t.MessageItem, col(t.MessageItem.message) == col(t.Message.key))
        .join(t.Invoice, col(t.Invoice.id) == col(t.Message.invoice))
        .where(col(t.Message.seller) == seller, col(t.Message.state) == state, col(t.Invoice.owner) == owner)
    )
    if since is not None:
        query = query.where(col(t.Message.at) > since)
    for letter, item, row in session.execute(query):
        about = {"key": letter.key, "kind": letter.kind, "rung": item.rung, "template": letter.template}
        yield _item(row, day, item.amount, **about)


def _item(row: t.Invoice, day: date, amount: int, **about: str) -> Item:
    due_on = row.oldest_due_on
    return Item(
        invoice=row.id,
        number=_number(row),
        customer=str(row.customer_data["name"]),
        amount=amount,
        currency=row.currency,
        due_on=due_on,
        days_late=max(0, (day - due_on).days) if due_on is not None else 0,
        **about,
    )


def _day(
    session: Session, seller: t.Seller, owner: str, day: date, now: datetime
) -> tuple[list[Item], list[tuple[str, str]]]:
    """What the day brings by itself, and what it keeps back, of the receivables whose time comes on it."""
    ends = calendar.at(day + timedelta(days=1), time(0), seller.timezone)
    query = (
        select(t.Invoice)
        .where(t.Invoice.seller == seller.key, t.Invoice.owner == owner, t.Invoice.phase == Phase.OPEN.value)
        .where(col(t.Invoice.next_at) < ends, col(t.Invoice.state).not_in(PAUSED))
        .order_by(col(t.Invoice.next_at), col(t.Invoice.id))
        .limit(MOST_LOOKED_AT)
    )
    planned: list[Item] = []
    withheld: list[tuple[str, str]] = []
    for row in session.exec(query):
        policy = load.policy_of(session, seller, row.policy, row.policy_version)
        at = max(now, row.updated_at, row.next_at or now)
        action = lifecycle.next_action(load.account_of(session, seller, row, policy, at), policy, at)
        if isinstance(action, Send) and action.kind in TO_CUSTOMER | {"internal"}:
            about = {"key": "", "kind": action.kind, "rung": action.rung, "template": action.template}
            planned.append(_item(row, day, action.amount, **about))
        elif isinstance(action, Wait) and action.why.code not in ORDINARY:
            withheld.append((action.why.code, _number(row)))
    return planned, withheld


def _paused(session: Session, seller: str, owner: str) -> Iterator[tuple[str, str]]:
    query = pick(t.Invoice.state, t.Invoice.number, t.Invoice.reference).where(
        col(t.Invoice.seller) == seller, col(t.Invoice.owner) == owner, col(t.Invoice.state).in_(PAUSED)
    )
    for state, number, reference in session.execute(query):
        yield state, number or reference


def _tasks(session: Session, seller: t.Seller, owner: str) -> Iterator[Task]:
    query = (
        pick(t.OpenException, t.Invoice)
        .join(t.Invoice, col(t.Invoice.id) == col(t.OpenException.invoice), isouter=True)
        .where(col(t.OpenException.seller) == seller.key, col(t.OpenException.owner) == owner)
        .where(col(t.OpenException.decided_at).is_(None))
    )
    for asked, row in session.execute(query):
        deadline = asked.deadline
        yield Task(
            id=asked.id,
            kind=asked.kind,
            key=asked.key,
            invoice=asked.invoice or "",
            number=_number(row) if row is not None else "",
            customer=str(row.customer_data["name"]) if row is not None else "",
            opened_on=calendar.local_date(asked.opened_at, seller.timezone),
            deadline=last_day(deadline, seller.timezone) if deadline is not None else None,
        )


def _number(row: t.Invoice) -> str:
    return row.number or row.reference
