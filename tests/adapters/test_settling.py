"""Every step ends at rest, whatever the due dates are: those that older books hold, and those that are long past."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Engine

from adapters.books.books import Books
from adapters.books.verify import verify
from domain import terms
from schemas import drafting
from schemas.steps import DraftStep
from tests.story import Story


def schedule(*rows: tuple[str, str]) -> dict[str, list[dict[str, str]]]:
    return {"schedule": [{"percent": percent, "due": due} for percent, due in rows]}


def test_a_due_date_at_the_end_of_the_calendar_in_older_books_wedges_nothing(
    seeded: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(seeded, "demo", "OLD")
    with monkeypatch.context() as before:
        before.setattr(terms, "agreed", terms.parse_terms)
        before.setattr(drafting, "agreed", terms.parse_terms)
        story.start("globex", "100.00", terms=schedule(("40", "net 7"), ("60", "9999-12-31")))
    story.command("approve", "ana")
    account = story.run(40)
    assert account.dues[1].due_on == date(9999, 12, 31)
    story.command("dispute", "globex", reason="damaged")
    story.run(3)
    story.command("resolve", "ana", outcome="withdrawn")
    account = story.run(3)
    assert [message.kind for message in account.messages if message.rung] != []
    assert verify(seeded) == []


def test_a_due_date_beyond_the_years_we_reckon_with_is_no_draft(seeded: Engine) -> None:
    body = {
        "seller": "demo",
        "reference": "FAR",
        "customer": "globex",
        "currency": "EUR",
        "terms": schedule(("40", "net 7"), ("60", "2200-01-01")),
        "lines": [{"description": "Work", "quantity": "1", "unit_price": "1", "tax": {"category": "S", "rate": "19"}}],
    }
    story = Story(seeded, "demo", "FAR")
    said = Books(seeded, idempotent=True).draft(DraftStep(workflow_id=story.id, now=story.now, request=body))
    assert said.account is None
    assert [str(problem) for problem in said.problems] == [
        "terms.schedule[1].due: must lie between 1990 and 2199, not in 2200"
    ]


def test_sixty_dues_that_are_past_come_to_rest(seeded: Engine) -> None:
    """Rungs of each are too late when the invoice leaves; one reminder a day goes out, the oldest first."""
    story = Story(seeded, "demo", "SIXTY")
    story.start("globex", "1000.00", terms=schedule(*[("1", "net 0")] * 40, *[("3", "2026-01-09")] * 20))
    story.command("approve", "ana")
    account = story.run(30)
    assert len(account.dues) == 60
    assert {message.state.value for message in account.messages if message.rung == "D-3"} == {"skipped"}
    assert any(message.rung == "D+1" and message.state.value == "sent" for message in account.messages)
    assert verify(seeded) == []
