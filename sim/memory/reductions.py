"""What reduces a receivable in memory without a document: discounts and write-offs, and a lost debt that is paid after
all; and which part of the tax rows the next reduction takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from domain import ledger, reduction
from sim.memory.rows import Receivable
from sim.memory.tx import SYSTEM, Tx


def discount(tx: Tx, row: Receivable, amount: int, on: date) -> None:
    post(tx, row, "discount", ledger.discount(next_part(row, amount)), on)
    _step(row, amount, "discount")
    row.waived["discount"] = row.waived.get("discount", 0) + amount
    tx.audit("discount.granted", SYSTEM, row, amount=str(amount))


def write_off(tx: Tx, row: Receivable, kind: str, amount: int, by: str) -> None:
    """Tax withheld by the customer is a receipt of another kind, and takes nothing off the tax rows, as a bank's fee
    does not."""
    part = reduction.untaxed(amount) if kind in ledger.KEEPS_VAT else next_part(row, amount)
    name = "withheld" if kind == "withholding_tax" else "write_off"
    post(tx, row, name, ledger.write_off(kind, part), tx.today, kind)
    _step(row, amount, kind)
    if by == SYSTEM:
        row.waived[kind] = row.waived.get(kind, 0) + amount
    tx.audit("write_off.posted", by, row, kind=kind, amount=str(amount))


def recover(tx: Tx, row: Receivable, amount: int) -> None:
    """A debt that was lost is paid after all: the loss comes back before the money is assigned."""
    back = [replace(each, taxable=-each.taxable, tax=-each.tax) for each in next_part(row, -amount, "bad_debt")]
    post(tx, row, "recover", ledger.recover(back), tx.today, "bad_debt")
    _step(row, -amount, "bad_debt")
    tx.audit("write_off.recovered", SYSTEM, row, amount=str(amount))


def forfeit(tx: Tx, row: Receivable) -> None:
    """Money is taken back: what was waived because it settled the receivable is owed again."""
    for kind, amount in row.waived.items():
        part = reduction.untaxed(-amount) if kind in ledger.KEEPS_VAT else next_part(row, -amount, kind)
        if kind == "discount":
            post(tx, row, kind, ledger.discount(part), tx.today)
        else:
            post(tx, row, "write_off", ledger.write_off(kind, part), tx.today, kind)
        _step(row, -amount, kind)
        tx.audit("discount.forfeited", SYSTEM, row, kind=kind, amount=str(amount))
    row.waived = {}


def _step(row: Receivable, amount: int, cause: str) -> None:
    if cause not in ledger.KEEPS_VAT:
        row.steps = (*row.steps, reduction.Step(amount, cause=cause))


def next_part(row: Receivable, amount: int, cause: str = "") -> reduction.Rows:
    return reduction.next_part(reduction.rows_of(row.content), row.steps, amount, cause)


def post(tx: Tx, row: Receivable, kind: str, entries: ledger.Entries, on: date, note: str = "") -> None:
    tx.post(kind, entries, customer=row.customer.key, currency=row.content.currency, on=on, row=row, note=note)
