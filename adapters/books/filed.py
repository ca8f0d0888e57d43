"""What the books refer to in the archive. Reads rows only, as a stream; it opens no file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col

from adapters.books.checks.finding import pick, row, stream
from schemas import tables as t


@dataclass(frozen=True, slots=True)
class Reference:
    """`row` names the row that refers to `key`, as findings do; `what` is for people, as in `PDF of RE-2026-00001`."""

    key: str
    seller: str
    row: str
    what: str
    invoice: str | None = None


def references(session: Session) -> Iterator[Reference]:
    """Of documents, in the order of their ids: PDF, XML, attachments and logo; then of bank files, then of replies. A
    file that several rows refer to comes several times."""
    yield from _documents(session)
    files = pick(t.BankFile.seller, t.BankFile.id, t.BankFile.object_key)
    for seller, id_, key in stream(session, files.order_by(col(t.BankFile.seller), col(t.BankFile.id))):
        yield Reference(key, seller, row(t.BankFile, seller, id_), "bank file")
    mails = pick(t.Reply.seller, t.Reply.id, t.Reply.object_key, t.Reply.invoice).order_by(col(t.Reply.id))
    for seller, id_, key, invoice in stream(session, mails):
        yield Reference(key, seller, row(t.Reply, id_), "reply by mail", invoice)


def _documents(session: Session) -> Iterator[Reference]:
    model = col(t.Document.model)
    query = (
        pick(
            t.Document.id, t.Document.number, t.Document.invoice, t.Invoice.seller, t.Document.object_key,
            t.Document.xml_key, model["attachments"], model["brand"],
        )
        .join(t.Invoice, col(t.Invoice.id) == col(t.Document.invoice))
        .order_by(col(t.Document.id))
    )  # fmt: skip
    for id_, number, invoice, seller, pdf, xml, attachments, brand in stream(session, query):
        for key, what in _files(pdf, xml, attachments, brand):
            yield Reference(key, seller, row(t.Document, id_), f"{what} of {number}", invoice)


def _files(pdf: str | None, xml: str | None, attachments: Any, brand: Any) -> Iterator[tuple[str, str]]:
    if pdf is not None:
        yield pdf, "PDF"
    if xml is not None:
        yield xml, "XML"
    for each in attachments or ():
        yield each["file"], f"attachment {each['name']}"
    if brand and brand.get("logo"):
        yield brand["logo"], "logo"
