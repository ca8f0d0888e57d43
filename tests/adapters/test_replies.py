"""Replies in the books: whose they are, how long the ladder rests, what a bounce rolls back, and what they never do."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import queue, recipients, replies, views
from adapters.books.engine import read
from adapters.books.verify import verify
from adapters.documents.shelf import Shelf
from adapters.mail.incoming import parse
from domain import dunning, lifecycle, status
from domain.account import Account
from domain.actions import Wait
from domain.errors import NotFound
from schemas import tables as t
from schemas.steps import SendStep
from tests.replies import ROWS, raw_of
from tests.story import Story

COUNT = iter(range(10_000))


def collecting(engine: Engine, reference: str = "ORD-1", days: float = 9.0, **more: Any) -> Story:
    """Due after a week; by default the first reminders have left."""
    story = Story(engine, "demo", reference)
    story.start("globex", "100.00", terms="net 7", **more)
    story.command("approve", "ana")
    story.run(days)
    return story


def mail(to: str, text: str = "What is this about?", sender: str = "ap@globex.example", **headers: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, headers.pop("subject", "Re: reminder")
    made["Message-ID"] = f"<{next(COUNT)}@globex.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made.as_bytes()


def address(engine: Engine, story: Story) -> str:
    with read(engine) as session:
        return recipients.reply_to(session.get_one(t.Seller, "demo"), story.id)


def receive(engine: Engine, raw: bytes, now: datetime) -> tuple[str, ...]:
    return replies.received(engine, Shelf(), raw, parse(raw), now)


def answer(engine: Engine, story: Story, text: str = "What is this about?", **more: str) -> tuple[str, ...]:
    return receive(engine, mail(address(engine, story), text, **more), story.now)


def exceptions(engine: Engine) -> list[dict[str, Any]]:
    return [each for each in views.exceptions(engine) if each["kind"] == "reply"]


def reminders(account: Account) -> list[str]:
    return [f"{m.rung} {m.state.value}" for m in account.messages if m.kind == "reminder"]


def test_a_reply_lets_the_ladder_rest_and_a_person_decides(seeded: Engine) -> None:
    story = collecting(seeded)
    assert reminders(story.look())[-1] == "D+1 sent"
    story.now += timedelta(days=4)
    assert answer(seeded, story, "We will pay on 2026-01-28.") == (story.id,)
    account, policy = story.look(), story.books.outcome(story.id).policy
    assert policy is not None
    until = story.now + policy.reply_pause
    action = lifecycle.next_action(account, policy, story.now)
    assert isinstance(action, Wait)
    assert (action.until, action.why.code, account.quiet_until) == (until, "reply", until)
    assert lifecycle.state(account, story.now) == "collecting"
    assert status.pauses(account, story.now) == [{"kind": "reply", "amount": "140.40", "until": status.instant(until)}]
    (asked,) = exceptions(seeded)
    assert (asked["owner"], asked["deadline"]) == ("sam", status.instant(until))
    story.command("promise", "ap@globex.example", date="2026-01-28")
    assert exceptions(seeded) == [asked], "nobody of ours has read it"
    story.command("promise", "sam", date="2026-01-28")
    assert exceptions(seeded) == []
    assert verify(seeded) == []


def test_of_several_replies_none_is_taken_for_read(seeded: Engine) -> None:
    story = collecting(seeded)
    for text in ("We will pay on 2026-01-28.", "This was paid last week."):
        answer(seeded, story, text)
    promise, paid = (each["id"] for each in exceptions(seeded))
    story.command("promise", "sam", date="2026-01-28")
    story.command("note", "sam", text="read it")
    assert [each["id"] for each in exceptions(seeded)] == [promise, paid]
    queue.decide(seeded, promise, "sam", "a promise", story.now)
    assert [each["id"] for each in exceptions(seeded)] == [paid]
    story.command("hold", "sam", reason="says it was paid")
    assert exceptions(seeded) == [], "the one that is left is meant"
    assert verify(seeded) == []


def test_what_came_due_meanwhile_leaves_when_the_rest_is_over(seeded: Engine) -> None:
    story = collecting(seeded)
    due = story.look().dues[0].due_on
    story.run((due + timedelta(days=7) - story.now.date()).days - 0.5)  # the night before D+7
    before = story.look()
    answer(seeded, story)
    story.run(1)
    assert reminders(story.look()) == reminders(before)
    assert story.look().dues[0].ladder_on == due
    story.run(5)
    assert reminders(story.look())[-1] == "D+7 sent"
    sent = next(m for m in story.look().messages if m.rung == "D+7")
    assert sent.at >= before.last_entry_at + timedelta(days=2)  # type: ignore[operator]


def test_each_reply_counts_from_its_own_time_and_none_shortens(seeded: Engine) -> None:
    story = collecting(seeded)
    answer(seeded, story)
    first = story.look().quiet_until
    story.now += timedelta(days=1)
    answer(seeded, story, "Well?")
    assert first is not None
    assert story.look().quiet_until == first + timedelta(days=1)
    receive(seeded, mail(address(seeded, story), "old"), story.now - timedelta(days=3))
    assert story.look().quiet_until == first + timedelta(days=1)
    assert len(exceptions(seeded)) == 3


def test_a_reply_before_the_claim_withholds_the_reminder_one_after_it_crosses(seeded: Engine) -> None:
    story = collecting(seeded, days=6)
    _, policy = story.look(), story.books.outcome(story.id).policy
    assert policy is not None
    while True:  # on to the reminder that is about to be claimed
        action = lifecycle.next_action(story.look(), policy, story.now)
        if not isinstance(action, Wait):
            break
        assert action.until is not None
        story.now = action.until
    step = SendStep(workflow_id=story.id, now=story.now, key=action.key)  # type: ignore[union-attr]
    answer(seeded, story)
    claimed, outcome = story.books.claim(step)
    assert claimed is None
    assert outcome.account is not None
    assert dunning.decide(outcome.account, policy, story.now).why.code == "reply"
    assert views.reasons(seeded, story.id)[-1]["code"] == "reply"
    story.now += policy.reply_pause + timedelta(days=3)
    action = lifecycle.next_action(story.look(), policy, story.now)
    while isinstance(action, Wait):
        assert action.until is not None
        story.now = action.until
        action = lifecycle.next_action(story.look(), policy, story.now)
    step = SendStep(workflow_id=story.id, now=story.now, key=action.key)  # type: ignore[union-attr]
    claimed, _ = story.books.claim(step)
    assert claimed is not None
    answer(seeded, story, "I am away until Monday", Auto_Submitted="auto-replied")
    answer(seeded, story, "crossing")
    story.books.confirm(step, claimed, "<x@y>", None)
    said = [each["reason"] for each in views.reasons(seeded, story.id) if each["verdict"] == "sent"][-1]
    assert said.count("a reply came at") == 1


@pytest.mark.parametrize("name", ["Postfix: no such user", "Exim: only the failed address is named"])
def test_a_bounce_goes_on_to_the_next_contact(seeded: Engine, name: str) -> None:
    story = collecting(seeded)
    raw = raw_of(next(row for row in ROWS if row["name"] == name), address(seeded, story), *last(seeded, story))
    receive(seeded, raw, story.now)
    assert story.look().quiet_until is None
    assert reminders(story.look())[-2:] == ["D+1 bounced", "D+1 released"]
    story.run(1)
    again = story.look().messages[-1]
    assert (again.rung, again.state.value, again.key[-2:]) == ("D+1", "sent", "~2")
    assert views.recipients(seeded, story.id)[again.key] == "Frank Fuchs <finance@globex.example>"


def last(engine: Engine, story: Story) -> tuple[str, str]:
    message = [m for m in story.look().messages if m.kind == "reminder"][-1]
    with read(engine) as session:
        return message.key, str(session.get_one(t.Effect, message.key).provider_id)


def test_a_bounce_of_nobody_knows_what_is_for_a_person(seeded: Engine) -> None:
    story = collecting(seeded)
    sender, subject = "MAILER-DAEMON@mx.example", "Undelivered Mail Returned to Sender"
    answer(seeded, story, "could not be delivered", sender=sender, subject=subject)
    assert len(exceptions(seeded)) == 1
    assert reminders(story.look())[-1] == "D+1 sent"


def test_a_copy_leaves_once_a_day_and_in_mode_ask_a_person_lets_it(seeded: Engine) -> None:
    story = collecting(seeded)
    for _ in range(3):
        answer(seeded, story, "Please send the invoice again.")
    copies = [m for m in story.look().messages if "#" in m.key]
    assert [m.state.value for m in copies] == ["released"]
    story.run(0.1)
    assert [m.state.value for m in story.look().messages if "#" in m.key] == ["sent"]
    story.now += timedelta(days=2)
    answer(seeded, story, "Please send the invoice again.")
    assert sum("#" in m.key for m in story.look().messages) == 2
    assert exceptions(seeded) == []
    assert verify(seeded) == []


def test_a_closed_one_is_only_noted_unless_a_person_writes(seeded: Engine) -> None:
    story = collecting(seeded)
    amount, on = "140.40", story.now.date().isoformat()
    story.command("pay", "ben", amount=amount, received_on=on, method="transfer", external_id="B-9")
    story.run(1)
    assert story.look().closed
    answer(seeded, story, "Out until Monday", Auto_Submitted="auto-replied")
    answer(seeded, story, "Please send the invoice again.", sender="mallory@elsewhere.example")
    assert exceptions(seeded) == []
    answer(seeded, story, "We paid twice by mistake.")
    assert len(exceptions(seeded)) == 1
    assert (story.look().quiet_until, story.look().closed) == (None, True)
    story.command("note", "sam", text="answered")
    assert exceptions(seeded) == []


def test_a_copy_of_a_paid_invoice_still_leaves(seeded: Engine) -> None:
    story = collecting(seeded)
    on = story.now.date().isoformat()
    story.command("pay", "ben", amount="140.40", received_on=on, method="transfer", external_id="B-9")
    story.run(1)
    answer(seeded, story, "Please send the invoice again.")
    story.run(0.1)
    assert [m.state.value for m in story.look().messages if "#" in m.key] == ["sent"]
    assert story.look().closed


def test_it_finds_its_receivable_by_address_by_thread_or_not(seeded: Engine) -> None:
    one, other = collecting(seeded), collecting(seeded, "ORD-2")
    _, id_ = last(seeded, other)
    to_both = f"{address(seeded, one)}, {address(seeded, other)}"
    assert set(receive(seeded, mail(to_both), one.now)) == {one.id, other.id}
    assert receive(seeded, mail("rechnung@demo.example", In_Reply_To=id_), other.now) == (other.id,)
    assert receive(seeded, mail(address(seeded, one), In_Reply_To=id_), one.now) == (one.id,)
    assert receive(seeded, mail("ar-000000000000@reply.demo.example"), one.now) == ()
    assert [each["invoice"] for each in exceptions(seeded)].count(None) == 1
    before = len(exceptions(seeded))
    auto = mail("x@reply.demo.example", Auto_Submitted="auto-replied")
    assert receive(seeded, auto, one.now) == ()
    assert len(exceptions(seeded)) == before
    with pytest.raises(NotFound):
        receive(seeded, mail("somebody@nowhere.example"), one.now)


def test_people_of_ours_pause_nothing_and_decide_nothing(seeded: Engine) -> None:
    story = collecting(seeded)
    answer(seeded, story, "approved, please go on", sender="ana@demo.example")
    answer(seeded, story, "Please send the invoice again.", sender="ana@demo.example")
    assert story.look().quiet_until is None
    assert all("one of ours" in each["evidence"]["why"] for each in exceptions(seeded))
    assert len(exceptions(seeded)) == 2
    assert not any("#" in m.key for m in story.look().messages)


def test_neither_the_audit_nor_the_history_holds_what_was_written(seeded: Engine) -> None:
    story = collecting(seeded)
    answer(seeded, story, "my secret text", sender="mallory@elsewhere.example", subject="secret subject")
    with read(seeded) as session:
        entries = session.exec(select(t.AuditEntry).where(t.AuditEntry.invoice == story.id)).all()
        told = " ".join(f"{each.actor} {each.keys}" for each in entries)
        (kept,) = session.exec(select(t.Reply)).all()
    assert "secret" not in told
    assert "mallory" not in told
    assert "secret" not in str(story.look())
    assert (kept.text, kept.kind) == ("my secret text", "person")
