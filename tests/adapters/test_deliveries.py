"""What the provider reports and what the books make of it: a delivery counts, a bounce takes back and goes on to the
next contact, and money is told of once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import by_hand, views
from adapters.books.books import Books
from adapters.books.engine import read, write
from adapters.books.messages import Claimed
from adapters.books.verify import verify
from domain import lifecycle
from domain.account import Account
from domain.actions import Send, Wait
from domain.delivery import MailEvent
from domain.messages import Message, MessageState
from schemas import tables as t
from schemas.steps import Outcome, SendStep, Step
from tests.story import Story

COUNT = itertools.count()


def reporting(engine: Engine, reference: str = "ORD-1", customer: str = "globex", price: str = "100.00") -> Story:
    """An approved receivable whose invoice has been taken by a provider that reports."""
    story = Story(engine, "demo", reference)
    story.books = Books(engine, idempotent=False, reports=True)
    story.start(customer, price)
    story.command("approve", "ana")
    story.run(0)
    return story


def event(story: Story, key: str, type_: str, after: float = 1.0, reason: str = "") -> MailEvent:
    """`after` hours from the story's now."""
    at = story.now + timedelta(hours=after)
    return MailEvent(id=f"e{next(COUNT)}", key=f"{story.id}/{key}", type=type_, at=at, reason=reason)


def report(story: Story, key: str, type_: str, after: float = 1.0) -> tuple[str, ...]:
    story.now += timedelta(hours=after)
    return story.books.delivered([event(story, key, type_, 0)], story.now)


def account(story: Story) -> Account:
    found = story.books.outcome(story.id).account
    assert found is not None
    return found


def mails(story: Story) -> dict[str, str]:
    """Key -> state, of what goes to the customer."""
    return {m.key.removeprefix(f"{story.id}/"): m.state.value for m in account(story).messages if m.kind != "approval"}


def message(story: Story, key: str) -> Message:
    return next(m for m in account(story).messages if m.key == f"{story.id}/{key}")


def exceptions(engine: Engine) -> list[tuple[str, str]]:
    return [(each["kind"], each["key"]) for each in views.exceptions(engine)]


def addresses(story: Story) -> dict[str, str]:
    known = views.recipients(story.books.engine, story.id)
    return {key.removeprefix(f"{story.id}/"): known[key] for key in known}


def whys(engine: Engine, story: Story) -> list[tuple[str, str, str]]:
    return [
        (w["message"].removeprefix(f"{story.id}/"), w["verdict"], w["code"]) for w in views.reasons(engine, story.id)
    ]


def test_an_invoice_counts_when_it_is_delivered(seeded: Engine) -> None:
    story = reporting(seeded)
    assert mails(story) == {"invoice": "accepted"}
    assert account(story).delivered_at is None
    assert lifecycle.state(account(story), story.now) == "delivering"
    assert report(story, "invoice", "processed") == ()
    assert report(story, "invoice", "delivered") == (story.id,)
    assert mails(story) == {"invoice": "sent"}
    assert account(story).delivered_at == story.now
    assert lifecycle.state(account(story), story.now) == "collecting"
    assert (message(story, "invoice").delivery, message(story, "invoice").to) == ("delivered", "billing")
    assert verify(seeded) == []


def test_without_reports_it_counts_at_once(seeded: Engine) -> None:
    story = Story(seeded, "demo", "ORD-1")
    story.start("globex", "100.00")
    story.command("approve", "ana")
    story.run(0)
    assert (message(story, "invoice").state, message(story, "invoice").delivery) == ("sent", "accepted")
    assert account(story).delivered_at == story.now


def test_a_bounce_goes_to_the_next_contact_and_then_to_a_person(seeded: Engine) -> None:
    story = reporting(seeded)
    assert addresses(story)["invoice"] == "Gerda Groß <ap@globex.example>"
    report(story, "invoice", "delivered")
    assert report(story, "invoice", "bounced") == (story.id,)
    assert account(story).delivered_at is None
    assert mails(story) == {"invoice": "bounced", "invoice~2": "released"}
    story.run(0)
    assert mails(story) == {"invoice": "bounced", "invoice~2": "accepted"}
    assert addresses(story)["invoice~2"] == "Frank Fuchs <finance@globex.example>"
    report(story, "invoice~2", "dropped")
    story.run(0)
    report(story, "invoice~3", "blocked")
    story.run(0)
    assert mails(story) == {"invoice": "bounced", "invoice~2": "bounced", "invoice~3": "bounced"}
    assert exceptions(seeded) == [("bounced", f"{story.id}/invoice~3")]
    assert "bounced" in lifecycle.flags(account(story))
    assert [w for w in whys(seeded, story) if w[1] == "moved"] == [
        (f"invoice{n}", "moved", "bounced") for n in ("", "~2", "~3")
    ]
    with pytest.raises(AssertionError, match="every address gave the message back"):
        story.command("send", "sam")
    assert verify(seeded) == []


