"""Refunds: only against the customer's credit, reserved when granted, paid back once, each way out recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from adapters.books import views
from adapters.books.books import Books
from adapters.books.provider import book_payment
from adapters.books.verify import verify
from domain import lifecycle
from domain.actions import Refund, Send, Wait
from domain.payments import DisputeState, PaymentState, RefundState
from schemas.steps import CommandStep, SendStep, Verdict
from tests.story import Story

TOTAL, OVER = 14040, 5000


@pytest.fixture
def overpaid(seeded: Engine) -> Story:
    """Closed, with 50.00 too much paid by card."""
    story = Story(seeded, "demo", "OVER")
    story.start("globex", "100.00")
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    book_payment(seeded, told(story), story.now)
    story.run(0)  # the receipt leaves
    return story


def told(story: Story, *refunds: RefundState) -> PaymentState:
    return PaymentState(
        provider="stripe",
        id="pi_1",
        status="succeeded",
        currency="EUR",
        amount=TOTAL + OVER,
        paid=TOTAL + OVER,
        method="card",
        seller="demo",
        invoice=story.id,
        tried_at=story.now,
        at=story.now,
        refunds=refunds,
    )


def asked(story: Story, name: str, by: str, **payload: object) -> Verdict:
    step = CommandStep(
        workflow_id=story.id, now=story.now, id=f"{name}-{payload}", name=name, payload={"by": by, **payload}
    )
    return story.books.command(step).verdict


def granted(story: Story, amount: str = "50.00") -> None:
    verdict = asked(story, "refund", "ben", amount=amount, reason="paid too much")
    if verdict.subject:
        verdict = asked(story, "approve", "cho", subject=verdict.subject)
    assert verdict.result == "done", verdict


def step_of(story: Story) -> SendStep:
    outcome = Books(story.books.engine, idempotent=True).outcome(story.id)
    assert outcome.account is not None
    assert outcome.policy is not None
    action = lifecycle.next_action(outcome.account, outcome.policy, story.now)
    assert isinstance(action, Refund), action
    return SendStep(workflow_id=story.id, now=story.now, key=action.key)


def made(key: str, story: Story, status: str = "succeeded", amount: int = OVER) -> RefundState:
    return RefundState(id="re_1", amount=amount, status=status, at=story.now, key=key)


def test_more_than_the_credit_is_refused(seeded: Engine, overpaid: Story) -> None:
    verdict = asked(overpaid, "refund", "ben", amount="50.01", reason="paid too much")
    assert verdict.result == "refused"
    assert "50.00 EUR" in verdict.reason


def test_what_a_customer_paid_before_is_not_asked_about_one_by_one(seeded: Engine, overpaid: Story) -> None:
    def ask(amount: str) -> None:
        assert "50.00 EUR" in asked(overpaid, "refund", "ben", amount=amount, reason="paid too much").reason

    ask("50.01")
    few = statements(seeded, lambda: ask("50.02"))
    for n in range(5):
        paid = Story(seeded, "demo", f"PAID-{n}")
        paid.start("globex", "100.00")
        paid.command("approve", "ana")
        paid.run(1)
        today = paid.now.date().isoformat()
        paid.command("pay", "ben", amount="140.40", received_on=today, method="transfer", external_id=f"P-{n}")
    assert statements(seeded, lambda: ask("50.03")) == few


def statements(engine: Engine, do: Callable[[], object]) -> int:
    """How many the database is asked while something is done."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    do()
    event.remove(engine, "before_cursor_execute", note)
    return len(asked)


def test_nobody_but_a_controller_may_pay_back(overpaid: Story) -> None:
    assert asked(overpaid, "refund", "sam", amount="1.00", reason="kind").result == "refused"


