"""Dates that are agreed on, in real books: promises are put off no further than the policy allows and kept by new money
alone; an extension moves the due that it was asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from adapters.books.provider import book_payment
from adapters.books.verify import verify
from domain.payments import DisputeState, PaymentState
from schemas.steps import CommandStep
from tests.story import Story


def issued(engine: Engine, **more: Any) -> Story:
    story = Story(engine, "demo", "P-1")
    story.start("globex", "1000.00", **more)
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    return story


def promised(story: Story, days: int) -> str:
    """What came of a promise to pay in so many days: done or refused."""
    day = (story.now + timedelta(days=days)).date().isoformat()
    payload = {"by": "anybody", "date": day, "amount": "500.00"}
    step = CommandStep(workflow_id=story.id, now=story.now, id=uuid4().hex, name="promise", payload=payload)
    return story.books.command(step).verdict.result


def test_an_open_promise_is_not_put_off_for_ever(seeded: Engine) -> None:
    story = issued(seeded)
    found = []
    for days in (10, 13, 13, 11):
        found.append(promised(story, days))
        story.run(1)
    assert found == ["done", "done", "refused", "done"], "the last one is for the same day as the one before"
    assert promised(story, 3) == "done", "a nearer day may always be promised"


def test_what_was_paid_before_keeps_no_promise_when_a_part_of_it_goes_back(seeded: Engine) -> None:
    story = issued(seeded)
    paid = PaymentState(
        provider="stripe", id="pi_1", status="succeeded", currency="EUR", amount=600_00, paid=600_00, fee=0,
        method="card", seller="demo", invoice=story.id, at=story.now, tried_at=story.now,
    )  # fmt: skip
    book_payment(seeded, paid, story.now)
    story.run(1)
    assert promised(story, 10) == "done"
    story.run(1)
    lost = DisputeState(id="dp", amount=10_00, status="lost", taken=True, reason="insufficient_funds", at=story.now)
    book_payment(seeded, replace(paid, disputes=(lost,)), story.now)
    assert [each.outcome for each in story.look().promises] == [None]
    story.command(
        "pay", "ben", amount="500.00", received_on=story.now.date().isoformat(), method="cash", external_id="C"
    )
    assert [each.outcome for each in story.look().promises] == ["kept"]
    assert verify(seeded) == []


@pytest.mark.parametrize(("paid", "moved"), [("100.00", True), ("400.00", False)])
def test_an_extension_moves_the_due_that_it_was_asked_for_or_none(seeded: Engine, paid: str, moved: bool) -> None:
    parts = [{"percent": "30", "due": "net 10"}, {"percent": "70", "due": "net 30"}]
    story = issued(seeded, terms={"schedule": parts})
    before = [due.due_on for due in story.look().dues]
    asked = story.command("extend", "ben", due="2026-03-15", reason="building works")
    day = story.now.date().isoformat()
    story.command("pay", "ben", amount=paid, received_on=day, method="cash", external_id="C")
    step = CommandStep(
        workflow_id=story.id, now=story.now, id="A", name="approve", payload={"by": "cho", "subject": asked.subject}
    )
    verdict = story.books.command(step).verdict
    found = {due.id: due.due_on for due in story.look().dues}
    if moved:
        assert (verdict.result, found) == ("done", {"1": date(2026, 3, 15), "2": before[1]})
    else:
        assert "due 1, whose extension was asked for, is settled" in verdict.reason
        assert list(found.values()) == before
    assert verify(seeded) == []
