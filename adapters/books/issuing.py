"""The legal act: number, postings, dues, audit and the row's new phase in one transaction, so that no number is ever
without its posting. Also takes credit note numbers."""

from __future__ import annotations

from datetime import date, timedelta

from sqlmodel import col, func, select

from adapters.books import references
from adapters.books.tx import SYSTEM, Tx
from domain import document, einvoice, ledger, mandates, numbering, reduction, terms
from domain.account import Phase
from domain.document import Draft, Preceding
from domain.errors import Refused
from schemas import tables as t
from schemas import taxes

DEFAULT_FORMATS = {"invoice": "{year}-{n:05d}", "credit_note": "C{year}-{n:05d}"}


def issue(tx: Tx, row: t.Invoice, outdated: str = "") -> None:
    """Issues the approved draft. A repeat does nothing. Where the date cannot be right, the number is one that was
    taken over, or its content is `outdated` for that reason, a person is asked and another day tried."""
    if row.number is not None:
        return
    content = document.from_json(row.draft)
    try:
        stale = outdated or taxes.outdated(content, tx.today)
        if stops := stale or mandates.clearance(content.seller.country, tx.today):
            raise Refused(stops)
        paper = take(tx, row, "invoice", content, "invoice issued")
    except Refused as error:
        row.issue_on = max(_last_date(tx, "invoice") or tx.today, tx.today + timedelta(days=1))
        tx.open_exception("issue_blocked", row.id, row.owner, row.id, reason=str(error))
        return
    row.number, row.issued_on, row.phase = paper.number, paper.issued_on, Phase.OPEN
    tx.settle_exceptions(SYSTEM, "issued", kind="issue_blocked", key=row.id)
    references.add(tx, row, paper.number)
    _dues(tx, row, content, paper.issued_on)
    tx.session.add(row)
    tx.session.flush()
    tx.post(
        "issue",
        ledger.invoice(revenue_of(content), reduction.rows_of(content), vat_of(row.kind)),
        customer=row.customer,
        currency=row.currency,
        on=paper.issued_on,
        invoice=row.id,
    )
    tx.audit(
        "invoice.issued",
        SYSTEM,
        invoice=row.id,
        number=paper.number,
        document=paper.id,
        date=paper.issued_on.isoformat(),
        total=str(row.total),
        hash=row.hash,
        model=einvoice.model_hash(paper.model or {}),
    )


def take(
    tx: Tx, row: t.Invoice, kind: str, content: Draft, reason: str, credited: tuple[Preceding, ...] = ()
) -> t.Document:
    """The next number of the seller's series and the document that carries it, frozen under that number. `kind` is the
    series, `credited` what a credit note takes back. Refused when the date would run backwards by more than a day."""
    on = numbering.issue_date(tx.today, _last_date(tx, kind))
    profile = tx.seller.profile.get("series", {}).get(kind, {})
    series = tx.session.get(t.NumberSeries, (tx.seller.key, kind, on.year))
    if series is None:
        first = int(profile.get("first", 1))
        series = t.NumberSeries(seller=tx.seller.key, kind=kind, year=on.year, first=first, last=first - 1)
    number = numbering.format_number(profile.get("format", DEFAULT_FORMATS[kind]), on.year, series.last + 1)
    if (other := adopted_as(tx, number)) is not None:
        raise Refused(f"{number} is the number of {other}, issued elsewhere: give the {kind} series another format")
    series.last, series.last_on = series.last + 1, on
    count = tx.session.exec(select(func.count()).where(t.Document.invoice == row.id, t.Document.kind == kind)).one()
    paper = t.Document(
        id=f"{row.id}/{kind}" if count == 0 else f"{row.id}/{kind}-{count + 1}",
        invoice=row.id,
        kind=kind,
        number=number,
        issued_on=on,
        total=content.totals.payable,
        content=document.to_json(content),
        content_hash=document.content_hash(content),
        model=einvoice.to_json(einvoice.freeze(content, number=number, issued_on=on, preceding=credited)),
        issued_at=tx.now,
    )
    tx.session.add_all((series, paper))
    tx.session.flush()
    taken = t.NumberTaken(
        seller=tx.seller.key,
        kind=kind,
        year=on.year,
        n=series.last,
        number=number,
        issued_on=on,
        document=paper.id,
        reason=reason,
    )
    tx.session.add(taken)
    return paper


def adopted_as(tx: Tx, number: str) -> str | None:
    """The receivable of this seller that was taken over under that number."""
    query = select(t.Invoice.id).where(
        t.Invoice.seller == tx.seller.key, t.Invoice.number == number, col(t.Invoice.adopted).is_(True)
    )
    return tx.session.exec(query).first()


def vat_of(kind: str) -> str:
    """Where the VAT of a receivable of that kind stands until it is due."""
    return ledger.VAT_PENDING if kind == "prepayment" else ledger.VAT


def revenue_of(content: Draft) -> tuple[tuple[str, int], ...]:
    return ledger.revenue(content.lines, content.totals.taxable)


def _last_date(tx: Tx, kind: str) -> date | None:
    query = select(func.max(t.NumberSeries.last_on)).where(
        col(t.NumberSeries.seller) == tx.seller.key, col(t.NumberSeries.kind) == kind
    )
    return tx.session.exec(query).one()


def _dues(tx: Tx, row: t.Invoice, content: Draft, issued_on: date) -> None:
    agreed = terms.due_dates(terms.parse_terms(content.terms), issued_on)
    amounts = terms.split(row.total, agreed)
    for position, ((_, due_on), amount) in enumerate(zip(agreed, amounts, strict=True), start=1):
        tx.session.add(
            t.Due(invoice=row.id, id=str(position), due_on=due_on, ladder_on=due_on, episode=1, amount=amount)
        )
    row.oldest_due_on = min(due_on for _, due_on in agreed)
