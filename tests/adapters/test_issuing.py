"""Numbers are taken inside the issuing transaction, whatever year it is and whatever fails."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books.engine import read
from adapters.books.verify import verify
from domain import ledger
from schemas import tables as t
from tests.story import START, Story


def issue(engine: Engine, reference: str, days: int = 0) -> None:
    story = Story(engine, "demo", reference)
    story.now = START + timedelta(days=days)
    story.start("globex", "100.00")
    story.command("approve", "ana")
    story.run(0)


def taken(engine: Engine) -> list[tuple[int, int]]:
    with read(engine) as session:
        query = select(t.NumberTaken.year, t.NumberTaken.n).where(t.NumberTaken.kind == "invoice")
        return list(session.exec(query.order_by(col(t.NumberTaken.year), col(t.NumberTaken.n))))


def test_each_year_begins_anew(seeded: Engine) -> None:
    for number, days in enumerate((0, 1, 365, 366)):
        issue(seeded, f"YEAR-{number}", days)
    assert taken(seeded) == [(2026, 1), (2026, 2), (2027, 1), (2027, 2)]
    assert verify(seeded) == []


def test_what_fails_while_issuing_leaves_no_gap(seeded: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is gone after the number was taken and before anything was posted."""
    issue(seeded, "FIRST")
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "invoice", _dies)
        with pytest.raises(SystemError):
            issue(seeded, "DIES")
    assert taken(seeded) == [(2026, 1)]
    issue(seeded, "SECOND")
    assert taken(seeded) == [(2026, 1), (2026, 2)]
    assert verify(seeded) == []


def _dies(*_: object) -> None:
    raise SystemError("died")
