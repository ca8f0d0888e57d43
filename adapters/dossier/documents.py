"""The documents of an export: PDF, XML, the frozen model, the content that was approved, attachments; and a line about
each. A file that the archive does not give stops the export: an auditor gets all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from adapters.books import papers
from adapters.documents.store import Store
from adapters.dossier.parcel import Parcel, fit
from domain.einvoice import EInvoice
from domain.keys import plain_decimal
from domain.money import show
from schemas import tables as t

INDEX = (
    "number", "kind", "issued_on", "customer", "name", "currency", "net", "tax", "total", "receivable", "pdf",
    "pdf_sha256", "xml", "xml_sha256", "model", "model_hash",
)  # fmt: skip
TAXES = ("number", "kind", "issued_on", "currency", "category", "rate", "taxable", "tax")


def add(parcel: Parcel, store: Store, folder: str, row: t.Invoice, paper: t.Document) -> dict[str, Any]:
    """Adds the files of one document; what `verify.py` and the index need to know of it. NotFound or Conflict when the
    archive lost or changed one."""
    stem = f"{folder}documents/{fit(paper.number)}"
    here: Callable[[str], str] = lambda name: name.removeprefix(folder)  # noqa: E731
    pdf = None if paper.object_key is None else here(parcel.add(f"{stem}.pdf", store.get(paper.object_key)))
    xml = None if paper.xml_key is None else here(parcel.add(f"{stem}.xml", store.get(paper.xml_key)))
    model = None if paper.model is None else here(parcel.json(f"{stem}.model.json", paper.model))
    content = here(parcel.json(f"{stem}.content.json", paper.content))
    attachments = [
        {
            "name": each.name,
            "key": each.file,
            "file": here(parcel.add(f"{folder}attachments/{fit(paper.number)}-{fit(each.name)}", store.get(each.file))),
        }
        for each in papers.model(row, paper).attachments
    ]
    return {
        "id": paper.id,
        "receivable": row.id,
        "kind": paper.kind,
        "number": paper.number,
        "issued_on": paper.issued_on.isoformat(),
        "currency": row.currency,
        "total": show(paper.total, row.currency),
        "pdf": pdf,
        "xml": xml,
        "model": model,
        "content": content,
        "attachments": attachments,
    }


def indexed(paper: t.Document, model: EInvoice, said: dict[str, Any], model_hash: str) -> list[Any]:
    """The line of the index, as `INDEX` names the columns. Amounts are positive for credit notes, too, as printed."""
    unit = model.currency
    return [
        paper.number,
        paper.kind,
        said["issued_on"],
        model.customer.key,
        model.customer.name,
        unit,
        show(model.totals.taxable, unit),
        show(model.totals.tax, unit),
        show(model.totals.payable, unit),
        paper.invoice,
        said["pdf"],
        (paper.object_key or "").removeprefix("sha256:"),
        said["xml"],
        (paper.xml_key or "").removeprefix("sha256:"),
        said["model"],
        model_hash,
    ]


def taxes(model: EInvoice) -> Iterator[list[Any]]:
    """A line for each category and rate (BG-23), as `TAXES` names the columns."""
    for each in model.breakdown:
        amounts = (show(each.taxable, model.currency), show(each.tax, model.currency))
        rate = plain_decimal(each.rate)
        yield [
            model.number, model.kind, model.issued_on.isoformat(), model.currency, each.category, rate, *amounts
        ]  # fmt: skip
