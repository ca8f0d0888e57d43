"""Stored customers of a seller: kept, read, stopped and let go again, noted upon. Every change stands in the audit
chain. It wakes no workflow: the last look of every send sees a stop, and whoever sets it tells the workflows to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, delete, select

from adapters.books import load
from adapters.books.engine import read
from adapters.books.seed_models import Customer
from adapters.books.tx import SYSTEM, Tx, booking
from domain import audit, calendar, keys, roles
from domain.account import CLOSED
from domain.errors import Invalid, NotFound, Refused
from schemas import commands as c
from schemas import tables as t

COLUMNS = ("name", "kind", "email", "country", "region", "language", "timezone", "vat_id", "policy", "terms")
CONTACT: dict[str, Any] = {"role": "billing", "name": "", "email": "", "language": None}
"""What is kept of a contact, and what stands for nothing."""


def put(engine: Engine, seller: str, key: str, customer: Customer, by: str, now: datetime) -> str:
    """Stores it whole, in place of what was there: `created`, `changed` or `unchanged`. Invoices keep the copy they
    have. NotFound for an unknown seller, Invalid for a policy that does not fit."""
    with booking(engine, seller, now) as tx:
        _check_policy(tx, customer)
        row = tx.session.get(t.Customer, (seller, key))
        return store(tx, key, customer, row, contacts(tx, key), by)


def get(engine: Engine, seller: str, key: str) -> dict[str, Any]:
    """The customer as `put` takes it, with its seller and key. NotFound when it is not stored."""
    with read(engine) as session:
        row = session.get(t.Customer, (seller, key))
        if row is None:
            raise NotFound(f"{seller} has no stored customer {key}")
        query = select(t.Contact).where(t.Contact.seller == seller, t.Contact.customer == key)
        contacts = [_shown(each) for each in session.exec(query.order_by(col(t.Contact.id)))]
    columns = {name: getattr(row, name) for name in COLUMNS if getattr(row, name) is not None}
    profile = {name: value for name, value in row.profile.items() if value != []}
    return {"seller": seller, "key": key, **columns, **profile, **({"contacts": contacts} if contacts else {})}


def command(engine: Engine, seller: str, key: str, said: c.Command, now: datetime) -> str:
    """Carries out hold, release or note; answers `held` or `free`. NotFound for a customer that is not stored, Refused
    with the reason, NotAllowed because of who asks."""
    with booking(engine, seller, now) as tx:
        customer = tx.session.get(t.Customer, (seller, key))
        if customer is None:
            raise NotFound(f"{seller} has no stored customer {key}")
        person = tx.session.get(t.Person, said.by)
        roles.check(said.name, said.by, load.person_of(person) if person is not None else None, before_issue=False)
        match said:
            case c.Hold():
                _hold(tx, customer, said)
            case c.Release():
                _release(tx, customer, said)
            case c.Note():
                _tell(tx, "customer.noted", key, said.by, text=tx.text(said.text))
            case _:
                raise Refused(f"a customer takes hold, release and note, not {said.name}")
        tx.session.flush()
        return "held" if _stops(tx, key) else "free"


def receivables(engine: Engine, seller: str, key: str) -> list[str]:
    """The workflow ids of what the customer may still owe."""
    query = select(t.Invoice.id).where(
        t.Invoice.seller == seller, t.Invoice.customer == key, col(t.Invoice.phase).not_in([p.value for p in CLOSED])
    )
    with read(engine) as session:
        return list(session.exec(query))


def store(
    tx: Tx,
    key: str,
    customer: Customer,
    row: t.Customer | None,
    contacts: Sequence[Mapping[str, Any]],
    by: str = SYSTEM,
) -> str:
    """Writes the customer over `row` and `contacts`, which are what is stored of it: `created`, `changed`,
    `unchanged`. Contacts belong to their customer: new ones replace the stored ones."""
    data = customer.model_dump(mode="json", exclude_none=True, exclude={"sellers", "key"})
    wanted = [{name: item.get(name, default) for name, default in CONTACT.items()} for item in data.pop("contacts")]
    values = {name: data.pop(name, None) for name in COLUMNS}
    values["profile"] = data
    if row is None:
        tx.session.add(t.Customer(seller=tx.seller.key, key=key, **values))
    changed = row is not None and update(row, values)
    if list(contacts) != wanted:
        _replace_contacts(tx, key, wanted)
        changed = row is not None
    if row is not None and not changed:
        return "unchanged"
    done = "created" if row is None else "changed"
    _tell(tx, f"customer.{done}", key, by, content=trace(tx, {**values, "contacts": wanted}))
    return done


def change_contacts(tx: Tx, row: t.Customer, data: Mapping[str, Any], by: str) -> None:
    """Other contacts, and another address of its own; `by` is the salted reference of whoever confirmed it."""
    row.email = data["email"]
    _replace_contacts(tx, row.key, [{name: item[name] for name in CONTACT} for item in data["contacts"]])
    tx.session.add(row)
    content = trace(tx, {"email": row.email, "contacts": data["contacts"]})
    tx.audit("customer.changed", by, "customer", customer=row.key, content=content)


def trace(tx: Tx, content: Mapping[str, Any]) -> str:
    """What stands for personal data in the chain."""
    return audit.salted(keys.canonical(content), tx.seller.salt)


def update(row: t.Seller | t.Customer | t.Person, values: Mapping[str, Any]) -> bool:
    """Whether anything differed."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def _check_policy(tx: Tx, customer: Customer) -> None:
    name = customer.policy or tx.seller.policy
    policy = load.latest_policy(tx.session, tx.seller, name)
    if policy is None:
        raise Invalid.at("policy", f"there is no policy {name}")
    if customer.kind == "consumer" and not policy.consumer:
        raise Invalid.at("policy", f"{name} is not for consumers; name one with consumer = true")


