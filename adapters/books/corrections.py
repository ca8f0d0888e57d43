"""Assignments corrected by hand: a receipt applied to another receivable, an assignment taken back. A receivable that
owes again is reopened on a fresh run of its ladder."""

from __future__ import annotations

from sqlmodel import select

from adapters.books import receipts, reductions, reversals
from adapters.books.tx import Tx
from adapters.books.view import read
from domain import money
from domain.account import CLOSED, Phase
from domain.errors import Refused
from schemas import tables as t


def apply(tx: Tx, row: t.Invoice, receipt: t.Receipt, amount: int | None, kept: int = 0) -> None:
    """Assigns what the receivable needs, with what its terms allow as of the day it came in; or `amount`. `kept`:
    what a bank held back of it. Refused beyond what is free or owed, across customers and currencies, and for a
    receivable that is not issued."""
    if (receipt.customer, receipt.currency) != (row.customer, row.currency):
        raise Refused(f"receipt {receipt.id} is of another customer or currency")
    if row.number is None:
        raise Refused(f"{row.reference} is not issued: money is assigned to what has a number")
    account, policy = read(tx, row)
    free, owed = receipts.free(tx, receipt), account.balance + account.bad_debt
    wanted = min(free, owed) if amount is None else amount
    if wanted <= 0 or wanted > min(free, owed):
        shown, open_ = (money.show(each, row.currency) for each in (free, owed))
        raise Refused(f"amount: receipt {receipt.id} has {shown} free, the invoice owes {open_}")
    if amount is None:
        receipts.settle(tx, row, account, policy, receipt, kept=kept)
        return
    if wanted > account.balance:
        reductions.recover(tx, row, wanted - account.balance)
    receipts.allocate(tx, row, receipt, wanted)


def unapply(tx: Tx, row: t.Invoice, allocation_id: int, by: str, reason: str) -> None:
    """Takes the assignment back and reopens the receivable if it owes again. What of the money left already, refunded
    at the provider, is no credit."""
    allocation = tx.session.get_one(t.Allocation, allocation_id)
    receipts.unallocate(tx, row, allocation, reason, by)
    reductions.forfeit(tx, row, allocation.receipt)
    reversals.explain(tx, row)
    account, _ = read(tx, row)
    if account.balance > 0:
        reopen(tx, row)


def reopen(tx: Tx, row: t.Invoice) -> None:
    """A fresh episode for every due: its rungs count from today, since the old ones tell of another debt. What was
    never issued stays what it is."""
    if row.number is None:
        return
    if Phase(row.phase) in CLOSED:
        row.phase, row.reopened = Phase.OPEN, True
        tx.session.add(row)
        tx.audit("invoice.reopened", "duely", invoice=row.id)
    for due in tx.session.exec(select(t.Due).where(t.Due.invoice == row.id)):
        due.episode, due.ladder_on = due.episode + 1, max(due.ladder_on, tx.today)
        tx.session.add(due)
