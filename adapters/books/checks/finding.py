"""What a check answers, and how it reads: row by row, never a table at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, SQLModel

CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Breach:
    """`invariant` by its number in DESIGN, section 5; `row` is the table and the key, as in `postings demo/17/0`."""

    invariant: int
    row: str
    text: str

    def __str__(self) -> str:
        return f"I{self.invariant} {self.row}: {self.text}"


Check = Callable[[Session], Iterator[Breach]]


def pick(*columns: Any) -> Select[Any]:
    """SQLAlchemy's `select`, for columns as SQLModel types them."""
    return select(*columns)


def stream(session: Session, query: Select[Any], chunk: int = CHUNK) -> Generator[Any, None, None]:
    """The rows, as many in memory as are fetched at once. Whoever may stop before the last one closes it."""
    found = session.execute(query.execution_options(yield_per=chunk))
    try:
        yield from found
    finally:
        found.close()


def row(table: type[SQLModel], *key: object) -> str:
    """How a row is named in a finding."""
    return f"{table.__tablename__} {'/'.join(map(str, key))}"
