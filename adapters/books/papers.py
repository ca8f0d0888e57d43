"""The frozen model of a document, read back from its row."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from domain import document, einvoice
from domain.einvoice import EInvoice
from domain.parts import Preceding
from schemas import tables as t


@dataclass(frozen=True, slots=True)
class Filed:
    """Where the renditions of a document lie in the archive."""

    pdf: str
    xml: str | None = None


def invoice(session: Session, row: t.Invoice) -> EInvoice:
    """What the receivable's first document says, the one that was issued."""
    return model(row, session.get_one(t.Document, f"{row.id}/invoice"))


def model(row: t.Invoice, paper: t.Document) -> EInvoice:
    """What the document `paper` of the receivable says. One issued before models were kept is frozen again from what
    was hashed then."""
    if paper.model:
        return einvoice.from_json(paper.model)
    credited = (Preceding(row.number or "", row.issued_on),) if paper.kind == einvoice.CREDIT_NOTE else ()
    content = document.from_json(paper.content)
    return einvoice.freeze(content, number=paper.number, issued_on=paper.issued_on, preceding=credited)
