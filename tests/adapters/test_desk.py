"""Disputes and exceptions in real books: whose they are, who is told, what settles them; and over random lives that
nothing leaves the queue without who decided and what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import queue, views
from adapters.books.engine import read, write
from adapters.books.verify import verify
from adapters.letters import Composer
from domain import lifecycle
from domain.account import Account
from domain.actions import Send
from domain.errors import NotAllowed, Refused
from domain.exceptions import BY_WORD, SETTLED_BY
from schemas import tables as t
from schemas.steps import CommandStep, SendStep
from tests.story import Story


@pytest.fixture
def story(seeded: Engine) -> Story:
    told = Story(seeded, "demo", "DESK")
    told.start("globex", "1000.00")
    told.run(0)
    told.command("approve", "ana")
    told.run(1)
    return told


def news(account: Account) -> list[str]:
    return [f"{m.subject} {m.state.value}" for m in account.messages if m.kind == "dispute"]


def asked(account: Account) -> list[str]:
    questions = [m for m in account.messages if m.kind == "internal" and not m.rung]
    return [(m.subject or "").removeprefix("dispute/") for m in sorted(questions, key=lambda m: m.at)]


def waiting(story: Story) -> list[tuple[str, str]]:
    return [(each["kind"], each["owner"]) for each in views.exceptions(story.books.engine)]


def asked_by_mail(story: Story, subject: str) -> str:
    """What the mail says that asks somebody of ours."""
    key = next(m.key for m in story.look().messages if m.subject == subject)
    composer = Composer(documents=None, archive=None)  # type: ignore[arg-type]  # it carries no document
    with read(story.books.engine) as session:
        return composer.compose(session, key, story.now).message.text


def audited(story: Story) -> list[tuple[str, dict[str, str]]]:
    with read(story.books.engine) as session:
        rows = session.exec(select(t.AuditEntry).where(t.AuditEntry.invoice == story.id).order_by(t.AuditEntry.seq))  # type: ignore[arg-type]
        return [(row.type, row.keys) for row in rows]


class TestDispute:
    def test_it_is_asked_about_passed_on_and_told(self, story: Story) -> None:
        story.command("dispute", "globex", reason="damaged", code="quality")
        assert waiting(story) == [("dispute", "sam")]
        story.run(6)
        assert asked(story.look()) == ["d1/sam/1", "d1/sam/2"]
        account = story.run(6)
        assert waiting(story) == [("dispute", "ben")]
        (escalated,) = [keys for type_, keys in audited(story) if type_ == "dispute.escalated"]
        assert (escalated["owner"], escalated["before"], escalated["level"]) == ("ben", "sam", "1")
        assert "exception.assigned" in [type_ for type_, _ in audited(story)]
        assert asked(account)[2:] == ["d1/ben/1"]
        assert news(account) == ["dispute/d1 sent"]
        story.command("resolve", "ben", outcome="rejected", comment="photos show another box")
        account = story.run(1)
        assert news(account) == ["dispute/d1 sent", "dispute/d1/outcome sent"]
        assert waiting(story) == []
        assert verify(story.books.engine) == []

    def test_who_may_not_decide_is_told_who_does_and_hands_it_over(self, story: Story) -> None:
        story.command("dispute", "globex", reason="damaged")
        story.run(0)
        (item,) = views.exceptions(story.books.engine)
        text = asked_by_mail(story, "dispute/d1/sam/1")
        assert "duely resolve" not in text, "sam is an owner: owners do not resolve"
        assert "Ana Albers, Ben Brandt, Cho Chang" in text
        assert f"duely decide {item['id']} --by sam --owner ana" in text
        queue.assign(story.books.engine, item["id"], "sam", "ana", story.now)
        story.run(0)
        text = asked_by_mail(story, "dispute/d1/ana/1")
        assert f"duely resolve {story.id} --by ana --dispute d1 --outcome rejected" in text
        assert "Ben Brandt" not in text

    def test_one_of_ours_is_not_thanked_and_what_it_takes_back_is_not_told(self, story: Story) -> None:
        story.command("dispute", "sam", reason="they called")
        story.run(1)
        story.command("resolve", "ana", outcome="withdrawn")
        assert news(story.run(1)) == []
        story.command("dispute", "sam", reason="they wrote")
        story.command("resolve", "ana", outcome="rejected")
        assert news(story.run(1)) == ["dispute/d2/outcome sent"]

    def test_what_ends_because_it_was_paid_is_not_told_twice(self, story: Story) -> None:
        story.command("dispute", "globex", reason="damaged")
        story.run(1)
        day = story.now.date().isoformat()
        story.command("pay", "ben", amount="1211.40", received_on=day, method="transfer", external_id="T-1")
        account = story.run(1)
        assert (account.disputes[0].outcome, news(account)) == ("settled", ["dispute/d1 sent"])
        assert [keys["outcome"] for type_, keys in audited(story) if type_ == "dispute.resolved"] == ["settled"]
        assert verify(story.books.engine) == []

    def test_what_was_credited_is_kept_and_told(self, story: Story) -> None:
        story.command("dispute", "globex", reason="late", amount="300.00")
        subject = story.command("resolve", "ben", outcome="partly", credit="260.00").subject
        assert news(story.run(0)) == ["dispute/d1 sent"], "not before it is approved"
        story.command("approve", "cho", subject=subject)
        account = story.run(0)
        told = next(m for m in account.messages if m.subject == "dispute/d1/outcome")
        composer = Composer(documents=None, archive=None)  # type: ignore[arg-type]  # a notice carries no document
        with read(story.books.engine) as session:
            text = composer.compose(session, told.key, story.now).message.text
            assert session.get_one(t.Dispute, (story.id, "d1")).credited == 260_00
        assert "260,00" in text
        assert "951,40" in text, "what remains"
        assert verify(story.books.engine) == []

    def test_a_credited_amount_that_was_changed_is_found(self, story: Story) -> None:
        story.command("dispute", "globex", reason="late", amount="100.00")
        story.command("resolve", "ben", outcome="accepted")
        with write(story.books.engine, "demo") as session:
            row = session.get_one(t.Dispute, (story.id, "d1"))
            row.credited = 99_00
            session.add(row)
        assert ["was credited" in breach.text for breach in verify(story.books.engine)] == [True]

    def test_assign_takes_the_old_owners_disputes_and_queue_along(self, story: Story) -> None:
        story.command("dispute", "globex", reason="late")
        before = story.run(0).disputes[0]
        story.command("assign", "sam", owner="cho")
        account = story.run(0)
        assert (account.owner, account.disputes[0].owner) == ("cho", "cho")
        assert account.disputes[0].deadline == before.deadline
        assert waiting(story) == [("dispute", "cho")]
        assert sorted(asked(account)) == ["d1/cho/1", "d1/sam/1"]

    def test_shadow_tells_the_customer_nothing(self, seeded: Engine, story: Story) -> None:
        with write(seeded, None) as session:
            seller = session.get_one(t.Seller, "demo")
            seller.mode = "shadow"
            session.add(seller)
        story.command("dispute", "globex", reason="late")
        outcome = story.books.look(story._step())
        while isinstance(outcome.action, Send) and lifecycle.at_once(outcome.action):
            step = SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key)
            claimed, outcome = story.books.claim(step)
            if claimed is not None:
                outcome = story.books.confirm(step, claimed, f"<{claimed.key}>", None)
        account = story.look()
        assert news(account) == ["dispute/d1 would_send"]
        assert asked(account) == ["d1/sam/1"], "our own people are asked all the same"


class TestQueue:
    def test_what_may_be_decided_by_a_word_has_no_end_of_its_own(self) -> None:
        assert set(SETTLED_BY) >= BY_WORD
        own = "dispute approval_stuck message_held delivery_unknown delivery_refused bounced issue_blocked last_rung"
        assert not BY_WORD & set(own.split())

    def test_only_our_own_people_decide(self, story: Story) -> None:
        story.command("escalate", "sam", reason="stuck")
        (item,) = views.exceptions(story.books.engine)
        for by in ("nobody", "crm"):
            with pytest.raises(NotAllowed):
                queue.assign(story.books.engine, item["id"], by, "ben", story.now)
        with pytest.raises(Refused, match="duely extend"):
            queue.decide(story.books.engine, item["id"], "sam", "we wait", story.now)
        with pytest.raises(Refused, match="not an active person"):
            queue.assign(story.books.engine, item["id"], "sam", "crm", story.now)

    @pytest.mark.parametrize("by", ["Erika Musterfrau <erika@example.org>", "crm"])
    def test_what_anybody_may_claim_decides_nothing(self, story: Story, by: str) -> None:
        story.run(45)
        before = waiting(story)
        assert [kind for kind, _ in before] == ["rung"]
        story.command("note", by, text="I will pay")
        story.command("promise", by, date=(story.now + timedelta(days=5)).date().isoformat())
        assert waiting(story) == before
        with read(story.books.engine) as session:
            assert not [entry for entry in session.exec(select(t.AuditEntry)) if "Erika" in entry.actor]
        story.command("note", "sam", text="called")
        assert waiting(story) == []
        assert verify(story.books.engine) == []

    def test_an_exception_without_an_owner_is_a_breach(self, story: Story) -> None:
        story.command("dispute", "globex", reason="late")
        assert verify(story.books.engine) == []
        for changed in ({"owner": "ghost"}, {"owner": "sam", "deadline": None}):
            with write(story.books.engine, "demo") as session:
                row = session.exec(select(t.OpenException)).one()
                for name, value in changed.items():
                    setattr(row, name, value)
                session.add(row)
            assert [breach.invariant for breach in verify(story.books.engine)] == [1]

    def test_the_age_counts_on_the_receivables_own_clock(self, story: Story) -> None:
        story.command("dispute", "globex", reason="late")
        story.run(2)
        (item,) = views.exceptions(story.books.engine, now=story.now)
        assert (item["age_hours"], item["overdue"]) == (48, False)
        (item,) = views.exceptions(story.books.engine, now=story.now + timedelta(days=30))
        assert item["overdue"]


COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("dispute", "globex", {"reason": "late", "amount": "100.00"}),
    ("dispute", "sam", {"reason": "they called", "lines": ["2"]}),
    ("resolve", "ana", {"outcome": "withdrawn"}),
    ("resolve", "ben", {"outcome": "rejected"}),
    ("resolve", "ben", {"outcome": "accepted"}),
    ("assign", "sam", {"owner": "ben"}),
    ("escalate", "sam", {"reason": "no answer"}),
    ("note", "sam", {"text": "called"}),
    ("hold", "sam", {"reason": "clearing"}),
    ("release", "ben", {}),
    ("extend", "ben", {"due": "2026-03-20", "reason": "agreed"}),
    ("write_off", "ben", {"reason": "small", "amount": "1.00"}),
    ("pay", "ben", {"amount": "2000.00", "received_on": "2026-01-20", "method": "cash", "external_id": "X"}),
]


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(COMMANDS), st.sampled_from([0, 1, 6, 20])), min_size=1, max_size=7))
@example([(COMMANDS[0], 0), (COMMANDS[2], 0), (COMMANDS[6], 0), (COMMANDS[12], 0)])  # a dispute ends, then all is paid
def test_nothing_leaves_the_queue_without_a_decision(
    databases_copy: Any, life: list[tuple[tuple[str, str, dict[str, Any]], int]]
) -> None:
    engine = databases_copy()
    story = Story(engine, "demo", "LIFE")
    story.start("globex", "1000.00")
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    account = story.look()
    for number, ((name, by, payload), days) in enumerate(life):
        step = CommandStep(
            workflow_id=story.id, now=story.now, id=str(number), name=name, payload={"by": by, **payload}
        )
        story.books.command(step)
        account = story.run(days)
        with read(engine) as session:
            rows = session.exec(select(t.OpenException)).all()
        assert all(row.decided_by and row.decision for row in rows if row.decided_at is not None)
        open_ = {row.kind for row in rows if row.decided_at is None}
        assert open_ == set(account.exceptions)
        assert lifecycle.needs_person(account) or not open_
        assert {d.id for d in account.disputes if d.outcome is None} == {
            row.key.rpartition("/")[2] for row in rows if row.kind == "dispute" and row.decided_at is None
        }
    assert verify(engine) == []


@pytest.fixture
def databases_copy(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Fresh demo books for each life, SQLite only."""
    from adapters.books.engine import open_engine
    from tests.conftest import Databases, seed_demo

    books = Databases("sqlite", tmp_path_factory.mktemp("lives"), None)
    return lambda: open_engine(books.copy(seed_demo))
