"""How far a provider is read, and who waited for it: a page at a time, over the sellers that name it as a source."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import reconciling
from adapters.books.engine import read, write
from schemas import tables as t
from tests.story import Story


def waits(engine: Engine, seller: str, reference: str) -> str:
    """A receivable whose reminder waits until the provider is read; its id."""
    story = Story(engine, seller, reference)
    story.start("globex", "100.00")
    story.run(0)
    story.command("approve", "ana")
    story.run(35)
    return story.id


def test_who_waited_is_told_page_by_page_and_each_source_is_read_once(
    seeded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "PAGE", 2)
    with write(seeded, None) as session:
        for key in ("clock01", "clock02", "demo"):
            session.get_one(t.Seller, key).sources = ["stripe"]
    waiting = [waits(seeded, seller, reference) for seller, reference in
               (("clock01", "A"), ("clock01", "B"), ("clock01", "C"), ("demo", "A"), ("demo", "B"))]  # fmt: skip
    now = Story(seeded, "demo", "A").now
    pages, after = [], ""
    while page := reconciling.read_through(seeded, "stripe", now, after):
        pages.append(page)
        after = page[-1]
    assert pages == [waiting[:2], waiting[2:4], waiting[4:]]
    with read(seeded) as session:
        told = session.exec(select(t.AuditEntry.seller).where(t.AuditEntry.type == "source.read")).all()
    assert sorted(told) == ["clock01", "clock02", "demo"]
