"""Puts a checked seed into the books: adds and updates, never deletes. Again with the same file changes nothing.

Contacts belong to their customer: those of the file replace the stored ones. A policy whose content changed becomes a
new version, so that an invoice keeps the rules it was issued under.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import seed_models
from adapters.books.customers import CONTACT, store, trace, update
from adapters.books.engine import write
from adapters.books.seed_file import Seed, load_seed
from adapters.books.tx import SYSTEM, Tx
from domain import keys, mandates
from domain.errors import Invalid, Problem
from schemas import tables as t

__all__ = ["Seed", "SeedReport", "apply_seed", "load_seed"]

_SELLER_COLUMNS = ("country", "region", "timezone", "currency", "policy", "mode")


@dataclass(frozen=True, slots=True)
class SeedReport:
    """How many of each part (sellers, customers, people, policies) were created, changed and left as they were."""

    created: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)


def apply_seed(engine: Engine, seed: Seed, now: datetime) -> SeedReport:
    """All of it in one transaction. Each seller's audit chain tells what changed for it."""
    report = SeedReport()
    refused = [
        Problem(f"sellers.{key}.country", reason)
        for key, seller in sorted(seed.sellers.items())
        if (reason := mandates.clearance(seller.country, now.date()))
    ]
    if refused:
        raise Invalid(refused)
    with write(engine, None) as session:
        news = [_policy(session, report, name, content) for name, content in sorted(seed.policies.items())]
        news += [_person(session, report, key, person) for key, person in sorted(seed.people.items())]
        for key, seller in sorted(seed.sellers.items()):
            tx = _seller(session, report, now, key, seller)
            for type_, about in filter(None, news):
                tx.audit(type_, SYSTEM, **about)
            _customers(tx, report, dict(seed.customers_of(key)))
    return report


_News = tuple[str, dict[str, str]] | None


def _policy(session: Session, report: SeedReport, name: str, content: dict[str, Any]) -> _News:
    query = select(t.Policy).where(t.Policy.name == name).order_by(col(t.Policy.version).desc()).limit(1)
    latest = session.exec(query).first()
    if latest is not None and keys.canonical(latest.content) == keys.canonical(content):
        report.unchanged["policies"] += 1
        return None
    version = latest.version + 1 if latest else 1
    # The version is part of it: going back to an older content is a new version as well.
    digest = keys.digest("duely/policy/1", {"name": name, "version": version, "content": content})
    session.add(t.Policy(name=name, version=version, content=content, digest=digest))
    (report.changed if latest else report.created)["policies"] += 1
    about = {"policy": name, "version": str(version), "digest": digest}
    return ("policy.changed" if latest else "policy.created"), about


def _person(session: Session, report: SeedReport, key: str, person: seed_models.Person) -> _News:
    values: dict[str, Any] = {
        "name": person.name,
        "email": person.email,
        "roles": list(person.roles),
        "limits": {currency: person.limit(currency) for currency in person.limits},
        "machine": person.machine,
        "active": person.active,
    }
    if (away := person.absent) is not None:  # left out, it does not end an absence that was said meanwhile
        values |= {"absent_from": away.start, "absent_until": away.until, "delegate": away.delegate}
    row = session.get(t.Person, key)
    if row is None:
        session.add(t.Person(key=key, **values))
        report.created["people"] += 1
        return "person.created", {"person": key}
    left = row.active and not person.active
    if not update(row, values):
        report.unchanged["people"] += 1
        return None
    report.changed["people"] += 1
    return ("person.deactivated" if left else "person.changed"), {"person": key}


def _seller(session: Session, report: SeedReport, now: datetime, key: str, seller: seed_models.Seller) -> Tx:
    data = seller.model_dump(mode="json", exclude_none=True, exclude={"copies"})
    values = {name: data.pop(name, None) for name in _SELLER_COLUMNS}
    values["sources"] = data.pop("sources", None)
    data.pop("locked_until", None)
    if seller.locked_until:  # left out, it does not open a period that was closed meanwhile
        values["locked_until"] = seller.locked_until
    values["profile"] = data
    row = session.get(t.Seller, key)
    type_ = "seller.created" if row is None else "seller.changed"
    if row is None:
        row = t.Seller(key=key, salt=secrets.token_hex(16), **values)
        session.add(row)
        report.created["sellers"] += 1
    elif not update(row, values):
        report.unchanged["sellers"] += 1
        return Tx(session, row, now)
    else:
        report.changed["sellers"] += 1
    tx = Tx(session, row, now)
    tx.audit(type_, SYSTEM, content=trace(tx, values))
    return tx


def _customers(tx: Tx, report: SeedReport, customers: Mapping[str, seed_models.Customer]) -> None:
    stored = {c.key: c for c in tx.session.exec(select(t.Customer).where(t.Customer.seller == tx.seller.key))}
    contacts: dict[str, list[dict[str, Any]]] = {}
    for contact in tx.session.exec(
        select(t.Contact).where(t.Contact.seller == tx.seller.key).order_by(col(t.Contact.id))
    ):
        contacts.setdefault(contact.customer, []).append(contact.model_dump(include=set(CONTACT)))
    for key, customer in sorted(customers.items()):
        done = store(tx, key, customer, stored.get(key), contacts.get(key, []))
        getattr(report, done)["customers"] += 1
