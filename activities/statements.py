"""Bank files: read from the archive, kept, booked. Thin; whatever is wrong with a file is an answer, no accident."""

from __future__ import annotations

import threading

from sqlalchemy import Engine
from temporalio import activity

from activities.beats import heartbeats
from activities.receivable import mapped
from adapters import statements as files
from adapters.books import statements as books
from adapters.books.open_items import Known
from adapters.documents.archive import Archive
from adapters.statements.columns import ColumnMap
from domain.errors import Conflict, Invalid, NotFound, Problem
from domain.statements import Statement
from schemas.incoming import Booked, FileHint, FileStep

FORMATS = {"camt.053": "camt", "mt940": "mt940", "csv": "csv"}


class Statements:
    """Keeps the last matcher between the parts of a file: making one for many open receivables takes a second."""

    def __init__(self, engine: Engine, archive: Archive) -> None:
        self._engine, self._archive = engine, archive
        self._known: Known | None = None
        self._lock = threading.Lock()

    @activity.defn(name="read_statement", no_thread_cancel_exception=True)
    def read(self, step: FileStep) -> Booked:
        with mapped(), heartbeats():
            try:
                return books.receive(self._engine, step.hint, self._told(step.hint), step.now)
            except Invalid as error:
                problems = error.problems
            except (NotFound, Conflict) as error:
                problems = (Problem("object", str(error)),)
            return books.refuse(self._engine, step.hint, problems, step.now)

    @activity.defn(name="book_statement", no_thread_cancel_exception=True)
    def book(self, step: FileStep) -> Booked:
        with mapped(), heartbeats():
            with self._lock:  # after a transaction that failed it would be ahead of the books: nobody else has it
                known, self._known = self._known, None
            said, self._known = books.book(self._engine, step, known)
            return said

    def _told(self, hint: FileHint) -> list[Statement]:
        data = self._archive.get(hint.object)
        try:
            columns = ColumnMap.parse(hint.columns) if hint.columns else None
            return files.read(data, FORMATS[hint.format], columns)
        except Invalid:
            raise
        except Exception as error:  # noqa: BLE001 a file that breaks a parser is refused; repeating it would help nobody
            raise Invalid.at("file", f"cannot be read ({type(error).__name__}); ask the bank for another") from None
