"""What reduces a receivable without money: discounts and write-offs, and what earlier ones left of its tax rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from sqlmodel import Session, col, select

from adapters.books import issuing
from adapters.books.tx import SYSTEM, Tx, bare
from domain import document, ledger, reduction
from domain.tax import Breakdown
from schemas import tables as t

REDUCING = ("credit", "discount", "write_off", "recover")
GRANTED = "granted"
"""Marks what terms waived because a payment settled the receivable, not what a person gave up."""
FOR = "with receipt "
"""Before the payment that alone a discount was offered for, whatever else was open."""


def part_of(tx: Tx, row: t.Invoice, amount: int, cause: str = "") -> reduction.Rows:
    """The part of each tax row that the next reduction by `amount` takes; a negative one gives back of what `cause`
    took."""
    rows = reduction.rows_of(document.from_json(row.draft))
    return reduction.next_part(rows, _steps(tx.session, row), amount, cause)


def left_of(session: Session, row: t.Invoice) -> reduction.Rows:
    """What earlier credit notes, discounts and write-offs have left of the document's tax rows."""
    return reduction.left(reduction.rows_of(document.from_json(row.draft)), _steps(session, row))


def settled_of(session: Session, row: t.Invoice) -> reduction.Rows:
    """What a paid prepayment settles: what credit notes and losses have left of its tax rows, as if nothing had been
    allowed for paying. A row of which nothing is left settles nothing."""
    rows, steps = reduction.rows_of(document.from_json(row.draft)), _steps(session, row)
    before = reduction.left(rows, [step for step in steps if step.cause not in ledger.GRANTED])
    return tuple(each for each, rest in zip(before, reduction.left(rows, steps), strict=True) if rest.gross)


def _steps(session: Session, row: t.Invoice) -> list[reduction.Step]:
    postings = session.exec(
        select(t.Posting)
        .where(t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE, col(t.Posting.kind).in_(REDUCING))
        .order_by(col(t.Posting.transaction))
    )
    papers = session.exec(select(t.Document).where(t.Document.invoice == row.id, t.Document.kind == "credit_note"))
    printed = {paper.number: reduction.rows_of(document.from_json(paper.content)) for paper in papers}
    steps = ((-each.amount, each.kind, bare(each.note)) for each in postings)
    return [
        reduction.Step(amount, printed.get(note) if kind == "credit" else None, _cause(kind, note))
        for amount, kind, note in steps
        if _cause(kind, note) not in ledger.KEEPS_VAT
    ]


def _cause(kind: str, note: str) -> str:
    """The kind of write-off, also of one that came back; else the kind of posting."""
    return note if kind in {"write_off", "recover"} else kind


def discount(tx: Tx, row: t.Invoice, amount: int, on: date, receipt: int | None = None) -> None:
    """`receipt`: the payment that alone it was offered for."""
    note = f"{FOR}{receipt}" if receipt is not None else ""
    _post(tx, row, "discount", ledger.discount(part_of(tx, row, amount), issuing.vat_of(row.kind)), on, note)
    tx.audit("discount.granted", SYSTEM, invoice=row.id, amount=str(amount))


def write_off(tx: Tx, row: t.Invoice, kind: str, amount: int, by: str) -> None:
    """`kind` as in `ledger.WRITE_OFFS`; tax withheld by the customer is a receipt of another kind and kept apart. What
    the terms waive by themselves is marked."""
    part = reduction.untaxed(amount) if kind in ledger.KEEPS_VAT else part_of(tx, row, amount)
    entries = ledger.write_off(kind, part, issuing.vat_of(row.kind))
    note = f"{kind}; {GRANTED}" if by == SYSTEM else kind
    _post(tx, row, "withheld" if kind == "withholding_tax" else "write_off", entries, tx.today, note)
    tx.audit("write_off.posted", by, tx.actor_kind(by), row.id, kind=kind, amount=str(amount))


def recover(tx: Tx, row: t.Invoice, amount: int) -> None:
    """A debt that was lost is paid after all: the loss comes back before the money is assigned."""
    back = _reversed(part_of(tx, row, -amount, "bad_debt"))
    _post(tx, row, "recover", ledger.recover(back, issuing.vat_of(row.kind)), tx.today, "bad_debt")
    tx.audit("write_off.recovered", SYSTEM, invoice=row.id, amount=str(amount))


def forfeit(tx: Tx, row: t.Invoice, receipt: int) -> None:
    """Money of that receipt is taken back: what was waived because it settled the receivable is owed again; a discount
    that was offered for another payment stands."""
    vat = issuing.vat_of(row.kind)
    for (kind, note), amount in _granted(tx, row).items():
        if amount <= 0 or (note.startswith(FOR) and note != f"{FOR}{receipt}"):
            continue
        cause = _cause(kind, bare(note))
        taxed = cause not in ledger.KEEPS_VAT
        part = part_of(tx, row, -amount, cause) if taxed else reduction.untaxed(-amount)
        entries = ledger.discount(part, vat) if kind == "discount" else ledger.write_off(cause, part, vat)
        _post(tx, row, kind, entries, tx.today, note)
        tx.audit("discount.forfeited", SYSTEM, invoice=row.id, kind=cause, amount=str(amount))


def forfeited(tx: Tx, row: t.Invoice) -> int:
    """The discount that was lost last and not granted again since."""
    query = select(t.Posting.amount).where(
        t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE, t.Posting.kind == "discount"
    )
    return max(0, tx.session.exec(query.order_by(col(t.Posting.transaction).desc())).first() or 0)


def _granted(tx: Tx, row: t.Invoice) -> Counter[tuple[str, str]]:
    """What stands of what was waived because of a payment, by kind of posting and note."""
    query = select(t.Posting.kind, t.Posting.note, t.Posting.amount).where(
        t.Posting.invoice == row.id,
        t.Posting.account == ledger.RECEIVABLE,
        col(t.Posting.kind).in_(("discount", "write_off")),
    )
    found = Counter[tuple[str, str]]()
    for kind, note, amount in tx.session.exec(query.order_by(col(t.Posting.transaction))):
        mark = bare(note)
        if kind == "discount":
            found[kind, mark if mark.startswith(FOR) else ""] -= amount
        elif note.startswith(f"{mark}; {GRANTED}"):
            found[kind, f"{mark}; {GRANTED}"] -= amount
    return found


def _reversed(part: reduction.Rows) -> list[Breakdown]:
    return [replace(each, taxable=-each.taxable, tax=-each.tax) for each in part]


def _post(tx: Tx, row: t.Invoice, kind: str, entries: ledger.Entries, on: date, note: str) -> None:
    tx.post(kind, entries, customer=row.customer, currency=row.currency, on=on, invoice=row.id, note=note)
