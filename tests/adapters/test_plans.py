"""Instalment plans in the books: agreed within the policy, reminded like any due, missed once, made due at once by a
person. The books are whole after each."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from activities.sending import Sender
from adapters.books import by_hand, views
from adapters.books.engine import read, write
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.einvoices import write as write_xml
from adapters.letters import Composer
from domain import lifecycle, money, settlement
from domain.account import Account, Phase
from domain.actions import Send
from domain.calendar import local_date
from domain.status import commands, status
from schemas import tables as t
from schemas.commands import EXAMPLES
from schemas.steps import CommandStep, Verdict
from tests.adapters.test_credit_notes import issued, pay, whole
from tests.adapters.test_letters import Post
from tests.story import Story

PARTS = ("411.40", "400.00", "400.00")


@pytest.fixture
def story(seeded: Engine) -> Story:
    """1211.40 owed by Globex since yesterday."""
    return issued(seeded, "PARTS", "1000.00")


def under(engine: Engine, **changed: Any) -> None:
    """The policy `standard` with other values, for what is drafted and for what runs."""
    with write(engine, None) as session:
        for row in session.exec(select(t.Policy).where(t.Policy.name == "standard")):
            row.content = {**row.content, **changed}
            session.add(row)


def ask(story: Story, name: str, by: str = "ben", **payload: Any) -> Verdict:
    step = CommandStep(workflow_id=story.id, now=story.now, id=uuid4().hex, name=name, payload={"by": by, **payload})
    return story.books.command(step).verdict


def today(story: Story) -> date:
    return local_date(story.now, "Europe/Berlin")


def parts(story: Story, *amounts: str, first: int = 14, gap: int = 28) -> list[dict[str, str]]:
    days = [today(story) + timedelta(days=first + gap * at) for at in range(len(amounts))]
    return [{"due": day.isoformat(), "amount": amount} for day, amount in zip(days, amounts, strict=True)]


def agree(story: Story, *amounts: str, **more: int) -> None:
    story.command("plan", "ben", instalments=parts(story, *(amounts or PARTS), **more))
    story.run(0)


def open_(account: Account) -> dict[str, int]:
    return {due.id: amount for due, amount in settlement.open_dues(account)}


def mails(account: Account) -> list[str]:
    return [m.rung or m.subject or "" for m in account.messages if m.kind in {"reminder", "notice", "invoice"}]


def audited(story: Story) -> list[str]:
    with read(story.books.engine) as session:
        query = select(t.AuditEntry.type).where(t.AuditEntry.invoice == story.id).order_by(col(t.AuditEntry.seq))
        return [each for each in session.exec(query) if each.startswith("plan.")]


def queue(story: Story) -> list[dict[str, Any]]:
    return [each for each in views.exceptions(story.books.engine) if each["invoice"] == story.id]


def missed(story: Story) -> list[str]:
    """The instalments that a person is asked about."""
    return [each["key"].removeprefix(f"{story.id}/") for each in queue(story) if each["kind"] == "plan_broken"]


class TestAgreeing:
    def test_what_is_open_becomes_dues_and_what_is_settled_stays(self, seeded: Engine, story: Story) -> None:
        pay(story, "211.40")
        agree(story, "500.00", "500.00")
        account = story.look()
        assert open_(account) == {"i1-1": 50000, "i1-2": 50000}
        assert sum(due.amount for due in account.dues) == account.total == 121140
        assert lifecycle.flags(account) == ("part_paid", "plan")
        assert audited(story) == ["plan.agreed"]
        assert whole(seeded) == []

    def test_a_due_that_lies_after_the_first_instalment_still_counts_as_settled_before_it(self, story: Story) -> None:
        pay(story, "211.40")  # net 30: due after the first of these
        agree(story, "500.00", "500.00", first=0)
        pay(story, "500.00", "T-2")
        assert open_(story.look()) == {"i1-2": 50000}

    def test_it_pays_in_parts_to_the_end_without_a_word(self, seeded: Engine, story: Story) -> None:
        agree(story)
        for at, amount in enumerate(PARTS):
            story.run(13 if at == 0 else 28)
            pay(story, amount, f"T-{at}")
        account = story.run(1)
        assert account.phase is Phase.PAID
        assert [m for m in mails(account) if m.startswith("D+")] == []
        assert [m for m in mails(account) if m == "D-3"] == ["D-3"] * 3
        assert [m for m in mails(account) if m.startswith("plan")] == ["plan/i1"]
        assert audited(story) == ["plan.agreed", "plan.kept"]
        assert whole(seeded) == []

    @pytest.mark.parametrize(
        ("by", "instalments", "reason"),
        [
            ("sam", PARTS, "plan needs a controller"),
            ("globex", PARTS, "not a person this seller knows"),
            ("ben", ("1211.40", "1.00"), "must be at least 25.00 EUR"),
            ("ben", ("400.00", "400.00"), "sum to 800.00; they must sum to what is open, 1211.40 EUR"),
            ("ben", ("511.40", *["100.00"] * 7), "takes 6 at most"),
        ],
    )
    def test_refused(self, story: Story, by: str, instalments: tuple[str, ...], reason: str) -> None:
        said = ask(story, "plan", by, instalments=parts(story, *instalments))
        assert said.result == "refused"
        assert reason in str(said.reason)
        assert story.look().plans == ()

    def test_refused_too_late_too_early_and_while_something_is_disputed(self, story: Story) -> None:
        for first, reason in ((-1, "is in the past"), (184, "more than 183 days ahead")):
            said = ask(story, "plan", instalments=parts(story, "1211.40", first=first))
            assert reason in str(said.reason)
        story.command("dispute", "globex", reason="late", amount="10.00")
        assert "resolve it first" in str(ask(story, "plan", instalments=parts(story, *PARTS)).reason)
        assert "plan" not in commands(story.look())

    def test_refused_before_issue_and_when_nothing_is_owed(self, seeded: Engine, story: Story) -> None:
        draft = Story(seeded, "demo", "DRAFT")
        draft.start("globex", "1000.00")
        assert "needs an issued invoice" in str(ask(draft, "plan", instalments=parts(draft, *PARTS)).reason)
        pay(story, "1211.40")
        assert "is closed" in str(ask(story, "plan", instalments=parts(story, *PARTS)).reason)

    def test_a_customer_decides_where_the_policy_says_so_and_only_once(self, seeded: Engine, story: Story) -> None:
        under(seeded, plan_by="customer")
        assert "sum to" in str(ask(story, "plan", "globex", instalments=parts(story, "900.00")).reason)
        assert ask(story, "plan", "globex", instalments=parts(story, *PARTS)).result == "done"
        assert "once" in str(ask(story, "plan", "globex", instalments=parts(story, *PARTS)).reason)
        assert "not a person" in str(ask(story, "accelerate", "globex", reason="x").reason)
        story.command("plan", "ben", instalments=parts(story, *PARTS))
        assert [plan.outcome for plan in story.run(1).plans] == ["replaced", None]
        assert whole(seeded) == []

    def test_it_takes_a_promise_s_place_and_lifts_an_escalation(self, seeded: Engine, story: Story) -> None:
        story.command("promise", "globex", date=(today(story) + timedelta(days=20)).isoformat())
        story.command("escalate", "sam", reason="no answer")
        agree(story)
        account = story.look()
        assert [promise.outcome for promise in account.promises] == ["replaced"]
        assert (account.phase, queue(story)) == (Phase.OPEN, [])
        assert whole(seeded) == []

    def test_an_end_that_was_not_told_is_named(self, seeded: Engine, story: Story) -> None:
        agree(story)
        agree(story, *PARTS[::-1])
        told = []
        for id_, outcome in (("i1", "kept"), ("i2", "ended")):
            with write(seeded, None) as session:
                plan = session.get_one(t.PaymentPlan, (story.id, id_))
                told.append(
                    f"I6 payment_plans {story.id}/{id_}: outcome is {outcome}, the audit was told {plan.outcome}"
                )
                plan.outcome, plan.ended_at = outcome, story.now
                session.add(plan)
        assert whole(seeded) == told

    def test_one_that_was_taken_away_is_named(self, seeded: Engine, story: Story) -> None:
        """Also by who takes it out of the count."""
        agree(story)
        with write(seeded, None) as session:
            session.delete(session.get_one(t.PaymentPlan, (story.id, "i1")))
            session.get_one(t.Invoice, story.id).plans = 0
        assert f"I6 payment_plans {story.id}/i1: is missing" in "\n".join(whole(seeded))

    def test_a_discount_ends_with_it_and_not_before(self, seeded: Engine) -> None:
        story = issued(seeded, "SKONTO", "1000.00", "wonka", terms="2/10 net 30")
        rules = story.books.outcome(story.id).policy
        assert rules is not None
        assert settlement.discount_now(story.look(), rules, today(story)) > 0
        total = money.show(story.look().balance, "EUR")
        agree(story, total, first=5)
        assert settlement.discount_now(story.look(), rules, today(story)) == 0
        assert settlement.discount_now(story.look(), rules, today(story) - timedelta(days=1)) > 0


class TestMissed:
    def test_each_instalment_is_chased_and_put_before_a_person_once(self, seeded: Engine, story: Story) -> None:
        agree(story, first=14)
        due = story.look().plans[0].instalments[0].due_on
        account = story.run(14 + 3 - 1 / 24)
        assert local_date(story.now, "Europe/Berlin") == due + timedelta(days=3)
        assert [m for m in mails(account) if m.startswith("D")] == ["D-3", "D+1"]
        assert queue(story) == []
        account = story.run(1)
        (broken,) = queue(story)
        about = {"plan": "i1", "due": "i1-1", "due_on": due.isoformat(), "amount": "411.40", "currency": "EUR"}
        assert (broken["kind"], broken["owner"], broken["evidence"]) == ("plan_broken", "sam", about)
        assert broken["commands"] == ["accelerate", "plan", "hold", "note"]
        assert commands(account)[0:2] == ("accelerate", "plan")
        story.command("note", "sam", text="they call back")
        story.run(20)
        assert missed(story) == []
        story.run(10)
        assert missed(story) == ["i1-2/1"]
        assert audited(story) == ["plan.agreed", "plan.missed", "plan.missed"]
        assert whole(seeded) == []

    def test_a_person_accelerates_only_after_the_grace(self, seeded: Engine, story: Story) -> None:
        agree(story, first=14)
        due = story.look().plans[0].instalments[0].due_on
        said = ask(story, "accelerate", reason="no trust")
        then = due + timedelta(days=4)
        assert f"i1-1 is due on {due}; if it stays unpaid, accelerate from {then} on" in str(said.reason)
        story.run(10)
        pay(story, "100.00")
        story.run(8)
        assert "controller" in str(ask(story, "accelerate", "sam", reason="missed").reason)
        story.command("accelerate", "ben", reason="missed")
        account = story.run(0)
        assert open_(account) == {"i1-all": 111140}
        assert sum(each.amount for each in account.dues) == account.total
        assert (account.plans[0].outcome, queue(story)) == ("accelerated", [])
        assert mails(account)[-1] == "plan_accelerated/i1"
        assert "plan" not in lifecycle.flags(account)
        account = story.run(10)
        assert [m.rung for m in account.messages if m.due == "i1-all" and m.state == "sent"] == ["D+1", "D+7"]
        assert "no instalment plan is running" in str(ask(story, "accelerate", reason="again").reason)
        pay(story, "1111.40", "T-2")
        assert story.run(1).phase is Phase.PAID
        assert whole(seeded) == []

    def test_the_policy_may_do_it_by_itself(self, seeded: Engine, story: Story) -> None:
        under(seeded, plan_acceleration="auto", plan_grace_days=0)
        agree(story, first=14)
        account = story.run(15)
        assert open_(account) == {"i1-all": 121140}
        assert queue(story) == []
        assert audited(story) == ["plan.agreed", "plan.missed", "plan.accelerated"]
        assert mails(account)[-1] == "plan_accelerated/i1"
        assert whole(seeded) == []

    @pytest.mark.parametrize("excuse", ["dispute", "hold", "promise"])
    def test_nothing_is_missed_while_it_is_disputed_held_or_promised(self, story: Story, excuse: str) -> None:
        agree(story, first=14)
        story.run(13)
        later = (today(story) + timedelta(days=20)).isoformat()
        if excuse == "dispute":
            story.command("dispute", "globex", reason="late")
        elif excuse == "hold":
            story.command("hold", "sam", reason="clearing", until=later)
        else:
            story.command("promise", "globex", date=later)
        story.run(12)
        assert missed(story) == []
        assert "no instalment was missed" in str(ask(story, "accelerate", reason="x").reason)
        if excuse == "dispute":
            story.command("resolve", "ben", outcome="withdrawn")
        story.run(12)
        assert missed(story) == ["i1-1/1"]

    def test_a_new_plan_answers_a_broken_one(self, seeded: Engine, story: Story) -> None:
        agree(story, first=14)
        story.run(20)
        assert missed(story) == ["i1-1/1"]
        agree(story, "611.40", "600.00", first=10)
        account = story.look()
        assert queue(story) == []
        assert open_(account) == {"i2-1": 61140, "i2-2": 60000}
        assert sum(each.amount for each in account.dues) == account.total
        assert whole(seeded) == []


class TestInterplay:
    def test_money_credit_and_loss_fill_the_oldest_instalment(self, seeded: Engine, story: Story) -> None:
        agree(story, first=14)
        pay(story, "400.00")
        assert open_(story.look()) == {"i1-1": 1140, "i1-2": 40000, "i1-3": 40000}
        story.command("credit", "ben", reason="goodwill", amount="20.00")
        story.command("write_off", "ben", amount="0.40", kind="bank_fee", reason="kept")
        story.run(0)
        assert open_(story.look()) == {"i1-2": 39100, "i1-3": 40000}
        assert whole(seeded) == []

    def test_a_dispute_takes_the_latest_instalments_from_the_ladder(self, story: Story) -> None:
        agree(story, first=14)
        story.command("dispute", "globex", reason="half is wrong", amount="800.00")
        account = story.run(46)
        assert {m.due for m in account.messages if m.rung} == {"i1-1"}

    def test_money_that_goes_back_is_owed_again_and_missed(self, seeded: Engine, story: Story) -> None:
        agree(story, first=14)
        story.run(13)
        pay(story, "411.40")
        story.run(10)
        assert queue(story) == []
        by_hand.unapply(seeded, 1, "ben", "cheque bounced", story.now)
        account = story.run(1)
        assert open_(account) == {"i1-1": 41140, "i1-2": 40000, "i1-3": 40000}
        assert missed(story) == ["i1-1/2"]
        assert whole(seeded) == []

    def test_an_extended_instalment_has_its_grace_again(self, story: Story) -> None:
        agree(story, first=14)
        story.run(10)
        story.command("extend", "ben", due=(today(story) + timedelta(days=10)).isoformat(), reason="holiday")
        story.run(12)
        assert queue(story) == []
        story.run(3)
        assert missed(story) == ["i1-1/2"]

    def test_what_collectors_or_a_loss_end_was_not_kept(self, seeded: Engine, story: Story) -> None:
        agree(story)
        story.command("hand_over", "ben", to="Collect Ltd", reason="silent")
        assert [plan.outcome for plan in story.run(0).plans] == ["ended"]
        lost = issued(seeded, "LOST", "1000.00")
        agree(lost)
        lost.command("write_off", "ben", reason="insolvent")
        if subject := lost.look().subjects:
            lost.command("approve", "cho", subject=subject[0].id)
        assert [plan.outcome for plan in lost.run(0).plans] == ["ended"]
        assert whole(seeded) == []


class TestTold:
    def test_the_customer_gets_the_dates_in_its_language_at_once(self, seeded: Engine, tmp_path: Path) -> None:
        story = issued(seeded, "WORDS", "1000.00")
        post = Post(tmp_path / "outbox")
        sender = Sender(story.books, post, Composer(TypstDocuments(write_xml), Archive(tmp_path / "archive")))
        said = CommandStep(
            workflow_id=story.id, now=story.now, id="1", name="plan",
            payload={"by": "ben", "instalments": parts(story, *PARTS)},
        )  # fmt: skip
        outcome = sender.tell(said, story.books.command(said).outcome)
        assert not isinstance(outcome.action, Send)
        mail = post.last
        assert (mail.kind, mail.to[0].email, mail.attachments) == ("notice", "ap@globex.example", ())
        assert "Ratenzahlung" in mail.subject
        for amount in ("411,40", "400,00", "1.211,40"):
            assert f"{amount}\u00a0€" in mail.text
        assert mail.text.count("400,00\u00a0€") == 2
        assert "22. Januar 2026" in mail.text

    def test_status_shows_what_was_agreed_and_what_is_open_of_it(self, story: Story) -> None:
        agree(story)
        pay(story, "500.00")
        outcome = story.books.outcome(story.id)
        assert outcome.account is not None
        shown = status(outcome.account, outcome.policy, outcome.action, story.now, story.id, (), EXAMPLES)
        (plan,) = shown["plans"]
        assert (plan["id"], plan["by"], plan["outcome"]) == ("i1", "ben", "open")
        assert [(part["amount"], part["open"]) for part in plan["instalments"]] == [
            ("411.40", "0.00"), ("400.00", "311.40"), ("400.00", "400.00"),
        ]  # fmt: skip
        assert sum(due["open"] != "0.00" for due in shown["dues"]) == 2
