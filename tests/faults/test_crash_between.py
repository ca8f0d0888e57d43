"""The worker dies between claim and act, or between act and confirm. The outbox ends with exactly one mail; where the
provider cannot be asked nobody guesses: at most one, and a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select, update

from activities.sending import Sender
from adapters.books import messages
from adapters.books.books import Books
from adapters.books.engine import read, write
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.letters import Composer, Letter
from adapters.mail.outbox import Outbox
from adapters.mail.port import Mail, Message
from adapters.mail.smtp import Server, Smtp
from domain import lifecycle
from domain.actions import Send
from domain.errors import ProviderDown, Unavailable
from rig.crashes import DIED
from rig.mailserver import MailServer
from rig.processes import WorkerProcess
from schemas import tables as t
from schemas.steps import SendStep, Step
from tests.faults.conftest import Hire, House
from tests.faults.requests import bill_once
from tests.faults.test_mail_server import NUMBER, exceptions
from tests.story import Story
from tests.workflows.life import Life

SELLER = "demo"
AFTER_THE_DUE_DATE = datetime(2026, 2, 10, 10, tzinfo=UTC)


async def start(house: House, now: datetime) -> Life:
    bill_once(house.engine, SELLER, now)
    return await house.bill(SELLER, NUMBER)


@pytest.mark.parametrize("moment", ["mailing", "mailed"])
async def test_the_outbox_has_exactly_one(house: House, worker: WorkerProcess, now: datetime, moment: str) -> None:
    worker.start(moment)
    life = await start(house, now)
    assert worker.died() == DIED
    worker.start()
    await life.until(lambda said: said["state"] == "collecting", 60)
    assert len(life.mails("invoice")) == 1
    assert exceptions(house, life) == []
    assert verify(house.engine, house.settings.archive) == []


@pytest.fixture
def post() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("moment", ["smtp-mailing", "smtp-mailed"])
async def test_smtp_has_at_most_one_and_a_person_decides(
    house: House, hire: Hire, post: MailServer, now: datetime, moment: str
) -> None:
    worker = hire(DUELY_MAIL="smtp", SMTP_URL=post.url)
    worker.start(moment)
    life = await start(house, now)
    assert worker.died() == DIED
    let_the_lease_run_out(house.engine)
    worker.start()
    await life.until(lambda _: bool(exceptions(house, life)), 60)
    assert exceptions(house, life) == [("delivery_unknown", None)]
    assert len(post.about(life.id, "invoice")) == (0 if moment == "smtp-mailing" else 1)
    if moment == "smtp-mailing":
        await life.do("send", "sam")
    else:
        await life.do("skip", "sam", reason="they have it")
    await life.until(lambda _: all(decision is not None for _, decision in exceptions(house, life)))
    await life.at_rest()
    assert len(post.about(life.id, "invoice")) == 1
    assert verify(house.engine, house.settings.archive) == []


def let_the_lease_run_out(engine: Engine) -> None:
    with write(engine, None) as session:
        session.exec(update(t.Effect).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("left", [False, True])
def test_what_is_not_wanted_any_more_does_not_leave_after_a_crash(seeded: Engine, tmp_path: Path, left: bool) -> None:
    """Invariant 3: the attempt after the crash takes its own last look, and finds that the money has come."""
    story, sender = overdue(seeded, Outbox(tmp_path / "outbox"), tmp_path / "archive")
    step = claim_the_reminder(story)
    if left:
        with read(seeded) as session:
            sender.mail.send(sender.composer.compose(session, step.key, step.now).message)
    day = story.now.date().isoformat()
    story.command("pay", "ben", amount="119.00", received_on=day, method="cash", external_id="1")
    outcome = sender.attempt(step)
    assert outcome.account is not None
    assert outcome.account.phase == "paid"
    assert len(list((tmp_path / "outbox").glob("*reminder*.eml"))) == int(left)
    message = next(m for m in outcome.account.messages if m.key == step.key)
    assert message.state == ("sent" if left else "released")
    with read(seeded) as session:
        verdicts = session.exec(select(t.Why.verdict).where(t.Why.message == step.key)).all()
    assert verdicts == (["sent"] if left else ["withheld"])
    assert verify(seeded) == []


@pytest.mark.parametrize("left", [False, True])
def test_what_is_still_wanted_leaves_once(seeded: Engine, tmp_path: Path, left: bool) -> None:
    story, sender = overdue(seeded, Outbox(tmp_path / "outbox"), tmp_path / "archive")
    step = claim_the_reminder(story)
    if left:
        with read(seeded) as session:
            sender.mail.send(sender.composer.compose(session, step.key, step.now).message)
    sender.attempt(step)
    sender.attempt(step)
    assert len(list((tmp_path / "outbox").glob("*reminder*.eml"))) == 1
    assert verify(seeded) == []


@pytest.mark.parametrize("composing", [True, False])
def test_who_stood_still_longer_than_the_claim_lasts_sends_nothing_and_gives_nothing_back(
    seeded: Engine, tmp_path: Path, post: MailServer, monkeypatch: pytest.MonkeyPatch, composing: bool
) -> None:
    """A machine that was suspended goes on where it was, after a person has decided what its silence left open."""
    story, sender = overdue(seeded, post.adapter, tmp_path / "archive")
    step = reminder(story)

    def meanwhile() -> None:
        later = datetime.now(UTC) + timedelta(minutes=2)
        monkeypatch.setattr(messages, "_technical_now", lambda: later)
        sender.attempt(step)
        story.command("send", "sam")
        sender.attempt(step)

    class SlowComposer(Composer):
        def compose(self, *given: Any) -> Letter:
            meanwhile()
            return super().compose(*given)

    class SlowMail(Smtp):
        def send(self, message: Message) -> str:
            meanwhile()
            raise ProviderDown("the connection is gone")

    slow: dict[str, Any] = {"composer": SlowComposer(TypstDocuments(), Archive(tmp_path / "archive"))}
    if not composing:
        slow = {"mail": SlowMail(Server("127.0.0.1", post.port))}
    with pytest.raises(Unavailable):
        replace(sender, **slow).attempt(step)
    account = story.look()
    assert next(m for m in account.messages if m.key == step.key).state == "sent"
    assert len(post.about(story.id, "reminder")) == 1
    assert verify(seeded) == []


def test_a_letter_that_cannot_be_written_is_not_unknown(seeded: Engine, tmp_path: Path) -> None:
    """A provider that cannot be asked, and an archive that lost the document: certainly nothing has left."""
    post = MailServer()
    story, sender = overdue(seeded, post.adapter, tmp_path / "archive")
    for path in (tmp_path / "archive").iterdir():
        path.unlink()
    step = reminder(story)
    with pytest.raises(Exception, match="archive"):
        sender.attempt(step)
    outcome = story.books.outcome(story.id)
    assert outcome.account is not None
    assert next(m for m in outcome.account.messages if m.key == step.key).state == "released"


def overdue(engine: Engine, mail: Mail, archive: Path) -> tuple[Story, Sender]:
    """A delivered invoice over 119.00 whose first past-due reminder may leave now."""
    story = Story(engine, SELLER, "ORD-1", archive)
    story.start("globex", "100.00", lines=[{"description": "Work", "quantity": "1", "unit_price": "100.00"}])
    story.command("approve", "ana")
    story.run(0)
    story.now = AFTER_THE_DUE_DATE
    story.books = Books(engine, mail.idempotent)
    return story, Sender(story.books, mail, Composer(TypstDocuments(), Archive(archive)))


def reminder(story: Story) -> SendStep:
    """What the workflow would ask for now."""
    outcome = story.books.look(Step(workflow_id=story.id, now=story.now))
    assert outcome.account is not None
    assert outcome.policy is not None
    action = lifecycle.next_action(outcome.account, outcome.policy, story.now)
    assert isinstance(action, Send)
    assert action.kind == "reminder"
    return SendStep(workflow_id=story.id, now=story.now, key=action.key)


def claim_the_reminder(story: Story) -> SendStep:
    """All that an attempt does before it dies."""
    step = reminder(story)
    claimed, _ = story.books.claim(step)
    assert claimed is not None
    return step