def test_grace_starts_again_with_the_copy_that_arrives(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "bounced")
    story.run(0)
    report(story, "invoice~2", "delivered", 5)
    assert account(story).delivered_at == story.now
    assert "bounced" not in lifecycle.flags(account(story))
    assert verify(seeded) == []


def test_an_address_given_by_a_person_is_used_from_then_on(seeded: Engine) -> None:
    story = reporting(seeded)
    for key in ("invoice", "invoice~2", "invoice~3"):
        report(story, key, "bounced")
        story.run(0)
    story.command("resend", "sam", to="new@globex.example")
    story.run(0)
    assert mails(story)["invoice#2"] == "accepted"
    report(story, "invoice#2", "delivered")
    assert exceptions(seeded) == []
    assert account(story).delivered_at == story.now
    delivered = story.now
    story.run(28)
    report_all(story, "delivered")
    story.run(3)
    reminders = {key: to for key, to in addresses(story).items() if "/D" in key}
    assert set(reminders.values()) == {"<new@globex.example>"}
    assert account(story).delivered_at == delivered
    assert verify(seeded) == []


def report_all(story: Story, type_: str) -> None:
    """Reports whatever is under way."""
    under_way = [m.key for m in account(story).messages if m.state is MessageState.ACCEPTED]
    events = [event(story, key.removeprefix(f"{story.id}/"), type_, 0) for key in under_way]
    story.books.delivered(events, story.now)


def overdue(engine: Engine, price: str = "100.00") -> Story:
    """Delivered, and its first past-due reminder under way."""
    story = reporting(engine, price=price)
    report(story, "invoice", "delivered")
    while not any("/D+1" in key for key in mails(story)):
        story.run(1)
        report_all(story, "processed")
        if "1/1/D-3" in mails(story):
            story.books.delivered([event(story, "1/1/D-3", "delivered", 0)], story.now)
    return story


def test_a_reminder_that_came_back_is_tried_again_and_the_next_waits(seeded: Engine) -> None:
    story = overdue(seeded)
    assert message(story, "1/1/D+1").state is MessageState.ACCEPTED
    report(story, "1/1/D+1", "bounced")
    assert mails(story)["1/1/D+1~2"] == "released"
    story.run(1)
    assert mails(story)["1/1/D+1~2"] == "accepted"
    assert addresses(story)["1/1/D+1~2"] == "Frank Fuchs <finance@globex.example>"
    report(story, "1/1/D+1~2", "delivered")
    story.run(7)
    assert "1/1/D+7" in mails(story)
    assert addresses(story)["1/1/D+7"] == "Frank Fuchs <finance@globex.example>"  # never the one that bounced
    assert verify(seeded) == []


def test_silence_of_three_days_is_put_before_a_person_once(seeded: Engine) -> None:
    story = overdue(seeded)
    story.run(8)
    assert exceptions(seeded) == [("delivery_unconfirmed", f"{story.id}/1/1/D+1")]
    assert "1/1/D+7" in mails(story)
    report(story, "1/1/D+7", "delivered")
    assert exceptions(seeded) == []
    assert verify(seeded) == []


def test_an_attempt_that_arrives_after_all_needs_no_other(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "blocked")
    report(story, "invoice", "delivered")
    assert mails(story) == {"invoice": "sent", "invoice~2": "skipped"}
    story.run(1)
    assert mails(story) == {"invoice": "sent", "invoice~2": "skipped"}
    assert verify(seeded) == []


