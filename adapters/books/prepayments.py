"""The VAT of a prepayment is due when its money comes in, not when it is asked for (Directive 2006/112/EC Art. 65)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from sqlmodel import Session, func, select

from adapters.books import reductions
from adapters.books.tx import SYSTEM, Tx, bare
from domain import ledger, tax
from domain.keys import plain_decimal
from schemas import tables as t

TAX_POINT = "tax_point"
MONEY = frozenset({"allocate", "unallocate"})


def tax_point(tx: Tx, row: t.Invoice) -> None:
    """Moves VAT between pending and due until what is due is the tax in the money that has come in. It compares what
    stands in the ledger, so a repeat moves nothing, and money that goes back takes its tax along."""
    if row.kind != "prepayment" or row.number is None:
        return
    moved = [(rate, wanted - posted) for rate, wanted, posted in taxes(tx.session, row) if wanted != posted]
    if not moved:
        return
    tx.post(
        TAX_POINT,
        ledger.tax_point(moved),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
    )
    tx.audit("prepayment.taxed", SYSTEM, invoice=row.id, tax=str(sum(amount for _, amount in moved)))


def taxes(session: Session, row: t.Invoice) -> Iterator[tuple[Decimal, int, int]]:
    """For each rate of a prepayment, the VAT in the money that has come in and the VAT that was posted as due."""
    left = reductions.left_of(session, row)
    paid = min(_paid(session, row), sum(each.gross for each in left))
    wanted: Counter[Decimal] = Counter()
    for each in tax.scale(left, paid) if paid else ():
        wanted[tax.plain(each.rate)] += each.tax
    posted = _posted(session, row)
    for rate in sorted({tax.plain(each.rate) for each in left}):
        yield rate, wanted[rate], posted[f"{ledger.VAT}/{plain_decimal(rate)}"]


def _paid(session: Session, row: t.Invoice) -> int:
    """With what a bank or a tax office kept of the money on its way: it was paid all the same."""
    query = select(t.Posting.kind, t.Posting.note, t.Posting.amount).where(
        t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE
    )
    return -sum(amount for kind, note, amount in session.exec(query) if kind in MONEY or bare(note) in ledger.KEEPS_VAT)


def _posted(session: Session, row: t.Invoice) -> Counter[str]:
    """The VAT that is due already, by account, as a positive amount."""
    query = (
        select(t.Posting.account, func.sum(t.Posting.amount))
        .where(t.Posting.invoice == row.id, t.Posting.kind == TAX_POINT)
        .group_by(t.Posting.account)
    )
    return Counter({account: -int(amount) for account, amount in session.exec(query)})
