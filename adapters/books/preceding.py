"""The earlier documents of ours that a request names (BG-3): paid prepayments to take off, corrected invoices that are
still owed. A number of another system is only printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlmodel import col, func, select

from adapters.books import papers, reductions
from adapters.books.tx import Tx
from adapters.books.view import read
from domain import document, ledger, money, settlement
from domain.document import Deduction, DraftWarning, TaxSubtotal
from domain.einvoice import EInvoice
from domain.errors import Invalid, Problem
from schemas import items
from schemas import tables as t
from schemas.request import Request, parse_request


def deductions(tx: Tx, workflow_id: str, request: Request, customer: str) -> tuple[Deduction, ...]:
    """The prepayments that a final invoice settles. Invalid for one that is not paid, not this customer's, or settled
    before."""
    if request.kind == "prepayment":
        return ()
    found, problems = [], []
    numbers = [named.number for named in request.preceding]
    for position, number in enumerate(numbers):
        paper, row = _known(tx, number)
        if paper is None or row is None or row.kind != "prepayment":
            continue
        twice = f"names {number} once more: it is taken off once" if number in numbers[:position] else ""
        fault = twice or _fault(tx, workflow_id, request, customer, row, number)
        if fault:
            problems.append(Problem(f"preceding[{position}].number", fault))
            continue
        left = tuple(
            TaxSubtotal(each.category.value, each.rate, each.taxable, each.tax, each.reason)
            for each in reductions.settled_of(tx.session, row)
            if each.taxable and each.reason != ledger.ROUNDING
        )
        found.append(Deduction(paper.number, paper.issued_on, left))
    if problems:
        raise Invalid(problems)
    return tuple(found)


def corrected(tx: Tx, request: Request) -> EInvoice | None:
    """The invoice of ours that a corrected one names first."""
    if request.kind != "corrected":
        return None
    rows = (_known(tx, named.number)[1] for named in request.preceding)
    return next((papers.invoice(tx.session, row) for row in rows if row is not None), None)


def remarks(tx: Tx, request: Request) -> list[DraftWarning]:
    """A corrected invoice beside one that is still owed asks for the same money twice."""
    if request.kind != "corrected":
        return []
    owed = [named.number for named in request.preceding if (row := _known(tx, named.number)[1]) and _balance(tx, row)]
    return [DraftWarning("uncredited", f"{number} is still owed: credit it, or both are due") for number in owed]


def _fault(tx: Tx, workflow_id: str, request: Request, customer: str, row: t.Invoice, number: str) -> str:
    if any(line.quantity < 0 for line in request.lines):
        return f"{number} is a prepayment, taken off here: leave the lines below zero out, or this number"
    if row.customer != customer:
        return f"{number} is a prepayment of another customer"
    if row.currency != request.currency:
        return f"{number} is a prepayment in {row.currency}; settle it in that currency"
    if owed := _balance(tx, row):
        shown = f"{money.show(owed, row.currency)} {row.currency}"
        return f"{number} is a prepayment of which {shown} is not paid; wait for it, or credit the rest"
    other = next((each for each in _taking_off(tx, row) if each.id != workflow_id), None)
    return f"{number} is settled by {other.reference} already" if other is not None else ""


def settled_by(tx: Tx, row: t.Invoice) -> t.Invoice | None:
    """The issued invoice that has taken this prepayment off, while something of it is left to be credited."""
    if row.kind != "prepayment":
        return None
    finals = (each for each in _taking_off(tx, row) if each.number is not None)
    return next((each for each in finals if settlement.creditable(read(tx, each)[0]) > 0), None)


def outdated(tx: Tx, row: t.Invoice) -> str:
    """Why the prepayments that a draft takes off are not what they were when it was made; empty when they are."""
    if not row.request.get("preceding"):
        return ""
    request, content = parse_request(row.request), document.from_json(row.draft)
    try:
        paid = items.deducted(deductions(tx, row.id, request, row.customer), request, content.language)
        now = document.compute(replace(content, lines=(*content.lines[: len(request.lines)], *paid)))
    except Invalid as error:
        return str(error)
    # Which lines deduct was not marked at first: a draft of then stands unless that makes it owe another amount.
    drafted, current = ([replace(line, deducts=False) for line in each.lines] for each in (content, now))
    if (drafted, content.totals) == (current, now.totals):
        return ""
    return "a prepayment that it takes off was changed since it was drafted: amend it"


def _taking_off(tx: Tx, row: t.Invoice) -> Iterator[t.Invoice]:
    """Those that name the prepayment and were not taken back themselves."""
    others = select(t.Invoice).where(
        t.Invoice.seller == row.seller,
        t.Invoice.customer == row.customer,
        col(t.Invoice.kind) != "prepayment",
        col(t.Invoice.phase).not_in(("cancelled", "rejected")),
    )
    for other in tx.session.exec(others):
        named = any(each.get("number") == row.number for each in other.draft.get("preceding", ()))
        if named and not 0 < other.total <= _credited(tx, other):
            yield other


def _credited(tx: Tx, row: t.Invoice) -> int:
    papers = select(func.sum(t.Document.total)).where(t.Document.invoice == row.id, t.Document.kind == "credit_note")
    return int(tx.session.exec(papers).one() or 0)


def _known(tx: Tx, number: str) -> tuple[t.Document | None, t.Invoice | None]:
    query = (
        select(t.Document, t.Invoice)
        .join(t.Invoice, col(t.Invoice.id) == t.Document.invoice)
        .where(t.Document.number == number, t.Document.kind == "invoice", t.Invoice.seller == tx.seller.key)
    )
    return tx.session.exec(query).first() or (None, None)


def _balance(tx: Tx, row: t.Invoice) -> int:
    query = select(func.sum(t.Posting.amount)).where(
        t.Posting.invoice == row.id, t.Posting.account == ledger.RECEIVABLE
    )
    return int(tx.session.exec(query).one() or 0)
