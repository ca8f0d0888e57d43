"""What reduces a receivable without money: credit notes, discounts, write-offs. Net and VAT fall per rate in
proportion, loss-free over any number of steps (Directive 2006/112/EC Art. 90)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlmodel import col, func, select

from adapters.books import issuing, receipts
from adapters.books.tx import SYSTEM, Tx
from domain import document, ledger, money, tax
from domain.account import Account
from domain.document import Draft, Line
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


def credit(tx: Tx, row: t.Invoice, account: Account, amount: int, reason: str, by: str) -> t.Document:
    """A credit note with its own number. Beyond the balance it releases assigned money into the customer's credit."""
    creditable = account.total - account.credited
    if amount > creditable:
        raise Refused("amount: more than what was invoiced and not credited yet")
    if amount > account.balance:
        receipts.release_excess(tx, row, amount - account.balance)
    content = document.from_json(row.draft)
    part = part_of(tx, row, amount)
    credited = _credit_content(content, part, amount, reason)
    paper = issuing.take(
        tx,
        row,
        "credit_note",
        amount,
        document.to_json(credited),
        document.content_hash(credited),
        "credit note",
    )
    tx.post(
        "credit",
        ledger.credit(part, issuing.revenue_lines(content)),
        customer=row.customer,
        currency=row.currency,
        on=paper.issued_on,
        invoice=row.id,
        note=paper.number,
    )
    tx.audit(
        "credit.issued",
        by,
        tx.actor_kind(by),
        row.id,
        number=paper.number,
        document=paper.id,
        amount=str(amount),
        reason=tx.text(reason),
    )
    return paper


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


def _credit_content(content: Draft, part: Sequence[tax.Breakdown], amount: int, reason: str) -> Draft:
    """What the credit note prints: one line for each tax row it reduces."""
    scale = 10 ** money.exponent(content.currency)
    lines = tuple(
        Line(
            id=str(position),
            description=reason,
            quantity=Decimal(1),
            unit="C62",
            unit_price=Decimal(row.taxable) / scale,
            category=row.category.value,
            rate=row.rate,
            reason=row.reason,
            net=row.taxable,
        )
        for position, row in enumerate((r for r in part if r.taxable or r.tax), start=1)
    )
    subtotals = tuple(
        document.TaxSubtotal(category=r.category.value, rate=r.rate, taxable=r.taxable, tax=r.tax, reason=r.reason)
        for r in part
        if r.taxable or r.tax
    )
    net = sum(r.taxable for r in part)
    totals = document.Totals(line_net=net, taxable=net, tax=sum(r.tax for r in part), total=amount)
    return replace(
        content,
        kind="credit_note",
        lines=lines,
        breakdown=subtotals,
        totals=totals,
        adjustments=(),
        remarks=(),
    )
