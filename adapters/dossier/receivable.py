"""The dossier of one receivable: everything the books, the archive and the outbox hold of it, for an auditor or a
court. It shows no other customer's data and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, or_
from sqlmodel import Session, col, select

from adapters.books import recipients
from adapters.books.checks.finding import pick, stream
from adapters.books.desk_page import evidence_files
from adapters.books.engine import read
from adapters.books.events import content
from adapters.documents.store import Store
from adapters.dossier import chain, documents, rows
from adapters.dossier.page import index, readme, script
from adapters.dossier.parcel import EARLIEST, Parcel, fit, parcel
from domain.errors import NotFound
from schemas import tables as t

Mailed = Callable[[str], bytes | None]
"""The mail under a message's key, as it left; None where the provider has it and we do not."""


def export(
    engine: Engine, store: Store, mailed: Mailed, invoice: str, out: Path, step: Callable[[int], Any] = lambda _: None
) -> None:
    """Writes the dossier to `out`. NotFound for what is not in the books; NotFound or Conflict, and no file, when the
    archive lost or changed a document."""
    with read(engine) as session:
        row = session.get(t.Invoice, invoice)
        if row is None:
            raise NotFound(f"{invoice} is not in the books: there is nothing to export")
        seller = session.get_one(t.Seller, row.seller)
        with parcel(out, _head_at(session, seller), step) as made:
            _fill(made, session, store, mailed, seller, row)


def _fill(made: Parcel, session: Session, store: Store, mailed: Mailed, seller: t.Seller, row: t.Invoice) -> None:
    owes = rows.receivable(session, row)
    made.add("verify.py", script())
    made.add("README.txt", readme(f"receivable {row.number or row.reference}", [seller]))
    made.lines("receivables.jsonl", [owes])
    papers = [documents.add(made, store, "", row, paper) for paper in list(_papers(session, row))]
    made.lines("documents.jsonl", papers)
    letters = [_letter(made, session, seller, row, letter, mailed) for letter in _letters(session, row)]
    came_in = [_reply(made, store, row, each) for each in list(rows.own(session, t.Reply, row.id))]
    _evidence(made, store, list(rows.own(session, t.Dispute, row.id)))
    kept = {name: list(found) for name, found in _records(session, row).items()}
    kept |= {"messages": letters, "replies": came_in}
    for name, values in sorted(kept.items()):
        made.lines(f"records/{name}.jsonl", values)
    own = list(rows.postings(session, col(t.Posting.invoice) == row.id))
    made.table("postings.csv", rows.POSTINGS, own)
    made.table("numbers.csv", rows.NUMBERS, _numbers(session, row))
    chain.add(made, session, seller, "", row.id, 0)
    told = [content(entry) for entry in chain.entries(session, seller.key, row.id)]
    made.add("index.html", index(owes, papers, kept, [dict(zip(rows.POSTINGS, p, strict=True)) for p in own], told))


def _head_at(session: Session, seller: t.Seller) -> Any:
    """The business time of the last entry of the seller's chain."""
    query = select(t.AuditEntry.at).where(t.AuditEntry.seller == seller.key, t.AuditEntry.seq == seller.audit_seq)
    return session.exec(query).first() or EARLIEST


def _papers(session: Session, row: t.Invoice) -> Iterator[t.Document]:
    yield from rows.own(session, t.Document, row.id, col(t.Document.issued_at), col(t.Document.id))


def _letters(session: Session, row: t.Invoice) -> Iterator[t.Message]:
    yield from rows.own(session, t.Message, row.id, col(t.Message.at), col(t.Message.key))


