"""What whoever holds a document may check it against: number, amount, accounts and hashes, as they were issued. It
names no customer and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine

from adapters.books import papers
from adapters.books.engine import read
from domain.parts import Bank
from schemas import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """`total` is what is payable, in minor units; `pdf` and `xml` are `sha256:…`, None while it was not sent yet."""

    kind: str
    number: str
    issued_on: date
    seller: str
    language: str
    currency: str
    total: int
    banks: tuple[Bank, ...]
    pdf: str | None
    xml: str | None


def issued(engine: Engine, document: str) -> Issued | None:
    """The document of that id, or None when there is none."""
    with read(engine) as session:
        paper = session.get(t.Document, document)
        if paper is None:
            return None
        model = papers.model(session.get_one(t.Invoice, paper.invoice), paper)
        return Issued(
            kind=model.kind,
            number=model.number,
            issued_on=model.issued_on,
            seller=model.seller.name,
            language=model.language,
            currency=model.currency,
            total=model.totals.payable,
            banks=model.banks,
            pdf=paper.object_key,
            xml=paper.xml_key,
        )
