"""Every archived document and statement file is there and is what its key says. Reads files, changes none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from adapters.documents.archive import Archive
from domain.errors import Conflict, NotFound, Unavailable
from schemas import tables as t


def files_are_whole(session: Session, folder: Path) -> Iterator[Breach]:
    archive = Archive(folder)
    query = pick(t.Document.id, t.Document.object_key).where(col(t.Document.object_key).is_not(None))
    for document, key in stream(session, query):
        if wrong := _wrong(archive, key):
            yield Breach(5, row(t.Document, document), wrong)
    files = pick(t.BankFile.seller, t.BankFile.id, t.BankFile.object_key)
    for seller, id_, key in stream(session, files):
        if wrong := _wrong(archive, key):
            yield Breach(8, row(t.BankFile, seller, id_), wrong)


def _wrong(archive: Archive, key: str) -> str:
    try:
        archive.get(key)
    except (Conflict, NotFound, Unavailable) as error:
        return str(error)
    return ""
