"""What a transaction remembers of what it read is what it would read again, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, col, delete, update

from adapters.books import queries, seen
from adapters.books.engine import open_engine, write
from adapters.books.seen import Seen, ask
from schemas.tables import Stop
from tests.conftest import SEEDED_AT, Databases, seed_demo
from tests.story import tell


class Proving(dict[Any, Any]):
    """Asks again what a transaction remembers, and compares."""

    compared = 0

    def get(self, key: Any, default: Any = None) -> Any:
        return default

    def __setitem__(self, key: Any, found: Any) -> None:
        stamp, rows = found
        if key in self and self[key][0] == stamp:
            assert rows == self[key][1], f"stale: {key}"
            type(self).compared += 1
        super().__setitem__(key, found)


def test_every_step_of_a_book_of_all_kinds_remembers_the_truth(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "Seen", lambda: Seen(rows=Proving()))
    monkeypatch.setattr(Proving, "compared", 0)
    url = databases.copy(seed_demo)
    engine = open_engine(url)
    tell(engine)
    engine.dispose()
    databases.remove(url)
    assert Proving.compared > 200


def _by_object(session: Session) -> None:
    session.add(_stop())
    session.flush()


def _by_statement(session: Session) -> None:
    session.exec(update(Stop).where(col(Stop.lifted_at).is_(None)).values(lifted_at=SEEDED_AT))


def _by_deletion(session: Session) -> None:
    session.exec(delete(Stop))


def _by_hand(session: Session) -> None:
    session.execute(text("UPDATE stops SET reason = 'by hand'"))


def _and_back(session: Session) -> None:
    point = session.begin_nested()
    session.exec(delete(Stop))
    assert stops(session) == []
    point.rollback()


def _stop() -> Stop:
    return Stop(seller="*", by="ben", reason="flood", since=SEEDED_AT)


def stops(session: Session) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in ask(session, queries.STOPS, {"seller": "demo", "customer": "globex"})]


@pytest.mark.parametrize("change", [_by_object, _by_statement, _by_deletion, _by_hand])
def test_whatever_writes_is_seen(seeded: Engine, change: Callable[[Session], None]) -> None:
    with write(seeded, "demo") as session:
        session.add(_stop())
        before = stops(session)
        assert len(before) == 1
        change(session)
        assert stops(session) != before


def test_what_was_undone_is_seen(seeded: Engine) -> None:
    with write(seeded, "demo") as session:
        session.add(_stop())
        before = stops(session)
        _and_back(session)
        assert stops(session) == before


def test_what_nobody_touched_is_asked_once(seeded: Engine) -> None:
    with write(seeded, "demo") as session:
        first = ask(session, queries.STOPS, {"seller": "demo", "customer": "globex"})
        assert ask(session, queries.STOPS, {"seller": "demo", "customer": "globex"}) is first
        assert ask(session, queries.STOPS, {"seller": "demo", "customer": "initech"}) is not first
    with write(seeded, "demo") as session:
        session.add(_stop())
    with write(seeded, "demo") as session:
        assert len(stops(session)) == 1, "the next transaction reads anew"
