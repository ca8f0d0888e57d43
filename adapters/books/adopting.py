"""Takes over an invoice issued elsewhere, as it stands: its number and dates, what is owed as an opening balance, what
was paid before as a receipt against it. No number of ours, no approval, no revenue and no VAT of ours."""

from __future__ import annotations

from datetime import time

from sqlmodel import col, select

from adapters.books import issuing, receipts, references
from adapters.books.queries import ADOPTED
from adapters.books.tx import Tx
from domain import calendar, document, einvoice, ledger, numbering
from domain.account import Phase
from domain.document import Adopted, Draft
from domain.errors import Invalid
from schemas import tables as t


def check(tx: Tx, workflow_id: str, adopted: Adopted) -> None:
    """Invalid for a number that another receivable carries, or that a series of the seller's would reach."""
    own = t.Invoice.seller == tx.seller.key
    carries = select(t.Invoice.id).where(own, t.Invoice.number == adopted.number, t.Invoice.id != workflow_id)
    other = tx.session.exec(carries).first()
    if other is not None:
        raise Invalid.at("adopt.number", f"{adopted.number} is the number of {other}")
    taken = select(t.NumberTaken.document).where(
        col(t.NumberTaken.seller) == tx.seller.key, col(t.NumberTaken.number) == adopted.number
    )
    document = tx.session.exec(taken).first()
    if document is not None:
        raise Invalid.at("adopt.number", f"{adopted.number} is the number of {document}")
    for kind in numbering.KINDS:
        profile = tx.seller.profile.get("series", {}).get(kind, {})
        found = numbering.own_number(profile.get("format", issuing.DEFAULT_FORMATS[kind]), adopted.number)
        if found is None:
            continue
        year, n = found
        first = int(profile.get("first", 1))
        if n >= first and (year is None or year >= tx.today.year):
            fix = f"set series.{kind}.first above {n} in the seed, or give the series another format"
            raise Invalid.at("adopt.number", f"{adopted.number} is one of the seller's own series; {fix}")


def take_over(tx: Tx, row: t.Invoice, content: Draft, by: str) -> None:
    """The drafted receivable becomes an open one, delivered on the day it was issued."""
    adopted = content.adopted
    assert adopted is not None
    row.adopted, row.number, row.issued_on, row.phase = True, adopted.number, adopted.issued_on, Phase.OPEN
    row.delivered_at = calendar.at(adopted.issued_on, time(0), tx.seller.timezone)
    row.oldest_due_on, row.created_at = adopted.due_on, tx.now
    tx.session.add(row)
    tx.session.flush()
    references.add(tx, row, adopted.number)
    tx.session.add(
        t.Due(invoice=row.id, id="1", due_on=adopted.due_on, ladder_on=adopted.due_on, episode=1, amount=row.total)
    )
    paper = _paper(tx, row, content, adopted)
    # The day it came into these books: until then another ledger held it, in periods that may be closed.
    tx.post(
        "issue",
        ledger.opening(row.total),
        customer=row.customer,
        currency=row.currency,
        on=tx.today,
        invoice=row.id,
        note=adopted.number,
    )
    tx.audit(
        "invoice.adopted",
        tx.actor(by),
        tx.actor_kind(by),
        row.id,
        number=adopted.number,
        document=paper.id,
        date=adopted.issued_on.isoformat(),
        total=str(row.total),
        hash=row.hash,
        request=row.request_hash,
        model=einvoice.model_hash(paper.model or {}),
    )
    if paper.object_key is not None:
        tx.audit("document.stored", tx.actor(by), tx.actor_kind(by), row.id, document=paper.id, object=paper.object_key)
    if adopted.paid:
        _paid_before(tx, row, adopted)


def _paper(tx: Tx, row: t.Invoice, content: Draft, adopted: Adopted) -> t.Document:
    """The invoice as far as it is known here, for pages and reminders; its PDF is the one handed in."""
    model = einvoice.freeze(content, number=adopted.number, issued_on=adopted.issued_on)
    paper = t.Document(
        id=f"{row.id}/invoice",
        invoice=row.id,
        kind="invoice",
        number=adopted.number,
        issued_on=adopted.issued_on,
        total=row.total,
        content=document.to_json(content),
        content_hash=document.content_hash(content),
        model=einvoice.to_json(model),
        object_key=adopted.document,
        issued_at=tx.now,
    )
    tx.session.add(paper)
    tx.session.flush()
    return paper


def _paid_before(tx: Tx, row: t.Invoice, adopted: Adopted) -> None:
    """What had been paid: money that another ledger holds, so it stands against the opening balance, not at a bank."""
    money = receipts.Incoming(
        source=ADOPTED,
        external_id=adopted.number,
        amount=adopted.paid,
        currency=row.currency,
        received_on=tx.today,
        method=ADOPTED,
        account=ledger.OPENING_BALANCE,
    )
    receipt = receipts.book(tx, money, row.customer, invoice=row.id)
    if receipt is not None:
        receipts.allocate(tx, row, receipt, adopted.paid)
