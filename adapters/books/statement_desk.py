"""Where the lines of a statement are worked off: one transaction, the matcher, and what every line's booking needs.
It decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from adapters.books import receipts
from adapters.books.open_items import Known
from adapters.books.settle import settle
from adapters.books.tx import SYSTEM, Tx
from domain import ledger
from domain.account import Account
from schemas import tables as t


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a line. `in_step`: the matcher's open items are still those of the books."""

    state: str
    rule: str
    receipt: int | None = None
    in_step: bool = True


def note(tx: Tx, line: t.BankLine, done: Done, by: str) -> None:
    """The line's new state, and the chain's word on what was booked for it."""
    line.state, line.rule, line.receipt = done.state, done.rule, done.receipt
    tx.session.add(line)
    about = {"receipt": str(done.receipt)} if done.receipt is not None else {}
    tx.audit(
        f"bank_line.{done.state}",
        by,
        tx.actor_kind(by),
        line=line.key,
        rule=done.rule,
        amount=str(line.amount),
        charges=str(line.charges),
        **about,
    )


class Desk:
    """`told`: the receivables that were touched; `known`: the matcher as it is left."""

    def __init__(self, tx: Tx, known: Known | None) -> None:
        self.tx, self.known = tx, known
        self.told: dict[str, None] = {}
        self._now = tx.now

    @contextmanager
    def at(self, *rows: t.Invoice) -> Iterator[None]:
        """Business time never runs backwards: no entry is dated before the last one of these receivables."""
        self.tx.now = max(self._now, *(row.updated_at for row in rows), self._now)
        try:
            yield
        finally:
            self.tx.now = self._now

    def rest(self, row: t.Invoice) -> Account:
        """Brings a touched receivable to rest again."""
        self.told[row.id] = None
        with self.at(row):
            return settle(self.tx, row).account

    def receipt(self, line: t.BankLine, customer: str | None, invoice: str | None = None) -> t.Receipt:
        money = receipts.Incoming(
            source="bank",
            external_id=line.key,
            amount=line.amount,
            currency=line.currency,
            received_on=line.booked_on,
            method="transfer",
            account=ledger.bank(line.account),
        )
        booked = receipts.book(self.tx, money, customer, SYSTEM, invoice)
        if booked is None:
            raise ValueError(f"bank line {line.key} is new and has a receipt")
        return booked

    def overpaid(self, line: t.BankLine, receipt: t.Receipt, row: t.Invoice, kind: str = "overpaid") -> None:
        """What is left of a receipt is the customer's credit, and a person decides what it is for."""
        left = receipts.free(self.tx, receipt)
        if left:
            with self.at(row):
                self.tx.open_exception(
                    kind, str(receipt.id), row.owner, row.id, receipt=receipt.id, amount=left, currency=line.currency
                )
