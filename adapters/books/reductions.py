"""What reduces a receivable without money: discounts and write-offs, and what earlier ones left of its tax rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sqlmodel import Session, col, select

from adapters.books import issuing
from adapters.books.tx import SYSTEM, Tx
from domain import document, ledger, reduction
from schemas import tables as t

REDUCING = ("credit", "discount", "write_off", "recover")


def part_of(tx: Tx, row: t.Invoice, amount: int) -> reduction.Rows:
    """The part of each tax row that the next reduction by `amount` takes; a negative one gives back."""
    rows = reduction.rows_of(document.from_json(row.draft))
    return reduction.next_part(rows, left_of(tx.session, row), amount)


def left_of(session: Session, row: t.Invoice) -> reduction.Rows:
    """What earlier credit notes, discounts and write-offs have left of the document's tax rows."""
    postings = session.exec(
        select(t.Posting)
        .where(t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE, col(t.Posting.kind).in_(REDUCING))
        .order_by(col(t.Posting.transaction))
    )
    papers = session.exec(select(t.Document).where(t.Document.invoice == row.id, t.Document.kind == "credit_note"))
    printed = {paper.number: reduction.rows_of(document.from_json(paper.content)) for paper in papers}
    steps = [
        reduction.Step(-each.amount, printed.get(each.note.partition(";")[0]) if each.kind == "credit" else None)
        for each in postings
    ]
    return reduction.left(reduction.rows_of(document.from_json(row.draft)), steps)


def discount(tx: Tx, row: t.Invoice, amount: int, on: date) -> None:
    tx.post(
        "discount",
        ledger.discount(part_of(tx, row, amount), issuing.vat_of(row.kind)),
        customer=row.customer,
        currency=row.currency,
        on=on,
        invoice=row.id,
    )
    tx.audit("discount.granted", SYSTEM, invoice=row.id, amount=str(amount))


def write_off(tx: Tx, row: t.Invoice, kind: str, amount: int, by: str) -> None:
    """`kind` as in `ledger.WRITE_OFFS`; tax withheld by the customer is a receipt of another kind and kept apart."""
    tx.post(
        "withheld" if kind == "withholding_tax" else "write_off",
        ledger.write_off(kind, part_of(tx, row, amount), issuing.vat_of(row.kind)),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
        note=kind,
    )
    tx.audit("write_off.posted", by, tx.actor_kind(by), row.id, kind=kind, amount=str(amount))


def recover(tx: Tx, row: t.Invoice, amount: int) -> None:
    """A debt that was lost is paid after all: the loss comes back before the money is assigned."""
    back = [replace(each, taxable=-each.taxable, tax=-each.tax) for each in part_of(tx, row, -amount)]
    tx.post(
        "recover",
        ledger.recover(back, issuing.vat_of(row.kind)),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
        note="bad_debt",
    )
    tx.audit("write_off.recovered", SYSTEM, invoice=row.id, amount=str(amount))
