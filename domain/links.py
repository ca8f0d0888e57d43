"""Signed links: a token that names a receivable for one purpose and cannot be guessed or turned into another.

The same inputs give the same token for ever, so a link in an old mail stays good and nothing has to be stored. Whoever
holds it may do what the purpose allows: it never appears in a log.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

CUSTOMER = "customer"
"""`/i/{token}` and `/pay/{token}`: see the invoice, pay it, speak of it. The subject is `customer_subject`."""

APPROVER = "approver"
"""`/a/{token}`: approve or reject. The subject is the key of the message that asks, which names invoice, content and
person."""

DESK = "desk"
"""`/d/{token}`: a dispute with its file, for whoever is to decide. The subject is the key of the message that asks."""

SHEET = "sheet"
"""`/s/{token}`: a morning sheet, its releases and vetoes. The subject is the sheet's key."""

CONTACT = "contact"
"""`/c/{token}`: confirm a new billing contact. The subject is the change's id."""

SESSION = "session"
"""A browser's cookie at the codec server. The subject is the id of the API key that opened it, and until when."""

GENUINE = "genuine"
"""`/v/{token}`: compare a document, named by its id, with what was issued."""

_MAC_BYTES = 18
_GENERATION = "#"
"""No workflow id has one."""


def token(secret: str, purpose: str, subject: str) -> str:
    """`<subject>.<MAC>`, URL-safe. `subject` is a key such as a workflow id, never personal data."""
    return f"{_text(subject.encode())}.{_text(_mac(secret, purpose, subject))}"


def read(secret: str, purpose: str, text: str) -> str | None:
    """The subject of a token that was made with this secret for this purpose, else None."""
    named, dot, mac = text.partition(".")
    if not dot or not text.isascii():
        return None
    try:
        subject = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    wanted = _text(_mac(secret, purpose, subject))
    # Compared as text, so that exactly one spelling of a token is good.
    return subject if hmac.compare_digest(wanted, mac) and _text(subject.encode()) == named else None


def customer_subject(workflow_id: str, generation: int) -> str:
    """What a customer's link names: the receivable, and after a revocation its generation: earlier links end."""
    return f"{workflow_id}{_GENERATION}{generation}" if generation else workflow_id


def read_customer(secret: str, text: str) -> tuple[str, int] | None:
    """(workflow id, generation) of a customer's link, else None. Whether that generation still holds, the books say."""
    workflow_id, mark, generation = (read(secret, CUSTOMER, text) or "").partition(_GENERATION)
    if not workflow_id or (mark and not generation.isdecimal()):
        return None
    return workflow_id, int(generation or 0)


def _mac(secret: str, purpose: str, subject: str) -> bytes:
    return hmac.new(secret.encode(), f"duely/{purpose}\n{subject}".encode(), hashlib.sha256).digest()[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
