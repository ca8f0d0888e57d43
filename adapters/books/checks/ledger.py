"""Invariants 5 and 7: postings balance, each receivable agrees with its documents and its money, none below zero."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Label, Select, Subquery, case, func
from sqlmodel import Session, SQLModel, col

from adapters.books.checks.finding import Breach, pick, row, stream
from adapters.books.prepayments import taxes
from domain.ledger import RECEIVABLE, REVENUE
from schemas import tables as t

DRAFTS = 50
"""Read at once: one may have ten thousand lines."""

RECEIVABLE_KINDS = (
    "issue", "charge", "allocate", "unallocate", "credit", "discount", "write_off", "withheld", "recover"
)  # fmt: skip


def transactions_balance(session: Session) -> Iterator[Breach]:
    key = [col(t.Posting.seller), col(t.Posting.transaction)]
    total, currencies = func.sum(t.Posting.amount), func.count(col(t.Posting.currency).distinct())
    query = pick(*key, total, currencies).group_by(*key).having((total != 0) | (currencies > 1))
    for seller, transaction, off, mixed in stream(session, query):
        told = f"is off by {off}" if mixed == 1 else f"mixes {mixed} currencies"
        yield Breach(5, row(t.Posting, seller, transaction), told)


def postings_fit_their_invoice(session: Session) -> Iterator[Breach]:
    query = (
        pick(t.Posting)
        .join(t.Invoice, col(t.Invoice.id) == t.Posting.invoice, isouter=True)
        .where(
            (col(t.Posting.currency) != t.Invoice.currency)
            | (t.Posting.seller != t.Invoice.seller)
            | (t.Posting.customer != t.Invoice.customer)
            | ((col(t.Posting.account) == RECEIVABLE) & col(t.Invoice.id).is_(None))
            | ((col(t.Posting.account) == RECEIVABLE) & col(t.Posting.kind).not_in(RECEIVABLE_KINDS))
        )
    )
    for (posting,) in stream(session, query):
        name = row(t.Posting, posting.seller, posting.transaction, posting.position)
        yield Breach(5, name, f"a {posting.kind} in {posting.currency} does not fit invoice {posting.invoice}")


def totals_agree(session: Session) -> Iterator[Breach]:
    """What was issued is one amount in every place that knows it."""
    posted = _receivable({"issued": ("issue",)})
    dues = _sum(t.Due.amount, t.Due.invoice)
    lines = _sum(t.InvoiceLine.net, t.InvoiceLine.invoice)
    totals = col(t.Invoice.draft)["totals"]
    query = _beside((t.Invoice.id, t.Invoice.total, t.Invoice.number, totals), posted, dues, lines)
    for invoice, total, number, drafted, issued, due, net in stream(session, query):
        places: list[tuple[type[SQLModel], Any, Any]] = [
            (t.Invoice, total, _payable(drafted)),
            (t.InvoiceLine, net or 0, drafted and drafted.get("line_net")),
        ]
        if number is not None:
            places += [(t.Invoice, total, issued or 0), (t.Due, due or 0, total)]
        for table, here, there in places:
            if here != there:
                yield Breach(5, row(table, invoice), f"comes to {here}, not to {there}")


def _payable(totals: dict[str, Any] | None) -> int | None:
    return totals["total"] + totals.get("rounding", 0) if totals and "total" in totals else None


def lines_agree(session: Session) -> Iterator[Breach]:
    drafts: Iterator[Any] = stream(session, pick(t.Invoice.id, t.Invoice.draft), DRAFTS)
    while few := dict(tuple(each) for each in islice(drafts, DRAFTS)):
        lines = pick(t.InvoiceLine.invoice, t.InvoiceLine.position, t.InvoiceLine.net)
        for invoice, position, net in session.execute(lines.where(col(t.InvoiceLine.invoice).in_(few))):
            said = few[invoice].get("lines", [])
            drafted = said[position - 1]["net"] if 0 < position <= len(said) else None
            if net != drafted:
                yield Breach(5, row(t.InvoiceLine, invoice, position), f"net is {net}, the draft says {drafted}")


def documents_agree(session: Session) -> Iterator[Breach]:
    """A document owes what it prints, and an invoice's first one what the receivable owes."""
    totals = col(t.Document.content)["totals"]
    query = pick(t.Document.id, t.Document.kind, t.Document.total, totals, t.Invoice.total).join(
        t.Invoice, col(t.Invoice.id) == t.Document.invoice
    )
    for document, kind, total, content, invoiced in stream(session, query):
        printed = _payable(content)
        if total != printed:
            yield Breach(5, row(t.Document, document), f"total is {total}, it prints {printed}")
        if kind == "invoice" and total != invoiced:
            yield Breach(5, row(t.Document, document), f"total is {total}, the receivable's is {invoiced}")


