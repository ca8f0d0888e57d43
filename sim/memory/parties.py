"""Who bills, who owes, who decides, and under which policies: read once from seeded books, then only looked up. It
changes nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from sqlalchemy import Engine
from sqlmodel import Session, select

from adapters.books import facts, load
from adapters.books.engine import read
from adapters.books.issuing import DEFAULT_FORMATS
from domain import audit, ledger
from domain.account import Person, Place
from domain.document import CustomerFacts, SellerFacts
from domain.policy import Policy
from schemas import tables as t


@dataclass(frozen=True)
class Seller:
    """A seller with its customers and its policies, each under the seller's own mode and sources. `series`: kind ->
    (format, first number)."""

    facts: SellerFacts
    salt: str
    policy: str
    owner: str
    series: Mapping[str, tuple[str, int]]
    customers: Mapping[str, CustomerFacts]
    policies: Mapping[str, Policy]
    locked_until: date | None = None
    _salted: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.facts.key

    @cached_property
    def place(self) -> Place:
        return Place(timezone=self.facts.timezone, country=self.facts.country, region=self.facts.region)

    @cached_property
    def bank_account(self) -> str | None:
        return ledger.bank(self.facts.bank.iban) if self.facts.bank is not None else None

    def reference(self, value: str) -> str:
        """The salted hash that stands for an address or a text."""
        found = self._salted.get(value)
        if found is None:
            found = self._salted[value] = audit.salted(value, self.salt)
        return found


@dataclass(frozen=True)
class Parties:
    sellers: Mapping[str, Seller]
    people: Mapping[str, Person]

    @classmethod
    def read(cls, engine: Engine) -> Parties:
        """Everybody that these books know."""
        with read(engine) as session:
            names = sorted(set(session.exec(select(t.Policy.name))))
            rows = session.exec(select(t.Seller)).all()
            people = {person.key: person for person in load.people(session)}
            return cls({row.key: _seller(session, row, names) for row in rows}, people)

    @cached_property
    def everybody(self) -> tuple[Person, ...]:
        return tuple(person for _, person in sorted(self.people.items()))


def _seller(session: Session, row: t.Seller, names: list[str]) -> Seller:
    found = facts.seller_facts(row)
    series = row.profile.get("series", {})
    policies = ((name, load.latest_policy(session, row, name)) for name in names)
    return Seller(
        facts=found,
        salt=row.salt,
        policy=row.policy,
        owner=str(row.profile.get("owner", "")),
        series={
            kind: (series.get(kind, {}).get("format", pattern), int(series.get(kind, {}).get("first", 1)))
            for kind, pattern in DEFAULT_FORMATS.items()
        },
        customers=dict(_customers(session, row)),
        policies={name: policy for name, policy in policies if policy is not None},
        locked_until=row.locked_until,
    )


def _customers(session: Session, row: t.Seller) -> Iterator[tuple[str, CustomerFacts]]:
    for key in session.exec(select(t.Customer.key).where(t.Customer.seller == row.key)):
        stored = facts.customer_facts(session, row.key, key)
        if stored is not None:
            yield key, stored
