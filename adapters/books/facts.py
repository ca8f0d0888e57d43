"""What the books know of a seller and of a stored customer, as drafting wants it. It writes nothing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books.engine import read
from domain import codec, money
from domain.document import Address, Bank, Brand, Contact, CustomerFacts, Endpoint, Payee, SellerFacts
from domain.errors import NotFound
from schemas import tables as t


def seller_known(engine: Engine, key: str) -> SellerFacts:
    """NotFound when nobody is stored under `key`."""
    with read(engine) as session:
        row = session.get(t.Seller, key)
        if row is None:
            raise NotFound(f"there is no seller {key}; `duely seed FILE` loads one")
        return seller_facts(row)


def seller_facts(row: t.Seller) -> SellerFacts:
    profile = row.profile
    bank, payee, endpoint, brand = (profile.get(name) for name in ("bank", "payee", "endpoint", "brand"))
    return SellerFacts(
        key=row.key,
        name=profile["name"],
        country=row.country,
        region=row.region,
        timezone=row.timezone,
        language=profile.get("language", "en"),
        address=codec.decode(Address, profile.get("address", {})),
        bank=codec.decode(Bank, bank) if bank else None,
        terms=profile.get("terms", "net 30"),
        policy=row.policy,
        endpoint=codec.decode(Endpoint, endpoint) if endpoint else None,
        payee=codec.decode(Payee, payee) if payee else None,
        banks=tuple(codec.decode(Bank, each) for each in profile.get("banks", ())),
        rounding=tuple((code, money.parse(step, code)) for code, step in profile.get("rounding", {}).items()),
        brand=codec.decode(Brand, brand) if brand else None,
        vat_id=profile.get("vat_id"),
        registration=profile.get("registration"),
        tax_number=profile.get("tax_number"),
        legal=profile.get("legal"),
        contact=profile.get("contact"),
        email=profile.get("email"),
        phone=profile.get("phone"),
    )


def customer_facts(session: Session, seller: str, key: str) -> CustomerFacts | None:
    row = session.get(t.Customer, (seller, key))
    if row is None:
        return None
    contacts = session.exec(
        select(t.Contact).where(t.Contact.seller == seller, t.Contact.customer == key).order_by(col(t.Contact.id))
    )
    profile: dict[str, Any] = row.profile
    endpoint = profile.get("endpoint")
    return CustomerFacts(
        key=key,
        name=row.name,
        country=row.country,
        kind=row.kind,
        region=row.region,
        language=row.language,
        timezone=row.timezone,
        vat_id=row.vat_id,
        email=row.email,
        address=codec.decode(Address, profile.get("address", {})),
        registration=profile.get("registration"),
        contacts=tuple(
            Contact(role=c.role, name=c.name or None, email=c.email or None, language=c.language) for c in contacts
        ),
        channel=profile.get("channel", "email"),
        endpoint=codec.decode(Endpoint, endpoint) if endpoint else None,
        group=profile.get("group"),
        payer=profile.get("payer"),
        requires=tuple(profile.get("requires", ())),
        format=profile.get("format"),
        buyer_reference=profile.get("buyer_reference"),
        policy=row.policy,
        terms=row.terms,
    )
