"""What a provider tells is booked once, whatever the order, and reopens what owes again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import by_hand, views
from adapters.books.books import Books
from adapters.books.checks import receipts
from adapters.books.engine import read
from adapters.books.provider import book_payment
from adapters.books.tx import booking
from adapters.books.verify import verify
from domain import lifecycle
from domain.account import Account
from domain.errors import NotFound, Refused
from domain.payments import DisputeState, PaymentState, RefundState
from schemas import tables as t
from tests.story import Story

NET, TOTAL = "100.00", 14040  # 119.00 + 2 × 10.00 at 7 %


@pytest.fixture
def sold(seeded: Engine) -> Story:
    story = Story(seeded, "demo", "SOLD")
    story.start("globex", NET)
    story.run(0)
    story.command("approve", "ana")
    story.run(3)
    return story


def paid(story: Story, **more: object) -> PaymentState:
    told = PaymentState(
        provider="stripe",
        id="pi_1",
        status="succeeded",
        currency="EUR",
        amount=TOTAL,
        paid=TOTAL,
        fee=236,
        method="card",
        seller="demo",
        invoice=story.id,
        tried_at=story.now,
        at=story.now,
    )
    return replace(told, **more)  # type: ignore[arg-type]


def disputed(at: datetime, **more: object) -> DisputeState:
    told = DisputeState(
        id="dp_1",
        amount=TOTAL,
        status="open",
        taken=True,
        reason="fraudulent",
        at=at,
        due_by=at + timedelta(days=7),
        fee=2000,
    )
    return replace(told, **more)  # type: ignore[arg-type]


def account_of(engine: Engine, story: Story) -> Account:
    account = Books(engine, idempotent=True).outcome(story.id).account
    assert account is not None
    return account


def kinds(engine: Engine) -> set[str]:
    return {e["kind"] for e in views.exceptions(engine)}


def postings(engine: Engine) -> dict[str, int]:
    with read(engine) as session:
        found: dict[str, int] = {}
        for row in session.exec(select(t.Posting)):
            found[row.account] = found.get(row.account, 0) + row.amount
        return found


def test_a_payment_closes_its_receivable_and_its_fee_is_apart(seeded: Engine, sold: Story) -> None:
    assert book_payment(seeded, paid(sold), sold.now) == (sold.id,)
    account = account_of(seeded, sold)
    assert (account.phase, account.balance, account.paid) == ("paid", 0, TOTAL)
    assert postings(seeded)["clearing/stripe"] == TOTAL - 236
    assert postings(seeded)["fees"] == 236
    assert verify(seeded) == []


def test_told_a_hundred_times_it_is_booked_once(seeded: Engine, sold: Story) -> None:
    for _ in range(5):
        book_payment(seeded, paid(sold), sold.now)
    found = account_of(seeded, sold)
    assert (found.paid, found.customer_credit) == (TOTAL, 0)
    assert postings(seeded)["fees"] == 236
    assert verify(seeded) == []


def test_a_fee_that_is_known_later_is_posted_then(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold, fee=0), sold.now)
    book_payment(seeded, paid(sold, fee=200), sold.now)
    assert postings(seeded)["fees"] == 200


def test_a_chargeback_weeks_later_reopens_paused_with_its_deadline(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold), sold.now)
    later = sold.now + timedelta(days=40)
    assert book_payment(seeded, paid(sold, disputes=(disputed(later),)), later) == (sold.id,)
    account = account_of(seeded, sold)
    assert (account.phase, account.balance, account.reopened) == ("open", TOTAL, True)
    assert lifecycle.state(account, later) == "on_hold"
    found = next(e for e in views.exceptions(seeded) if e["kind"] == "chargeback")
    assert found["owner"] == "sam"
    assert found["deadline"] == (later + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert verify(seeded) == []


def test_a_chargeback_won_pays_the_receivable_again(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold), sold.now)
    later = sold.now + timedelta(days=40)
    book_payment(seeded, paid(sold, disputes=(disputed(later),)), later)
    book_payment(seeded, paid(sold, disputes=(disputed(later, status="won", taken=False, fee=0),)), later)
    account = account_of(seeded, sold)
    assert (account.phase, account.balance, account.holds) == ("paid", 0, ())
    assert postings(seeded)["clearing/stripe"] == TOTAL - 236
    assert "chargeback" not in kinds(seeded)
    assert verify(seeded) == []


def test_a_chargeback_lost_asks_the_person_again(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold, disputes=(disputed(sold.now),)), sold.now)
    book_payment(seeded, paid(sold, disputes=(disputed(sold.now, status="lost"),)), sold.now)
    assert kinds(seeded) == {"chargeback_lost"}
    assert account_of(seeded, sold).balance == TOTAL


def test_a_debit_returned_for_lack_of_funds_goes_on_with_the_ladder(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold, method="sepa_debit"), sold.now)
    back = disputed(sold.now, reason="insufficient_funds", status="lost", fee=0)
    book_payment(seeded, paid(sold, method="sepa_debit", disputes=(back,)), sold.now)
    account = account_of(seeded, sold)
    assert (account.phase, account.balance) == ("open", TOTAL)
    assert account.holds == ()
    assert account.dues[0].episode == 2
    assert kinds(seeded) == set()


def test_a_debit_returned_as_unauthorised_is_paused(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold, method="sepa_debit"), sold.now)
    back = disputed(sold.now, reason="debit_not_authorized", status="lost")
    book_payment(seeded, paid(sold, method="sepa_debit", disputes=(back,)), sold.now)
    assert lifecycle.state(account_of(seeded, sold), sold.now) == "on_hold"
    assert kinds(seeded) == {"returned_debit"}


def test_a_refund_without_credit_is_a_persons_and_nobody_is_chased(seeded: Engine, sold: Story) -> None:
    refund = RefundState(id="re_1", amount=5000, status="succeeded", at=sold.now)
    book_payment(seeded, paid(sold, refunds=(refund,)), sold.now)
    account = account_of(seeded, sold)
    assert (account.phase, account.balance) == ("paid", 0)
    assert kinds(seeded) == {"refund_unexplained"}
    assert postings(seeded)["unexplained"] == 5000
    assert verify(seeded) == []


def test_a_refund_of_what_was_paid_too_much_needs_nobody(seeded: Engine, sold: Story) -> None:
    refund = RefundState(id="re_1", amount=1000, status="succeeded", at=sold.now)
    book_payment(seeded, paid(sold, paid=TOTAL + 1000, amount=TOTAL + 1000, refunds=(refund,)), sold.now)
    account = account_of(seeded, sold)
    assert (account.balance, account.customer_credit) == (0, 0)
    assert verify(seeded) == []


def test_any_order_of_what_is_told_gives_the_same_books(seeded: Engine) -> None:
    """Each event makes us read the payment as it then stands; what is told late is told as it was."""
    told = []
    for n, order in enumerate(permutations(range(3))):
        story = Story(seeded, "demo", f"ANY-{n}")
        story.start("globex", NET)
        story.run(0)
        story.command("approve", "ana")
        story.run(1)
        base = paid(story, id=f"pi_{n}", fee=0)
        refund = RefundState(id=f"re_{n}", amount=1000, status="succeeded", at=story.now)
        dispute = disputed(story.now, id=f"dp_{n}", amount=5000, fee=0)
        states = (base, replace(base, refunds=(refund,)), replace(base, refunds=(refund,), disputes=(dispute,)))
        for at in (*order, *order):
            book_payment(seeded, states[at], story.now)
        account = account_of(seeded, story)
        told.append((account.balance, account.phase, len(account.holds)))
    assert set(told) == {(5000, "open", 1)}
    assert verify(seeded) == []


def test_another_currency_stays_the_customers_credit(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold, currency="USD"), sold.now)
    assert account_of(seeded, sold).balance == TOTAL
    assert kinds(seeded) == {"wrong_currency"}
    assert verify(seeded) == []


def test_a_payment_of_other_software_is_not_ours(seeded: Engine, sold: Story) -> None:
    with pytest.raises(NotFound):
        book_payment(seeded, paid(sold, invoice="invoice-demo-NOBODY"), sold.now)
    with pytest.raises(NotFound):
        book_payment(seeded, paid(sold, invoice=""), sold.now)


def test_a_fee_of_a_locked_period_is_posted_once(seeded: Engine, sold: Story) -> None:
    with booking(seeded, "demo", sold.now) as tx:
        tx.seller.locked_until = (sold.now + timedelta(days=20)).date()
        tx.session.add(tx.seller)
    for _ in range(3):
        book_payment(seeded, paid(sold, disputes=(disputed(sold.now),)), sold.now)
    assert postings(seeded)["fees"] == 236 + 2000
    assert verify(seeded) == []


def test_a_payment_told_late_without_its_fee_takes_none_back(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold), sold.now)
    book_payment(seeded, paid(sold, fee=0), sold.now)
    assert postings(seeded)["fees"] == 236


def test_a_chargeback_of_mere_credit_is_still_somebodys_to_contest(seeded: Engine, sold: Story) -> None:
    back = disputed(sold.now, amount=1000)
    book_payment(seeded, paid(sold, amount=TOTAL + 1000, paid=TOTAL + 1000, disputes=(back,)), sold.now)
    account = account_of(seeded, sold)
    assert (account.phase, account.balance, account.holds) == ("paid", 0, ())
    assert kinds(seeded) == {"chargeback"}
    assert verify(seeded) == []


def test_a_payment_for_two_comes_back_to_both_and_pays_both_again(seeded: Engine, sold: Story) -> None:
    other = Story(seeded, "demo", "OTHER")
    other.now = sold.now
    other.start("globex", NET)
    other.command("approve", "ana")
    other.run(0.1)
    both = paid(sold, amount=2 * TOTAL, paid=2 * TOTAL)
    book_payment(seeded, both, sold.now)
    receipt = account_of(seeded, sold).credit_receipts[0].id
    by_hand.apply(seeded, receipt, [other.id], TOTAL, "ben", other.now)
    assert account_of(seeded, other).phase == "paid"
    assert "overpaid" not in kinds(seeded)
    back = disputed(sold.now, amount=2 * TOTAL)
    hit = book_payment(seeded, replace(both, disputes=(back,)), sold.now)
    assert set(hit) == {sold.id, other.id}
    assert {lifecycle.state(account_of(seeded, each), sold.now) for each in (sold, other)} == {"on_hold"}
    won = disputed(sold.now, amount=2 * TOTAL, status="won", taken=False, fee=0)
    book_payment(seeded, replace(both, disputes=(won,)), sold.now)
    assert {account_of(seeded, each).phase for each in (sold, other)} == {"paid"}
    assert kinds(seeded) == set()
    assert verify(seeded) == []


def test_a_payment_told_with_another_amount_changes_nothing(seeded: Engine, sold: Story) -> None:
    book_payment(seeded, paid(sold), sold.now)
    book_payment(seeded, paid(sold, paid=TOTAL - 1), sold.now)
    assert account_of(seeded, sold).paid == TOTAL
    assert verify(seeded) == []


class TestWhatLeftIsNoCredit:
    """Money that somebody refunded at the provider is not paid out, and pays nothing, a second time."""

    @pytest.fixture
    def other(self, seeded: Engine, sold: Story) -> Story:
        story = Story(seeded, "demo", "OTHER")
        story.now = sold.now
        story.start("globex", NET)
        story.run(0)
        story.command("approve", "ana")
        story.run(1)
        return story

    @staticmethod
    def refunded(engine: Engine, story: Story, amount: int, came: int = TOTAL) -> None:
        refund = RefundState(id="re_1", amount=amount, status="succeeded", at=story.now)
        book_payment(engine, paid(story, amount=came, paid=came, refunds=(refund,)), story.now)
        assert kinds(engine) == {"refund_unexplained"}

    @staticmethod
    def receipt(engine: Engine) -> tuple[int, int]:
        """The only one, and the assignment that stands of it."""
        with read(engine) as session:
            live = select(t.Allocation).where(t.Allocation.released_at == None)  # noqa: E711
            found = session.exec(live).one()
            return found.receipt, found.id or 0

    def explained(self, engine: Engine, story: Story, other: Story, receipt: int) -> None:
        assert account_of(engine, story).customer_credit == 0
        assert "refund_unexplained" not in kinds(engine)
        assert postings(engine)["unexplained"] == 0
        with pytest.raises(Refused, match=r" 0\.00 free"):
            by_hand.apply(engine, receipt, [other.id], None, "ben", other.now)
        assert verify(engine) == []

    @pytest.mark.parametrize("how", ["credit", "cancel", "resolve"])
    def test_a_credit_note_explains_it(self, seeded: Engine, sold: Story, other: Story, how: str) -> None:
        self.refunded(seeded, sold, 6000, came=6000)
        receipt, _ = self.receipt(seeded)
        said: dict[str, str] = {"reason": "ordered by mistake"}
        if how == "credit":
            said["amount"] = "140.40"
        elif how == "resolve":
            sold.command("dispute", "globex", reason="ordered by mistake")
            said = {"outcome": "accepted"}
            sold.command("credit", "ben", amount="60.00", reason="goodwill")
        verdict = sold.command(how, "ben", **said)
        if verdict.subject:
            sold.command("approve", "cho", subject=verdict.subject)
        assert account_of(seeded, sold).balance == 0
        self.explained(seeded, sold, other, receipt)

    def test_an_assignment_taken_back_explains_it(self, seeded: Engine, sold: Story, other: Story) -> None:
        self.refunded(seeded, sold, TOTAL)
        receipt, allocation = self.receipt(seeded)
        by_hand.unapply(seeded, allocation, "ben", "refunded in the dashboard", sold.now)
        assert account_of(seeded, sold).balance == TOTAL
        self.explained(seeded, sold, other, receipt)

    def test_too_little_credit_explains_nothing_and_is_of_no_use(
        self, seeded: Engine, sold: Story, other: Story
    ) -> None:
        self.refunded(seeded, sold, 6000)
        receipt, _ = self.receipt(seeded)
        sold.command("credit", "ben", amount="20.00", reason="damaged")
        assert "refund_unexplained" in kinds(seeded)
        with pytest.raises(Refused, match=r"-40\.00 free"):
            by_hand.apply(seeded, receipt, [other.id], None, "ben", other.now)
        assert verify(seeded) == []

    def test_credit_beside_an_unexplained_refund_is_named(self, seeded: Engine, sold: Story) -> None:
        self.refunded(seeded, sold, TOTAL)
        with booking(seeded, "demo", sold.now) as tx:
            tx.session.exec(select(t.Allocation)).one().released_at = sold.now
        with read(seeded) as session:
            (found,) = receipts.what_left_is_no_credit(session)
        assert (
            str(found)
            == f"I7 reversals demo/stripe/re_1: {TOTAL} left unexplained, but {TOTAL} of its receipt are free"
        )