def test_no_third_is_written_to_while_the_second_has_it(seeded: Engine) -> None:
    """Blocked, so the next contact was written to; then it arrived after all, and came back in the end."""
    story = reporting(seeded)
    report(story, "invoice", "blocked")
    story.run(0)
    report(story, "invoice", "delivered")
    report(story, "invoice", "bounced")
    assert mails(story) == {"invoice": "bounced", "invoice~2": "accepted"}
    report(story, "invoice~2", "delivered")
    assert exceptions(seeded) == []
    assert verify(seeded) == []


def test_a_report_before_the_confirmation_is_not_lost(seeded: Engine) -> None:
    """A webhook can be faster than our own second transaction."""
    story = Story(seeded, "demo", "ORD-1")
    story.books = Books(seeded, idempotent=False, reports=True)
    story.start("globex", "100.00")
    story.command("approve", "ana")
    while True:
        outcome = story.books.look(Step(workflow_id=story.id, now=story.now))
        assert isinstance(outcome.action, Send)
        step = SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key)
        claimed, _ = story.books.claim(step)
        assert claimed is not None
        if outcome.action.kind == "invoice":
            break
        story.books.confirm(step, claimed, f"<{step.key}>", None)
    story.books.delivered([event(story, "invoice", "delivered")], story.now + timedelta(hours=2))
    assert mails(story) == {"invoice": "claimed"}
    story.books.confirm(step, claimed, "<1>", None)
    assert mails(story) == {"invoice": "sent"}
    assert verify(seeded) == []


def claimed_reminder(story: Story) -> SendStep:
    while True:
        outcome = story.books.look(Step(workflow_id=story.id, now=story.now))
        if isinstance(outcome.action, Send):
            step = SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key)
            assert story.books.claim(step)[0] is not None
            return step
        assert isinstance(outcome.action, Wait)
        assert outcome.action.until is not None
        story.now = outcome.action.until


def test_a_report_settles_what_nobody_could_tell(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "delivered")
    step = claimed_reminder(story)
    story.books.park(step)
    assert [kind for kind, _ in exceptions(seeded)] == ["delivery_unknown"]
    assert report(story, step.key.removeprefix(f"{story.id}/"), "processed") == (story.id,)
    assert exceptions(seeded) == []
    assert next(m for m in account(story).messages if m.key == step.key).state is MessageState.ACCEPTED
    assert verify(seeded) == []


def test_what_was_reported_before_it_is_parked_is_known(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "delivered")
    step = claimed_reminder(story)
    report(story, step.key.removeprefix(f"{story.id}/"), "processed")
    story.books.park(step)
    assert exceptions(seeded) == []
    assert next(m for m in account(story).messages if m.key == step.key).state is MessageState.ACCEPTED


def test_a_late_confirmation_of_what_a_person_gave_up_is_kept(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "delivered")
    step = claimed_reminder(story)
    story.books.park(step)
    story.command("skip", "sam", reason="we called")
    for late in (lambda: story.books.give_back(step), lambda: story.books.refuse(step, "no")):
        late()
        assert next(m for m in account(story).messages if m.key == step.key).state is MessageState.SKIPPED
    claimed = Claimed(key=step.key, resumed=False, shift_days=0)
    story.books.confirm(step, claimed, "<late>", None)
    story.books.confirm(step, claimed, "<late>", None)
    assert next(m for m in account(story).messages if m.key == step.key).state is MessageState.ACCEPTED
    assert verify(seeded) == []


def test_spam_stops_reminders_to_the_contact_of_all_its_receivables(seeded: Engine) -> None:
    story, other = overdue(seeded), reporting(seeded, "ORD-2")
    report(story, "1/1/D+1", "spam_report")
    assert [kind for kind, _ in exceptions(seeded)] == ["spam_report"]
    assert "spam_report" in account(other).exceptions
    story.run(10)
    assert "1/1/D+7" not in mails(story)
    story.command("note", "sam", text="they pressed the wrong button")
    assert exceptions(seeded) == []
    story.run(3)
    assert "1/1/D+7" in mails(story)
    assert verify(seeded) == []


def test_events_of_strangers_change_nothing(seeded: Engine) -> None:
    story = reporting(seeded)
    keys = ("nonsense", "invoice-demo-NONE/invoice", "invoice-nobody-1/invoice", f"{story.id}/1/1/D+1", "")
    events = [MailEvent(id=f"x{n}", key=key, type="bounced", at=story.now, reason="") for n, key in enumerate(keys)]
    assert story.books.delivered(events, story.now) == ()
    assert mails(story) == {"invoice": "accepted"}
    with read(seeded) as session:
        assert session.exec(select(t.MailEvent)).all() == []


