"""Credit notes: a document with its own number that takes a part of the receivable back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from adapters.books import issuing, receipts, reductions
from adapters.books.tx import Tx
from domain import document, einvoice, ledger, money, tax
from domain.account import Account
from domain.document import Draft, Line, Preceding
from domain.errors import Refused
from schemas import tables as t


def credit(tx: Tx, row: t.Invoice, account: Account, amount: int, reason: str, by: str) -> t.Document:
    """A credit note with its own number. Beyond the balance it releases assigned money into the customer's credit."""
    creditable = account.total - account.credited
    if amount > creditable:
        raise Refused("amount: more than what was invoiced and not credited yet")
    if amount > account.balance:
        receipts.release_excess(tx, row, amount - account.balance)
    content = document.from_json(row.draft)
    part = reductions.part_of(tx, row, amount)
    credited = _credit_content(content, part, amount, reason)
    before = (Preceding(row.number or "", row.issued_on),)
    paper = issuing.take(tx, row, "credit_note", credited, "credit note", before)
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
        model=einvoice.model_hash(paper.model or {}),
        reason=tx.text(reason),
    )
    return paper


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
