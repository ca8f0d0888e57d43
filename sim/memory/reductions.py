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
    row.steps = (*row.steps, reduction.Step(amount))
    tx.audit("discount.granted", SYSTEM, row, amount=str(amount))


def write_off(tx: Tx, row: Receivable, kind: str, amount: int, by: str) -> None:
    """Tax withheld by the customer is a receipt of another kind and takes nothing off the tax rows."""
    withheld = kind == "withholding_tax"
    post(
        tx, row, "withheld" if withheld else "write_off", ledger.write_off(kind, next_part(row, amount)), tx.today, kind
    )
    if not withheld:
        row.steps = (*row.steps, reduction.Step(amount))
    tx.audit("write_off.posted", by, row, kind=kind, amount=str(amount))


def recover(tx: Tx, row: Receivable, amount: int) -> None:
    """A debt that was lost is paid after all: the loss comes back before the money is assigned."""
    back = [replace(each, taxable=-each.taxable, tax=-each.tax) for each in next_part(row, -amount)]
    post(tx, row, "recover", ledger.recover(back), tx.today, "bad_debt")
    row.steps = (*row.steps, reduction.Step(-amount))
    tx.audit("write_off.recovered", SYSTEM, row, amount=str(amount))


def next_part(row: Receivable, amount: int) -> reduction.Rows:
    rows = reduction.rows_of(row.content)
    return reduction.next_part(rows, reduction.left(rows, row.steps), amount)


def post(tx: Tx, row: Receivable, kind: str, entries: ledger.Entries, on: date, note: str = "") -> None:
    tx.post(kind, entries, customer=row.customer.key, currency=row.content.currency, on=on, row=row, note=note)
