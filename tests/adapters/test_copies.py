"""Copies that a customer asks for, and the wish to pay in parts: released, or put before a person, once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import copies, plan_requests, views
from adapters.books.engine import read, write
from adapters.books.verify import verify
from domain import plans
from domain.actions import Send
from domain.errors import Invalid, Refused
from domain.messages import MessageState
from schemas import tables as t
from schemas.steps import SendStep
from tests.story import Story


@pytest.fixture
def story(seeded: Engine, tmp_path: Path) -> Story:
    told = Story(seeded, "demo", "ORD-1", tmp_path / "archive")
    told.start("globex", "1000.00")
    told.run(0)
    told.command("approve", "ana")
    told.run(1)
    return told


def ask(story: Story) -> bool:
    return copies.ask(story.books.engine, "demo", story.id, "Globex GmbH", story.now)


def sent(story: Story) -> list[str]:
    return [m.key.rpartition("/")[2] for m in story.look().messages if m.kind in {"invoice", "credit_note"}]


def test_the_documents_go_to_the_contact_on_record_once_a_day(story: Story, tmp_path: Path) -> None:
    assert ask(story)
    assert not ask(story), "it is on its way"
    story.run(0)
    assert sent(story) == ["invoice", "invoice#2"]
    assert not ask(story), "it has just left"
    story.now += timedelta(days=1)
    story.command("credit", "ben", reason="goodwill", amount="10.00")
    story.run(0)
    assert ask(story)
    story.run(0)
    assert sorted(sent(story)) == ["credit_note", "credit_note#2", "invoice", "invoice#2", "invoice#3"]
    assert {m.to for m in story.look().messages if "#" in m.key} == {"billing"}
    assert verify(story.books.engine, tmp_path / "archive") == []


def test_where_a_person_releases_each_message_it_waits_for_one(story: Story) -> None:
    with write(story.books.engine, None) as session:
        session.get_one(t.Seller, "demo").mode = "ask"
    assert ask(story)
    action = story.books.look(story._step()).action
    assert isinstance(action, Send)
    held, _ = story.books.claim(SendStep(workflow_id=story.id, now=story.now, key=action.key))
    assert held is None
    assert {m.key: m.state for m in story.look().messages}[f"{story.id}/invoice#2"] is MessageState.HELD


def test_who_asked_is_in_the_audit_without_a_name(story: Story) -> None:
    ask(story)
    with read(story.books.engine) as session:
        entry = session.exec(select(t.AuditEntry).where(t.AuditEntry.type == "message.resent")).one()
    assert entry.actor_kind == "customer"
    assert entry.actor.startswith("sha256:")


def test_a_paid_invoice_may_be_asked_for_too(story: Story) -> None:
    story.command("pay", "ben", amount="1211.40", received_on=story.now.date().isoformat(), method="transfer",
                  external_id="B-1")  # fmt: skip
    story.run(0)
    assert story.look().closed
    assert ask(story)


def wish(story: Story, count: int = 3) -> None:
    account, policy = story.look(), story.books.outcome(story.id).policy
    assert policy is not None
    parts = plans.propose(account.balance, "EUR", policy, story.now.date(), count)
    plan_requests.ask(story.books.engine, "demo", story.id, parts, "Globex GmbH", story.now)


def test_the_wish_to_pay_in_parts_waits_for_a_person_with_its_command(story: Story) -> None:
    wish(story)
    (found,) = views.exceptions(story.books.engine, "demo")
    assert (found["kind"], found["owner"], found["commands"][0]) == ("plan_requested", "sam", "plan")
    parts = found["evidence"]["instalments"]
    assert [part["amount"] for part in parts] == ["403.80", "403.80", "403.80"]
    assert found["evidence"]["command"] == (
        f"duely plan {story.id} --by … " + " ".join(f"--instalments {p['due']}={p['amount']}" for p in parts)
    )
    assert story.look().balance == 1211_40
    assert not story.look().plans, "nothing is agreed"
    with pytest.raises(Refused):
        wish(story)


def test_a_wish_beyond_the_policy_is_refused(story: Story) -> None:
    with pytest.raises(Invalid):
        wish(story, 12)
    assert views.exceptions(story.books.engine, "demo") == []
