"""One transaction of one seller's books: what every change writes beside itself (audit, postings, reasons,
exceptions). It decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, or_
from sqlmodel import Session, col

from adapters.books import lookups
from adapters.books.engine import write
from adapters.books.seen import ask
from domain import audit, calendar, ledger
from domain.account import Account
from domain.actions import Why
from domain.policy import Policy
from schemas import tables

SYSTEM = "duely"
EXCEPTION_DEADLINE = timedelta(days=3)


@dataclass
class Tx:
    """`now` is the workflow's. `seller` is locked: nobody else writes this seller's books until the end."""

    session: Session
    seller: tables.Seller
    now: datetime
    _transaction: int = field(default=0)

    @property
    def today(self) -> date:
        """The day in the seller's timezone, which dates documents and postings."""
        return calendar.local_date(self.now, self.seller.timezone)

    def audit(
        self, type_: str, actor: str, actor_kind: str = "machine", invoice: str | None = None, **keys: str
    ) -> None:
        """The next entry of the seller's chain. Keys and hashes only."""
        head = None
        if self.seller.audit_seq:
            head = audit.Head(seq=self.seller.audit_seq, digest=self.seller.audit_head)
        named = {**keys, "invoice": invoice} if invoice else keys
        entry = audit.link(
            self.seller.key, head, at=self.now, type_=type_, actor=actor, actor_kind=actor_kind, keys=named
        )
        digest = audit.digest(entry)
        self.session.add(
            tables.AuditEntry(
                seller=entry.seller,
                seq=entry.seq,
                at=entry.at,
                type=entry.type,
                actor=entry.actor,
                actor_kind=entry.actor_kind,
                invoice=invoice,
                keys=entry.keys,
                previous=entry.previous,
                digest=digest,
            )
        )
        self.seller.audit_seq, self.seller.audit_head = entry.seq, digest
        self.session.add(self.seller)

    def text(self, text: str) -> str:
        """Keeps a text beside the chain and answers the salted hash that stands for it there."""
        ref = audit.salted(text, self.seller.salt)
        if self.session.get(tables.AuditText, (self.seller.key, ref)) is None:
            self.session.add(tables.AuditText(seller=self.seller.key, ref=ref, text=text))
        return ref

    def contact(self, email: str) -> str:
        """Whom a message goes to, as a key that names nobody."""
        return audit.salted(email.lower(), self.seller.salt)

    def post(
        self,
        kind: str,
        entries: Sequence[ledger.Entry],
        *,
        customer: str,
        currency: str,
        on: date,
        invoice: str | None = None,
        note: str = "",
    ) -> None:
        """One balanced transaction. A locked period moves the accounting date and says so."""
        if not entries:
            return
        if not ledger.balanced(entries):
            raise ValueError(f"{kind} does not balance")
        posted, moved = ledger.posted_on(on, self.seller.locked_until)
        if not self._transaction:
            ((highest,),) = ask(self.session, lookups.LAST_TRANSACTION, {"seller": self.seller.key})
            self._transaction = highest or 0
        self._transaction += 1
        for position, entry in enumerate(entries):
            self.session.add(
                tables.Posting(
                    transaction=self._transaction,
                    position=position,
                    seller=self.seller.key,
                    invoice=invoice,
                    customer=customer,
                    kind=kind,
                    account=entry.account,
                    currency=currency,
                    amount=entry.amount,
                    posted_on=posted,
                    document_on=on,
                    booked_at=self.now,
                    note="; ".join(filter(None, (note, moved))),
                )
            )

    def why(self, account: Account, policy: Policy, verdict: str, why: Why, **about: Any) -> None:
        """The reason for a message sent, withheld or moved, with all it was decided from."""
        self.session.add(
            tables.Why(
                seller=account.seller,
                invoice=account.workflow_id,
                verdict=verdict,
                code=why.code,
                reason=why.text,
                at=self.now,
                policy=policy.name,
                policy_version=policy.version,
                balance=account.balance,
                clock={
                    "timezone": account.customer_place.timezone,
                    "country": account.customer_place.country,
                    "sources": list(policy.sources),
                },
                **about,
            )
        )

    def open_exception(
        self, kind: str, key: str, owner: str, invoice: str | None, deadline: datetime | None = None, **evidence: Any
    ) -> bool:
        """Puts a decision before a person, once per (kind, key, invoice). Answers whether it is new."""
        if self.asked(kind, key, invoice):
            return False
        self.session.add(
            tables.OpenException(
                seller=self.seller.key,
                invoice=invoice,
                kind=kind,
                key=key,
                owner=owner,
                opened_at=self.now,
                deadline=deadline or self.now + EXCEPTION_DEADLINE,
                evidence=evidence,
            )
        )
        self.audit("exception.opened", SYSTEM, invoice=invoice, kind=kind, about=key)
        return True

    def settle_exceptions(
        self,
        by: str,
        decision: str,
        *,
        kind: str | None = None,
        key: str | None = None,
        invoice: str | None = None,
        but: Collection[str] = (),
        sole: bool = False,
    ) -> None:
        """Takes exceptions off the queue, with the decision that did it; not those of the kinds `but`. `sole`: only if
        there is no more than one."""
        named = {"seller": self.seller.key, "kind": kind, "key": key, "invoice": invoice}
        given = {name: value for name, value in named.items() if value is not None}
        waiting = ask(self.session, lookups.undecided(tuple(given)), given)
        for id_, found in waiting:
            if found in but or (sole and len(waiting) > 1):
                continue
            row = self.session.get_one(tables.OpenException, id_)
            row.decided_at, row.decided_by, row.decision = self.now, by, decision
            about = {"kind": row.kind, "about": row.key}
            self.audit("exception.settled", self.actor(by), self.actor_kind(by), row.invoice, **about)

    def actor_kind(self, by: str) -> str:
        """`person` or `machine` for those we know; anybody else speaks for the customer."""
        if by == SYSTEM:
            return "machine"
        person = self.person(by)
        if person is None:
            return "customer"
        return "machine" if person.machine else "person"

    def actor(self, by: str) -> str:
        """The key of somebody we know, else a salted reference to the claim."""
        return by if by == SYSTEM or self.person(by) is not None else self.text(by)

    def person(self, key: str) -> Any:
        """The row of somebody we know, or None."""
        return next(iter(ask(self.session, lookups.PERSON, {"person": key})), None)

    def asked(self, kind: str, key: str, invoice: str | None) -> bool:
        """Whether this very exception is open."""
        named = {"seller": self.seller.key, "kind": kind, "key": key, "invoice": invoice}
        return bool(ask(self.session, lookups.ASKED, named))


def noted(note: str) -> ColumnElement[bool]:
    """Postings that carry `note`, with or without the reason of a locked period."""
    column = col(tables.Posting.note)
    return or_(column == note, column.startswith(f"{note}; ", autoescape=True))


def bare(note: str) -> str:
    """The note of a posting without the reason of a locked period."""
    return note.partition("; ")[0]


@contextmanager
def booking(engine: Engine, seller: str, now: datetime) -> Iterator[Tx]:
    """A transaction alone with the seller's books. NotFound for a seller that is not seeded."""
    with write(engine, seller) as session:
        yield Tx(session, session.get_one(tables.Seller, seller), now)
