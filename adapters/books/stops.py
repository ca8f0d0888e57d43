"""Stops of a customer, of a whole seller, of everything: set and lifted, each told in the audit; and what each kind
means for a receivable beyond that no reminder leaves. It wakes no workflow: the last look of every send sees a stop,
and whoever sets it tells the workflows to look.
"""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import messages
from adapters.books.engine import write
from adapters.books.load import person_of
from adapters.books.tx import SYSTEM, Tx, booking
from domain import arrival, calendar, dunning, roles
from domain.account import CLOSED, Account
from domain.actions import Send, Why
from domain.errors import NotFound, Refused
from domain.policy import Policy
from schemas import commands as c
from schemas import tables as t
from schemas.stops import Stop

EVERYTHING = "*"


def pause_all(engine: Engine, by: str, reason: str, now: datetime) -> None:
    """Refused when everything is paused already; NotAllowed unless `by` may hold."""
    with write(engine, None) as session:
        allowed(session, "hold", by)
        if in_force(session, EVERYTHING, None, now):
            raise Refused("everything is paused already; `duely resume-all` lifts it")
        session.add(t.Stop(seller=EVERYTHING, by=by, reason=reason, since=now))
        for tx in _chains(session, now):
            tx.audit("stop.set", by, tx.actor_kind(by), scope="all", reason=tx.text(reason))


def resume_all(engine: Engine, by: str, now: datetime) -> None:
    """Refused when nothing is paused; NotAllowed unless `by` may release."""
    with write(engine, None) as session:
        allowed(session, "release", by)
        if not _lift(session, EVERYTHING, None, now):
            raise Refused("nothing is paused")
        for tx in _chains(session, now):
            tx.audit("stop.lifted", by, tx.actor_kind(by), scope="all")


def command(engine: Engine, seller: str, customer: str | None, said: c.Command, now: datetime) -> str:
    """Carries out hold, release or note on a customer, or on the whole seller; answers `held` or `free`. NotFound for
    one that is not stored, Refused with the reason, NotAllowed because of who asks."""
    with booking(engine, seller, now) as tx:
        stored = tx.session.get(t.Customer, (seller, customer)) if customer is not None else None
        if customer is not None and stored is None:
            raise NotFound(f"{seller} has no stored customer {customer}")
        allowed(tx.session, said.name, said.by)
        zone = stored.timezone if stored is not None and stored.timezone else tx.seller.timezone
        match said:
            case Stop():
                _set(tx, customer, said, zone)
            case c.Release():
                if not _lift(tx.session, seller, customer, now):
                    raise Refused(f"the {'seller' if customer is None else 'customer'} is not on hold")
                _tell(tx, "released", customer, said.by)
            case c.Note():
                _tell(tx, "noted", customer, said.by, text=tx.text(said.text))
            case _:
                raise Refused(f"hold, release and note are taken here, not {said.name}")
        tx.session.flush()
        return "held" if in_force(tx.session, seller, customer, now) else "free"


def in_force(session: Session, seller: str, customer: str | None, now: datetime) -> list[t.Stop]:
    """The stops of exactly this customer, of the seller as a whole, or of everything, the oldest first."""
    query = select(t.Stop).where(t.Stop.seller == seller, t.Stop.customer == customer, col(t.Stop.lifted_at).is_(None))
    found = session.exec(query.order_by(col(t.Stop.id))).all()
    return [stop for stop in found if stop.until is None or now < stop.until]


def allowed(session: Session, command: str, by: str) -> None:
    row = session.get(t.Person, by)
    roles.check(command, by, person_of(row) if row is not None else None, before_issue=False)


def look(tx: Tx, row: t.Invoice, account: Account, policy: Policy) -> set[str]:
    """What a stop asks of an open receivable: each insolvency is put before a person once, and what the customer would
    be told is kept back while nobody may write to it. Answers what has changed."""
    changed = set()
    insolvent = account.stops("insolvent", tx.now)
    if account.number is not None and account.phase not in CLOSED and account.balance > 0:
        for stop in insolvent:
            key = f"{row.id}/stop/{stop.ref}"
            known = select(t.OpenException.id).where(t.OpenException.kind == "insolvent", t.OpenException.key == key)
            if tx.session.exec(known).first() is None:
                tx.open_exception("insolvent", key, row.owner, row.id, amount=account.balance, scope=stop.scope)
                changed.add("insolvent")
    if not insolvent and "insolvent" in account.exceptions:
        tx.settle_exceptions(SYSTEM, "the stop is lifted", kind="insolvent", invoice=row.id)
        changed.add("solvent")
    if account.notices and account.stops("no_contact", tx.now):
        _keep_back(tx, row, account, policy)
        changed.add("kept_back")
    return changed


def _keep_back(tx: Tx, row: t.Invoice, account: Account, policy: Policy) -> None:
    """News for a customer that must not be written to: it will not be told later either."""
    why = dunning.stopped(account, tx.now) or Why("on_hold", "nobody may write to the customer")
    for notice in account.notices:
        key = f"{row.id}/{notice.ref}"
        waiting = arrival.current(account, key)
        unsent = Send(
            key=waiting.key if waiting is not None else key,
            kind=notice.mail,
            template=notice.kind,
            to="billing",
            why=why,
            ref=notice.ref,
            amount=notice.amount,
        )
        letter = messages.letter_of(tx, row, account, unsent)
        messages.drop(tx, letter, SYSTEM, why.text)
        tx.why(account, policy, "withheld", why, message=letter.key, kind=letter.kind)


def _set(tx: Tx, customer: str | None, said: Stop, zone: str) -> None:
    until: datetime | None = None
    if said.until is not None:
        if said.until <= tx.today:
            raise Refused(f"until: {said.until} is not after today, {tx.today}")
        until = calendar.at(said.until, time(0), zone)
    row = t.Stop(seller=tx.seller.key, customer=customer, kind=said.kind, by=said.by, reason=said.reason, since=tx.now)
    row.until = until
    tx.session.add(row)
    _tell(tx, "held", customer, said.by, kind=said.kind, reason=tx.text(said.reason))


def _lift(session: Session, seller: str, customer: str | None, now: datetime) -> bool:
    stops = in_force(session, seller, customer, now)
    for stop in stops:
        stop.lifted_at = now
        session.add(stop)
    return bool(stops)


_OF_SELLER = {"held": "stop.set", "released": "stop.lifted", "noted": "seller.noted"}


def _tell(tx: Tx, event: str, customer: str | None, by: str, **about: str) -> None:
    type_ = f"customer.{event}" if customer is not None else _OF_SELLER[event]
    whom = {"customer": customer} if customer is not None else {"scope": "seller"}
    tx.audit(type_, tx.actor(by), tx.actor_kind(by), **whom, **about)


def _chains(session: Session, now: datetime) -> list[Tx]:
    """Every seller's chain tells of a stop of everything: each has to prove its own silence."""
    sellers = session.exec(select(t.Seller).order_by(col(t.Seller.key))).all()
    return [Tx(session, seller, now) for seller in sellers]
