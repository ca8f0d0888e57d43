"""What people decide about money, and what a payment brought with it: no more than was approved, owed or paid. The
books are whole after each."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import by_hand
from adapters.books.engine import read
from adapters.books.tx import booking
from adapters.books.verify import verify
from domain.errors import Refused
from schemas import tables as t
from tests.adapters.test_credit_notes import issued, pay
from tests.adapters.test_refunds import asked
from tests.story import Story

ONE = [
    {"id": "1", "description": "Work", "quantity": "1", "unit_price": "100.00", "tax": {"category": "S", "rate": "19"}}
]


def through(story: Story, name: str, **said: object) -> None:
    """A controller's command, with the approval that it needs."""
    verdict = story.command(name, "ben", **said)
    if verdict.subject:
        story.command("approve", "cho", subject=verdict.subject)


def live(story: Story) -> list[t.Allocation]:
    """The assignments that stand, the newest last."""
    query = select(t.Allocation).where(t.Allocation.invoice == story.id, col(t.Allocation.released_at).is_(None))
    with read(story.books.engine) as session:
        return list(session.exec(query.order_by(col(t.Allocation.id))))


def receipt_of(engine: Engine) -> int:
    """The first that came in."""
    with read(engine) as session:
        return session.exec(select(t.Receipt).order_by(col(t.Receipt.id))).first().id or 0  # type: ignore[union-attr]


class TestApproved:
    """What was approved is what is done, whatever happened to the books meanwhile."""

    @pytest.fixture
    def rest(self, seeded: Engine) -> Story:
        """A large one of which 300.00 are open, and asked to be written off."""
        story = issued(seeded, "LARGE", "8000.00")
        pay(story, "9241.40")
        assert story.command("write_off", "ben", reason="the rest").result == "pending"
        return story

    def test_a_write_off_gives_up_no_more_than_was_approved(self, seeded: Engine, rest: Story) -> None:
        by_hand.unapply(seeded, live(rest)[0].id or 0, "ben", "another's", rest.now)
        rest.command("approve", "ana", subject="write_off-1")
        account = rest.look()
        assert (account.written_off, account.balance, account.phase) == (300_00, 9241_40, "open")
        assert verify(seeded) == []

    def test_and_no_more_than_is_owed_by_then(self, seeded: Engine, rest: Story) -> None:
        pay(rest, "100.00", "T-2")
        rest.command("approve", "ana", subject="write_off-1")
        account = rest.look()
        assert (account.written_off, account.balance) == (200_00, 0)
        assert verify(seeded) == []

    def test_a_cancellation_that_would_credit_more_is_refused(self, seeded: Engine, rest: Story) -> None:
        lost = issued(seeded, "LOST", "1000.00")
        through(lost, "write_off", reason="insolvent", amount="900.00")
        assert lost.command("cancel", "ben", reason="billed twice").subject == "cancel-1"
        by_hand.unapply(seeded, live(rest)[0].id or 0, "ben", "another's", rest.now)
        by_hand.apply(seeded, receipt_of(seeded), [lost.id], None, "ben", lost.now)
        assert lost.look().written_off == 0
        verdict = asked(lost, "approve", "cho", subject="cancel-1")
        assert verdict.result == "refused"
        assert "what was approved" in verdict.reason
        assert lost.look().credited == 0
        assert verify(seeded) == []


class TestIssuedOnly:
    """Money is assigned to what has a number."""

    @pytest.mark.parametrize("ended", [False, True])
    def test_no_receipt_pays_a_draft(self, seeded: Engine, ended: bool) -> None:
        paid = issued(seeded, "PAID")
        pay(paid, "500.00")
        draft = Story(seeded, "demo", "DRAFT")
        draft.start("globex", "300.00")
        if ended:
            draft.command("cancel", "ben", reason="a mistake")
        with pytest.raises(Refused, match="is not issued"):
            by_hand.apply(seeded, receipt_of(seeded), [draft.id], None, "ben", draft.now)
        assert verify(seeded) == []

    def test_what_was_assigned_to_one_is_taken_back_and_issues_nothing(self, seeded: Engine) -> None:
        paid = issued(seeded, "PAID")
        pay(paid, "140.40")
        draft = Story(seeded, "demo", "DRAFT")
        draft.start("globex", "300.00")
        allocation = live(paid)[0].id or 0
        draft.command("cancel", "ben", reason="a mistake")
        with booking(seeded, "demo", draft.now) as tx:
            tx.session.get_one(t.Allocation, allocation).invoice = draft.id
        by_hand.unapply(seeded, allocation, "ben", "never issued", draft.now)
        account = draft.look()
        assert (account.phase, account.number, account.reopened) == ("cancelled", None, False)
