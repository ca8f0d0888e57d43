"""Money that a bank tells of, in memory: matched to receivables, waiting for a person, or taken back again; and how far
a source is read. Who paid is the caller's to say: nothing is matched here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from domain import ledger, roles
from domain.account import CLOSED, Phase, Watermark
from domain.errors import NotFound, Refused
from domain.payments import contested
from sim.memory import back, money, reductions
from sim.memory.money import Incoming
from sim.memory.rows import Receipt, Receivable
from sim.memory.settle import settle
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read


def receive(tx: Tx, told: Incoming, parts: Mapping[str, int], kept: int = 0) -> tuple[str, ...]:
    """A credit that pays these receivables of one customer; where there are several each gets its part at most. `kept`:
    what a bank held back of it. Answers those it touched, nothing when it is booked already."""
    rows, now = [tx.house.rows[id_] for id_ in parts], tx.now
    receipt = money.book(tx, told, rows[0].customer.key, SYSTEM, rows[0])
    if receipt is None:
        return ()
    if all(row.content.currency != told.currency for row in rows):
        money.ask(tx, rows[0], receipt, "wrong_currency")
        return ()
    closed = all(row.phase in CLOSED for row in rows)
    for row, part in zip(rows, parts.values(), strict=True):
        tx.now = max(now, row.updated_at)
        account = read(tx, row)
        if not closed or account.bad_debt:
            have = min(part, receipt.free) if len(rows) > 1 else None
            money.settle(tx, row, account, receipt, have, min(kept, part - (have or 0)) if len(rows) > 1 else kept)
    money.ask(tx, rows[0], receipt, _left(rows) if closed else "overpaid")
    for row in rows:
        tx.now = max(now, row.updated_at)
        settle(tx, row)
    return tuple(parts)


def _left(rows: Sequence[Receivable]) -> str:
    return "paid_twice" if all(row.phase is Phase.PAID for row in rows) else "overpaid"


def receive_unknown(tx: Tx, told: Incoming, maybe: frozenset[str]) -> Receipt | None:
    """A credit that nobody can tell: it may be one of these customers', whose reminders it holds."""
    receipt = money.book(tx, told, None)
    if receipt is not None:
        receipt.maybe = maybe
        tx.audit("exception.opened", SYSTEM, kind="unmatched_receipt", about=str(receipt.id))
    return receipt


def apply(tx: Tx, receipt: Receipt, ids: Sequence[str], by: str, reason: str = "") -> None:
    """A person says what a receipt pays: each gets what it owes, with what its terms allow as of the day it came in.
    `reason`: why it is theirs, and not of the customer whose it was."""
    roles.check("pay", by, tx.person(by), False)
    rows, now = [tx.house.rows[id_] for id_ in dict.fromkeys(ids)], tx.now
    if len({row.customer.key for row in rows}) > 1:
        raise Refused("the receivables are of several customers, and a receipt is one customer's")
    tx.now = max(now, *(row.updated_at for row in rows))
    unknown, new = receipt.customer is None, receipt.customer != rows[0].customer.key
    money.identify(tx, receipt, rows[0].customer.key, by, reason)
    for row in rows if not (new and receipt.currency != rows[0].content.currency) else ():
        if (receipt.customer, receipt.currency) != (row.customer.key, row.content.currency):
            raise Refused(f"receipt {receipt.id} is of another customer or currency")
        if row.number is None:
            raise Refused(f"{row.reference} is not issued: money is assigned to what has a number")
        account = read(tx, row)
        if min(receipt.free, account.balance + account.bad_debt) <= 0:
            raise Refused(f"amount: receipt {receipt.id} has nothing free, or the invoice owes nothing")
        money.settle(tx, row, account, receipt)
    if unknown:
        tx.audit("exception.settled", by, kind="unmatched_receipt", about=str(receipt.id))
    if not receipt.free:
        money.decided(tx, receipt, by)
    elif new:
        money.left_over(tx, rows[0], receipt)
    for row in rows:
        settle(tx, row)


def returned(tx: Tx, receipt: Receipt, external_id: str, amount: int, on: date, code: str, fee: int = 0) -> list[str]:
    """A debit that was paid is taken back, once. Answers the receivables that owe again."""
    if not 0 < amount <= receipt.amount - receipt.gone:
        raise Refused(f"receipt {receipt.id} has less that could go back")
    account, now = tx.seller.bank_account or ledger.clearing(money.BANK), tx.now
    out = back.Outgoing(
        source=money.BANK, external_id=external_id, kind="returned", amount=amount, on=on, reason=code, account=account
    )
    tx.now = max(now, *(part.row.updated_at for part in receipt.parts), now)
    hit = back.take(tx, receipt, out)
    if hit is None:
        return []
    if fee:
        money.post(tx, "fee", receipt, ledger.fee(account, fee), on, external_id)
        tx.audit("payment.fee_charged", SYSTEM, about=external_id, amount=str(fee))
    if not receipt.free:
        money.decided(tx, receipt, SYSTEM)
    for row in hit:
        tx.now = max(now, row.updated_at)
        back.come_back(tx, row, out, contested(code))
        settle(tx, row)
    return [row.id for row in hit]


def unapply(tx: Tx, row: Receivable, by: str, reason: str) -> int:
    """Takes the last assignment back and reopens the receivable if it owes again. Answers how much it was, 0 without
    one."""
    roles.check("pay", by, tx.person(by), False)
    part = max(row.allocations, key=lambda each: each.id, default=None)
    if part is None:
        return 0
    tx.now = max(tx.now, row.updated_at)
    money.unallocate(tx, part, reason, by)
    reductions.forfeit(tx, row)
    if read(tx, row).balance > 0:
        back.reopen(tx, row)
    settle(tx, row)
    return part.amount


def source_read(tx: Tx, source: str, through: date, read_at: datetime) -> tuple[str, ...]:
    """`through` and `read_at` are the statement's own dates; a mark never goes back. Answers the receivables whose
    reminder waits for a source."""
    mark = tx.house.marks.get(source) or Watermark(source=source, through=through, read_at=read_at)
    mark = replace(mark, through=max(mark.through, through), read_at=max(mark.read_at, read_at))
    tx.house.marks[source] = mark
    tx.audit("source.read", SYSTEM, source=source, through=through.isoformat(), read_at=read_at.isoformat())
    waiting = (r for r in tx.house.rows.values() if r.phase is Phase.OPEN and r.whys)
    return tuple(sorted(row.id for row in waiting if row.whys[-1].code == "stale_source"))


def receipt_of(tx: Tx, id_: int) -> Receipt:
    found = next((each for each in tx.house.external.values() if each.id == id_), None)
    if found is None:
        raise NotFound(f"there is no receipt {id_} at {tx.seller.key}")
    return found
