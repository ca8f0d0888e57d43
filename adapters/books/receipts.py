"""Money in: a receipt is booked once under its external id, then assigned. Assignments are released, never deleted."""

from __future__ import annotations

from datetime import date

from sqlmodel import col, func, select

from adapters.books import reductions
from adapters.books.tx import SYSTEM, Tx
from domain import ledger, settlement
from domain.account import Account
from domain.errors import Refused
from domain.policy import Policy
from schemas import tables as t


def book(
    tx: Tx,
    row: t.Invoice,
    *,
    source: str,
    external_id: str,
    amount: int,
    received_on: date,
    method: str,
    by: str,
) -> t.Receipt | None:
    """The receipt with its posting; None when this external id is booked already. Refused when it was booked with
    another amount."""
    known = find(tx, source, external_id)
    if known is not None:
        if (known.amount, known.currency) != (amount, row.currency):
            raise Refused(f"external_id {external_id} is booked already, with another amount")
        return None
    receipt = t.Receipt(
        seller=tx.seller.key,
        source=source,
        external_id=external_id,
        customer=row.customer,
        currency=row.currency,
        amount=amount,
        received_on=received_on,
        method=method,
        by=by,
        booked_at=tx.now,
    )
    tx.session.add(receipt)
    tx.session.flush()
    tx.post(
        "receipt",
        ledger.receipt(money_account(tx, method), amount),
        customer=row.customer,
        currency=row.currency,
        on=received_on,
        note=f"receipt {receipt.id}",
    )
    tx.audit("payment.received", by, tx.actor_kind(by), row.id, receipt=str(receipt.id), amount=str(amount))
    return receipt


def find(tx: Tx, source: str, external_id: str) -> t.Receipt | None:
    query = select(t.Receipt).where(
        t.Receipt.seller == tx.seller.key, t.Receipt.source == source, t.Receipt.external_id == external_id
    )
    return tx.session.exec(query).first()


def money_account(tx: Tx, method: str) -> str:
    """Where the money lies: the seller's bank account, the cash box, or cheques under way."""
    bank = tx.seller.profile.get("bank") or {}
    if method == "transfer" and bank.get("iban"):
        return ledger.bank(str(bank["iban"]))
    return ledger.clearing(method)


def settle(tx: Tx, row: t.Invoice, account: Account, policy: Policy, receipt: t.Receipt) -> None:
    """Assigns what the receivable needs and grants what its terms allow; the rest stays the customer's credit."""
    outcome = settlement.settle(account, receipt.amount, receipt.received_on, policy)
    if outcome.allocate:
        allocate(tx, row, receipt, outcome.allocate)
    if outcome.discount:
        reductions.discount(tx, row, outcome.discount, receipt.received_on)
    if outcome.small_difference:
        reductions.write_off(tx, row, "small_difference", outcome.small_difference, SYSTEM)


def free(tx: Tx, receipt: t.Receipt) -> int:
    """What of a receipt is not assigned."""
    query = select(func.sum(t.Allocation.amount)).where(
        t.Allocation.receipt == receipt.id, col(t.Allocation.released_at).is_(None)
    )
    return receipt.amount - int(tx.session.exec(query).one() or 0)


def allocate(tx: Tx, row: t.Invoice, receipt: t.Receipt, amount: int) -> t.Allocation:
    assigned = t.Allocation(receipt=receipt.id or 0, invoice=row.id, amount=amount, at=tx.now)
    tx.session.add(assigned)
    tx.session.flush()
    tx.post(
        "allocate",
        ledger.allocate(amount),
        customer=row.customer,
        currency=row.currency,
        on=max(receipt.received_on, row.issued_on or receipt.received_on),
        invoice=row.id,
        note="",
    )
    tx.audit(
        "payment.allocated",
        SYSTEM,
        invoice=row.id,
        receipt=str(receipt.id),
        allocation=str(assigned.id),
        amount=str(amount),
    )
    return assigned


def unallocate(tx: Tx, row: t.Invoice, allocation: t.Allocation, reason: str, by: str) -> None:
    """Takes an assignment back; the money stays the customer's credit."""
    if allocation.released_at is not None:
        raise Refused(f"allocation {allocation.id} was released before")
    allocation.released_at, allocation.reason = tx.now, reason
    tx.session.add(allocation)
    tx.post(
        "unallocate",
        ledger.unallocate(allocation.amount),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
        note="",
    )
    tx.audit(
        "payment.unallocated",
        by,
        tx.actor_kind(by),
        row.id,
        allocation=str(allocation.id),
        amount=str(allocation.amount),
        reason=tx.text(reason),
    )


def release_excess(tx: Tx, row: t.Invoice, excess: int) -> None:
    """Before a credit note beyond the balance: turns so much of the assigned money back into customer's credit."""
    live = tx.session.exec(
        select(t.Allocation)
        .where(t.Allocation.invoice == row.id, col(t.Allocation.released_at).is_(None))
        .order_by(col(t.Allocation.id).desc())
    ).all()
    for allocation in live:
        if excess <= 0:
            return
        receipt = tx.session.get_one(t.Receipt, allocation.receipt)
        unallocate(tx, row, allocation, "released by a credit note", SYSTEM)
        if allocation.amount > excess:
            allocate(tx, row, receipt, allocation.amount - excess)
        excess -= allocation.amount
    if excess > 0:
        raise Refused("the credit is more than what was invoiced and not credited yet")
