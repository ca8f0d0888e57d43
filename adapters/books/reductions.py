"""What reduces a receivable without money: discounts and write-offs, and the part of each tax row they and credit
notes take: in proportion, loss-free over any number of steps (Directive 2006/112/EC Art. 90)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlmodel import col, func, select

from adapters.books import issuing
from adapters.books.tx import SYSTEM, Tx
from domain import document, ledger, tax
from domain.document import Draft
from domain.errors import Refused
from schemas import tables as t

REDUCING = ("credit", "discount", "write_off", "recover")


def part_of(tx: Tx, row: t.Invoice, amount: int) -> tuple[tax.Breakdown, ...]:
    """The next `amount` of the document by tax row: the share up to now and this, less the share up to now, so that
    many small parts sum to the whole to the cent."""
    rows = issuing.breakdowns(document.from_json(row.draft))
    done = _reduced(tx, row)
    before, after = tax.scale(rows, done), tax.scale(rows, done + amount)
    return tuple(
        replace(late, taxable=late.taxable - early.taxable, tax=late.tax - early.tax)
        for early, late in zip(before, after, strict=True)
    )


def _reduced(tx: Tx, row: t.Invoice) -> int:
    query = select(func.sum(t.Posting.amount)).where(
        t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE, col(t.Posting.kind).in_(REDUCING)
    )
    return -int(tx.session.exec(query).one() or 0)


def discount(tx: Tx, row: t.Invoice, amount: int, on: date) -> None:
    tx.post(
        "discount",
        ledger.discount(part_of(tx, row, amount)),
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
        ledger.write_off(kind, part_of(tx, row, amount)),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
        note=kind,
    )
    tx.audit("write_off.posted", by, tx.actor_kind(by), row.id, kind=kind, amount=str(amount))


def recover(tx: Tx, row: t.Invoice, amount: int) -> None:
    """A debt that was lost is paid after all: the loss comes back before the money is assigned."""
    rows = issuing.breakdowns(document.from_json(row.draft))
    done = _reduced(tx, row)
    early, late = tax.scale(rows, done - amount), tax.scale(rows, done)
    part = [replace(b, taxable=b.taxable - a.taxable, tax=b.tax - a.tax) for a, b in zip(early, late, strict=True)]
    tx.post(
        "recover",
        ledger.recover(part),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
        note="bad_debt",
    )
    tx.audit("write_off.recovered", SYSTEM, invoice=row.id, amount=str(amount))


def gross_of_lines(content: Draft, ids: Sequence[str]) -> int:
    """Net and tax of some lines, minor units. Refused for a line that the document does not have."""
    known = {line.id: line for line in content.lines}
    missing = [id_ for id_ in ids if id_ not in known]
    if missing:
        raise Refused(f"lines: the invoice has no line {', '.join(missing)}; it has {', '.join(known)}")
    rows = tax.breakdown(
        [tax.TaxLine(category=tax.Category(known[i].category), rate=known[i].rate, net=known[i].net) for i in ids],
        content.currency,
    )
    return sum(r.taxable + r.tax for r in rows)
