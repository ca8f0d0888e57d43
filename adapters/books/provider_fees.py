"""What a provider keeps for its service, posted apart from the money it is about."""

from __future__ import annotations

from sqlmodel import col, func, select

from adapters.books.tx import SYSTEM, Tx, noted
from domain import ledger
from schemas import tables as t


def note_of(provider: str, about: str) -> str:
    return f"{provider} {about}"


def post(tx: Tx, row: t.Invoice, provider: str, about: str, fee: int, currency: str) -> None:
    """What the provider keeps for `about`, a payment or a dispute: only what is not posted yet, also backwards."""
    note = note_of(provider, about)
    posted = select(func.sum(t.Posting.amount)).where(
        t.Posting.seller == tx.seller.key,
        t.Posting.customer == row.customer,
        t.Posting.kind == "fee",
        col(t.Posting.account) == ledger.FEES,
        noted(note),
    )
    more = fee - int(tx.session.exec(posted).one() or 0)
    if more:
        tx.post(
            "fee",
            ledger.fee(ledger.clearing(provider), more),
            customer=row.customer,
            currency=currency,
            on=tx.today,
            note=note,
        )
        tx.audit("payment.fee_charged", SYSTEM, invoice=row.id, about=about, amount=str(more))
