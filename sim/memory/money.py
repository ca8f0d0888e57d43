"""Money in memory: a receipt is booked once under its external id, then assigned; what is left is the customer's credit
and may go back. Assignments that are released leave only their postings and the chain's word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain import ledger, money, settlement
from domain.account import Account
from domain.errors import Refused
from domain.payments import PROVIDERS
from sim.memory import reductions
from sim.memory.rows import Allocation, GivenBack, Receipt, Receivable
from sim.memory.tx import SYSTEM, Tx

HAND, BANK, TRANSFER = "hand", "bank", "transfer"
LEFT_OVER = ("overpaid", "paid_twice", "wrong_currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Money as its source tells of it. `account`: where it lies, as `ledger.bank` or `ledger.clearing` writes it."""

    source: str
    external_id: str
    amount: int
    currency: str
    received_on: date
    account: str


def book(
    tx: Tx, told: Incoming, customer: str | None, by: str = SYSTEM, row: Receivable | None = None
) -> Receipt | None:
    """None when this external id is booked already; Refused when it was with another amount. `customer` None: nobody
    knows yet who paid."""
    key = (told.source, told.external_id)
    known = tx.house.external.get(key)
    if known is not None:
        if (known.amount, known.currency) != (told.amount, told.currency):
            raise Refused(f"external_id {told.external_id} is booked already, with another amount")
        return None
    receipt = Receipt(
        id=tx.books.next_receipt(),
        source=told.source,
        external_id=told.external_id,
        customer=customer,
        currency=told.currency,
        amount=told.amount,
        received_on=told.received_on,
        told=row,
    )
    tx.house.external[key] = receipt
    tx.books.moved.add(receipt)
    if customer is not None:
        tx.house.receipts.setdefault(customer, []).append(receipt)
    else:
        tx.house.unknown[receipt.id] = receipt
    entries = ledger.receipt(told.account, told.amount, identified=customer is not None)
    post(tx, "receipt", receipt, entries, told.received_on)
    tx.audit("payment.received", by, row, receipt=str(receipt.id), amount=str(told.amount))
    return receipt


def identify(tx: Tx, receipt: Receipt, customer: str, by: str, reason: str = "") -> None:
    """Says who paid. Where another customer was named before, only with a reason."""
    if receipt.customer == customer:
        return
    if receipt.customer is not None and not reason:
        raise Refused(f"receipt {receipt.id} is of customer {receipt.customer}: give a reason to make it {customer}'s")
    disown(tx, receipt, by)
    tx.touch(receipt).customer = customer
    receipt.maybe = frozenset()
    del tx.house.unknown[receipt.id]
    listed = tx.house.receipts.setdefault(customer, [])
    listed.append(receipt)
    listed.sort(key=lambda each: each.id)
    if receipt.amount > receipt.gone:
        post(tx, "identify", receipt, ledger.identify(receipt.amount - receipt.gone), receipt.received_on)
    about = {"reason": tx.text(reason)} if reason else {}
    tx.audit("payment.identified", by, None, receipt=str(receipt.id), customer=customer, **about)


def disown(tx: Tx, receipt: Receipt, by: str) -> None:
    """It is not of the customer that was named. Refused while it pays anything, and once any of it went back."""
    if receipt.customer is None:
        return
    if receipt.free != receipt.amount:
        raise Refused(f"receipt {receipt.id} pays something (`duely unapply` frees it), or some of it went back")
    post(tx, "identify", receipt, ledger.reverse(ledger.identify(receipt.amount)), tx.today)
    tx.house.receipts[receipt.customer].remove(receipt)
    tx.touch(receipt).customer = None
    tx.house.unknown[receipt.id] = receipt
    decided(tx, receipt, by)


def settle(
    tx: Tx,
    row: Receivable,
    account: Account,
    receipt: Receipt,
    most: int | None = None,
    kept: int = 0,
    on: date | None = None,
) -> int:
    """Assigns what the receivable needs and grants what its terms allow as of `on`, else the day of receipt; a lost
    debt is recovered first. `most`: no more of the receipt than this; `kept`: what a bank held back of it. Answers
    the rest."""
    amount = receipt.free if most is None else min(receipt.free, most)
    if amount <= 0:
        return 0
    granted_on = on or receipt.received_on
    fee = settlement.bank_fee(account, amount, kept, granted_on, row.policy)
    if fee:
        reductions.write_off(tx, row, "bank_fee", fee, SYSTEM)
        account = replace(account, written_off=account.written_off + fee)
    lost = min(account.bad_debt, max(0, amount - max(account.balance, 0)))
    if lost:
        reductions.recover(tx, row, lost)
    outcome = settlement.settle(account, amount, granted_on, row.policy)
    if outcome.allocate + lost:
        allocate(tx, row, receipt, outcome.allocate + lost)
    if outcome.discount:
        reductions.discount(tx, row, outcome.discount, receipt.received_on)
    if outcome.small_difference:
        reductions.write_off(tx, row, "small_difference", outcome.small_difference, SYSTEM)
    return outcome.credit - lost


