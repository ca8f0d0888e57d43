"""Every archived document, attachment and statement file is there and is what its key says. Reads files, changes
none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlmodel import Session

from adapters.books.checks.finding import Breach
from adapters.books.filed import references
from adapters.documents.archive import Archive
from domain.errors import Conflict, NotFound, Unavailable


def files_are_whole(session: Session, folder: Path) -> Iterator[Breach]:
    archive = Archive(folder)
    for found in references(session):
        try:
            archive.get(found.key)
        except (Conflict, NotFound, Unavailable) as error:
            yield Breach(8 if found.invoice is None else 5, found.row, str(error))
