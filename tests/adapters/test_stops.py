"""Stops of a customer, a seller and everything: what each kind keeps from leaving, whatever was claimed or planned
before it; payments book all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import customers, stops, views
from adapters.books.engine import open_engine, read, write
from adapters.books.seed_models import Customer
from adapters.books.verify import verify
from domain import lifecycle
from domain.account import Phase
from domain.actions import Send, Wait
from domain.errors import Invalid, NotAllowed, NotFound, Refused
from schemas import tables as t
from schemas.steps import SendStep, Step
from schemas.stops import parse_stop
from tests.adapters.test_credit_notes import issued, pay
from tests.story import Story

SCOPES = ("everything", "seller", "customer")


def stop(story: Story, scope: str, kind: str = "hold", by: str = "sam", **more: Any) -> None:
    engine = story.books.engine
    if scope == "everything":
        stops.pause_all(engine, by, "incident", story.now)
        return
    said = parse_stop("hold", {"by": by, "reason": "told by phone", "kind": kind, **more})
    stops.command(engine, story.seller, "globex" if scope == "customer" else None, said, story.now)


def lift(story: Story, scope: str) -> None:
    engine = story.books.engine
    if scope == "everything":
        stops.resume_all(engine, "sam", story.now)
        return
    said = parse_stop("release", {"by": "sam"})
    stops.command(engine, story.seller, "globex" if scope == "customer" else None, said, story.now)


def sent(story: Story) -> list[str]:
    return [m.rung or m.subject or "" for m in story.look().messages if m.state == "sent" and m.kind != "approval"]


def why(story: Story) -> list[dict[str, Any]]:
    return views.reasons(story.books.engine, story.id)


def exceptions(story: Story) -> list[str]:
    return [each["kind"] for each in views.exceptions(story.books.engine) if each["invoice"] == story.id]


@pytest.fixture
def story(seeded: Engine) -> Story:
    """140.40 owed by Globex since yesterday, due in 29 days."""
    return issued(seeded, "STOP")


class TestHold:
    @pytest.mark.parametrize("scope", SCOPES)
    def test_no_reminder_leaves_and_payments_book(self, seeded: Engine, story: Story, scope: str) -> None:
        stop(story, scope)
        before = sent(story)
        account = story.run(60)
        assert sent(story) == before
        assert lifecycle.state(account, story.now) == "on_hold"
        pay(story, "100.00")
        assert story.look().balance == 4040
        again = Story(open_engine(seeded.url.render_as_string(hide_password=False)), "demo", "STOP")
        again.now = story.now  # another process: a stop is in the database
        assert lifecycle.state(again.run(1), again.now) == "on_hold"
        again.books.engine.dispose()
        lift(story, scope)
        story.run(40)  # what was left of the ladder keeps its distance
        assert "D+1" in sent(story)
        assert verify(seeded) == []

    @pytest.mark.parametrize("kind", ["hold", "insolvent", "no_contact"])
    @pytest.mark.parametrize("scope", ["seller", "customer"])
    def test_what_was_decided_before_a_stop_is_not_claimed_after_it(self, story: Story, scope: str, kind: str) -> None:
        while True:
            outcome = story.books.look(story._step())
            action = outcome.action
            if isinstance(action, Send) and action.kind == "reminder":
                break
            assert isinstance(action, Wait)
            assert action.until is not None
            story.now = action.until
        stop(story, scope, kind)
        step = SendStep(workflow_id=story.id, now=story.now, key=action.key)
        claimed, after = story.books.claim(step)
        assert claimed is None
        assert isinstance(after.action, Wait)
        told = why(story)[-1]
        assert (told["verdict"], told["code"], told["message"]) == ("withheld", "on_hold", action.key)
        words = {"hold": "is on hold", "insolvent": "is insolvent", "no_contact": "must not be written to"}
        assert told["reason"] == f"{scope} {words[kind]}: told by phone"

    def test_it_ends_by_itself(self, story: Story) -> None:
        stop(story, "customer", until=(story.now + timedelta(days=5)).date().isoformat())
        assert lifecycle.state(story.run(1), story.now) == "on_hold"
        assert lifecycle.state(story.run(5), story.now) == "collecting"

    def test_who_may_and_what_is_refused(self, seeded: Engine, story: Story) -> None:
        with pytest.raises(NotAllowed, match="controller or owner"):
            stop(story, "seller", by="ana")
        with pytest.raises(Refused, match="the seller is not on hold"):
            lift(story, "seller")
        with pytest.raises(NotFound):
            stops.command(seeded, "demo", "nobody", parse_stop("release", {"by": "sam"}), story.now)
        with pytest.raises(Invalid, match="kind"):
            parse_stop("hold", {"by": "sam", "reason": "x", "kind": "bankrupt"})
        with pytest.raises(Invalid, match="hold, release, note"):
            parse_stop("pay", {"by": "sam"})


class TestInsolvent:
    def test_each_debt_is_put_before_a_person_once(self, seeded: Engine, story: Story) -> None:
        other = issued(seeded, "OTHER")
        paid = issued(seeded, "PAID")
        pay(paid, "140.40")
        stop(story, "customer", "insolvent")
        for each in (story, other, paid):
            each.run(0)
        assert [exceptions(each) for each in (story, other, paid)] == [["insolvent"], ["insolvent"], []]
        assert story.look().exceptions == ("insolvent",)
        story.command("note", "sam", text="claim filed with the administrator")
        story.run(40)
        assert exceptions(story) == []
        pay(other, "140.40", "T-2")
        assert (other.look().phase, exceptions(other)) == (Phase.PAID, [])
        assert verify(seeded) == []

    def test_it_is_over_when_the_stop_is_lifted(self, story: Story) -> None:
        stop(story, "customer", "insolvent")
        story.run(1)
        lift(story, "customer")
        story.run(1)
        assert exceptions(story) == []
        stop(story, "customer", "insolvent")  # another insolvency
        story.run(1)
        assert exceptions(story) == ["insolvent"]

    def test_documents_and_receipts_still_reach_the_customer(self, story: Story) -> None:
        stop(story, "customer", "insolvent")
        story.command("credit", "ben", reason="returned", amount="10.00")
        pay(story, "20.00")
        assert {m.to for m in story.look().messages if m.kind in {"credit_note", "receipt"}} == {"billing"}


class TestNoContact:
    def test_documents_go_to_the_owner_and_news_to_nobody(self, seeded: Engine, story: Story) -> None:
        stop(story, "customer", "no_contact")
        story.command("resend", "sam", to="other@globex.example")
        pay(story, "20.00")
        account = story.run(60)
        after = [m for m in account.messages if m.at > story.now - timedelta(days=61) and m.kind != "approval"]
        copy = next(m for m in after if m.kind == "invoice" and (m.subject or "").endswith("#2"))
        receipt = next(m for m in after if m.kind == "receipt")
        assert (copy.state, copy.person, copy.to) == ("sent", "sam", "sam")
        assert receipt.state == "skipped"
        assert "reminder" not in {m.kind for m in after}
        kept = next(each for each in why(story) if each["message"] == receipt.key)
        assert (kept["verdict"], kept["reason"]) == ("withheld", "customer must not be written to: told by phone")
        lift(story, "customer")
        story.run(1)
        assert story.look().notices == ()
        assert [m.state for m in story.look().messages if m.kind == "receipt"] == ["skipped"]
        assert verify(seeded) == []

    def test_the_invoice_itself_goes_to_the_owner(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "FIRST")
        stop(story, "customer", "no_contact")
        story.start("globex", "100.00")
        story.command("approve", "ana")
        account = story.run(0)
        assert [(m.kind, m.person) for m in account.messages if m.kind == "invoice"] == [("invoice", "sam")]
        assert account.handed_over_at is not None
        pay(story, "140.40")
        final = story.run(0)
        assert final.phase is Phase.PAID
        outcome = story.books.look(Step(workflow_id=story.id, now=story.now))
        assert outcome.action is not None
        assert lifecycle.finished(final, outcome.action)
        assert verify(seeded) == []

    def test_news_that_failed_to_leave_before_it_does_not_leave_after_it(self, story: Story) -> None:
        received = story.now.date().isoformat()
        story.command("pay", "ben", amount="140.40", received_on=received, method="cheque", external_id="C-1")
        action = story.books.look(story._step()).action
        assert isinstance(action, Send)
        assert action.kind == "receipt"
        step = SendStep(workflow_id=story.id, now=story.now, key=action.key)
        assert story.books.claim(step)[0] is not None
        story.books.give_back(step)
        stop(story, "customer", "no_contact")
        assert story.books.claim(step)[0] is None
        story.run(5)
        assert [m.state for m in story.look().messages if m.kind == "receipt"] == ["skipped"]


class TestConsumers:
    def test_no_policy_that_is_not_for_consumers_ever_chases_one(self, seeded: Engine) -> None:
        with read(seeded) as session:
            row = session.exec(
                select(t.Customer).where(t.Customer.seller == "demo", t.Customer.kind == "consumer")
            ).one()
            key = row.key
        wanted = Story(seeded, "demo", "B2C")
        with pytest.raises(AssertionError, match="is not for consumers"):
            wanted.start(key, "100.00", policy="standard")
        shop = Story(seeded, "demo", "OK")
        shop.start(key, "100.00")
        shop.command("approve", "ana")
        version = shop.run(0)
        with write(seeded, None) as session:
            old = session.exec(select(t.Policy).where(t.Policy.name == "consumer")).one()
            session.add(t.Policy(name="consumer", version=2, content={**old.content, "consumer": False}, digest="x"))
        assert version.consumer
        shop.run(40)
        assert "consumer" not in exceptions(shop)  # it names the version that it was issued under
        later = Story(seeded, "demo", "LATER")
        with pytest.raises(AssertionError, match="is not for consumers"):
            later.start(key, "100.00")

    def test_one_that_was_issued_under_such_a_policy_is_put_before_a_person(self, seeded: Engine, story: Story) -> None:
        with write(seeded, None) as session:
            row = session.get_one(t.Invoice, story.id)
            row.customer_data = {**row.customer_data, "kind": "consumer"}
            session.add(row)
        account = story.run(40)
        assert (account.phase, exceptions(story)) == (Phase.ESCALATED, ["consumer"])
        assert not [m for m in account.messages if m.kind == "reminder"]

    def test_neither_stored_nor_seeded(self, seeded: Engine) -> None:
        jo = Customer(name="Jo", country="DE", timezone="Europe/Berlin", kind="consumer")
        with pytest.raises(Invalid, match="is not for consumers"):
            customers.put(seeded, "demo", "jo", jo, "crm", issued(seeded, "NOW").now)
