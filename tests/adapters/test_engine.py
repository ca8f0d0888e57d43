"""Transactions on both databases: alone with a seller, one snapshot a read, and retryable troubles told apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from adapters.books import api_keys, files
from adapters.books import engine as engine_module
from adapters.books.engine import add_once, memory_engine, open_engine, read, write
from adapters.books.migrate import upgrade_opened
from adapters.books.provider import handled
from adapters.documents.archive import Archive
from domain.errors import Invalid, NotFound, Unavailable
from schemas.incoming import EventHint
from schemas.tables import File, ProviderEvent, Seller

NOW = datetime(2026, 1, 7, 9, tzinfo=UTC)

BERLIN: dict[str, Any] = {
    "country": "DE",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "policy": "standard",
    "salt": "s" * 16,
}


@pytest.fixture
def two(engine: Engine) -> Engine:
    with write(engine, None) as session:
        session.add_all([Seller(key="one", **BERLIN), Seller(key="two", **BERLIN)])
    return engine


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, two: Engine) -> Iterator[Engine]:
    """Another process's engine on the same database that waits 100 ms for a lock."""
    monkeypatch.setattr(engine_module, "BUSY_MS", 100)
    with opened(two.url) as engine:
        yield engine


@contextmanager
def opened(url: URL) -> Iterator[Engine]:
    engine = open_engine(url.render_as_string(hide_password=False))
    try:
        yield engine
    finally:
        engine.dispose()


def sequence(engine: Engine, key: str = "one") -> int:
    with read(engine) as session:
        return session.get_one(Seller, key).audit_seq


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://host/name", "books.db"])
def test_other_urls_are_refused_with_the_form_to_use(url: str) -> None:
    with pytest.raises(Invalid, match="sqlite:///FILE or postgresql://"):
        open_engine(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgres_means_psycopg_3(scheme: str) -> None:
    assert open_engine(f"{scheme}://u@h/n").url.drivername == "postgresql+psycopg"


def test_sqlite_makes_its_folder_and_is_durable_enough(tmp_path: Path) -> None:
    with opened(make_url(f"sqlite:///{tmp_path}/deep/er/books.db")) as engine, read(engine) as session:
        ask = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in
               ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")}  # fmt: skip
    assert ask == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}


def test_a_write_commits_and_its_objects_stay_readable(two: Engine) -> None:
    with write(two, "one") as session:
        seller = session.get_one(Seller, "one")
        seller.audit_seq = 7
    assert seller.audit_seq == sequence(two) == 7


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt])
def test_any_exception_undoes_the_write(two: Engine, trouble: type[BaseException]) -> None:
    def fail(session: Session) -> None:
        session.get_one(Seller, "one").audit_seq = 7
        session.flush()
        raise trouble

    with pytest.raises(trouble), write(two, "one") as session:
        fail(session)
    assert sequence(two) == 0


def test_a_write_for_nobody_is_refused(two: Engine) -> None:
    with pytest.raises(NotFound, match="three"), write(two, "three"):
        pass


def test_concurrent_writers_of_one_seller_lose_nothing(two: Engine) -> None:
    def count(engine: Engine) -> None:
        for _ in range(20):
            with write(engine, "one") as session:
                session.get_one(Seller, "one").audit_seq += 1

    with opened(two.url) as other, ThreadPoolExecutor(8) as pool:
        list(pool.map(count, [two, other] * 4))
    assert sequence(two) == 8 * 20


@pytest.mark.parametrize(("holds", "wants"), [("one", "one"), ("one", None), (None, "one"), (None, None)])
def test_a_writer_is_alone_with_what_it_named(
    two: Engine, impatient: Engine, holds: str | None, wants: str | None
) -> None:
    with write(two, holds), pytest.raises(Unavailable, match="lock"), write(impatient, wants):
        pass
    with write(impatient, wants):
        pass


def test_two_sellers_write_at_the_same_time_where_the_database_can(two: Engine, impatient: Engine) -> None:
    if two.dialect.name == "sqlite":
        with write(two, "one"), pytest.raises(Unavailable), write(impatient, "two"):
            pass
    else:
        with write(two, "one"), write(impatient, "two") as session:
            session.get_one(Seller, "two").audit_seq = 3
        assert sequence(two, "two") == 3


def _event(engine: Engine, _: Path) -> None:
    handled(engine, EventHint(provider="stripe", id="evt_1", type="charge.updated", object="ch_1"), "ignored", NOW)


def _file(engine: Engine, archive: Path) -> None:
    files.keep(engine, Archive(archive), b"hours", "txt", NOW)


def _refusal(engine: Engine, _: Path) -> None:
    caller = api_keys.Caller(id="k", by="crm", machine=True, scopes=frozenset(), seller=None)
    for seller in ("two", "nobody", None):
        api_keys.refused(engine, caller, seller, "POST /v1/files", "no scope", NOW)


@pytest.mark.parametrize("write_down", [_event, _file, _refusal])
def test_what_concerns_no_seller_waits_for_none(
    two: Engine, impatient: Engine, tmp_path: Path, write_down: Callable[[Engine, Path], None]
) -> None:
    if two.dialect.name == "postgresql":
        with write(two, "one"):
            write_down(impatient, tmp_path)
    write_down(impatient, tmp_path)


def test_a_row_of_no_seller_is_kept_as_whoever_came_first_wrote_it(two: Engine) -> None:
    def add(outcome: str) -> None:
        add_once(two, ProviderEvent(provider="p", id="e", type="", object_id="", outcome=outcome, handled_at=NOW))

    add("first")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, map(str, range(8))))
    with read(two) as session:
        kept = session.exec(select(ProviderEvent)).one()
    assert (kept.outcome, kept.handled_at) == ("first", NOW)
    with pytest.raises(IntegrityError):
        add_once(two, File(key="k", suffix="txt", size=0, stored_at=NOW))


