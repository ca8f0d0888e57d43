"""The files that travel inside a document's PDF (BG-24): what they are called there and what they are. Names are made
safe and unlike each other; the content is taken as it is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from adapters import formats
from adapters.documents.splice import XML_NAME, Embedded
from domain.einvoice import EInvoice
from domain.errors import NotFound

_MIME = MappingProxyType(
    {
        "pdf": "application/pdf",
        "png": "image/png",
        "jpg": "image/jpeg",
        "jpeg": "image/jpeg",
        "csv": "text/csv",
        "txt": "text/plain",
        "xml": "text/xml",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ods": "application/vnd.oasis.opendocument.spreadsheet",
    }
)
"""By ending: the types of EN 16931 (BT-125-1), and what else is uploaded. A machine's own table would differ."""


def embedded(document: EInvoice, files: Mapping[str, bytes]) -> list[Embedded]:
    """`document.attachments` with their content from `files`. NotFound when one is not there."""
    found: list[Embedded] = []
    taken = {XML_NAME}
    for attachment in document.attachments:
        if attachment.file not in files:
            raise NotFound(f"attachments: {attachment.name!r} needs the content of {attachment.file}")
        name = _unlike(_safe(attachment.name), taken)
        taken.add(name.casefold())
        found.append(Embedded(name, _mime(name), files[attachment.file]))
    return found


def _safe(name: str) -> str:
    """A file name and no path (a reader may write it to disk)."""
    return formats.clean(name.replace("\\", "/").rpartition("/")[2]).lstrip(".") or "attachment"


def _unlike(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    tries = (f"{stem or ending} ({number}){dot if stem else ''}{ending if stem else ''}" for number in range(2, 10_000))
    return next(each for each in (name, *tries) if each.casefold() not in taken)


def _mime(name: str) -> str:
    return _MIME.get(name.rpartition(".")[2].lower(), "application/octet-stream")
