"""What a person says about money that is in the books already: what a receipt pays, that it is nobody's, which receipt
a movement takes back. Done beside the workflows, which are told afterwards; only by whoever may keep payments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import corrections, learned, load, receipts, statement_back
from adapters.books.engine import read
from adapters.books.settle import settle
from adapters.books.statement_desk import Desk, Done, note
from adapters.books.tx import Tx, booking
from domain import roles
from domain.errors import NotFound, Refused
from domain.keys import parse_workflow_id
from domain.money import show
from schemas import tables as t


def apply(
    engine: Engine, receipt_id: int, ids: Sequence[str], amount: int | None, by: str, now: datetime, reason: str = ""
) -> None:
    """Assigns money of a receipt to receivables of one customer, whose it then is; what their terms allow is granted as
    of the day it came in, and the rest is the customer's credit. `amount`: exactly so much, of one receivable.
    `reason`: why it is theirs, and not of the customer whose it was."""
    if amount is not None and len(ids) > 1:
        raise Refused("amount: is for one receivable; leave it out, and each gets what it owes")
    with _deciding(engine, seller_of(ids), by, now) as tx:
        receipt = _receipt(tx, receipt_id)
        rows = [_row(tx, id_) for id_ in dict.fromkeys(ids)]
        if len({row.customer for row in rows}) > 1:
            raise Refused("the receivables are of several customers, and a receipt is one customer's")
        tx.now = max(now, *(row.updated_at for row in rows))
        new = receipt.customer != rows[0].customer
        receipts.identify(tx, receipt, rows[0].customer, by, reason)
        line = _line_of(tx, receipt)
        kept = line.charges if line is not None and len(rows) == 1 else 0
        if not (new and receipt.currency != rows[0].currency):
            for row in rows:
                corrections.apply(tx, row, receipt, amount, kept)
        _decided(tx, receipt, line, by)
        if new and receipts.free(tx, receipt):
            receipts.left_over(tx, rows[0], receipt)
        for row in rows:
            settle(tx, row)


def unapply(engine: Engine, allocation: int, by: str, reason: str, now: datetime) -> str:
    """Takes an assignment back; answers the receivable that owes again, whose workflow must learn of it."""
    with read(engine) as session:
        found = session.get(t.Allocation, allocation)
        if found is None:
            raise NotFound(f"there is no allocation {allocation}")
        id_ = found.invoice
    with _deciding(engine, seller_of([id_]), by, now) as tx:
        row = _row(tx, id_)
        tx.now = max(now, row.updated_at)
        corrections.unapply(tx, row, allocation, by, reason)
        settle(tx, row)
    return id_


def dismiss(engine: Engine, receipt_id: int, by: str, reason: str, now: datetime) -> None:
    """The receipt is no customer's, as a tax refund: it holds nobody's reminders any more, nor is it anybody's credit.
    The money stays on the account `unidentified`, from where bookkeeping moves it."""
    with read(engine) as session:
        found = session.get(t.Receipt, receipt_id)
        if found is None:
            raise NotFound(f"there is no receipt {receipt_id}")
        seller = found.seller
    with _deciding(engine, seller, by, now) as tx:
        receipt = _receipt(tx, receipt_id)
        line = _line_of(tx, receipt)
        if line is not None and receipt.customer is not None:
            learned.learn(tx, line, learned.SEVERAL, by)
        receipts.disown(tx, receipt, by)
        receipts.forget_candidates(tx, receipt)
        about = {"receipt": str(receipt_id), "reason": tx.text(reason)}
        tx.audit("payment.dismissed", by, tx.actor_kind(by), **about)
        tx.settle_exceptions(by, f"no customer's: {reason}", kind="unmatched_receipt", key=str(receipt_id))
        if line is not None:
            note(tx, line, Done("ignored", "person", receipt_id), by)


def explain(
    engine: Engine, key: str, receipt_id: int | None, by: str, reason: str, now: datetime, amount: int | None = None
) -> tuple[str, ...]:
    """What a movement was that took money back for no known reason, or was taken for a payment of our own: the return
    of that receipt, or (None) nothing of ours. `amount`: so much of it, and the rest is the bank's fee. Answers the
    receivables that owe again."""
    with read(engine) as session:
        found = session.exec(select(t.BankLine).where(t.BankLine.key == key)).all()
    sellers = [each.seller for each in found if _waits(each)]
    if len(sellers) != 1:
        raise NotFound(f"no movement {key} waits for a decision")
    with _deciding(engine, sellers[0], by, now) as tx:
        line = tx.session.get_one(t.BankLine, (sellers[0], key))
        if not _waits(line):
            raise Refused(f"movement {key} was decided meanwhile")
        desk = Desk(tx, None)
        if receipt_id is None:
            done = Done("ignored", "person")
        elif line.amount >= 0:
            raise Refused(f"movement {key} brought money; only one that took money away returns a receipt")
        else:
            if amount is not None:
                line.charges = _rest(line, amount)
            done = statement_back.take_back(desk, line, _receipt(tx, receipt_id))
        note(tx, line, done, by)
        tx.settle_exceptions(by, reason or f"returns receipt {receipt_id}", kind="unmatched_debit", key=key)
        return tuple(desk.told)


def _waits(line: t.BankLine) -> bool:
    return line.state == "unclear" or (line.state == "ignored" and line.amount < 0)


def _rest(line: t.BankLine, amount: int) -> int:
    """What of a movement is the bank's fee."""
    if not 0 < amount <= -line.amount:
        raise Refused(f"amount: only {show(-line.amount, line.currency)} left the account")
    return -line.amount - amount


