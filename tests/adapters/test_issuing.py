"""Numbers are taken inside the issuing transaction, whatever year it is and whatever fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books.engine import read, write
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


def seller(engine: Engine, country: str, **profile: Any) -> None:
    with write(engine, "demo") as session:
        row = session.get_one(t.Seller, "demo")
        row.country, row.profile = country, {**row.profile, **profile}
        session.add(row)


def blocked(engine: Engine, story: Story) -> list[str]:
    with read(engine) as session:
        query = select(t.OpenException).where(t.OpenException.key == story.id, t.OpenException.decided_at == None)  # noqa: E711
        return [f"{each.kind}: {each.evidence['reason']}" for each in session.exec(query)]


def test_a_default_rate_is_that_of_the_day_of_issue(seeded: Engine) -> None:
    """Estonia's went from 22 to 24 percent on 1 July 2025."""
    seller(seeded, "EE", vat_id="EE100931558")
    story = Story(seeded, "demo", "RATE")
    story.now = datetime(2025, 6, 30, 12, tzinfo=UTC)
    lines = [{"description": "Work", "quantity": "1", "unit_price": "100.00"}]
    buyer = {"name": "Kohvik OÜ", "country": "EE", "email": "a@k.example", "address": {"city": "Tallinn"}}
    story.start(buyer, "1", lines=lines)
    story.now += timedelta(days=2)
    story.command("approve", "ana")
    assert story.look().number is None
    (why,) = blocked(seeded, story)
    assert why.startswith("issue_blocked: lines[0].tax: drafted with S 22 %, but due is S 24 % (domestic")
    with read(seeded) as session:
        request = session.get_one(t.Invoice, story.id).request
    story.command("amend", "crm", request=request)
    story.command("approve", "ana")
    assert (story.look().total, blocked(seeded, story)) == (124_00, [])


def test_nothing_is_issued_once_it_needs_a_channel_that_is_not_there(seeded: Engine) -> None:
    """Veri*factu from 1 January 2027, for a seller that was seeded before."""
    seller(seeded, "ES", vat_id="ESB58378431")
    story = Story(seeded, "demo", "LATE")
    story.now = datetime(2026, 12, 30, 12, tzinfo=UTC)
    buyer = {"name": "Obras SL", "country": "ES", "email": "a@k.example"}
    for moment, on in ((story.now, "2027-01-04"), (story.now + timedelta(days=5), None)):
        refused = Story(seeded, "demo", "REFUSED")
        refused.now = moment
        with pytest.raises(AssertionError, match=r"path='seller', message='invoices of sellers in ES need certified"):
            refused.start(buyer, "100.00", issue_on=on)
    story.start(buyer, "100.00")
    story.now += timedelta(days=5)
    story.command("approve", "ana")
    assert story.look().number is None
    assert [each.partition(" need")[0] for each in blocked(seeded, story)] == [
        "issue_blocked: invoices of sellers in ES"
    ]


def _dies(*_: object) -> None:
    raise SystemError("died")
