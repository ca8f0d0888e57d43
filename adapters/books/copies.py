"""A copy of the latest document that a customer asks for: to the billing contact on record, whoever asks, and at most
one a day. It is a message like any other: its claim takes the last look, and mode `ask` puts it before a person."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from adapters.books import recipients
from adapters.books.tx import Tx
from domain.errors import Refused
from schemas import tables as t

AT_MOST_EVERY = timedelta(days=1)


def request(tx: Tx, row: t.Invoice, by: str) -> str | None:
    """The key of the copy that will leave; None when one was asked for within the last day. Refused when there is
    nothing to copy or nobody to send it to."""
    papers = (
        select(t.Document).where(t.Document.invoice == row.id).order_by(col(t.Document.issued_at), col(t.Document.id))
    )
    found = tx.session.exec(papers).all()
    contact = recipients.choose(tx, row, "billing")
    if not found or contact is None:
        raise Refused("there is no document to send" if not found else "no contact on record takes mail any more")
    paper = found[-1]
    copies = select(t.Message).where(col(t.Message.key).startswith(f"{paper.id}#", autoescape=True))
    earlier = [m for m in tx.session.exec(copies) if "~" not in m.key]
    if any(m.at > tx.now - AT_MOST_EVERY for m in earlier):
        return None
    key = f"{paper.id}#{len(earlier) + 2}"
    letter = t.Message(
        key=key,
        seller=row.seller,
        invoice=row.id,
        contact=contact,
        kind=paper.kind,
        template=paper.kind,
        subject=key,
        state="released",
        at=tx.now,
    )
    tx.session.add(letter)
    tx.session.flush()
    tx.session.add(t.MessageItem(message=key, invoice=row.id, kind=paper.kind, ref=key, amount=paper.total))
    tx.session.flush()
    tx.audit("message.resent", tx.actor(by), tx.actor_kind(by), row.id, message=key)
    return key
