"""Promises in real books: put off no further than the policy allows, and kept by new money alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import Engine

from adapters.books.provider import book_payment
from adapters.books.verify import verify
from domain.payments import DisputeState, PaymentState
from schemas.steps import CommandStep
from tests.story import Story


def issued(engine: Engine, price: str = "1000.00") -> Story:
    story = Story(engine, "demo", "P-1")
    story.start("globex", price)
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    return story


def promised(story: Story, days: int) -> str:
    """What came of a promise to pay in so many days: done or refused."""
    date = (story.now + timedelta(days=days)).date().isoformat()
    payload = {"by": "anybody", "date": date, "amount": "500.00"}
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
