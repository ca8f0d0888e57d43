"""What a document says about paying it: discounts, schedule, accounts, and the code that pays it. Chooses and formats,
and computes nothing. A credit note asks for no money."""

from __future__ import annotations

from typing import Any

from adapters import formats
from adapters.documents import epc, swiss
from adapters.documents.codes import first_amount
from adapters.documents.words import Words
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.parts import Bank

NOTHING: dict[str, Any] = {
    "label": "", "texts": [], "rows": [], "code": None, "dues": [], "dues_label": "", "swiss": None
}  # fmt: skip


def payment(document: EInvoice, words: Words) -> dict[str, Any]:
    if document.kind == CREDIT_NOTE:
        return NOTHING
    slip = swiss.slip(document)
    several = len(document.dues) > 1
    return {
        "label": words["payment"],
        "texts": [
            words["discount"] % (words.percent(step.percent), words.day(step.until), words.money(step.amount))
            for step in document.discounts
        ],
        "rows": _rows(document, words),
        "code": None if slip else _code(document, words),
        "dues": [(words.day(due.due_on), words.money(due.amount)) for due in document.dues] if several else [],
        "dues_label": words["schedule"] if several else "",
        "swiss": slip and swiss.content(slip, words),
    }


def _rows(document: EInvoice, words: Words) -> list[tuple[str, str]]:
    bank, rows = document.bank, []
    if document.payee:
        ids = ", ".join(filter(None, (document.payee.id, document.payee.registration)))
        rows += words.rows(("payee", f"{document.payee.name} ({ids})" if ids else document.payee.name))
    if bank:
        holder = bank.name or (None if document.payee else document.seller.name)
        rows += words.rows(("account_holder", holder), ("iban", formats.iban(bank.iban)), ("bic", bank.bic))
    rows += words.rows(("payment_reference", document.payment_reference))
    for other in document.banks[1:]:
        rows += words.rows(("other_account", _account(other)))
    return rows


def _account(bank: Bank) -> str:
    return " · ".join(filter(None, (formats.iban(bank.iban), bank.bic, bank.name)))


def _code(document: EInvoice, words: Words) -> dict[str, str] | None:
    """The picture to pay with, what stands below it, and what is read out instead of it."""
    text = epc.payload(document)
    if text is None:
        return None
    amount = words.money(first_amount(document))
    said = "; ".join(f"{label}: {value}" for label, value in _rows(document, words))
    return {"svg": epc.svg(text), "label": words["code"] % amount, "alt": words["code_alt"] % (amount, said)}
