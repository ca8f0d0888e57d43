"""Stored customers of a seller: kept and read. Every change stands in the audit chain. Stops are `stops.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, delete, select

from adapters.books import load, queries, stops, views
from adapters.books.engine import read
from adapters.books.seed_models import Customer
from adapters.books.tx import SYSTEM, Tx, booking
from domain import audit, keys
from domain.account import CLOSED
from domain.errors import Invalid, NotFound, Refused
from domain.money import show
from domain.status import instant
from schemas import tables as t

RECEIPTS = 50
"""How many of a customer are shown; the books have all."""
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


def find(engine: Engine, key: str, seller: str | None) -> str:
    """The seller that has the stored customer. NotFound when none has, Refused when several have."""
    query = select(t.Customer.seller).where(t.Customer.key == key).order_by(col(t.Customer.seller))
    with read(engine) as session:
        sellers = list(session.exec(query if seller is None else query.where(t.Customer.seller == seller)))
    if len(sellers) > 1:
        raise Refused(f"{key} is a customer of {', '.join(sellers)}: give --seller")
    if not sellers:
        raise NotFound(f"{seller or 'nobody'} has {'no' if seller else 'a'} stored customer {key}")
    return sellers[0]


def overview(engine: Engine, seller: str, key: str, now: datetime) -> dict[str, Any]:
    """The same with the stops it is under, what it may still owe and what it owes by currency, its credit, and its
    latest receipts: each with what is left of it and the receivables it pays, by the numbers that `duely apply` and
    `duely unapply` take."""
    found = get(engine, seller, key)
    wanted = set(receivables(engine, seller, key))
    owed = [each for each in views.invoices(engine, customer=key, seller=seller) if each["id"] in wanted]
    sums: dict[str, Decimal] = {}
    for each in owed:
        if each["number"] is not None:
            sums[each["currency"]] = sums.get(each["currency"], Decimal(0)) + Decimal(each["balance"])
    money = {"owed": {currency: str(total) for currency, total in sums.items()}, **_money(engine, seller, key)}
    return {**found, "stops": _stops(engine, seller, key, now), "open": owed, **money}


def _money(engine: Engine, seller: str, key: str) -> dict[str, Any]:
    """`credit` by currency, and `receipts`, the latest first."""
    named = {"seller": seller, "customer": key}
    query = select(t.Receipt).where(t.Receipt.seller == seller, t.Receipt.customer == key)
    query = query.order_by(col(t.Receipt.received_on).desc(), col(t.Receipt.id).desc()).limit(RECEIPTS)
    with read(engine) as session:
        left = {id_: int(free) for id_, free, _ in session.execute(queries.CREDIT_RECEIPTS, named)}
        credit = {unit: -int(amount or 0) for unit, amount in session.execute(queries.CUSTOMER_CREDIT, named)}
        found = session.exec(query).all()
        live = select(t.Allocation).where(
            col(t.Allocation.receipt).in_([each.id for each in found]), col(t.Allocation.released_at).is_(None)
        )
        pays = session.exec(live.order_by(col(t.Allocation.id))).all()
    receipts = [
        {
            "receipt": each.id,
            "received_on": each.received_on.isoformat(),
            "source": each.source,
            "external_id": each.external_id,
            "currency": each.currency,
            "amount": show(each.amount, each.currency),
            "left": show(left.get(each.id, 0), each.currency),
            "pays": [
                {"allocation": part.id, "invoice": part.invoice, "amount": show(part.amount, each.currency)}
                for part in pays
                if part.receipt == each.id
            ],
        }
        for each in found
    ]
    return {"credit": {unit: show(amount, unit) for unit, amount in credit.items() if amount}, "receipts": receipts}


def overview_of_seller(engine: Engine, key: str, now: datetime) -> dict[str, Any]:
    """A seller in short, with its stops. NotFound when it is not stored."""
    with read(engine) as session:
        row = session.get(t.Seller, key)
        if row is None:
            raise NotFound(f"there is no seller {key}")
        about = {name: getattr(row, name) for name in ("country", "timezone", "currency", "policy", "mode")}
        shown = {"seller": key, "name": row.profile.get("name"), **about}
    return {**{name: value for name, value in shown.items() if value}, "stops": _stops(engine, key, None, now)}


def _stops(engine: Engine, seller: str, key: str | None, now: datetime) -> list[dict[str, Any]]:
    """Those in force now, the widest first."""
    scopes: list[tuple[str, str, str | None]] = [("all", stops.EVERYTHING, None), ("seller", seller, None)]
    if key is not None:
        scopes.append(("customer", seller, key))
    with read(engine) as session:
        return [
            {
                "scope": scope,
                "kind": stop.kind,
                "by": stop.by,
                "reason": stop.reason,
                "since": instant(stop.since),
                "until": instant(stop.until),
            }
            for scope, whose, of in scopes
            for stop in stops.in_force(session, whose, of, now)
        ]


def receivables(engine: Engine, seller: str, key: str | None) -> list[str]:
    """The workflow ids of what the customer, or any customer of the seller, may still owe."""
    query = select(t.Invoice.id).where(
        t.Invoice.seller == seller, col(t.Invoice.phase).not_in([p.value for p in CLOSED])
    )
    with read(engine) as session:
        return list(session.exec(query if key is None else query.where(t.Invoice.customer == key)))


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
    values["timezone"] = values["timezone"] or tx.seller.timezone
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
