"""Opens the database and hands out transactions: SQLite for one host, Postgres for several. It knows no table but the
seller's row, which every writing transaction locks first, and it never migrates (`adapters/books/migrate.py`).

What a repeat can help (locked, gone, full, a lost race) becomes `Unavailable`, without SQL or data in its text:
activity errors are kept in Temporal's history. Every other database error is a defect and passes through unchanged.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, select

from adapters.books import seen
from domain.errors import Invalid, NotFound, Unavailable
from schemas.tables import Seller

BUSY_MS = 5_000
_EVERYTHING = 0x44_75_65_6C_79  # "Duely": advisory lock that a write without a seller takes alone
_WRITES, _TURN = "duely_writes", "duely_turn"
_LOCKED = select(Seller).where(col(Seller.key) == bindparam("seller")).with_for_update()
_NO_TABLES = "the database has no tables, or older ones: run `duely init`"


def open_engine(url: str) -> Engine:
    """`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`. Connects at first use; Invalid for another form.
    A pool that threads share; `dispose()` closes it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # the latter quotes what it takes for the port
        raise _unknown() from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database not in (None, "", ":memory:"):
            return _sqlite(parsed)
        case "postgresql" | "postgres":
            return _postgres(parsed)
    raise _unknown()


def memory_engine() -> Engine:
    """Books in this process's memory, empty, for one thread at a time and one transaction at a time, so neither `read`
    nor `write` inside another: what plays many lives and keeps none. `dispose()` forgets them."""
    engine = create_engine(
        "sqlite://", connect_args=_CONNECT, execution_options={_TURN: threading.Lock()}, poolclass=StaticPool
    )
    return _prepared(engine)


@contextmanager
def write(engine: Engine, seller: str | None) -> Iterator[Session]:
    """One transaction that is alone with `seller`, or alone with everything (None). Commits at the end, rolls back on
    any exception. NotFound for an unknown seller; Unavailable when a repeat can help.

    The lock comes before the first look: what another transaction of this seller committed is seen, what comes later
    waits. Objects stay readable after the commit.
    """
    with _writing(engine, alone=seller is None) as session:
        locked = session.exec(_LOCKED, params={"seller": seller}).first() if seller is not None else None
        if seller is not None and locked is None:
            raise NotFound(f"there is no seller {seller}")
        yield session  # which knows the seller as long as `locked` does


def add_once(engine: Engine, row: SQLModel) -> None:
    """Stores a row that belongs to no seller, in a transaction of its own; what stands under its key already stays.
    It is alone with nobody: whoever asks to be alone with everything waits for the longest transaction of any seller,
    and all others behind it."""
    from sqlalchemy.dialects import postgresql, sqlite  # late: most processes speak to one of them

    insert: Any = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    with _writing(engine, alone=False) as session:
        session.execute(insert(type(row)).values(row.model_dump()).on_conflict_do_nothing())


