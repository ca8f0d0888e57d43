"""Money in: a receipt is booked once under its external id, then assigned. Assignments are released, never deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import col, func, select

from adapters.books import prepayments, reductions
from adapters.books.queries import BORNE, GONE
from adapters.books.tx import SYSTEM, Tx
from domain import ledger, settlement
from domain.account import Account
from domain.errors import Refused
from domain.policy import Policy
from schemas import tables as t

LEFT_OVER = ("overpaid", "paid_twice", "wrong_currency")
"""Kinds of exception about money of a receipt that pays nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Money as its source tells of it, with the source's own date. `account`: where it lies, as `ledger.bank` or
    `ledger.clearing` writes it."""

    source: str  # hand | stripe | bank
    external_id: str
    amount: int
    currency: str
    received_on: date
    method: str
    account: str


def book(
    tx: Tx, money: Incoming, customer: str | None, by: str = SYSTEM, invoice: str | None = None
) -> t.Receipt | None:
    """The receipt with its posting; None when this external id is booked already. `customer` None: nobody knows yet who
    paid. Refused when it was booked with another amount."""
    known = find(tx, money.source, money.external_id)
    if known is not None:
        if (known.amount, known.currency) != (money.amount, money.currency):
            raise Refused(f"external_id {money.external_id} is booked already, with another amount")
        return None
    receipt = t.Receipt(
        seller=tx.seller.key,
        source=money.source,
        external_id=money.external_id,
        customer=customer,
        currency=money.currency,
        amount=money.amount,
        received_on=money.received_on,
        method=money.method,
        by=by,
        booked_at=tx.now,
    )
    tx.session.add(receipt)
    tx.session.flush()
    tx.post(
        "receipt",
        ledger.receipt(money.account, money.amount, identified=customer is not None),
        customer=customer or "",
        currency=money.currency,
        on=money.received_on,
        note=f"receipt {receipt.id}",
    )
    tx.audit("payment.received", by, tx.actor_kind(by), invoice, receipt=str(receipt.id), amount=str(money.amount))
    return receipt


def identify(tx: Tx, receipt: t.Receipt, customer: str, by: str, reason: str = "") -> None:
    """Says who paid. Where another customer was named before, only with a reason."""
    if receipt.customer == customer:
        return
    if receipt.customer is not None and not reason:
        raise Refused(f"receipt {receipt.id} is of customer {receipt.customer}: give a reason to make it {customer}'s")
    disown(tx, receipt, by)
    receipt.customer = customer
    tx.session.add(receipt)
    forget_candidates(tx, receipt)
    rest = receipt.amount - gone(tx, receipt)
    if rest:
        tx.post(
            "identify",
            ledger.identify(rest),
            customer=customer,
            currency=receipt.currency,
            on=receipt.received_on,
            note=f"receipt {receipt.id}",
        )
    about = {"reason": tx.text(reason)} if reason else {}
    tx.audit("payment.identified", by, tx.actor_kind(by), receipt=str(receipt.id), customer=customer, **about)


def disown(tx: Tx, receipt: t.Receipt, by: str) -> None:
    """It is not of the customer that was named: nobody's, until somebody is identified. Refused while it pays anything,
    and once any of it went back."""
    if receipt.customer is None:
        return
    if free(tx, receipt) != receipt.amount:
        raise Refused(f"receipt {receipt.id} pays something (`duely unapply` frees it), or some of it went back")
    tx.post(
        "identify",
        ledger.reverse(ledger.identify(receipt.amount)),
        customer=receipt.customer,
        currency=receipt.currency,
        on=tx.today,
        note=f"receipt {receipt.id}",
    )
    receipt.customer = None
    tx.session.add(receipt)
    for kind in LEFT_OVER:
        tx.settle_exceptions(by, "it is not this customer's", kind=kind, key=str(receipt.id))


def forget_candidates(tx: Tx, receipt: t.Receipt) -> None:
    """It is no longer open whose it may be."""
    for guess in tx.session.exec(select(t.ReceiptCandidate).where(t.ReceiptCandidate.receipt == receipt.id)):
        tx.session.delete(guess)


def find(tx: Tx, source: str, external_id: str) -> t.Receipt | None:
    query = select(t.Receipt).where(
        t.Receipt.seller == tx.seller.key, t.Receipt.source == source, t.Receipt.external_id == external_id
    )
    return tx.session.exec(query).first()


def told_for(tx: Tx, receipt: t.Receipt, row: t.Invoice) -> bool:
    """Whether it was booked for this receivable."""
    entries = select(t.AuditEntry).where(t.AuditEntry.invoice == row.id, t.AuditEntry.type == "payment.received")
    return any(entry.keys.get("receipt") == str(receipt.id) for entry in tx.session.exec(entries))


def bank_account(tx: Tx) -> str | None:
    """The seller's own account in the ledger, if it has one."""
    iban = (tx.seller.profile.get("bank") or {}).get("iban")
    return ledger.bank(str(iban)) if iban else None


