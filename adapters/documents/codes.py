"""What both payment codes have in common."""

from __future__ import annotations

from domain.einvoice import EInvoice

MASK = 3
"""Of a QR code's eight masks, all of them readable. Searching for the prettiest takes as long as setting the page."""


def first_amount(document: EInvoice) -> int:
    """What is due first, minor units; what is payable where there is no schedule."""
    first = min(document.dues, key=lambda due: due.due_on, default=None)
    return first.amount if first else document.totals.payable


def holder(document: EInvoice) -> str:
    """Whose account the first one is."""
    named = document.bank.name if document.bank else None
    return named or (document.payee.name if document.payee else document.seller.name)