def _letter(
    made: Parcel, session: Session, seller: t.Seller, row: t.Invoice, letter: t.Message, mailed: Mailed
) -> dict[str, Any]:
    """A message with what it was about, how far it got, what its provider reported, and the mail itself."""
    name, email = recipients.address_of(session, row, seller, letter)
    items = session.exec(select(t.MessageItem).where(t.MessageItem.message == letter.key)).all()
    effect = session.get(t.Effect, letter.key)
    events = session.exec(
        select(t.MailEvent).where(t.MailEvent.message == letter.key).order_by(col(t.MailEvent.at), col(t.MailEvent.id))
    ).all()
    mail = mailed(letter.key)
    stem = f"mails/{letter.at:%Y%m%dT%H%M%SZ}-{fit(letter.kind)}"
    return {
        **rows.plain(letter, row.currency),
        "to": f"{name} <{email}>".strip() if email else None,
        "items": [rows.plain(item, row.currency, {"message"}) for item in items if item.invoice == row.id],
        "effect": None if effect is None else rows.plain(effect, row.currency, {"lease_until"}),
        "events": [rows.plain(event, row.currency, {"message"}) for event in events],
        "file": None if mail is None else made.add(f"{stem}.eml", mail),
    }


def _reply(made: Parcel, store: Store, row: t.Invoice, reply: t.Reply) -> dict[str, Any]:
    """A mail that came in, with what it was taken for, and the mail itself."""
    stem = f"replies/{reply.received_at:%Y%m%dT%H%M%SZ}-{fit(reply.kind)}"
    return {**rows.plain(reply, row.currency), "file": made.add(f"{stem}.eml", store.get(reply.object_key))}


def _evidence(made: Parcel, store: Store, disputes: list[t.Dispute]) -> None:
    """The files that were handed in with a dispute; their keys stand with it."""
    for dispute in disputes:
        for each in evidence_files(dispute):
            made.add(f"evidence/{dispute.id}-{fit(each.name)}", store.get(each.key))


def _records(session: Session, row: t.Invoice) -> dict[str, Iterator[dict[str, Any]]]:
    """By file everything else that hangs on the receivable."""
    tables: dict[str, tuple[Any, set[str]]] = {
        "dues": (t.Due, set()),
        "reasons": (t.Why, set()),
        "disputes": (t.Dispute, set()),
        "promises": (t.Promise, set()),
        "plans": (t.PaymentPlan, set()),
        "holds": (t.InvoiceHold, set()),
        "legal_holds": (t.LegalHold, set()),
        "approvals": (t.ApprovalSubject, set()),
        "votes": (t.ApprovalVote, set()),
        "exceptions": (t.OpenException, set()),
        "commands": (t.CommandDone, set()),
        "allocations": (t.Allocation, set()),
        "reversals": (t.Reversal, set()),
        "payment_pages": (t.PaymentSession, {"params", "url"}),
    }
    found = {
        name: (rows.plain(each, row.currency, but) for each in rows.own(session, table, row.id))
        for name, (table, but) in tables.items()
    }
    request = {"request": row.request, "customer": row.customer_data, "warnings": row.warnings}
    return {**found, "receipts": _receipts(session, row), "request": iter([request])}


def _receipts(session: Session, row: t.Invoice) -> Iterator[dict[str, Any]]:
    """The money that was assigned to it or went back from it."""
    assigned = select(t.Allocation.receipt).where(t.Allocation.invoice == row.id)
    back = select(t.Reversal.receipt).where(t.Reversal.invoice == row.id)
    query = pick(t.Receipt).where(or_(col(t.Receipt.id).in_(assigned), col(t.Receipt.id).in_(back)))
    for (receipt,) in stream(session, query.order_by(col(t.Receipt.id))):
        yield rows.plain(receipt, row.currency)


def _numbers(session: Session, row: t.Invoice) -> Iterator[list[Any]]:
    """The whole series its documents are of, so that a gap would show."""
    query = (
        select(t.NumberTaken.kind, t.NumberTaken.year)
        .join(t.Document, col(t.Document.id) == col(t.NumberTaken.document))
        .where(t.Document.invoice == row.id)
        .distinct()
        .order_by(col(t.NumberTaken.kind), col(t.NumberTaken.year))
    )
    for kind, year in session.exec(query).all():
        where = (col(t.NumberTaken.kind) == kind) & (col(t.NumberTaken.year) == year)
        yield from rows.numbers(session, row.seller, where, row.id)
