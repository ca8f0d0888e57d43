"""SendGrid's Inbound Parse: a form that carries a mail, whole (`email`, when "POST the raw, full MIME message" is on)
or in pieces that are put together again. Bytes stay bytes: a mail says itself how it is encoded. It trusts nothing:
what the form says of SPF and DKIM is kept as evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import HeaderParser
from io import BytesIO
from typing import Any

import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File

from adapters.formats import clean
from domain.errors import Invalid

MOST_FIELDS = 200
_MEDIA = re.compile(r"[a-z]{1,20}/[a-z0-9.+-]{1,80}")


@dataclass(frozen=True, slots=True)
class Posted:
    """`raw` is the mail; `recipients` those of its envelope; `proof` what SendGrid found of its sender."""

    raw: bytes
    recipients: tuple[str, ...]
    proof: str


def read(content_type: str, body: bytes) -> Posted:
    """Invalid for what is no such form."""
    fields, files = _form(content_type, body)
    envelope = _json(fields.get("envelope", b"{}"))
    named = envelope.get("to") if isinstance(envelope, dict) else None
    to = named if isinstance(named, list) else []
    proof = "; ".join(f"{name} {_text(fields[name])}" for name in ("SPF", "dkim") if fields.get(name))
    raw = fields.get("email") or _assembled(fields, files)
    return Posted(raw, tuple(str(each) for each in to if isinstance(each, str))[:100], proof)


def _form(content_type: str, body: bytes) -> tuple[dict[str, bytes], list[tuple[str, bytes]]]:
    fields: dict[str, bytes] = {}
    files: list[tuple[str, bytes]] = []

    def field(found: Field) -> None:
        if len(fields) + len(files) >= MOST_FIELDS:
            raise Invalid.at("", f"has more than {MOST_FIELDS} fields")
        fields.setdefault((found.field_name or b"").decode("utf-8", "replace"), found.value or b"")

    def file(found: File) -> None:
        if len(fields) + len(files) >= MOST_FIELDS:
            raise Invalid.at("", f"has more than {MOST_FIELDS} fields")
        found.file_object.seek(0)
        name = (found.file_name or b"").decode("utf-8", "replace")
        files.append((clean(name)[:200], found.file_object.read()))
        found.close()

    headers = {"Content-Type": content_type.encode("latin-1", "replace")}
    try:
        python_multipart.parse_form(headers, BytesIO(body), field, file)
    except (FormParserError, ValueError) as error:
        raise Invalid.at("", f"is no form: {error}"[:200]) from None
    return fields, files


def _assembled(fields: Mapping[str, bytes], files: list[tuple[str, bytes]]) -> bytes:
    """The mail as it was, but for how its parts were laid: its own headers, its texts, its attachments."""
    charsets = _json(fields.get("charsets", b"{}"))
    charsets = charsets if isinstance(charsets, dict) else {}
    if not fields.get("headers"):
        raise Invalid.at("headers", "is missing: turn on the raw mail, or send headers, text and html")
    text, html = (_text(fields.get(name, b""), str(charsets.get(name, "utf-8"))) for name in ("text", "html"))
    words = MIMEMultipart("alternative")
    for subtype, content in (("plain", text), ("html", html)):
        if content:
            words.attach(MIMEText(content.encode("utf-8", "replace").decode("utf-8"), subtype, "utf-8"))
    mail = MIMEMultipart("mixed", _subparts=[words])
    for name, data in files:
        mail.attach(MIMEApplication(data, name=name or "attachment"))
    for name, value in HeaderParser().parsestr(_text(fields["headers"])).items():
        if not name.lower().startswith(("content-", "mime-version")) and name.isascii():
            mail[name] = clean(str(value))
    return mail.as_bytes()


def _text(data: bytes, charset: str = "utf-8") -> str:
    try:
        return data.decode(charset, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
