"""Who is away is not asked: their delegate is, in their own name and within their own limits."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import absences
from adapters.books.engine import read
from domain.errors import NotAllowed, NotFound, Refused
from schemas import tables as t
from tests.story import START, Story

FIRST, LAST = date(2026, 1, 7), date(2026, 1, 20)


def away(engine: Engine, person: str = "ana", by: str = "ana", **more: Any) -> tuple[str, ...]:
    given = {"first": FIRST, "last": LAST, "delegate": None, "now": START, **more}
    return absences.leave(engine, person, by=by, **given)


def asked(engine: Engine, id_: str) -> list[str]:
    with read(engine) as session:
        query = select(t.Message).where(t.Message.invoice == id_, t.Message.kind == "approval")
        return [str(letter.person) for letter in session.exec(query.order_by(col(t.Message.at)))]


def waiting(engine: Engine, reference: str, price: str = "1000.00", **more: Any) -> Story:
    story = Story(engine, "demo", reference)
    story.start("globex", price, **more)
    story.run(0)
    return story


def test_the_delegate_is_asked_and_votes_in_their_own_name(seeded: Engine) -> None:
    away(seeded, delegate="cho")
    story = waiting(seeded, "ONE")
    assert asked(seeded, story.id) == ["cho"]
    story.command("approve", "cho")
    with read(seeded) as session:
        assert [vote.by for vote in session.exec(select(t.ApprovalVote))] == ["cho"]


def test_who_was_asked_and_leaves_is_passed_over_at_once(seeded: Engine) -> None:
    story = waiting(seeded, "ONE")
    assert asked(seeded, story.id) == ["ana"]
    assert away(seeded, by="ben", delegate="cho") == (story.id,)
    story.run(0)
    assert asked(seeded, story.id) == ["ana", "cho"]
    story.command("approve", "ana")  # a vote of theirs still counts


def test_an_absence_that_begins_tomorrow_is_noticed_tomorrow(seeded: Engine) -> None:
    story = waiting(seeded, "ONE")
    away(seeded, first=date(2026, 1, 8))
    story.run(0.5)
    assert asked(seeded, story.id) == ["ana"]
    story.run(0.2)
    assert asked(seeded, story.id) == ["ana", "ben"]
    with read(seeded) as session:
        ben = session.exec(select(t.Message).where(t.Message.person == "ben")).one()
        assert ben.at == datetime(2026, 1, 7, 23, tzinfo=START.tzinfo), "midnight in Berlin"


def test_who_is_back_is_asked_as_before(seeded: Engine) -> None:
    away(seeded)
    absences.back(seeded, "ana", "ben", START)
    assert asked(seeded, waiting(seeded, "ONE").id) == ["ana"]
    with pytest.raises(Refused, match="ana is not away"):
        absences.back(seeded, "ana", "ana", START)
    with read(seeded) as session:
        query = select(t.AuditEntry).where(t.AuditEntry.seller == "demo", col(t.AuditEntry.type).startswith("person."))
        told = [(e.type, e.actor, e.keys) for e in session.exec(query.order_by(col(t.AuditEntry.seq)))][-2:]
    assert told == [
        ("person.absent", "ana", {"person": "ana", "from": "2026-01-07", "until": "2026-01-20"}),
        ("person.returned", "ben", {"person": "ana"}),
    ]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"by": "sam"}, NotAllowed, "sam may not: ana says so, or a controller"),
        ({"by": "nobody"}, NotAllowed, "nobody may not"),
        ({"person": "crm", "by": "ben"}, NotFound, "no person crm"),
        ({"person": "zoe", "by": "ben"}, NotFound, "no person zoe"),
        ({"last": FIRST - timedelta(days=1)}, Refused, "is over, or before"),
        ({"now": START + timedelta(days=90)}, Refused, "is over, or before"),
        ({"delegate": "ana"}, Refused, "another active person"),
        ({"delegate": "crm"}, Refused, "another active person"),
        ({"delegate": "zoe"}, Refused, "another active person"),
    ],
)
def test_what_makes_no_sense_is_refused(
    seeded: Engine, given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        away(seeded, **given)
