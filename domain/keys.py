"""Every stable key and hash: how a thing is recognised again, today and in ten years. Never random.

A key that changes its recipe breaks "at most once" for everything already sent: recipes carry no version on
purpose, they do not change.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

_WORKFLOW_ID = re.compile(r"invoice-([a-z0-9]{2,20})-([A-Za-z0-9._-]{1,64})")
_CREDITOR_REFERENCE_LENGTH = 21  # ISO 11649: RF + 2 check digits + at most 21 characters
_REFERENCE = re.compile(r"RF(?:0[2-9]|[1-8][0-9]|9[0-8])[0-9A-Z]{1,21}")
_BETWEEN = re.compile(r"[\s./_-]+")
_DIGITS_AND_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def workflow_id(seller: str, reference: str) -> str:
    """The receivable's id on Temporal, `invoice-{seller}-{reference}`. Both parts must be valid already."""
    return f"invoice-{seller}-{reference}"


def parse_workflow_id(id_: str) -> tuple[str, str] | None:
    """(seller, reference) of a workflow id, or None when it is not one of ours. A seller has no dash."""
    found = _WORKFLOW_ID.fullmatch(id_)
    return (found[1], found[2]) if found else None


def attempt(key: str, number: int) -> str:
    """The key of a message's next attempt, after the one before it reached nobody: `…~2`, `…~3`."""
    return f"{first_attempt(key)}~{number}"


def first_attempt(key: str) -> str:
    """The key under which a message was tried first. No part of a key of ours has a `~`."""
    return key.partition("~")[0]


def document_of(ref: str) -> str:
    """The document that a delivery is about: `…/invoice` for its copies (`#2`) and attempts (`~2`) too."""
    return re.split("[#~]", ref, maxsplit=1)[0]


def customer_key(seller: str, vat_id: str | None, name: str, postcode: str | None, country: str) -> str:
    """`c` and 12 hex digits for a customer without a key of its own.

    The VAT id decides alone when there is one, spelled with or without blanks and dots; else name, postcode
    and country, regardless of case and spacing.
    """
    vat = re.sub(r"[^A-Z0-9]", "", (vat_id or "").upper())
    parts = ["vat", vat] if vat else ["name", _folded(name), _folded(postcode or ""), country.upper()]
    return "c" + hashlib.sha256(canonical([seller, *parts]).encode()).hexdigest()[:12]


def creditor_reference(text: str) -> str:
    """The payment reference of ISO 11649 (`RF` + check digits) for seller + number, as `demoRE-2026-17`.

    Letters and digits stay readable up to 21 of them; of a longer text the end stays and a hash replaces the
    start, so two long texts with the same end still differ. ValueError when no letter or digit is in it.
    """
    plain = re.sub(r"[^A-Z0-9]", "", text.upper())
    if not plain:
        raise ValueError("a creditor reference needs at least one letter or digit")
    if len(plain) > _CREDITOR_REFERENCE_LENGTH:
        plain = _base36(hashlib.sha256(plain.encode()).digest(), 9) + plain[-12:]
    return f"RF{98 - _number(plain + 'RF00') % 97:02d}{plain}"


def valid_creditor_reference(text: str) -> str | None:
    """The reference as `creditor_reference` writes it, however it was spaced, dashed or cased; None unless it is one
    and its check digits hold.

    They refuse every digit put for another digit and every letter put for another letter: that moves the number by
    d × 10^k with 0 < d < 97, which 97 never divides. Of other damage about one in 97 passes.
    """
    plain = _BETWEEN.sub("", text)
    reference = plain.upper() if plain.isascii() else ""
    if not _REFERENCE.fullmatch(reference) or _number(reference[4:] + reference[:4]) % 97 != 1:
        return None
    return reference


def end_to_end(key: str) -> str:
    """The end-to-end id (ISO 20022: at most 35 characters) under which a payment of ours leaves the bank: `DY` and 20
    letters and digits that stand for `key`, to find it again on the statement."""
    return "DY" + base64.b32encode(hashlib.sha256(key.encode()).digest())[:20].decode()


def salted_hash(salt: str, *parts: str) -> str:
    """`sha256:<hex>` of personal data for the audit chain: without the salt nobody can guess back."""
    return "sha256:" + hmac.new(salt.encode(), canonical(list(parts)).encode(), hashlib.sha256).hexdigest()


def reply_token(salt: str, workflow_id: str) -> str:
    """12 hex digits that stand for a receivable in the address its customer answers to: `ar-{token}@…` names nobody."""
    return salted_hash(salt, workflow_id).removeprefix("sha256:")[:12]


def digest(tag: str, content: Any) -> str:
    """`sha256:<hex>` of JSON-like content under a version tag such as `duely/draft/1`. See `canonical`."""
    return "sha256:" + hashlib.sha256(f"{tag}\n{canonical(content)}".encode()).hexdigest()


def command_id(key: str, name: str, payload: Any) -> str:
    """The id of the Update that carries a command: the same for whoever repeats it under the same `key`, another for
    any other command. The key itself may say who wrote it, and an id is kept in clear."""
    return digest("duely/command/1", [key, name, payload])


def canonical(content: Any) -> str:
    """One spelling for equal content: sorted keys, no blanks, ASCII, ISO dates, 1.50 and 1.5 both `"1.5"`."""
    return json.dumps(_plain(content), sort_keys=True, separators=(",", ":"), allow_nan=False)


def plain_decimal(value: Decimal) -> str:
    """A finite decimal without exponent or trailing zeros: `1E+2` is `100`, `-0.0` is `0`."""
    return format(value.normalize(), "f") if value else "0"


_AS_IT_IS = frozenset({str, int, bool, type(None)})


def _plain(value: Any) -> Any:
    if type(value) in _AS_IT_IS:
        return value
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _number(text: str) -> int:
    """ISO 11649's reading of digits and capital letters: A is 10, Z is 35, one after the other."""
    return int("".join(str(_DIGITS_AND_LETTERS.index(c)) for c in text))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _base36(raw: bytes, length: int) -> str:
    number, digits = int.from_bytes(raw, "big"), ""
    for _ in range(length):
        number, digit = divmod(number, 36)
        digits += _DIGITS_AND_LETTERS[digit]
    return digits
