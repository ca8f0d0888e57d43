"""Credit notes: a document with its own number that takes a part of the receivable back, an amount or whole lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from sqlmodel import select

from adapters.books import issuing, papers, preceding, receipts, reductions, reversals
from adapters.books.tx import Tx
from domain import demands, document, einvoice, ledger, money, profiles, reduction, settlement, tax
from domain.account import Account
from domain.document import AllowanceCharge, Draft, Line, Preceding
from domain.errors import Refused
from schemas import tables as t


def credit(
    tx: Tx, row: t.Invoice, account: Account, amount: int, reason: str, by: str, lines: Sequence[str] = ()
) -> t.Document:
    """A credit note with its own number over the gross `amount`, of `lines` where they make it up. Beyond the balance
    it releases assigned money into the customer's credit, which bears what was refunded already."""
    check(tx, row, lines)
    if amount > settlement.creditable(account):
        raise Refused("amount: more than what was invoiced and neither credited, waived nor withheld")
    content = document.from_json(row.draft)
    part = _part(tx, row, amount, lines)
    if amount > account.balance:
        receipts.release_excess(tx, row, amount - account.balance)
    credited = _of_lines(content, part, lines) if lines else _of_amount(content, part, reason)
    rest = not lines or amount == settlement.creditable(account)
    revenue = _revenue_left(tx, row, content) if rest else issuing.revenue_of(credited)
    invoice = papers.invoice(tx.session, row)
    credited = replace(credited, period=invoice.period, delivery_date=invoice.delivery_date)
    if row.adopted and demands.demands(credited):
        credited = replace(credited, profile=profiles.PDF, profile_rule="adopted without what an e-invoice demands")
    before = (Preceding(row.number or "", row.issued_on),)
    paper = issuing.take(tx, row, einvoice.CREDIT_NOTE, credited, "credit note", before)
    tx.post(
        "credit",
        ledger.credit(part, revenue, issuing.vat_of(row.kind)),
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
    reversals.explain(tx, row)
    return paper


def check(tx: Tx, row: t.Invoice, lines: Sequence[str] = ()) -> None:
    """Refused for lines that were credited before, and for a prepayment that an invoice has taken off: the customer
    would get its money, or the deduction, twice."""
    reduction.once(lines, _credited_lines(tx, row) if lines else {})
    final = preceding.settled_by(tx, row)
    if final is not None:
        raise Refused(f"{row.number} is taken off {final.number}: credit that one instead")


def _credited_lines(tx: Tx, row: t.Invoice) -> dict[str, str]:
    """Those that stand on a credit note as they were invoiced, and on which."""
    return {line.id: number for number, content in _by_line(tx, row) for line in content.lines}


def _by_line(tx: Tx, row: t.Invoice) -> list[tuple[str, Draft]]:
    """The credit notes whose lines are those of the invoice, by number."""
    invoiced = document.from_json(row.draft).lines
    papers = select(t.Document).where(t.Document.invoice == row.id, t.Document.kind == einvoice.CREDIT_NOTE)
    found = [(paper.number, document.from_json(paper.content)) for paper in tx.session.exec(papers)]
    return [(number, content) for number, content in found if all(line in invoiced for line in content.lines)]


def _revenue_left(tx: Tx, row: t.Invoice, content: Draft) -> tuple[tuple[str, int], ...]:
    """By revenue key what credit notes have left: a credit by amount takes of it in proportion, the last one all."""
    posted = select(t.Posting).where(t.Posting.invoice == row.id, t.Posting.kind == "credit")
    entries = (ledger.Entry(each.account, each.amount) for each in tx.session.exec(posted))
    return ledger.revenue_left(issuing.revenue_of(content), entries)


def gross_of_lines(row: t.Invoice, ids: Sequence[str]) -> int:
    """Net and tax of some lines by themselves, minor units, the document's allowances shared in."""
    return sum(part.gross for part in reduction.of_lines(document.from_json(row.draft), ids))


def gross_left_of_lines(tx: Tx, row: t.Invoice, ids: Sequence[str]) -> int:
    """The same after the lines that were credited before: a cent of rounding less, or more."""
    return sum(part.gross for part in _left_of_lines(tx, row, ids))


def _left_of_lines(tx: Tx, row: t.Invoice, ids: Sequence[str]) -> reduction.Rows:
    """By themselves where one of them was credited, too, which `check` refuses."""
    content, before = document.from_json(row.draft), _by_line(tx, row)
    earlier = [line.id for _, credited in before for line in credited.lines]
    if set(ids) & set(earlier):
        return reduction.of_lines(content, ids)
    return reduction.of_lines(content, ids, earlier, [reduction.rows_of(credited) for _, credited in before])


def _part(tx: Tx, row: t.Invoice, amount: int, lines: Sequence[str]) -> reduction.Rows:
    if not lines:
        return reductions.part_of(tx, row, amount)
    part = _left_of_lines(tx, row, lines)
    taxed = [each for each in reductions.left_of(tx.session, row) if each.reason != ledger.ROUNDING]
    left = {(each.category, each.rate): each for each in taxed}
    if any(abs(each.gross) > abs(left[each.category, each.rate].gross) for each in part):
        raise Refused("lines: a part of them was credited or waived before; credit an amount instead")
    return part


def _of_lines(content: Draft, part: reduction.Rows, ids: Sequence[str]) -> Draft:
    """The lines as they were invoiced, and what the document's allowances and charges make of them."""
    lines = tuple(line for line in content.lines if line.id in ids)
    adjustments = []
    for row in part:
        nets = sum(
            line.net for line in lines if (line.category, tax.plain(line.rate)) == (row.category.value, row.rate)
        )
        if nets != row.taxable:
            names = ", ".join(dict.fromkeys(each.reason for each in content.adjustments))
            adjustments.append(
                AllowanceCharge(names, row.taxable > nets, abs(row.taxable - nets), None, row.category.value, row.rate)
            )
    return _credited(content, lines, tuple(adjustments), part)


def _of_amount(content: Draft, part: reduction.Rows, reason: str) -> Draft:
    """One line for each tax row that the amount reduces. A share below zero has its sign on the quantity (BR-27)."""
    lines = tuple(
        Line(
            id=str(position),
            description=reason,
            quantity=Decimal(1 if row.taxable >= 0 else -1),
            unit="C62",
            unit_price=money.major(abs(row.taxable), content.currency),
            category=row.category.value,
            rate=row.rate,
            reason=row.reason,
            net=row.taxable,
        )
        for position, row in enumerate((r for r in part if r.gross and r.reason != ledger.ROUNDING), start=1)
    )
    return _credited(content, lines, (), part)


def _credited(
    content: Draft, lines: tuple[Line, ...], adjustments: tuple[AllowanceCharge, ...], part: reduction.Rows
) -> Draft:
    taxed = [row for row in part if row.gross and row.reason != ledger.ROUNDING]
    rounding = sum(row.taxable for row in part if row.reason == ledger.ROUNDING)
    taxable, due_tax = sum(row.taxable for row in taxed), sum(row.tax for row in taxed)
    totals = document.Totals(
        line_net=sum(line.net for line in lines),
        allowances=sum(each.amount for each in adjustments if not each.is_charge),
        charges=sum(each.amount for each in adjustments if each.is_charge),
        taxable=taxable,
        tax=due_tax,
        total=taxable + due_tax,
        rounding=rounding,
    )
    return replace(
        content,
        kind=einvoice.CREDIT_NOTE,
        lines=lines,
        breakdown=tuple(
            document.TaxSubtotal(row.category.value, row.rate, row.taxable, row.tax, row.reason) for row in taxed
        ),
        totals=totals,
        adjustments=adjustments,
        remarks=(),
    )
