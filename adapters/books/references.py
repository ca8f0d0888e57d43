"""The keys a payer may write: a document's number and its creditor reference (ISO 11649). Each is a row that names its
targets. They are written with the number and never change."""

from __future__ import annotations

from adapters.books.tx import Tx
from domain import keys
from schemas import tables as t


def add(tx: Tx, row: t.Invoice, number: str) -> None:
    """Both keys of an issued receivable."""
    for kind, reference in (("number", number), ("creditor_reference", creditor_reference(row.seller, number))):
        if tx.session.get(t.PaymentReference, (row.seller, reference)) is None:
            tx.session.add(t.PaymentReference(seller=row.seller, reference=reference, kind=kind))
            tx.session.flush()
        tx.session.add(t.ReferenceTarget(seller=row.seller, reference=reference, invoice=row.id))


def creditor_reference(seller: str, number: str) -> str:
    """What is printed on the invoice and in its payment QR."""
    return keys.creditor_reference(f"{seller}{number}")