def test_ten_thousand_repeats_are_one(seeded: Engine) -> None:
    story = reporting(seeded)
    once = event(story, "invoice", "delivered", 0)
    assert story.books.delivered([once] * 10_000, story.now) == (story.id,)
    assert story.books.delivered([once] * 100, story.now) == ()


def test_a_provider_ahead_of_time_does_not_move_the_clock(seeded: Engine) -> None:
    story = reporting(seeded)
    story.books.delivered([event(story, "invoice", "delivered", 24 * 365)], story.now + timedelta(hours=1))
    found = account(story)
    assert found.last_entry_at is not None
    assert found.last_entry_at <= story.now + timedelta(hours=1)


LIVES = st.lists(
    st.sampled_from(["processed", "deferred", "delivered", "bounced", "dropped", "blocked"]), min_size=1, max_size=5
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_reports_in_any_order_end_in_the_same(seeded: Engine, data: st.DataObject) -> None:
    number = next(COUNT)
    types = data.draw(LIVES)
    order = data.draw(st.permutations([*range(len(types)), *range(len(types))]))
    ends = []
    for name, sequence in (("A", range(len(types))), ("B", order)):
        story = reporting(seeded, f"ORD-{number}{name}")
        events = [event(story, "invoice", type_, n / 10) for n, type_ in enumerate(types)]
        for each in sequence:
            story.books.delivered([events[each]], story.now + timedelta(hours=2))
        found = message(story, "invoice")
        ends.append((found.state, found.delivery, account(story).delivered_at is None))
        live = {"released", "accepted", "sent"}
        assert sum(state in live for state in mails(story).values()) == 1  # somebody gets it, and one alone
    assert ends[0] == ends[1]


def tell_at_once(story: Story, outcome: Outcome) -> list[str]:
    """What an activity does after its step."""
    told = []
    while isinstance(outcome.action, Send) and outcome.action.kind == "receipt":
        step = SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key)
        claimed, outcome = story.books.claim(step)
        if claimed is not None:
            outcome = story.books.confirm(step, claimed, f"<{step.key}>", None)
        told.append(step.key.removeprefix(f"{story.id}/"))
    return told


def look(story: Story) -> Outcome:
    return story.books.look(Step(workflow_id=story.id, now=story.now))


def pays(story: Story, amount: str, external_id: str = "B-1") -> None:
    day = story.now.date().isoformat()
    story.command("pay", "ben", amount=amount, received_on=day, method="transfer", external_id=external_id)


def back(engine: Engine, story: Story, kind: str, amount: int, state: str = "booked", key: str = "") -> None:
    """Money that went back, as the money's own modules book it; only what the notices read."""
    with write(engine, "demo") as session:
        receipt = session.exec(select(t.Receipt.id).order_by(col(t.Receipt.id).desc())).first()
        session.add(
            t.Reversal(
                key=key or f"demo/stripe/re_{next(COUNT)}",
                seller="demo",
                source="stripe",
                external_id=f"re_{next(COUNT)}",
                receipt=receipt or 0,
                invoice=story.id,
                kind=kind,
                amount=amount,
                state=state,
                occurred_on=story.now.date(),
                by="duely",
                at=story.now,
            )
        )


def test_each_payment_is_told_of_once_and_the_books_close_first(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "delivered")
    pays(story, "40.40", "B-1")
    assert tell_at_once(story, look(story)) == ["receipt/1"]
    pays(story, "100.00", "B-2")
    assert account(story).phase == "paid"
    assert tell_at_once(story, look(story)) == ["receipt/2"]
    assert tell_at_once(story, look(story)) == []
    amounts = items(seeded, story)
    assert amounts == {"receipt/1": 4040, "receipt/2": 10000}
    outcome = story.books.outcome(story.id)
    assert isinstance(outcome.action, Wait)
    assert outcome.action.until is None
    assert verify(seeded) == []


def items(engine: Engine, story: Story) -> dict[str, int]:
    with Session(engine) as session:
        found: Sequence[t.MessageItem] = session.exec(
            select(t.MessageItem).where(t.MessageItem.invoice == story.id, t.MessageItem.kind == "receipt")
        ).all()
        return {each.ref: each.amount for each in found}


