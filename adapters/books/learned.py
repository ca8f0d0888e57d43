"""Which customer an account pays for, as a salted hash: learned where a key and the payer's name agree, or a person
says so. One that has paid for two customers names neither any more."""

from __future__ import annotations

from adapters.books.open_items import iban_hash
from adapters.books.tx import SYSTEM, Tx
from domain import names
from schemas import tables as t

SEVERAL = ""
"""The customer of an account that pays for more than one."""


def learn(tx: Tx, line: t.BankLine, customer: str, by: str) -> dict[str, str]:
    """The payer's account of this line is that customer's. Answers whom it pays for now, by its hash; nothing where the
    line names none."""
    hashed = iban_hash(tx, line.iban)
    if not hashed:
        return {}
    row = tx.session.get(t.LearnedIban, (tx.seller.key, hashed))
    if row is None:
        row = t.LearnedIban(seller=tx.seller.key, iban=hashed, customer=customer, by=by, at=tx.now)
    elif row.customer != customer:
        row.customer, row.by, row.at = SEVERAL, by, tx.now
    tx.session.add(row)
    return {hashed: row.customer}


def learn_from_key(tx: Tx, line: t.BankLine, row: t.Invoice) -> dict[str, str]:
    """After a booking by key. A payer of another name, as a parent company, teaches nothing."""
    hashed = iban_hash(tx, line.iban)
    known = tx.session.get(t.LearnedIban, (tx.seller.key, hashed)) if hashed else None
    if known is not None or is_payer(line, row):
        return learn(tx, line, row.customer, SYSTEM)
    return {}


def is_payer(line: t.BankLine, row: t.Invoice) -> bool:
    """Whether the payer's name is the customer's, spelling apart."""
    own = names.Names({row.customer: (str(row.customer_data.get("name", "")),)})
    return own.fit(line.name, row.customer) >= names.STRONG
