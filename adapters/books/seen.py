"""What a transaction has read holds until it writes one of the tables it was read from: the books are read several
times in a step, and most of what a receivable hangs on has not changed in between. It lives and dies with one
transaction, which is alone with its seller or sees one snapshot, so nothing read goes stale behind its back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Engine, Executable, Row, TableClause, bindparam, event, inspect
from sqlalchemy.sql.visitors import ExternallyTraversible, iterate
from sqlmodel import Session, SQLModel, select

T = TypeVar("T", bound=SQLModel)
SEEN, _CONNECTION, ANY = "duely_seen", "duely_connection", "*"
MANY = 2_000
"""So many answers are remembered; a transaction that books a whole bank file begins anew."""
_Question = tuple[Any, ...]


@dataclass
class Seen:
    """`rows`: by question, how often its tables had been written and what it was answered then. `written`: how often
    each table was, and under `ANY` how often nobody could tell which."""

    rows: dict[_Question, tuple[int, Sequence[Row[Any]]]] = field(default_factory=dict)
    written: Counter[str] = field(default_factory=Counter)

    def stamp(self, tables: frozenset[str]) -> int:
        """Grows with every write to one of them."""
        return self.written[ANY] + sum(self.written[table] for table in tables)


def begin(session: Session, **options: Any) -> Connection:
    """Begins the session's transaction with nothing seen, and answers its connection."""
    connection = session.connection(execution_options={**options, SEEN: Seen()})
    session.info[_CONNECTION] = connection
    return connection


def connection(session: Session) -> Connection:
    """The session's own answer, without its asking itself every time what state it is in."""
    found: Connection | None = session.info.get(_CONNECTION)
    return found or session.connection()


def ask(session: Session, query: Any, named: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of a SELECT that was built once, its parameters among `named`. Rows, not objects: making objects of
    them costs more than reading them. What the session has not written yet of its tables is written before."""
    tables, names = _about(query)
    if _unwritten(session, tables):
        session.flush()
    own = connection(session)
    seen: Seen | None = own.get_execution_options().get(SEEN)
    if seen is None:
        return own.execute(query, named).all()
    question, stamp = (query, *(named[name] for name in names)), seen.stamp(tables)
    then, rows = seen.rows.get(question, (-1, ()))
    if then != stamp:
        rows = own.execute(query, named).all()
        if len(seen.rows) >= MANY:
            seen.rows.clear()
        seen.rows[question] = (stamp, rows)
    return rows


def find(session: Session, table: type[T], *key: object) -> T | None:
    """The object under a primary key, which may change: what `Session.get` answers, by a SELECT that was built once."""
    query, names = _by_key(table)
    found: T | None = session.exec(query, params=dict(zip(names, key, strict=True))).first()
    return found


@cache
def _by_key(table: type[Any]) -> tuple[Any, tuple[str, ...]]:
    columns = inspect(table).primary_key
    names = tuple(column.key for column in columns)
    return select(table).where(*(column == bindparam(column.key) for column in columns)), names


def _unwritten(session: Session, tables: frozenset[str]) -> bool:
    return any(each.__tablename__ in tables for some in (session.new, session.dirty, session.deleted) for each in some)


@cache
def _about(query: ExternallyTraversible) -> tuple[frozenset[str], tuple[str, ...]]:
    """The tables it reads and the parameters it takes."""
    parts = list(iterate(query))
    tables = frozenset(part.name for part in parts if isinstance(part, TableClause))
    return tables, tuple(sorted({part.key for part in parts if isinstance(part, BindParameter) and part.required}))


def watch(engine: Engine) -> None:
    """Has every write through `engine` be noticed by its transaction."""
    event.listen(engine, "before_execute", _executes)
    event.listen(engine, "rollback_savepoint", _rolls_back)


def _executes(connection: Connection, statement: Executable, *_: object) -> None:
    seen: Seen | None = connection.get_execution_options().get(SEEN)
    if seen is not None and not statement.is_select:
        seen.written[getattr(getattr(statement, "table", None), "name", ANY)] += 1


def _rolls_back(connection: Connection, *_: object) -> None:
    seen: Seen | None = connection.get_execution_options().get(SEEN)
    if seen is not None:
        seen.written[ANY] += 1