def allocate(tx: Tx, row: Receivable, receipt: Receipt, amount: int, since: datetime | None = None) -> None:
    part = Allocation(tx.books.next_allocation(), receipt, row, amount, since or tx.now)
    tx.touch(receipt).parts = (*receipt.parts, part)
    receipt.first = receipt.first or row
    row.allocations = (*row.allocations, part)
    on = max(receipt.received_on, row.issued_on or receipt.received_on)
    _assign(tx, row, "allocate", ledger.allocate(amount), on)
    about = {"receipt": str(receipt.id), "allocation": str(part.id), "amount": str(amount)}
    tx.audit("payment.allocated", SYSTEM, row, **about)


def unallocate(tx: Tx, part: Allocation, reason: str, by: str) -> None:
    """Takes an assignment back; the money stays the customer's credit."""
    receipt, row = tx.touch(part.receipt), part.row
    receipt.parts = tuple(each for each in receipt.parts if each is not part)
    row.allocations = tuple(each for each in row.allocations if each is not part)
    _assign(tx, row, "unallocate", ledger.unallocate(part.amount), tx.today)
    about = {"allocation": str(part.id), "amount": str(part.amount), "reason": tx.text(reason)}
    tx.audit("payment.unallocated", by, row, **about)


def release_excess(tx: Tx, row: Receivable, excess: int) -> None:
    """Before a credit note beyond the balance: turns so much of the assigned money back into customer's credit."""
    for part in sorted(row.allocations, key=lambda each: -each.id):
        if excess <= 0:
            return
        unallocate(tx, part, "released by a credit note", SYSTEM)
        if part.amount > excess:
            allocate(tx, row, part.receipt, part.amount - excess, part.at)
        excess -= part.amount
    if excess > 0:
        raise Refused("the credit is more than what was invoiced and not credited yet")


def left_over(tx: Tx, row: Receivable, receipt: Receipt) -> None:
    """Asks a person what is to become of what is left of a receipt, until nothing is."""
    if receipt.free <= 0:
        decided(tx, receipt, SYSTEM)
    elif not any((kind, str(receipt.id)) in row.questions for kind in LEFT_OVER):
        ask(tx, row, receipt, "overpaid" if receipt.currency == row.content.currency else "wrong_currency")


def ask(tx: Tx, row: Receivable, receipt: Receipt, kind: str) -> None:
    """What is left of a receipt is the customer's credit, and a person decides what it is for."""
    if receipt.free:
        tx.touch(receipt).asks = (*receipt.asks, row)
        tx.ask(kind, str(receipt.id), row)


def decided(tx: Tx, receipt: Receipt, by: str) -> None:
    """What stands in the queue about what is left of a receipt is answered."""
    for row in receipt.asks:
        for kind in LEFT_OVER:
            tx.answered(by, row, kind=kind, key=str(receipt.id))
    tx.touch(receipt).asks = ()


def check_refund(tx: Tx, row: Receivable, amount: int) -> None:
    """Refused beyond the customer's credit in the receivable's currency."""
    credit, currency = sum(each.free for each in _credits(tx, row)), row.content.currency
    if amount > credit:
        shown = money.show(credit, currency)
        raise Refused(f"amount: the customer's credit that can be paid back is {shown} {currency}")


def refund(tx: Tx, row: Receivable, amount: int, reason: str) -> None:
    """Money back by transfer, receipt by receipt, the newest first. A person makes each transfer."""
    check_refund(tx, row, amount)
    for receipt in list(_credits(tx, row)):
        if receipt.source in PROVIDERS:
            raise Refused("these books pay nothing back through a provider")
        part = min(receipt.free, amount)
        if part <= 0:
            break
        amount -= part
        key = f"{row.id}/refund-{len(row.given_back) + 1}"
        tx.touch(receipt).gone += part
        row.given_back = (*row.given_back, GivenBack("refund", key.removeprefix(f"{row.id}/"), part, tx.today))
        if not receipt.free:
            left_over(tx, row, receipt)
        give_back(tx, receipt, "refund", part, ledger.clearing(TRANSFER), key)
        tx.audit("refund.paid", SYSTEM, row, reversal=key, amount=str(part), reason=tx.text(reason))
        tx.ask("refund_to_pay", key, row)


def give_back(tx: Tx, receipt: Receipt, kind: str, amount: int, account: str, key: str) -> None:
    bearer = ledger.UNIDENTIFIED if receipt.customer is None else ledger.CUSTOMER_CREDIT
    post(tx, kind, receipt, ledger.give_back(account, amount, bearer), tx.today, f"reversal {key}")


def _credits(tx: Tx, row: Receivable) -> Iterator[Receipt]:
    """The customer's receipts with money that is not assigned, the newest first."""
    own = tx.house.receipts.get(row.customer.key, ())
    found = (each for each in own if each.currency == row.content.currency and each.free > 0)
    return iter(sorted(found, key=lambda each: (each.received_on, each.id), reverse=True))


def post(tx: Tx, kind: str, receipt: Receipt, entries: ledger.Entries, on: date, note: str = "") -> None:
    note = note or f"receipt {receipt.id}"
    tx.post(kind, entries, customer=receipt.customer or "", currency=receipt.currency, on=on, note=note)


def _assign(tx: Tx, row: Receivable, kind: str, entries: ledger.Entries, on: date) -> None:
    tx.post(kind, entries, customer=row.customer.key, currency=row.content.currency, on=on, row=row)