def test_money_that_goes_back_is_told_of_once(seeded: Engine) -> None:
    story = reporting(seeded)
    pays(story, "40.40")
    tell_at_once(story, look(story))
    back(seeded, story, "refund", 1000, key=f"{story.id}/refund-1")
    back(seeded, story, "returned", 500, key="demo/bank/E2E 77/ä")
    back(seeded, story, "refund", 1, state="unexplained")
    back(seeded, story, "chargeback", 1)
    told = tell_at_once(story, look(story))
    assert sorted(each.partition("/")[0] for each in told) == ["refund", "returned"]
    assert "refund/refund-1" in told
    assert all(each.isascii() and " " not in each for each in told)
    assert tell_at_once(story, look(story)) == []


def test_a_payment_that_was_taken_back_before_the_mail_left_has_no_receipt(seeded: Engine) -> None:
    story = reporting(seeded)
    pays(story, "40.40")
    with read(seeded) as session:
        allocation = session.exec(select(t.Allocation.id)).one()
    by_hand.unapply(seeded, allocation or 0, "ben", "another customer's", story.now)
    assert tell_at_once(story, look(story)) == []


def test_a_provider_that_is_down_delays_the_receipt_and_not_the_booking(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "delivered")
    pays(story, "140.40")
    outcome = look(story)
    assert isinstance(outcome.action, Send)
    step = SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key)
    claimed, _ = story.books.claim(step)
    assert claimed is not None
    story.books.give_back(step)
    outcome = story.books.release(step)
    assert account(story).phase == "paid"
    assert isinstance(outcome.action, Wait)
    assert outcome.action.until == story.now + timedelta(minutes=15)
    story.now += timedelta(minutes=15)
    assert tell_at_once(story, look(story)) == ["receipt/1"]
    assert exceptions(seeded) == []
    assert verify(seeded) == []


def test_a_receipt_that_came_back_goes_to_the_next_contact_of_a_closed_receivable(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "delivered")
    pays(story, "140.40")
    tell_at_once(story, look(story))
    assert report(story, "receipt/1", "bounced") == (story.id,)
    outcome = story.books.outcome(story.id)
    assert isinstance(outcome.action, Send)
    assert outcome.action.key == f"{story.id}/receipt/1~2"
    assert tell_at_once(story, look(story)) == ["receipt/1~2"]
    assert addresses(story)["receipt/1~2"] == "Frank Fuchs <finance@globex.example>"
    assert exceptions(seeded) == []
    assert verify(seeded) == []


def test_mode_ask_tells_of_money_without_a_person(seeded: Engine) -> None:
    story = Story(seeded, "demo", "ORD-1")
    story.books = Books(seeded, idempotent=True)
    story.start("bezirksamt", "100.00", policy="careful")
    story.command("approve", "ana")
    story.run(0)
    pays(story, "40.40")
    assert tell_at_once(story, look(story)) == ["receipt/1"]
    assert mails(story)["receipt/1"] == "sent"


def test_shadow_records_what_it_would_tell(seeded: Engine) -> None:
    story = reporting(seeded)
    with write(seeded, "demo") as session:
        seller = session.get_one(t.Seller, "demo")
        seller.mode = "shadow"
        session.add(seller)
    pays(story, "40.40")
    assert tell_at_once(story, look(story)) == ["receipt/1"]
    assert mails(story)["receipt/1"] == "would_send"
    assert tell_at_once(story, look(story)) == []


def test_damage_to_deliveries_is_named(seeded: Engine) -> None:
    story = reporting(seeded)
    report(story, "invoice", "bounced")
    story.run(0)
    report(story, "invoice~2", "delivered")
    with write(seeded, "demo") as session:
        for row in session.exec(select(t.MailEvent).where(t.MailEvent.type == "bounced")):
            session.delete(row)
    assert [f"{b}" for b in verify(seeded)] == [f"I2 effects {story.id}/invoice: is bounced, but no report says so"]
    with write(seeded, "demo") as session:
        effect = session.get_one(t.Effect, f"{story.id}/invoice")
        effect.delivery = "accepted"
        session.add(effect)
    told = f"I2 effects {story.id}/invoice~2: has arrived, and so has another attempt at it"
    assert [f"{b}" for b in verify(seeded)] == [told]
