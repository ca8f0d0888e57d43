"""Another contact for a customer's invoices. Whoever holds the customer's link may ask for one; it counts once the
contact on record has confirmed it, so that a forwarded link moves nobody's mail. The workflow sends what is told of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import customers, load, messages, news, recipients
from adapters.books.engine import read
from adapters.books.settle import settle
from adapters.books.tx import SYSTEM, Tx, booking
from domain import calendar
from domain.errors import NotFound, Refused
from domain.keys import parse_workflow_id
from domain.links import CONTACT
from domain.messages import CONTACT_CHANGED
from schemas import tables as t

NOTICE = "notice"

ASK_EVERY = timedelta(days=1)
"""The contact on record gets no more of our mails than one a day, however often somebody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the contact on record is asked. `state`: open, confirmed, or over when it expired or was taken back."""

    id: str
    invoice: str
    number: str
    seller: str
    language: str
    name: str
    email: str
    requested_on: date
    until: date
    state: str


def ask(engine: Engine, seller: str, workflow_id: str, name: str, email: str, by: str, now: datetime) -> None:
    """Has the contact on record asked, by a mail that the workflow sends. A new wish replaces one that is a day old.
    Refused while a younger one waits."""
    with booking(engine, seller, now) as tx:
        row = tx.session.get_one(t.Invoice, workflow_id)
        tx.now = max(now, row.updated_at)
        waiting = open_change(tx.session, row, tx.now)
        if waiting is not None and too_soon(waiting, tx.now):
            raise Refused("the contact on record was asked already and has not answered yet")
        if waiting is not None:
            _forget(tx, waiting)
        row.contact_changes += 1
        policy = load.policy_of(tx.session, tx.seller, row.policy, row.policy_version)
        change = t.ContactChange(
            id=f"{row.id}/contact/{row.contact_changes}",
            seller=seller,
            invoice=row.id,
            customer=row.customer,
            name=name,
            email=email,
            requested_at=tx.now,
            expires_at=tx.now + policy.link_valid,
        )
        tx.session.add_all((change, row))
        about = {"change": change.id, "contact": tx.contact(email)}
        tx.audit("contact.requested", tx.actor(by), tx.actor_kind(by), row.id, **about)
        settle(tx, row)


def find(engine: Engine, change_id: str, now: datetime) -> Change | None:
    with read(engine) as session:
        change = session.get(t.ContactChange, change_id)
        if change is None:
            return None
        row = session.get_one(t.Invoice, change.invoice)
        seller = session.get_one(t.Seller, change.seller)
        return Change(
            id=change.id,
            invoice=row.id,
            number=row.number or row.reference,
            seller=str(seller.profile["name"]),
            language=str(row.customer_data["language"]),
            name=change.name,
            email=change.email,
            requested_on=calendar.local_date(change.requested_at, row.customer_data["timezone"]),
            until=calendar.local_date(change.expires_at, row.customer_data["timezone"]),
            state=_state(session, change, max(now, row.updated_at)),
        )


def confirm(engine: Engine, change_id: str, now: datetime) -> str:
    """The contact on record agrees: mail about this receivable goes to the new one, and so does that about later ones
    of a stored customer. Answers the receivable, whose workflow is to be told and tells the old contact. Refused when
    the change is over."""
    seller = (parse_workflow_id(change_id.partition("/")[0]) or ("", ""))[0]
    with booking(engine, seller, now) as tx:
        change = tx.session.get(t.ContactChange, change_id)
        if change is None:
            raise NotFound(f"there is no change of contact {change_id}")
        row = tx.session.get_one(t.Invoice, change.invoice)
        tx.now = max(now, row.updated_at)
        state = _state(tx.session, change, tx.now)
        if state == "confirmed":
            return row.id
        if state != "open":
            raise Refused("the link is no longer good; ask again on the page of the invoice")
        _carry_out(tx, row, change)
        settle(tx, row)
        return row.id


def open_change(session: Session, row: t.Invoice, now: datetime) -> t.ContactChange | None:
    """The change of this receivable's contact that waits to be confirmed."""
    query = select(t.ContactChange).where(
        t.ContactChange.invoice == row.id, col(t.ContactChange.confirmed_at).is_(None)
    )
    found = session.exec(query.order_by(col(t.ContactChange.requested_at).desc())).all() if row.contact_changes else []
    return next((each for each in found if _state(session, each, now) == "open"), None)