def by_hand(tx: Tx, method: str) -> str:
    """Where money kept by hand lies: the seller's bank account, the cash box, or cheques under way."""
    account = bank_account(tx) if method == "transfer" else None
    return account or ledger.clearing(method)


def settle(
    tx: Tx,
    row: t.Invoice,
    account: Account,
    policy: Policy,
    receipt: t.Receipt,
    on: date | None = None,
    offered: int = 0,
    *,
    have: int | None = None,
    kept: int = 0,
) -> int:
    """Assigns what the receivable needs and grants what its terms allow as of `on` (default: the day of receipt), or
    the discount `offered` for this very amount; a lost debt is recovered first. `have`: so much of the receipt,
    not all that is free; `kept`: what a bank held back of it. Answers the rest, which stays the customer's credit."""
    amount = free(tx, receipt) if have is None else have
    if amount <= 0:
        return 0
    fee = settlement.bank_fee(account, amount, kept, on or receipt.received_on, policy)
    if fee:
        reductions.write_off(tx, row, "bank_fee", fee, SYSTEM)
        account = replace(account, written_off=account.written_off + fee)
    lost = min(account.bad_debt, max(0, amount - max(account.balance, 0)))
    if lost:
        reductions.recover(tx, row, lost)
    outcome = settlement.settle(account, amount, on or receipt.received_on, policy, offered)
    if outcome.allocate + lost:
        allocate(tx, row, receipt, outcome.allocate + lost)
    if outcome.discount:
        reductions.discount(tx, row, outcome.discount, receipt.received_on, receipt.id if offered else None)
    if outcome.small_difference:
        reductions.write_off(tx, row, "small_difference", outcome.small_difference, SYSTEM)
    prepayments.tax_point(tx, row)
    return outcome.credit - lost


def free(tx: Tx, receipt: t.Receipt) -> int:
    """What of a receipt can be assigned or paid back: neither assigned nor gone back. Below zero while money that left
    unexplained, or is reserved and was charged back, is assigned still."""
    return unassigned(tx, receipt, GONE)


def unassigned(tx: Tx, receipt: t.Receipt, back: Collection[str] = BORNE) -> int:
    """What of a receipt is left to bear money that goes back: what nobody has explained yet does not lessen it."""
    query = select(func.sum(t.Allocation.amount)).where(
        t.Allocation.receipt == receipt.id, col(t.Allocation.released_at).is_(None)
    )
    return receipt.amount - int(tx.session.exec(query).one() or 0) - gone(tx, receipt, back)


def last(tx: Tx, receipt: t.Receipt) -> int | None:
    """The receipt's latest assignment that stands."""
    query = select(t.Allocation.id).where(t.Allocation.receipt == receipt.id, col(t.Allocation.released_at).is_(None))
    return tx.session.exec(query.order_by(col(t.Allocation.id).desc())).first()


def first(tx: Tx, receipt: t.Receipt) -> str | None:
    """The receivable that it paid first."""
    query = select(t.Allocation.invoice).where(t.Allocation.receipt == receipt.id)
    return tx.session.exec(query.order_by(col(t.Allocation.id))).first()


def left_over(tx: Tx, row: t.Invoice, receipt: t.Receipt) -> None:
    """Asks a person what is to become of what is left of a receipt, until nothing is."""
    left, key = free(tx, receipt), str(receipt.id)
    if left <= 0:
        for kind in LEFT_OVER:
            tx.settle_exceptions(SYSTEM, "nothing is left of it", kind=kind, key=key)
    elif not any(tx.asked(kind, key, row.id) for kind in LEFT_OVER):
        kind = "overpaid" if receipt.currency == row.currency else "wrong_currency"
        tx.open_exception(kind, key, row.owner, row.id, receipt=receipt.id, amount=left, currency=receipt.currency)


def gone(tx: Tx, receipt: t.Receipt, back: Collection[str] = GONE) -> int:
    """What of a receipt went back, or is about to; of the states `back`."""
    query = select(func.sum(t.Reversal.amount)).where(t.Reversal.receipt == receipt.id, col(t.Reversal.state).in_(back))
    return int(tx.session.exec(query).one() or 0)


def allocate(tx: Tx, row: t.Invoice, receipt: t.Receipt, amount: int, since: datetime | None = None) -> t.Allocation:
    """`since`: for how long this money has paid the receivable, where it is what was left of an earlier assignment."""
    assigned = t.Allocation(receipt=receipt.id or 0, invoice=row.id, amount=amount, at=since or tx.now)
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
    prepayments.tax_point(tx, row)
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
    prepayments.tax_point(tx, row)


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
            allocate(tx, row, receipt, allocation.amount - excess, allocation.at)
        excess -= allocation.amount
    if excess > 0:
        raise Refused("the credit is more than what was invoiced and not credited yet")
