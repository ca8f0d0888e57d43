"""What a seller is owed and whose accounts it knows, as matching wants it (`domain/matching.py`). It writes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, true
from sqlmodel import Session, col, func, select

from adapters.books import load, rows
from adapters.books.tx import Tx
from domain import audit, settlement
from domain.account import Phase
from domain.ledger import RECEIVABLE
from domain.matching import Credit, Matcher, OpenItem
from schemas import tables as t

LOT = 500
Among = Callable[[Any], ColumnElement[bool]]
"""Says of a column with receivables which of them are meant."""
OWED = (Phase.OPEN.value, Phase.ESCALATED.value, Phase.IN_COLLECTIONS.value)


@dataclass
class Known:
    """A matcher for the movements of one day, good for as long as nothing else was written: `seq` is the end of the
    seller's audit chain that it stands at. `items` and `learned` are what it was made from, as the books were at the
    entry `read`; what it has booked since is not in `items`."""

    seller: str
    on: date
    seq: int
    read: int
    items: dict[str, OpenItem]
    learned: dict[str, str]
    matcher: Matcher

    def hear(self, taught: Mapping[str, str]) -> None:
        """Accounts and whom they pay for since one of its movements was booked: nobody, once that is several."""
        for iban, customer in taught.items():
            self.learned.pop(iban, None)
            if customer:
                self.learned[iban] = customer


def known(tx: Tx, on: date, before: Known | None) -> Known:
    """The matcher of that day; the one of before where all it knows still holds. Read anew is only what the audit names
    since: reading everything takes seconds where much is owed."""
    seq = tx.seller.audit_seq
    if before is not None and (before.seller, before.on) != (tx.seller.key, on):
        before = None
    if before is not None and before.seq == seq:
        return before
    learned = {row.iban: row.customer for row in tx.session.exec(_learned(tx.seller.key)) if row.customer}
    owed = _owed(tx, on, before)
    if before is not None and before.seq == before.read and (before.items, before.learned) == (owed, learned):
        return replace(before, seq=seq, read=seq)
    return Known(tx.seller.key, on, seq, seq, owed, learned, Matcher(owed.values(), learned))


def _owed(tx: Tx, on: date, before: Known | None) -> dict[str, OpenItem]:
    """By receivable. Whatever changes one, its audit entry names it."""
    if before is None:
        return {item.invoice: item for item in items(tx, on)}
    named = select(t.AuditEntry.invoice).where(t.AuditEntry.seller == tx.seller.key, t.AuditEntry.seq > before.read)
    touched = {id_ for id_ in tx.session.exec(named) if id_ is not None}
    kept = {id_: item for id_, item in before.items.items() if id_ not in touched}
    return kept | {item.invoice: item for item in items(tx, on, sorted(touched))}


def credit_of(tx: Tx, line: t.BankLine) -> Credit:
    """What the payer paid: a bank may have kept a part of it."""
    return Credit(
        key=line.key,
        amount=line.amount + line.charges,
        currency=line.currency,
        booked_on=line.booked_on,
        text=line.text,
        reference=line.reference,
        end_to_end=line.end_to_end,
        name=line.name,
        iban=iban_hash(tx, line.iban),
        several=line.batch == line.key,
    )


def iban_hash(tx: Tx, iban: str) -> str:
    """An account as it is remembered and compared; empty for none."""
    return audit.salted(iban.replace(" ", "").upper(), tx.seller.salt) if iban else ""


def items(tx: Tx, on: date, only: Sequence[str] | None = None) -> Iterator[OpenItem]:
    """Every receivable that owes, or those of them in `only`. `payable` is what settles it if it is paid `on` that
    day."""
    if only is None:
        yield from _items(tx, on, _everyone)
    for start in range(0, len(only or ()), LOT):
        lot = (only or ())[start : start + LOT]
        yield from _items(tx, on, lambda column, lot=lot: col(column).in_(lot))  # type: ignore[misc]


def _everyone(_: Any) -> ColumnElement[bool]:
    return true()


def _items(tx: Tx, on: date, among: Among) -> Iterator[OpenItem]:
    sums = _sums(tx.session, tx.seller.key, among)
    references = _references(tx.session, tx.seller.key, among)
    for id_, customer, number, currency, due_on, issued_on, policy, version, name, agreed in tx.session.exec(
        _receivables(tx.seller.key, among)
    ):
        own = sums[id_]
        balance = sum(own.values())
        if balance <= 0:
            continue
        discount = 0
        if not own["discount"]:
            rules = load.policy_of(tx.session, tx.seller, policy, version)
            base = max(own["issue"] + own["credit"], 0)
            discount = min(settlement.permitted(rows.discount_steps(agreed, issued_on), base, on, rules)[0], balance)
        yield OpenItem(
            invoice=id_,
            customer=customer,
            number=number,
            references=tuple(references[id_]),
            currency=currency,
            open=balance,
            payable=balance - discount or balance,
            due_on=due_on,
            names=(name,),
        )


def _receivables(seller: str, among: Among) -> Any:
    row = t.Invoice
    return select(  # type: ignore[call-overload]
        row.id,
        row.customer,
        row.number,
        row.currency,
        row.oldest_due_on,
        row.issued_on,
        row.policy,
        row.policy_version,
        col(row.customer_data)["name"].as_string(),
        col(row.draft)["terms"],
    ).where(row.seller == seller, col(row.phase).in_(OWED), among(row.id))


def _sums(session: Session, seller: str, among: Among) -> dict[str, defaultdict[str, int]]:
    """Per receivable what was posted of each kind."""
    query = (
        select(t.Posting.invoice, t.Posting.kind, func.sum(t.Posting.amount))
        .join(t.Invoice, col(t.Invoice.id) == col(t.Posting.invoice))
        .where(
            t.Invoice.seller == seller,
            col(t.Invoice.phase).in_(OWED),
            t.Posting.account == RECEIVABLE,
            among(t.Posting.invoice),
        )
        .group_by(col(t.Posting.invoice), col(t.Posting.kind))
    )
    found: dict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for invoice, kind, amount in session.exec(query):
        found[str(invoice)][kind] = int(amount)
    return found


def _references(session: Session, seller: str, among: Among) -> dict[str, list[str]]:
    query = (
        select(t.ReferenceTarget.invoice, t.ReferenceTarget.reference)
        .join(
            t.PaymentReference,
            (col(t.PaymentReference.seller) == col(t.ReferenceTarget.seller))
            & (col(t.PaymentReference.reference) == col(t.ReferenceTarget.reference)),
        )
        .where(
            t.ReferenceTarget.seller == seller,
            t.PaymentReference.kind == "creditor_reference",
            among(t.ReferenceTarget.invoice),
        )
    )
    found: dict[str, list[str]] = defaultdict(list)
    for invoice, reference in session.exec(query):
        found[invoice].append(reference)
    return found


def _learned(seller: str) -> Any:
    return select(t.LearnedIban).where(t.LearnedIban.seller == seller)
