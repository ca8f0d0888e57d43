"""A payment and a dispute at the very instant of a reminder: what commits before the claim withholds it; what commits
after may cross it in flight, once, and the why-record shows both times."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from activities.sending import Sender
from adapters.books.engine import read
from adapters.books.provider import book_payment
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from domain.actions import Send, Wait
from domain.payments import PaymentState
from schemas import tables as t
from schemas.steps import CommandStep, SendStep, Step
from tests.story import Story

ROUNDS = 8
TOTAL = 14040


@pytest.mark.parametrize("what", ["payment", "dispute", "both"])
def test_what_commits_first_decides(seeded: Engine, tmp_path: Path, what: str) -> None:
    told = set()
    for n in range(ROUNDS):
        story, step = about_to_remind(seeded, f"RACE-{what}-{n}")
        outbox = tmp_path / str(n)
        sender = Sender(story.books, Outbox(outbox), Composer(TypstDocuments(), Archive(tmp_path / "archive")))
        acts: list[Callable[[], object]] = [partial(sender.attempt, step)]
        acts += [partial(_pay, seeded, story)] if what != "dispute" else []
        acts += [partial(_dispute, story)] if what != "payment" else []
        _at_once(acts)
        told.add(_judge(seeded, story, step.key, len(list(outbox.glob("*.eml")))))
    assert told <= {"withheld", "crossed", "sent first"}
    assert verify(seeded) == []


def test_a_payment_that_crosses_stands_beside_the_claim_in_the_reason(seeded: Engine, tmp_path: Path) -> None:
    story, step = about_to_remind(seeded, "CROSS")
    claimed, _ = story.books.claim(step)
    assert claimed is not None
    _pay(seeded, story)
    story.books.confirm(step, claimed, "<1@outbox>", None)
    assert _judge(seeded, story, step.key, 1) == "crossed"


def test_a_payment_before_the_claim_withholds(seeded: Engine, tmp_path: Path) -> None:
    story, step = about_to_remind(seeded, "FIRST")
    _pay(seeded, story)
    claimed, _ = story.books.claim(step)
    assert claimed is None
    assert _judge(seeded, story, step.key, 0) == "withheld"


def about_to_remind(engine: Engine, reference: str) -> tuple[Story, SendStep]:
    story = Story(engine, "demo", reference)
    story.start("globex", "100.00", policy="gentle")
    story.command("approve", "ana")
    for _ in range(60):
        action = story.books.look(Step(workflow_id=story.id, now=story.now)).action
        if isinstance(action, Send) and action.kind == "reminder":
            return story, SendStep(workflow_id=story.id, now=story.now, key=action.key)
        if isinstance(action, Send):
            story.post(action)
            continue
        assert isinstance(action, Wait)
        assert action.until is not None
        story.now = max(action.until, story.now)
    raise AssertionError("no reminder comes")


def _at_once(acts: list[Callable[[], object]]) -> None:
    gate = Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        gate.wait()
        act()

    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(run, act) for act in acts]:
            done.result()


def _pay(engine: Engine, story: Story) -> None:
    state = PaymentState(
        provider="stripe",
        id=f"pi_{story.reference}",
        status="succeeded",
        currency="EUR",
        amount=TOTAL,
        paid=TOTAL,
        method="card",
        seller="demo",
        invoice=story.id,
        at=story.now,
    )
    book_payment(engine, state, story.now)


def _dispute(story: Story) -> None:
    body = {"by": "globex", "reason": "damaged"}
    story.books.command(CommandStep(workflow_id=story.id, now=story.now, id="race", name="dispute", payload=body))


def _judge(engine: Engine, story: Story, key: str, mails: int) -> str:
    """What happened, after the audit's own order; AssertionError where mail, reason and order do not fit."""
    with read(engine) as session:
        own = select(t.AuditEntry).where(t.AuditEntry.invoice == story.id).order_by(col(t.AuditEntry.seq))
        order = [e.type for e in session.exec(own) if e.type != "message.claimed" or e.keys["message"] == key]
        whys = session.exec(select(t.Why).where(t.Why.message == key)).all()
    news = [at for at, type_ in enumerate(order) if type_ in {"payment.allocated", "invoice.disputed"}]
    claimed = "message.claimed" in order
    assert mails == claimed, "one mail for a claim, none without"
    if not claimed:
        assert [w.verdict for w in whys] in ([], ["withheld"])
        return "withheld"
    assert order.index("message.claimed") < min(news), "it was claimed after the news was in the books"
    [sent] = [w for w in whys if w.verdict == "sent"]
    if min(news) < order.index("message.sent"):
        assert "claimed at 20" in sent.reason
        assert "while it was on its way" in sent.reason
        return "crossed"
    return "sent first"
