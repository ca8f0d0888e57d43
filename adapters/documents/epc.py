"""The QR code with which a banking app pays an invoice: EPC069-12, "Quick Response Code: Guidelines to Enable Data
Capture for the Initiation of a SEPA Credit Transfer", version 002, as SVG.

SEPA moves euro: a document in another currency, or without an IBAN, has none. Never made from anything but what stands
on the document.
"""

from __future__ import annotations

from io import BytesIO

import segno

from adapters import formats
from adapters.documents.codes import MASK, first_amount, holder
from domain import money, statements
from domain.einvoice import EInvoice
from domain.keys import valid_creditor_reference

MOST = 99_999_999_999
"""Minor units: the guidelines allow EUR 0.01 to 999999999.99."""
_NAME_LENGTH = 70
_BYTES = 331
_BIC_LENGTHS = {0, 8, 11}


def payload(document: EInvoice) -> str | None:
    """The code's text: what the document asks for first, to the first account, with its creditor reference. None
    where it cannot say so: not in EUR, nothing asked for, account or reference not valid, an amount out of bounds."""
    bank, amount = document.bank, first_amount(document)
    reference = valid_creditor_reference(document.payment_reference or "")
    if document.kind == "credit_note" or document.currency != "EUR" or bank is None or not reference:
        return None
    iban, bic = statements.iban(bank.iban), "".join((bank.bic or "").split()).upper()
    name = formats.clean(holder(document))
    if not 0 < amount <= MOST or not iban or not name or len(bic) not in _BIC_LENGTHS:
        return None
    return _fitting(name, f"BCD\n002\n1\nSCT\n{bic}", f"{iban}\nEUR{money.show(amount, 'EUR')}\n\n{reference}")


def svg(text: str) -> str:
    """The code as one SVG picture with its quiet zone; equal text gives equal bytes."""
    # The guidelines fix error correction at M; 331 bytes at M need version 13, the largest they allow.
    code = segno.make_qr(text, error="m", boost_error=False, encoding="utf-8", mask=MASK)
    picture = BytesIO()
    code.save(picture, kind="svg", xmldecl=False)
    return picture.getvalue().decode()


def _fitting(name: str, before: str, after: str) -> str:
    """The payee's name is cut where the guidelines' 70 characters or 331 bytes end: banks go by the IBAN."""
    name = name[:_NAME_LENGTH].rstrip()
    room = _BYTES - len(f"{before}\n\n{after}".encode())
    return f"{before}\n{name.encode()[:room].decode(errors='ignore').rstrip()}\n{after}"