@contextmanager
def _deciding(engine: Engine, seller: str, by: str, now: datetime) -> Iterator[Tx]:
    with booking(engine, seller, now) as tx:
        person = tx.session.get(t.Person, by)
        roles.check("pay", by, load.person_of(person) if person is not None else None, False)
        yield tx


def seller_of(ids: Sequence[str]) -> str:
    """The seller whose receivables these are. NotFound for what is no receivable, Refused for several sellers'."""
    sellers = set()
    for id_ in ids:
        parsed = parse_workflow_id(id_)
        if parsed is None:
            raise NotFound(f"{id_} is not an invoice")
        sellers.add(parsed[0])
    if len(sellers) != 1:
        raise Refused("name at least one receivable, and those of one seller only")
    return sellers.pop()


def _receipt(tx: Tx, id_: int) -> t.Receipt:
    receipt = tx.session.get(t.Receipt, id_)
    if receipt is None or receipt.seller != tx.seller.key:
        raise NotFound(f"there is no receipt {id_} at {tx.seller.key}")
    return receipt


def _row(tx: Tx, id_: str) -> t.Invoice:
    row = tx.session.get(t.Invoice, id_)
    if row is None:
        raise NotFound(f"there is no invoice {id_}")
    return row


def _line_of(tx: Tx, receipt: t.Receipt) -> t.BankLine | None:
    query = select(t.BankLine).where(
        t.BankLine.seller == tx.seller.key, t.BankLine.receipt == receipt.id, t.BankLine.amount > 0
    )
    return tx.session.exec(query).first()


def _decided(tx: Tx, receipt: t.Receipt, line: t.BankLine | None, by: str) -> None:
    """The person's word is the decision on what asked for it, and teaches whose account the money came from."""
    tx.settle_exceptions(by, "apply", kind="unmatched_receipt", key=str(receipt.id))
    if not receipts.free(tx, receipt):
        for kind in receipts.LEFT_OVER:
            tx.settle_exceptions(by, "apply", kind=kind, key=str(receipt.id))
    if line is None:
        return
    if receipt.customer is not None:
        learned.learn(tx, line, receipt.customer, by)
    if line.state != "booked":
        note(tx, line, Done("booked", "person", receipt.id), by)