def test_threads_of_one_process_queue_instead_of_polling(two: Engine) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with write(two, "one"):
            entered.set()
            leave.wait(10)

    def bump(_: int) -> None:
        with write(two, "one") as session:
            session.get_one(Seller, "one").audit_seq += 1

    with ThreadPoolExecutor(21) as pool:
        held = pool.submit(hold)
        assert entered.wait(10)
        waiting = [pool.submit(bump, n) for n in range(20)]
        leave.set()
        held.result(10)
        for one in waiting:
            one.result(10)
    assert sequence(two) == 20


def test_a_read_sees_one_moment_and_does_not_hold_writers_up(two: Engine) -> None:
    with read(two) as session:
        before = session.exec(select(Seller.audit_seq).where(Seller.key == "one")).one()
        with write(two, "one") as other:
            other.get_one(Seller, "one").audit_seq = 7
        after = session.exec(select(Seller.audit_seq).where(Seller.key == "one")).one()
    assert (before, after) == (0, 0)
    assert sequence(two) == 7


def test_a_read_cannot_write(two: Engine) -> None:
    with pytest.raises(DBAPIError, match=r"read.?only"), read(two) as session:
        session.execute(text("UPDATE sellers SET audit_seq = 7"))
    with write(two, "one") as session:  # the same connection may write again
        session.get_one(Seller, "one").audit_seq = 1
    assert sequence(two) == 1


def test_a_broken_rule_is_a_defect_and_passes_through(two: Engine) -> None:
    with pytest.raises(IntegrityError), write(two, None) as session:
        session.add(Seller(key="one", **BERLIN))


def test_a_database_without_tables_says_what_to_run(empty_url: str) -> None:
    with opened(make_url(empty_url)) as engine:
        with pytest.raises(Unavailable, match="duely init"), write(engine, "one"):
            pass
        with pytest.raises(Unavailable, match="duely init"), read(engine) as session:
            session.exec(select(Seller)).all()


def _full_disk(engine: Engine) -> None:
    with write(engine, "one") as session:
        connection = session.connection()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        session.get_one(Seller, "one").profile = {"secret name": "x" * 100_000}


def _unreadable_file(engine: Engine) -> None:
    engine.dispose()
    file = Path(engine.url.database or "")
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    file.unlink()
    file.mkdir()
    try:
        sequence(engine)
    finally:
        file.rmdir()
        file.touch()


def _killed_connection(engine: Engine) -> None:
    with opened(engine.url) as other, write(engine, "one") as session, other.connect() as admin:
        own = session.execute(text("SELECT pg_backend_pid()")).scalar()
        admin.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        session.get_one(Seller, "one").profile = {"secret name": "x"}


def _deadlock_or_lost_race(engine: Engine) -> None:
    with write(engine, "one") as session:
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'secret name' USING ERRCODE = '40001'; END $$"))


def _out_of_disk(engine: Engine) -> None:
    with write(engine, "one") as session:
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'secret name' USING ERRCODE = '53100'; END $$"))


def _nobody_listens(engine: Engine) -> None:
    with opened(engine.url.set(port=1)) as other:
        sequence(other)


def _no_such_database(engine: Engine) -> None:
    with opened(engine.url.set(database="secret name")) as other:
        sequence(other)


TROUBLES: dict[str, list[tuple[Callable[[Engine], None], str]]] = {
    "sqlite": [(_full_disk, "full"), (_unreadable_file, "cannot be read")],
    "postgresql": [
        (_killed_connection, "stopping|not answer"),
        (_deadlock_or_lost_race, "in the way"),
        (_out_of_disk, "full"),
        (_nobody_listens, "not answer"),
        (_no_such_database, "does not exist|not answer"),
    ],
}


def test_what_a_repeat_can_help_is_unavailable_and_tells_no_data(two: Engine) -> None:
    for cause, told in TROUBLES[two.dialect.name]:
        with pytest.raises(Unavailable, match=told) as caught:
            cause(two)
        assert "secret" not in str(caught.value), cause
        assert "SELECT" not in str(caught.value), cause
        assert caught.value.__cause__ is None, cause


def test_connections_that_died_meanwhile_are_replaced(two: Engine) -> None:
    assert sequence(two) == 0
    if two.dialect.name == "postgresql":  # a file has no connections to lose
        with opened(two.url) as other, other.connect() as admin:
            admin.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    assert sequence(two) == 0


def _undone(engine: Engine) -> None:
    with write(engine, "one") as session:
        session.get_one(Seller, "one").audit_seq = 8
        session.flush()
        raise ValueError("undone")


def test_books_in_memory_are_those_of_a_file() -> None:
    """The same tables and the same rules, and two of them have nothing in common."""
    engine, other = memory_engine(), memory_engine()
    upgrade_opened(engine)
    with write(engine, None) as session:
        session.add(Seller(key="one", **BERLIN))
    with write(engine, "one") as session:
        session.get_one(Seller, "one").audit_seq = 7
    with pytest.raises(ValueError, match="undone"):
        _undone(engine)
    assert sequence(engine) == 7
    with pytest.raises(DBAPIError, match="readonly"), read(engine) as session:
        session.execute(text("UPDATE sellers SET audit_seq = 9"))
    with pytest.raises(IntegrityError, match="FOREIGN KEY"), write(engine, "one") as session:
        session.execute(text("INSERT INTO legal_holds (seller, by, reason, at) VALUES ('none', '', '', '')"))
    with pytest.raises(Unavailable, match="duely init"), read(other) as session:
        session.exec(select(Seller)).all()
    engine.dispose()
    other.dispose()
