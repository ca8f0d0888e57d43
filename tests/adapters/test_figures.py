"""The books in figures: what is owed, overdue and sold, what waits and for how long, and each decision counted once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import func, select

from adapters.books import figures, watermarks
from adapters.books.engine import write
from adapters.books.figures import Money, Reader
from adapters.books.tx import booking
from schemas import tables as t
from tests.story import Story


@pytest.fixture
def story(seeded: Engine) -> Story:
    told = Story(seeded, "demo", "ORD-1")
    told.start("globex", "1000.00")
    return told


def test_a_life_in_figures(seeded: Engine, story: Story) -> None:
    reader = Reader(seeded)
    found = reader.figures(story.now)
    assert (found.invoices, found.money) == ({"awaiting_approval": 1}, {})
    story.command("approve", "ana")
    account = story.run(1)
    found = reader.figures(story.now)
    sold = account.balance
    assert found.invoices == {"collecting": 1}
    assert found.money == {("demo", "EUR"): Money(owed=sold, overdue=0, sales=sold)}
    assert found.decisions["sent", "invoice", "sent"] == 1
    due = account.dues[0].due_on
    last = story.now.replace(year=due.year, month=due.month, day=due.day)
    assert reader.figures(last).money["demo", "EUR"].overdue == 0, "due today is not overdue"
    assert reader.figures(last + timedelta(days=1)).money["demo", "EUR"].overdue == sold
    story.command("pay", "ben", amount="200.00", received_on="2026-01-08", method="transfer", external_id="P-1")
    assert reader.figures(last + timedelta(days=1)).money["demo", "EUR"] == Money(
        owed=sold - 200_00, overdue=sold - 200_00, sales=sold
    )
    assert reader.figures(story.now + timedelta(days=91)).money["demo", "EUR"].sales == 0
    story.command("credit", "ben", amount="100.00", reason="scratched")
    assert reader.figures(story.now).money["demo", "EUR"].sales == sold - 100_00


def test_payments_fill_the_oldest_due_first(seeded: Engine, story: Story) -> None:
    story.command("approve", "ana")
    account = story.run(1)
    later = account.dues[0].due_on + timedelta(days=30)
    with write(seeded, "demo") as session:
        first = session.get_one(t.Due, (story.id, account.dues[0].id))
        rest = first.amount - 500_00
        session.add(t.Due(invoice=story.id, id="z", due_on=later, ladder_on=later, amount=rest))
        first.amount = 500_00
    story.command("pay", "ben", amount="200.00", received_on="2026-01-08", method="transfer", external_id="P-1")
    now = story.now + timedelta(days=account.dues[0].due_on.toordinal() - story.now.date().toordinal() + 1)
    assert Reader(seeded).figures(now).money["demo", "EUR"].overdue == 300_00


def test_what_waits_and_for_how_long(seeded: Engine, story: Story) -> None:
    story.command("approve", "ana")
    story.run(1)
    opened = story.now
    story.command("dispute", "globex", reason="damaged")
    reader = Reader(seeded)
    found = reader.figures(story.now)
    assert (found.exceptions, found.late) == ({("dispute", "under_1d"): 1}, {})
    found = reader.figures(opened + timedelta(days=30))
    assert (found.exceptions, found.late) == ({("dispute", "over_7d"): 1}, {"dispute": 1})
    story.command("resolve", "ben", outcome="rejected")
    assert reader.figures(story.now).exceptions == {}


def test_messages_without_an_end(seeded: Engine, story: Story) -> None:
    assert Reader(seeded).figures(story.now).messages == {}
    story.command("approve", "ana")
    story.run(1)
    with write(seeded, "demo") as session:
        effect = session.exec(select(t.Effect).where(t.Effect.invoice == story.id, t.Effect.kind == "invoice")).one()
        effect.state, effect.confirmed_at = "unknown", None
    assert Reader(seeded).figures(story.now).messages == {"unknown": 1}


def test_the_age_of_each_feed(seeded: Engine, story: Story) -> None:
    with write(seeded, "demo") as session:
        session.get_one(t.Seller, "demo").sources = ["bank", "stripe"]
    with booking(seeded, "demo", story.now) as tx:
        watermarks.advance(tx, "bank", date(2026, 1, 6), story.now - timedelta(days=2))
    feeds = Reader(seeded).figures(story.now).feeds
    assert {source: age for (seller, source), age in feeds.items() if seller == "demo"} == {
        "bank": timedelta(days=2),
        "stripe": None,
    }


def test_a_decision_is_counted_once_also_when_it_commits_late(
    seeded: Engine, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is older than the overlap is not read again; a number taken early and committed late lies within it."""
    monkeypatch.setattr(figures, "OVERLAP", 3)
    story.command("approve", "ana")
    story.run(40)
    reader, once = Reader(seeded), Reader(seeded).figures(story.now).decisions
    assert sum(once.values()) >= 4
    assert reader.figures(story.now).decisions == once
    assert reader.figures(story.now).decisions == once
    story.run(30)
    for late in (2, 1):
        _told(seeded, story, late)
        assert reader.figures(story.now).decisions["sent", "reminder", "late"] == 3 - late
    fresh = Reader(seeded).figures(story.now).decisions
    assert reader.figures(story.now).decisions == fresh
    assert sum(fresh.values()) > sum(once.values())


def _told(engine: Engine, story: Story, ahead: int) -> None:
    """A decision whose number lies so far ahead of all that were there when it was first called."""
    with write(engine, "demo") as session:
        known = select(func.max(t.Why.id)).where(t.Why.code != "late")
        row = {"seller": "demo", "invoice": story.id, "kind": "reminder", "code": "late", "reason": "", "balance": 0}
        number = (session.exec(known).one() or 0) + ahead
        session.add(t.Why(**row, id=number, verdict="sent", at=story.now, policy="p", policy_version=1))  # type: ignore[arg-type]
