"""Copies of documents that have left before: released here, sent by the workflow like every document. Who asks as the
customer gets them sent to a contact on record, never to an address that was typed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from adapters.books import messages, recipients
from adapters.books.settle import settle
from adapters.books.tx import Tx, booking
from adapters.books.view import read
from domain import offers
from domain.account import Account, Document
from domain.errors import Refused
from schemas import tables as t


def ask(engine: Engine, seller: str, workflow_id: str, by: str, now: datetime) -> bool:
    """`request` in a transaction of its own; the workflow is to be told `books_changed`."""
    with booking(engine, seller, now) as tx:
        row = tx.session.get_one(t.Invoice, workflow_id)
        tx.now = max(now, row.updated_at)
        released = request(tx, row, by)
        settle(tx, row)
        return released


def request(tx: Tx, row: t.Invoice, by: str) -> bool:
    """Answers the customer `by`, who asks for a copy: its documents again, to its contact for invoices. False when they
    are on their way, or left as copies within a day. Refused when there is nothing to send, or nobody to send it to."""
    account, _ = read(tx, row)
    papers = offers.sendable(account)
    if not papers or account.stops("no_contact", tx.now):
        raise Refused("there is no document to send, or nobody may write to the customer")
    if offers.copy_waits(account, tx.now):
        return False
    contact = recipients.choose(tx, row, "billing")
    if contact is None:
        raise Refused("every address on record gave mail back")
    for paper in papers:
        release(tx, row, account, paper, contact, by)
    return True


def release(
    tx: Tx, row: t.Invoice, account: Account, paper: Document, contact: str, by: str, approved: bool = False
) -> None:
    """Another copy for the loop to send; in mode `ask` a person releases it unless one has `approved` it by asking."""
    copies = sum((m.subject or "").startswith(f"{paper.id}#") for m in account.messages)
    key = f"{paper.id}#{copies + 2}"
    item = t.MessageItem(message=key, invoice=row.id, kind=paper.kind, ref=key, amount=paper.total)
    letter = messages.released(tx, row, item, contact, paper.kind, key)
    letter.approved_by = by if approved else None
    tx.audit("message.resent", tx.actor(by), tx.actor_kind(by), row.id, message=key)
