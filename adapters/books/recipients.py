"""Whom a message to the customer goes to: the contact of the role it is for, then the others, never an address that
gave back a mail about this receivable. An address is a salted hash here; it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlmodel import Session

from adapters.books import lookups
from adapters.books.seen import ask
from adapters.books.tx import Tx
from domain import audit, keys
from schemas import tables as t


def addresses(data: dict[str, Any], role: str = "billing") -> Iterator[str]:
    """Of the customer's data as frozen on the invoice: the role's contacts, billing's, its own address, the others."""
    contacts = [(c["role"], c["email"]) for c in data["contacts"] if c["email"]]
    yield from (str(email) for wanted in (role, "billing") for of, email in contacts if of == wanted)
    if data["email"]:
        yield str(data["email"])
    yield from (str(email) for _, email in contacts)


def address_of(session: Session, row: t.Invoice, seller: t.Seller, letter: t.Message) -> tuple[str, str]:
    """(name, address) that a letter's salted reference stands for; no address when nobody knows it any more."""
    if letter.person is not None:
        person = session.get_one(t.Person, letter.person)
        return person.name, person.email or ""
    data = row.customer_data
    contacts = [(c["name"], c["email"]) for c in data["contacts"]]
    for name, email in (*contacts, (data["name"], data["email"])):
        if email and audit.salted(email.lower(), seller.salt) == letter.contact:
            return str(name or data["name"]), str(email)
    asked = session.get(t.AuditText, (seller.key, letter.contact))
    return "", asked.text if asked is not None else ""


def reply_to(seller: t.Seller, workflow_id: str) -> str:
    """One address per invoice, so that an answer finds it; the token names nobody."""
    return f"ar-{keys.reply_token(seller.salt, workflow_id)}@{reply_domain(seller)}"


def reply_domain(seller: t.Seller) -> str:
    return str(seller.profile.get("reply_to") or seller.profile["email"].partition("@")[2]).lower()


def choose(tx: Tx, row: t.Invoice, role: str) -> str | None:
    """The first contact that has given nothing back, after the customer's own those that a person named; None when
    nobody is left."""
    own = {"invoice": row.id}
    failed = {contact for (contact,) in ask(tx.session, lookups.FAILED_CONTACTS, own)}
    given = (tx.contact(email) for email in addresses(row.customer_data, role))
    found = next((contact for contact in given if contact not in failed), None)
    if found is not None:
        return found
    named = (contact for (contact,) in ask(tx.session, lookups.NAMED_CONTACTS, own))
    return next((contact for contact in named if contact not in failed), None)