def test_a_granted_refund_is_an_effect_of_the_closed_receivable(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    claimed, _ = overpaid.books.claim_refund(step)
    assert claimed is not None
    assert (claimed.payment, claimed.amount, claimed.resumed) == ("pi_1", OVER, False)
    outcome = overpaid.books.confirm_refund(step, made(step.key, overpaid))
    assert outcome.account is not None
    assert outcome.account.customer_credit == 0
    assert isinstance(outcome.action, Send)
    assert outcome.action.template == "refund"
    overpaid.run(0)
    outcome = overpaid.books.outcome(overpaid.id)
    assert outcome.account is not None
    assert isinstance(outcome.action, Wait)
    assert lifecycle.finished(outcome.account, outcome.action)
    assert verify(seeded) == []


def test_money_that_is_reserved_is_not_granted_twice(overpaid: Story) -> None:
    granted(overpaid, "30.00")
    assert asked(overpaid, "refund", "ben", amount="30.00", reason="again").result == "refused"


def test_a_crash_after_the_call_asks_under_the_same_key(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    first, _ = overpaid.books.claim_refund(step)
    again, _ = overpaid.books.claim_refund(step)
    assert first is not None
    assert again is not None
    assert (again.key, again.resumed) == (first.key, True)
    overpaid.books.confirm_refund(step, made(step.key, overpaid))
    assert overpaid.books.claim_refund(step)[0] is None
    book_payment(seeded, told(overpaid, made(step.key, overpaid)), overpaid.now)
    assert verify(seeded) == []


def test_the_webhook_may_come_before_the_answer(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    book_payment(seeded, told(overpaid, made(step.key, overpaid)), overpaid.now)
    outcome = overpaid.books.confirm_refund(step, made(step.key, overpaid))
    assert outcome.account is not None
    assert outcome.account.customer_credit == 0
    assert verify(seeded) == []


def test_a_refund_that_fails_later_is_credit_again(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    overpaid.books.confirm_refund(step, made(step.key, overpaid))
    book_payment(seeded, told(overpaid, made(step.key, overpaid, status="failed")), overpaid.now)
    outcome = overpaid.books.outcome(overpaid.id)
    assert outcome.account is not None
    assert outcome.account.customer_credit == OVER
    assert "refund_failed" in {e["kind"] for e in views.exceptions(seeded)}
    assert verify(seeded) == []


def test_a_refund_the_provider_refuses_is_credit_again(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    outcome = overpaid.books.fail_refund(step, "charge_disputed")
    assert outcome.account is not None
    assert outcome.account.customer_credit == OVER
    assert outcome.account.repayments == ()
    assert verify(seeded) == []


def test_a_provider_that_is_down_is_asked_later(overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    outcome = overpaid.books.release(step)
    assert outcome.account is not None
    assert outcome.account.repayments[0].retry_at == overpaid.now + timedelta(minutes=15)
    assert isinstance(outcome.action, Wait)
    assert not lifecycle.finished(outcome.account, outcome.action)


def test_credit_that_came_by_transfer_is_in_transit_until_the_statement_shows_it(seeded: Engine) -> None:
    story = Story(seeded, "demo", "CASH")
    story.start("globex", "100.00")
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    story.command(
        "pay", "ben", amount="190.40", received_on=story.now.date().isoformat(), method="transfer", external_id="T-1"
    )
    granted(story)
    outcome = story.books.outcome(story.id)
    assert outcome.account is not None
    assert (outcome.account.customer_credit, outcome.account.repayments) == (0, ())
    assert "refund_to_pay" in {e["kind"] for e in views.exceptions(seeded)}
    assert verify(seeded) == []


def test_a_credit_note_on_a_paid_invoice_explains_a_refund(seeded: Engine, overpaid: Story) -> None:
    refund = RefundState(id="re_9", amount=OVER + 1000, status="succeeded", at=overpaid.now)
    book_payment(seeded, told(overpaid, refund), overpaid.now)
    assert "refund_unexplained" in {e["kind"] for e in views.exceptions(seeded)}
    verdict = asked(overpaid, "credit", "ben", amount="10.00", reason="damaged")
    if verdict.subject:
        verdict = asked(overpaid, "approve", "cho", subject=verdict.subject)
    assert verdict.result == "done", verdict
    assert "refund_unexplained" not in {e["kind"] for e in views.exceptions(seeded)}
    outcome = overpaid.books.outcome(overpaid.id)
    assert outcome.account is not None
    assert (outcome.account.balance, outcome.account.customer_credit) == (0, 0)
    assert verify(seeded) == []


def test_an_answer_that_comes_after_the_failure_was_told_books_nothing(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    book_payment(seeded, told(overpaid, made(step.key, overpaid, status="failed")), overpaid.now)
    outcome = overpaid.books.confirm_refund(step, made(step.key, overpaid))
    assert outcome.account is not None
    assert outcome.account.customer_credit == OVER
    assert verify(seeded) == []


def test_a_refusal_does_not_undo_what_the_provider_has_made(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    book_payment(seeded, told(overpaid, made(step.key, overpaid)), overpaid.now)
    outcome = overpaid.books.fail_refund(step, "charge_already_refunded")
    assert outcome.account is not None
    assert outcome.account.customer_credit == 0
    assert verify(seeded) == []


def test_a_refund_given_up_that_went_out_all_the_same_is_found(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    overpaid.books.fail_refund(step, "refused")
    book_payment(seeded, told(overpaid, made(step.key, overpaid)), overpaid.now)
    outcome = overpaid.books.outcome(overpaid.id)
    assert outcome.account is not None
    assert outcome.account.customer_credit == 0
    assert verify(seeded) == []


def test_a_key_that_is_spent_is_followed_by_another_stored_before_it_is_used(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    first, _ = overpaid.books.claim_refund(step)
    assert first is not None
    for _ in range(2):  # told twice of the same key, it counts once
        overpaid.books.spend_key(step, first.key)
    again, _ = overpaid.books.claim_refund(step)
    assert again is not None
    assert again.key == f"{step.key}#1"
    overpaid.books.confirm_refund(step, made(again.key, overpaid))
    book_payment(seeded, told(overpaid, made(again.key, overpaid)), overpaid.now)
    assert verify(seeded) == []


def test_the_key_of_another_payments_refund_is_not_believed(seeded: Engine, overpaid: Story) -> None:
    other = Story(seeded, "demo", "OTHER")
    other.start("initech", "100.00")
    other.command("approve", "ana")
    other.run(0.1)
    book_payment(seeded, replace(told(other), id="pi_2", invoice=other.id), other.now)
    granted(overpaid)
    step = step_of(overpaid)
    overpaid.books.claim_refund(step)
    forged = replace(told(other, made(step.key, other)), id="pi_2", invoice=other.id)
    book_payment(seeded, forged, other.now)
    outcome = overpaid.books.outcome(overpaid.id)
    assert outcome.account is not None
    assert [each.key for each in outcome.account.repayments] == [step.key]
    assert verify(seeded) == []


def test_a_refund_whose_money_was_charged_back_is_not_asked_for(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    taken = DisputeState(
        id="dp_1", amount=TOTAL + OVER, status="open", taken=True, reason="fraudulent", at=overpaid.now
    )
    book_payment(seeded, replace(told(overpaid), disputes=(taken,)), overpaid.now)
    claimed, outcome = overpaid.books.claim_refund(step)
    assert claimed is None
    assert outcome.account is not None
    assert outcome.account.repayments == ()
    asked_for = {e["kind"]: e["evidence"] for e in views.exceptions(seeded)}
    assert asked_for["refund_failed"]["reason"] == "its money went back after it was granted"
    assert verify(seeded) == []


def test_a_refund_made_at_the_provider_meanwhile_takes_the_place_of_ours(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    book_payment(seeded, told(overpaid, made("", overpaid)), overpaid.now)
    assert "refund_unexplained" in {e["kind"] for e in views.exceptions(seeded)}
    assert overpaid.books.claim_refund(step)[0] is None
    account = overpaid.look()
    assert (account.customer_credit, account.repayments, account.balance) == (0, (), 0)
    assert "refund_unexplained" not in {e["kind"] for e in views.exceptions(seeded)}
    assert verify(seeded) == []


def test_one_that_may_have_been_asked_for_is_asked_for_again(seeded: Engine, overpaid: Story) -> None:
    granted(overpaid)
    step = step_of(overpaid)
    assert overpaid.books.claim_refund(step)[0] is not None
    book_payment(seeded, told(overpaid, made("", overpaid)), overpaid.now)
    again = overpaid.books.claim_refund(step)[0]
    assert again is not None
    assert again.resumed


def test_a_refund_is_told_where_it_was_asked_for_though_nothing_was_paid_there(seeded: Engine, overpaid: Story) -> None:
    other = Story(seeded, "demo", "OTHER")
    other.now = overpaid.now
    other.start("globex", "100.00")
    other.command("approve", "ana")
    other.run(1)
    granted(other)
    step = step_of(other)
    other.books.claim_refund(step)
    other.books.confirm_refund(step, made(step.key, other))
    assert [(notice.kind, notice.amount) for notice in other.look().notices] == [("refund", OVER)]
