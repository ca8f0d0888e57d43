"""One small invoice of ours in every syntax and profile, and ways to break it."""

from __future__ import annotations

from pathlib import Path

from adapters.judges.profiles import SPECIFICATIONS

HERE = Path(__file__).parent
UBL = ("EN 16931", "XRechnung", "Peppol BIS 3")
CII = ("EN 16931", "XRechnung", "EXTENDED")
"""MINIMUM and BASIC allow fewer terms than the sample has."""
_RENAMED = {
    b"Invoice-2": b"CreditNote-2",
    b"<Invoice ": b"<CreditNote ",
    b"</Invoice>": b"</CreditNote>",
    b"InvoiceTypeCode>380<": b"CreditNoteTypeCode>381<",
    b"/cbc:InvoiceType": b"/cbc:CreditNoteType",
    b"InvoiceLine": b"CreditNoteLine",
    b"InvoicedQ": b"CreditedQ",
}


def cii(profile: str = "EN 16931") -> bytes:
    return _claiming(HERE / "cii.xml", profile)


def ubl(profile: str = "EN 16931") -> bytes:
    return _claiming(HERE / "ubl.xml", profile)


def credit_note(profile: str = "EN 16931") -> bytes:
    """The invoice taken back: UBL has other names for the same terms, and no due date at the head."""
    document = ubl(profile).replace(b"  <cbc:DueDate>2026-02-04</cbc:DueDate>\n", b"")
    for old, new in _RENAMED.items():
        document = document.replace(old, new)
    return document


def wrong_sum(document: bytes) -> bytes:
    """595.00 to pay becomes 596.00; the rest stays."""
    return b"596.00<".join(document.rsplit(b"595.00<", 1))


def wrong_profile(document: bytes) -> bytes:
    return document.replace(b"xrechnung_3.0", b"xrechnung_2.3")


def _claiming(file: Path, profile: str) -> bytes:
    return file.read_bytes().replace(b">BT-24<", f">{SPECIFICATIONS[profile]}<".encode())
