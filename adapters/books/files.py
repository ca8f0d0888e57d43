"""Files that people and programs hand in to be attached or printed: the bytes lie in the archive, a row says that they
do. What a request attaches must be here before a draft names it, so that no number is taken for a document that cannot
be made."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session

from adapters.books.engine import add_once
from adapters.documents.archive import Archive
from domain.errors import Problem
from schemas import tables as t
from schemas.request import Request

MOST_BYTES: Final = 10_000_000
"""Of all attachments of one invoice: mail servers refuse more."""


def keep(engine: Engine, archive: Archive, data: bytes, suffix: str, now: datetime) -> str:
    """The key of the file, stored and known. The same content again is the same file."""
    key = archive.put(data, suffix)
    add_once(engine, t.File(key=key, suffix=suffix, size=len(data), stored_at=now))
    return key


def problems(session: Session, request: Request) -> list[Problem]:
    """What is wrong with the attachments of a request and the document it takes over, at their paths."""
    found, size = [], 0
    for position, wanted in enumerate(request.attachments):
        file = session.get(t.File, wanted.file)
        if file is None:
            told = f"there is no file {wanted.file}; hand it in with POST /v1/files, which answers its key"
            found.append(Problem(f"attachments[{position}].file", told))
        else:
            size += file.size
    if request.adopt is not None and request.adopt.document is not None:
        document = session.get(t.File, request.adopt.document)
        if document is None or document.suffix != "pdf":
            told = f"{request.adopt.document} is no PDF that was handed in; POST /v1/files takes it and answers its key"
            found.append(Problem("adopt.document", told))
    if size > MOST_BYTES:
        found.append(Problem("attachments", f"come to {size:,} bytes; at most {MOST_BYTES:,} can be mailed"))
    return found
