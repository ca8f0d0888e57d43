"""What the books remember of a customer when its next invoice is drafted, and of a draft when it is amended."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import intake
from adapters.books.engine import read, write
from adapters.books.verify import verify
from domain import lifecycle
from domain.account import Account
from schemas import tables as t
from schemas.request import parse_request
from schemas.steps import CommandStep, DraftStep, Outcome
from tests.story import Story

TAX = {"category": "S", "rate": "19"}
FEE = {"description": "Hosting", "item": "H-1", "quantity": "2", "unit_price": "40.00", "tax": TAX}


def billed(engine: Engine, reference: str, month: int, customer: Any = "globex", **more: Any) -> list[str]:
    """Drafted and, as far as nobody must look, issued; the codes of its warnings."""
    story = Story(engine, "demo", reference)
    period = {"from": f"2026-0{month}-01", "to": f"2026-0{month}-28"}
    account = story.start(customer, "0", **{"lines": [FEE], "period": period, **more})
    story.run(0)
    if account.subjects:
        story.command("approve", "cho")
        story.run(0)
    return [warned.code for warned in account.warnings]


def test_the_next_month_is_no_surprise_and_what_differs_is_told(seeded: Engine) -> None:
    dearer, domain = FEE | {"unit_price": "44"}, {"description": "Domain", "quantity": "1", "unit_price": "1.00"}
    moved = {"key": "globex", "name": "Globex GmbH", "country": "DE", "email": "new@globex.example"}
    moved["contacts"] = [{"role": "billing", "email": "new@globex.example"}]  # type: ignore[assignment]
    assert billed(seeded, "M-1", 1) == ["first_invoice"]
    assert billed(seeded, "M-2", 2) == []
    assert billed(seeded, "M-3", 3, lines=[dearer]) == ["price_changed"]
    assert billed(seeded, "M-4", 3, lines=[dearer, domain]) == ["line_repeated"]
    assert "contact_changed" in billed(seeded, "M-5", 4, customer=moved)


def test_a_new_account_of_ours_is_told_once_and_whoever_the_customer_is(seeded: Engine) -> None:
    billed(seeded, "M-1", 1)
    with write(seeded, "demo") as session:
        seller = session.get_one(t.Seller, "demo")
        seller.profile = seller.profile | {"bank": {"iban": "DE02120300000000202051"}}
        session.add(seller)
    assert billed(seeded, "M-2", 2) == ["bank_changed"]
    assert billed(seeded, "M-3", 3) == []


def test_each_content_is_kept_as_often_as_it_was_drafted(seeded: Engine) -> None:
    story = Story(seeded, "demo", "M-1")
    first = story.start("globex", "1000.00")
    with read(seeded) as session:
        request = session.get_one(t.Invoice, story.id).request
    story.command("amend", "sam", request=request | {"terms": "net 14"})
    story.command("amend", "sam", request=request)
    with read(seeded) as session:
        kept = session.exec(select(t.DraftVersion).order_by(t.DraftVersion.at)).all()  # type: ignore[arg-type]
    assert len(kept) == 3
    assert [each.content for each in kept].count(kept[0].content) == 2
    assert first.hash in {each.hash for each in kept}
    assert {each.by for each in kept} == {"crm", "sam"}


class TestOpening:
    """A vote counts for the opening of the approval that it was given in, also where the content stays the same."""

    def amend(self, story: Story, **more: Any) -> Account:
        with read(story.books.engine) as session:
            request = session.get_one(t.Invoice, story.id).request
        story.command("amend", "sam", request=request | more)
        return story.look()

    def asked(self, story: Story) -> list[str]:
        account = story.run(0)
        (subject,) = account.subjects
        return sorted(m.person or "" for m in account.messages if f"@{lifecycle.tag(subject)}" in (m.subject or ""))

    def test_what_was_approved_is_asked_again_after_an_amendment(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "O-1")
        content = story.start("globex", "1000.00", issue_on="2026-02-01").hash
        story.run(0)
        assert story.command("approve", "ana", hash=content).result == "done"
        account = self.amend(story, issue_on="2026-03-01")
        assert (account.phase, account.hash, account.subjects[0].votes) == ("awaiting_approval", content, ())
        assert self.asked(story) == ["ana"]
        assert story.command("approve", "ana", hash=content).result == "done"  # the hash that `status` shows
        assert story.look().phase == "scheduled"
        assert verify(seeded) == []

    def test_of_two_both_vote_again(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "O-2")
        story.start("globex", "12000.00")
        story.run(0)
        story.command("approve", "ben")
        self.amend(story, metadata={"a": "b"})
        assert story.command("approve", "cho").result == "pending"
        assert story.command("approve", "ben").result == "done"
        assert verify(seeded) == []

    def test_a_life_that_was_cancelled_leaves_no_vote(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "O-3")
        story.start("globex", "12000.00")
        story.run(0)
        story.command("approve", "ben")
        story.command("cancel", "cho", reason="a mistake")
        assert story.start("globex", "12000.00").subjects[0].votes == ()
        assert len(self.asked(story)) == 2

    def test_what_was_rejected_is_asked_about_at_once(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "O-4")
        story.start("globex", "1000.00")
        story.run(0)
        story.command("reject", "ana", reason="which project?")
        self.amend(story)
        assert self.asked(story) == ["ana"]


def asked(story: Story, price: str = "10.00", **more: Any) -> dict[str, Any]:
    line = {"description": "Work", "quantity": "1", "unit_price": price, "tax": TAX}
    head = {"seller": "demo", "reference": story.reference, "customer": "globex", "currency": "EUR"}
    return {**head, "lines": [line], **more}


class TestRepaired:
    """Whoever mends a request that could not be read says it once, however often the step is repeated."""

    def amend(self, story: Story, price: str = "10.00", by: str = "sam", **more: Any) -> Outcome:
        step = DraftStep(workflow_id=story.id, now=story.now, request=asked(story, price, **more), by=by)
        return story.books.draft(step)

    def told(self, story: Story) -> list[str]:
        with read(story.books.engine) as session:
            return list(session.exec(select(t.AuditEntry.type).order_by(col(t.AuditEntry.seq))))

    @pytest.mark.parametrize(
        "more",
        [
            {"price": "20000.00"},  # two are asked
            {},  # nobody is
            {"price": "0"},  # nor is anything owed
            {"adopt": {"number": "A-7", "issued_on": "2025-12-01", "due_on": "2025-12-31", "total": "11.90"}},
        ],
    )
    def test_it_counts_once(self, seeded: Engine, more: dict[str, Any]) -> None:
        billed(seeded, "M-1", 1)
        story = Story(seeded, "demo", "R-1")
        first, told = self.amend(story, **more), self.told(story)
        assert first.account is not None
        assert self.amend(story, **more) == first
        assert self.told(story) == told
        assert verify(seeded) == []

    def test_other_content_is_an_amendment_until_it_is_issued(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "R-1")
        self.amend(story)
        again = self.amend(story, "20.00").account
        assert again is not None
        assert (again.total, again.phase) == (2380, "awaiting_approval")
        story.command("approve", "ana")
        number = story.run(0).number
        refused = self.amend(story, "30.00")
        assert [str(each) for each in refused.problems] == [
            f"reference: {number} is issued; credit it and send a new one"
        ]
        assert (story.look().total, story.look().number) == (2380, number)
        assert verify(seeded) == []

    def test_the_cancel_of_one_that_was_never_drafted_means_nobody_after_it(self, seeded: Engine) -> None:
        """An attempt that stood still comes when the reference is somebody else's."""
        story = Story(seeded, "demo", "R-1")
        payload = {"by": "crm", "reason": "cannot be read"}
        step = CommandStep(workflow_id=story.id, now=story.now, id="cancel/1", name="cancel", payload=payload)
        assert story.books.command(step).verdict.result == "done"
        intake.claim(seeded, parse_request(asked(story)), story.now)
        told = self.told(story)
        assert story.books.command(step).verdict.result == "done"
        with read(seeded) as session:
            assert session.get(t.Intake, ("demo", "R-1")) is not None
        assert self.told(story) == told
        assert story.books.draft(DraftStep(workflow_id=story.id, now=story.now, request=asked(story))).account
        assert story.books.command(step).verdict.result == "done"
        assert story.look().phase == "awaiting_approval"
        assert story.command("cancel", "crm", reason="another one").result == "done"
        assert story.look().phase == "cancelled"
        assert verify(seeded) == []