@contextmanager
def _writing(engine: Engine, *, alone: bool) -> Iterator[Session]:
    with _translated(), _turn(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        connection = seen.begin(session, **{_WRITES: True})
        if connection.dialect.name == "postgresql":
            shared = "" if alone else "_shared"
            connection.execute(text(f"SELECT pg_advisory_xact_lock{shared}(:key)"), {"key": _EVERYTHING})
        yield session


@contextmanager
def read(engine: Engine) -> Iterator[Session]:
    """One consistent snapshot that refuses to write. Unavailable when a repeat can help."""
    postgres = engine.dialect.name == "postgresql"
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if postgres else {}
    with _translated(), Session(engine, expire_on_commit=False) as session, session.begin():
        seen.begin(session, **options)
        yield session


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """SQLite lets writers that wait poll with growing naps: with many threads most time is slept and some give up.
    So the threads of one process queue here, and only processes meet in the database."""
    turn: threading.Lock | None = engine.get_execution_options().get(_TURN)
    if turn is None:
        yield
        return
    if not turn.acquire(timeout=BUSY_MS / 1000):
        raise Unavailable("the database is locked")
    try:
        yield
    finally:
        turn.release()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolTimeout:
        raise Unavailable("every database connection is in use") from None
    except DBAPIError as error:
        told = _reason(error)
        if told is None:
            raise
        raise Unavailable(told) from None


def _reason(error: DBAPIError) -> str | None:
    """What to tell when a repeat can help, else None."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _sqlite_reason(cause)
    state = getattr(cause, "sqlstate", None)
    if error.connection_invalidated or (state is None and type(cause).__name__ == "OperationalError"):
        return "the database does not answer"
    for prefix, told in _POSTGRES:
        if state is not None and state.startswith(prefix):
            return told
    return None


_POSTGRES = (
    ("40", "another transaction was in the way"),  # serialization failure, deadlock
    ("55P03", "another transaction holds the lock"),
    ("53100", "the database's disk is full"),
    ("53", "the database is out of resources"),
    ("08", "the database does not answer"),
    ("57", "the database is stopping or starting"),
    ("58", "the database's disk fails"),
    ("25P03", "the transaction took too long"),
    ("28", "the database refuses the user"),
    ("3D000", "the database does not exist"),
    ("42P01", _NO_TABLES),
    ("42703", _NO_TABLES),
)
"""SQLSTATE prefixes (PostgreSQL manual, appendix A), the longer before the shorter."""

_SQLITE = (
    (("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"), "the database is locked"),
    (("SQLITE_FULL",), "the database's disk is full"),
    (("SQLITE_IOERR", "SQLITE_CANTOPEN"), "the database file cannot be read or written"),
)


def _sqlite_reason(cause: sqlite3.Error) -> str | None:
    name = getattr(cause, "sqlite_errorname", "")
    for prefixes, told in _SQLITE:
        if name.startswith(prefixes):
            return told
    return _NO_TABLES if str(cause).startswith(("no such table", "no such column")) else None


_CONNECT: dict[str, Any] = {"isolation_level": None, "check_same_thread": False, "cached_statements": 1000}
"""The driver's own BEGIN comes late and is never IMMEDIATE; with None it leaves transactions to `_begin`. A life uses
more statements than the driver keeps by default, and preparing one anew costs more than running it."""


def _sqlite(url: URL) -> Engine:
    assert url.database is not None
    folder = Path(url.database).absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"the database's folder {folder} cannot be made: {error.strerror}") from None
    engine = create_engine(
        url.set(drivername="sqlite"),
        connect_args={"timeout": BUSY_MS / 1000, **_CONNECT},
        execution_options={_TURN: threading.Lock()},
        hide_parameters=True,  # an error's text travels to logs and histories; values are people's data
        pool_size=16,
        max_overflow=48,
        pool_timeout=30,
    )
    return _prepared(engine)


def _prepared(engine: Engine) -> Engine:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    seen.watch(engine)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """A write takes the lock at once: a reader that turns writer would fail without waiting when it lost the race."""
    writes = bool(connection.get_execution_options().get(_WRITES))
    if connection.info.get(_WRITES) is not writes:  # it stays with the connection, whatever becomes of transactions
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.info[_WRITES] = writes
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(url: URL) -> Engine:
    import psycopg  # late: who keeps books in SQLite does not pay for it
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo("", **{name: str(value) for name, value in url.query.items()})
    except psycopg.Error:
        raise _unknown() from None
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": 5,
            "options": f"-c lock_timeout={BUSY_MS} -c idle_in_transaction_session_timeout=60s -c timezone=UTC",
        },
        pool_size=16,
        max_overflow=16,
        pool_timeout=30,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    seen.watch(engine)
    return engine


def _unknown() -> Invalid:
    return Invalid.at(
        "database_url", "use sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME; in a password / is %2F"
    )
