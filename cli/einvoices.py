"""E-invoices as input of `start`: bills of ours that another system wrote, in CII or UBL, alone or inside a PDF. A
credit note among them starts nothing; what to type instead is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.reading import Found
from domain.errors import Invalid, NotFound, Problem

if TYPE_CHECKING:
    from sqlalchemy import Engine

SUFFIXES = (".xml", ".pdf")


def reader(engine: Engine, seller: str | None, reference: str | None) -> Callable[[Path], Found]:
    """Makes one request of one file. `seller` is whose bills they are; `reference` stands for their own number."""
    from adapters.books.facts import seller_known
    from adapters.einvoices import MAX_BYTES, read
    from adapters.einvoices.asking import Credit, asked

    def found(path: Path) -> Found:
        name = str(path)
        if seller is None:
            return _wrong(name, Problem("seller", "is not in an e-invoice; say whose bill it is with --seller KEY"))
        try:
            facts = seller_known(engine, seller)
            with path.open("rb") as file:
                body = asked(read(file.read(MAX_BYTES + 1), path.name), facts, reference)
        except Invalid as error:
            return _wrong(name, *error.problems)
        except NotFound as error:
            return _wrong(name, Problem("seller", str(error)))
        except OSError as error:
            return _wrong(name, Problem("", f"cannot be read: {error.strerror}"))
        if isinstance(body, Credit):
            return _wrong(name, Problem("", f"is a credit note, which a person decides on: {body.command}"))
        return Found(name, 0, body)

    return found


def _wrong(name: str, *problems: Problem) -> Found:
    return Found(name, 0, problems=problems)