def _hold(tx: Tx, customer: t.Customer, said: c.Hold) -> None:
    until: datetime | None = None
    if said.until is not None:
        if said.until <= tx.today:
            raise Refused(f"until: {said.until} is not after today, {tx.today}")
        until = calendar.at(said.until, time(0), customer.timezone)
    tx.session.add(
        t.Stop(seller=tx.seller.key, customer=customer.key, by=said.by, reason=said.reason, since=tx.now, until=until)
    )
    _tell(tx, "customer.held", customer.key, said.by, reason=tx.text(said.reason))


def _release(tx: Tx, customer: t.Customer, said: c.Release) -> None:
    stops = _stops(tx, customer.key)
    if not stops:
        raise Refused("the customer is not on hold")
    for stop in stops:
        stop.lifted_at = tx.now
        tx.session.add(stop)
    _tell(tx, "customer.released", customer.key, said.by)


def _stops(tx: Tx, key: str) -> list[t.Stop]:
    query = select(t.Stop).where(t.Stop.seller == tx.seller.key, t.Stop.customer == key)
    found = tx.session.exec(query.where(col(t.Stop.lifted_at).is_(None))).all()
    return [stop for stop in found if stop.until is None or tx.now < stop.until]


def _tell(tx: Tx, type_: str, key: str, by: str, **about: str) -> None:
    tx.audit(type_, tx.actor(by), tx.actor_kind(by), customer=key, **about)


def contacts(tx: Tx, key: str) -> list[dict[str, Any]]:
    """Those that are stored of a customer, in order."""
    query = select(t.Contact).where(t.Contact.seller == tx.seller.key, t.Contact.customer == key)
    return [each.model_dump(include=set(CONTACT)) for each in tx.session.exec(query.order_by(col(t.Contact.id)))]


def _shown(contact: t.Contact) -> dict[str, Any]:
    return {name: value for name, value in contact.model_dump(include=set(CONTACT)).items() if value}


def _replace_contacts(tx: Tx, customer: str, wanted: Sequence[dict[str, Any]]) -> None:
    owned = (col(t.Contact.seller) == tx.seller.key, col(t.Contact.customer) == customer)
    tx.session.exec(delete(t.Contact).where(*owned))
    tx.session.add_all(t.Contact(seller=tx.seller.key, customer=customer, **contact) for contact in wanted)
