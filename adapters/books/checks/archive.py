"""Every archived document is there and is what its key says. Reads files, changes none."""

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
        try:
            archive.get(key)
        except (Conflict, NotFound, Unavailable) as error:
            yield Breach(5, row(t.Document, document), str(error))