def too_soon(waiting: t.ContactChange, now: datetime) -> bool:
    """Whether the contact on record may not be asked for another one yet."""
    return now < waiting.requested_at + ASK_EVERY


def _forget(tx: Tx, change: t.ContactChange) -> None:
    """Another one takes its place: its link ends, and its mail stays if it has not left."""
    change.expires_at = tx.now
    tx.session.add(change)
    letter, effect = tx.session.get(t.Message, change.id), tx.session.get(t.Effect, change.id)
    if letter is not None and (letter.state == "released" or (effect is not None and effect.state == "released")):
        messages.drop(tx, letter, SYSTEM, "another contact was asked for")


def _state(session: Session, change: t.ContactChange, now: datetime) -> str:
    if change.confirmed_at is not None:
        return "confirmed"
    revoked = session.get(t.LinkMark, (CONTACT, change.id, "revoked")) is not None
    return "over" if revoked or change.expires_at <= now else "open"


def _carry_out(tx: Tx, row: t.Invoice, change: t.ContactChange) -> None:
    old = next(recipients.addresses(row.customer_data), "")
    confirmed_by = recipients.choose(tx, row, "billing") or tx.contact(old)
    for address in recipients.addresses(row.customer_data):
        tx.text(address.lower())  # mails that went there still say whom they went to
    row.customer_data = replaced(row.customer_data, change.name, change.email)
    row.contact = tx.contact(change.email)
    change.confirmed_at = tx.now
    tx.session.add_all((row, change))
    tx.audit("contact.changed", confirmed_by, "customer", row.id, change=change.id, contact=row.contact)
    _stored(tx, row, change, old, confirmed_by)
    _tell_the_old(tx, row, change, confirmed_by)


def _stored(tx: Tx, row: t.Invoice, change: t.ContactChange, old: str, by: str) -> None:
    """The stored customer too, unless it has got another contact than this receivable's meanwhile."""
    stored = tx.session.get(t.Customer, (row.seller, row.customer))
    if stored is None:
        return
    data = {"email": stored.email, "contacts": customers.contacts(tx, stored.key)}
    if next(recipients.addresses(data), "").lower() == old.lower():
        customers.change_contacts(tx, stored, replaced(data, change.name, change.email), by)


def replaced(data: dict[str, Any], name: str, email: str) -> dict[str, Any]:
    """A customer's data with this contact in place of the first that invoices went to. The customer's own address
    changes with it where it was the same."""
    old = next(recipients.addresses(data), "").lower()
    new = {"role": "billing", "name": name, "email": email, "phone": None, "language": None}
    first = next((c for c in data["contacts"] if c["role"] == "billing" and c["email"]), None)
    others = [c for c in data["contacts"] if c is not first and (c["role"], c["email"]) != ("billing", email)]
    own = email if (data["email"] or "").lower() == old else data["email"]
    return {**data, "email": own, "contacts": [{**(first or {}), **new}, *others]}


def _tell_the_old(tx: Tx, row: t.Invoice, change: t.ContactChange, contact: str) -> None:
    """A letter to the address that was asked, for the workflow to send: by role it would go to the new one."""
    key, ref = news.changed_key(change), news.changed_key(change).removeprefix(f"{row.id}/")
    item = t.MessageItem(message=key, invoice=row.id, kind=NOTICE, ref=ref)
    messages.released(tx, row, item, contact, CONTACT_CHANGED, ref)