def credits_agree(session: Session) -> Iterator[Breach]:
    noted = _sum(t.Document.total, t.Document.invoice, t.Document.kind == "credit_note")
    query = _beside((t.Invoice.id,), _receivable({"credited": ("credit",)}), noted)
    for invoice, posted, printed in stream(session, query):
        if (printed or 0) != -(posted or 0):
            told = f"its credit notes come to {printed or 0}, the ledger to {-(posted or 0)}"
            yield Breach(5, row(t.Invoice, invoice), told)


def credited_revenue_is_gone(session: Session) -> Iterator[Breach]:
    """Where credit notes took back all that was issued, nothing stays on any revenue account. What was taken over was
    earned in other books."""
    taken = _receivable({"left": ("issue", "credit"), "credited": ("credit",)})
    of, earned = [col(t.Posting.invoice), col(t.Posting.account)], func.sum(t.Posting.amount)
    query = (
        pick(*of, earned)
        .join(taken, taken.c.invoice == t.Posting.invoice)
        .join(t.Invoice, col(t.Invoice.id) == t.Posting.invoice)
        .where(taken.c.left == 0, taken.c.credited != 0, col(t.Invoice.adopted).is_(False))
        .where(col(t.Posting.account).startswith(REVENUE))
        .group_by(*of)
        .having(earned != 0)
    )
    for invoice, account, off in stream(session, query):
        yield Breach(5, row(t.Invoice, invoice), f"all of it was credited, {account} still holds {-off}")


def allocations_agree(session: Session) -> Iterator[Breach]:
    """Money assigned is money that reduced the receivable, and no receivable goes below zero."""
    live = _sum(t.Allocation.amount, t.Allocation.invoice, col(t.Allocation.released_at).is_(None))
    posted = _receivable({"paid": ("allocate", "unallocate"), "balance": RECEIVABLE_KINDS})
    for invoice, paid, balance, allocated in stream(session, _beside((t.Invoice.id,), posted, live)):
        if (allocated or 0) != -(paid or 0):
            told = f"its allocations come to {allocated or 0}, the ledger to {-(paid or 0)}"
            yield Breach(5, row(t.Invoice, invoice), told)
        if (balance or 0) < 0:
            yield Breach(7, row(t.Invoice, invoice), f"balance is {balance}, below zero")


def discounts_are_paid_for(session: Session) -> Iterator[Breach]:
    """Terms waive something for a payment: nothing stands where all is owed and neither paid nor credited."""
    live = _sum(t.Allocation.amount, t.Allocation.invoice, col(t.Allocation.released_at).is_(None))
    posted = _receivable({"granted": ("discount",), "credited": ("credit",), "owed": RECEIVABLE_KINDS})
    for invoice, granted, credited, owed, paid in stream(session, _beside((t.Invoice.id,), posted, live)):
        if granted and owed > 0 and not credited and not paid:
            yield Breach(5, row(t.Invoice, invoice), f"{-granted} were granted, nothing was paid")


def prepayments_are_taxed(session: Session) -> Iterator[Breach]:
    """A prepayment's VAT is due with its money."""
    query = pick(t.Invoice).where(col(t.Invoice.kind) == "prepayment", col(t.Invoice.number).is_not(None))
    for (prepayment,) in stream(session, query):
        for rate, wanted, posted in taxes(session, prepayment):
            if wanted != posted:
                told = f"VAT of {rate} % due is {posted}, in the money that came it is {wanted}"
                yield Breach(5, row(t.Invoice, prepayment.id), told)


def _receivable(columns: dict[str, tuple[str, ...]]) -> Subquery:
    """Sums over the receivable's postings of each invoice, one column a set of kinds."""
    sums = [
        func.sum(case((col(t.Posting.kind).in_(kinds), t.Posting.amount))).label(name)
        for name, kinds in columns.items()
    ]
    key: Label[Any] = col(t.Posting.invoice).label("invoice")
    return pick(key, *sums).where(col(t.Posting.account) == RECEIVABLE).group_by(key).subquery()


def _sum(amount: Any, key: Any, *where: Any) -> Subquery:
    named: Label[Any] = col(key).label("key")
    return pick(named, func.sum(amount).label("total")).where(*where).group_by(named).subquery()


def _beside(columns: tuple[Any, ...], *sums: Subquery) -> Select[Any]:
    """Each invoice with the columns of `sums` for it."""
    more = [c for found in sums for c in found.c if c.name not in {"invoice", "key"}]
    query = pick(*columns, *more)
    for found in sums:
        query = query.outerjoin(found, next(iter(found.c)) == col(t.Invoice.id))
    return query
