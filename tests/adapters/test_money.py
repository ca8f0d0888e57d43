"""What people decide about money, and what a payment brought with it: no more than was approved, owed or paid. The
books are whole after each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import by_hand, receipts, views
from adapters.books.engine import read
from adapters.books.provider import book_payment
from adapters.books.tx import booking
from adapters.books.verify import verify
from domain.errors import Refused
from domain.payments import DisputeState, PaymentState
from schemas import tables as t
from tests.adapters.test_credit_notes import issued, ledger, pay
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


class TestWaived:
    """What was waived because a payment settled the receivable is owed again when the payment goes back."""

    PAID = 1166_20

    @pytest.fixture
    def sold(self, seeded: Engine) -> Story:
        return issued(seeded, "SOLD", lines=[{**ONE[0], "unit_price": "1000.00"}], terms="2/10 net 30")

    def debited(self, story: Story, **more: object) -> PaymentState:
        told = PaymentState(
            provider="stripe", id="pi_1", status="succeeded", currency="EUR", amount=self.PAID, paid=self.PAID,
            method="sepa_debit", seller="demo", invoice=story.id, tried_at=story.now, at=story.now,
        )  # fmt: skip
        return replace(told, **more)  # type: ignore[arg-type]

    def returned(self, story: Story, status: str = "lost", amount: int = PAID) -> DisputeState:
        return DisputeState(
            id="dp_1", amount=amount, status=status, taken=True, reason="insufficient_funds", at=story.now
        )

    @pytest.mark.parametrize("amount", [PAID, 100_00])
    def test_a_debit_that_is_returned_takes_its_discount_along(self, seeded: Engine, sold: Story, amount: int) -> None:
        debit = self.debited(sold)
        book_payment(seeded, debit, sold.now)
        assert (sold.look().discounted, sold.look().phase) == (23_80, "paid")
        sold.now += timedelta(days=5)
        book_payment(seeded, replace(debit, disputes=(self.returned(sold, amount=amount),)), sold.now)
        account = sold.look()
        assert (account.paid, account.discounted, account.balance) == (self.PAID - amount, 0, amount + 23_80)
        assert "discount" not in ledger(sold)
        assert ledger(sold)["vat/19"] == -190_00
        assert verify(seeded) == []

    def test_with_the_money_it_comes_back(self, seeded: Engine, sold: Story) -> None:
        debit = self.debited(sold)
        book_payment(seeded, debit, sold.now)
        sold.now += timedelta(days=12)
        back = replace(self.returned(sold, "open"), reason="debit_not_authorized")
        book_payment(seeded, replace(debit, disputes=(back,)), sold.now)
        assert sold.look().balance == 1190_00
        sold.now += timedelta(days=12)
        book_payment(seeded, replace(debit, disputes=(replace(back, status="won"),)), sold.now)
        account = sold.look()
        assert (account.paid, account.discounted, account.balance) == (self.PAID, 23_80, 0)
        assert verify(seeded) == []

    def test_an_earlier_part_that_goes_back_ends_it_too(self, seeded: Engine, sold: Story) -> None:
        pay(sold, "500.00")
        pay(sold, "666.18", "T-2")
        account = sold.look()
        assert (account.discounted, account.written_off, account.balance) == (23_80, 2, 0)
        by_hand.unapply(seeded, live(sold)[0].id or 0, "ben", "another's", sold.now)
        account = sold.look()
        assert (account.discounted, account.written_off, account.balance) == (0, 0, 523_82)
        by_hand.apply(seeded, receipt_of(seeded), [sold.id], None, "ben", sold.now)
        account = sold.look()
        assert (account.discounted, account.written_off, account.balance) == (23_80, 2, 0)
        assert verify(seeded) == []

    def test_what_a_person_gave_up_stays_given_up(self, seeded: Engine, sold: Story) -> None:
        through(sold, "write_off", kind="late_discount", amount="10.00", reason="an old customer")
        through(sold, "write_off", kind="small_difference", amount="0.50", reason="an old customer")
        pay(sold, "1179.50")
        by_hand.unapply(seeded, live(sold)[0].id or 0, "ben", "another's", sold.now)
        assert sold.look().written_off == 10_50
        assert verify(seeded) == []

    def test_a_discount_offered_for_one_payment_outlasts_another(self, seeded: Engine, sold: Story) -> None:
        sold.command("dispute", "globex", reason="too much", amount="119.00")
        asked_for = sold.checkout()
        sold.pay_online(asked_for)
        discount = sold.look().discounted
        assert discount > 0
        assert sold.look().balance > 0
        sold.command("resolve", "ben", outcome="withdrawn")
        pay(sold, "119.00")
        by_hand.unapply(seeded, live(sold)[-1].id or 0, "ben", "another's", sold.now)
        assert sold.look().discounted == discount
        by_hand.unapply(seeded, live(sold)[0].id or 0, "ben", "another's", sold.now)
        assert (sold.look().discounted, sold.look().balance) == (0, 1190_00)
        assert verify(seeded) == []

    def test_a_discount_that_nothing_was_paid_for_is_named(self, seeded: Engine, sold: Story) -> None:
        book_payment(seeded, self.debited(sold), sold.now)
        with booking(seeded, "demo", sold.now) as tx:
            row = tx.session.get_one(t.Invoice, sold.id)
            receipts.unallocate(tx, row, live(sold)[0], "returned", "duely")
        assert [str(each) for each in verify(seeded)] == [f"I5 invoices {sold.id}: 2380 were granted, nothing was paid"]


class TestLost:
    def test_a_lost_debt_that_is_paid_brings_back_the_tax_that_it_took(self, seeded: Engine) -> None:
        book = {"description": "Book", "quantity": "10", "unit_price": "10.00", "tax": {"category": "S", "rate": "7"}}
        story = issued(seeded, "LOST", lines=[*ONE, {**book, "id": "2"}])
        through(story, "credit", reason="books returned", lines=["2"])
        through(story, "write_off", reason="lost")
        other = issued(seeded, "OTHER")
        pay(other, "500.00")
        by_hand.apply(seeded, receipt_of(seeded), [story.id], 50_00, "ben", other.now)
        by_hand.apply(seeded, receipt_of(seeded), [story.id], None, "ben", other.now)
        found = ledger(story)
        assert found["vat/19"] == -19_00
        assert {"vat/7", "bad_debt", "receivable"}.isdisjoint(found)
        assert verify(seeded) == []

    def test_a_cheque_for_it_is_a_recovery_also_once_it_is_closed(self, seeded: Engine) -> None:
        story = issued(seeded, "LOST", lines=ONE)
        through(story, "write_off", reason="lost")
        assert story.run(1).phase == "written_off"
        cheque = {"received_on": story.now.date().isoformat(), "method": "cheque"}
        story.command("pay", "ben", amount="100.00", external_id="C-1", **cheque)
        assert (story.look().paid, story.look().bad_debt) == (100_00, 19_00)
        story.command("pay", "ben", amount="19.00", external_id="C-2", **cheque)
        assert "bad_debt" not in ledger(story)
        late = asked(story, "pay", "ben", amount="1.00", external_id="C-3", **cheque)
        assert (late.result, "closed" in late.reason) == ("refused", True)
        assert verify(seeded) == []


class TestKept:
    """What a bank or a tax office kept of the money was paid all the same."""

    @pytest.mark.parametrize("kind", ["bank_fee", "withholding_tax"])
    def test_a_prepayment_is_paid_with_it(self, seeded: Engine, kind: str) -> None:
        first = issued(seeded, "PRE", lines=ONE, kind="prepayment")
        pay(first, "114.00")
        through(first, "write_off", kind=kind, reason="kept on the way")
        first.run(1)
        assert first.look().phase == "paid"
        assert ledger(first)["vat/19"] == -19_00
        assert "vat_pending/19" not in ledger(first)
        final = Story(seeded, "demo", "FINAL")
        final.now = first.now
        named = [{"number": str(first.look().number), "date": "2026-01-07"}]
        account = final.start("globex", "1", lines=[{**ONE[0], "unit_price": "200.00"}], preceding=named)
        assert account.total == 119_00
        assert verify(seeded) == []

    @pytest.mark.parametrize(("how", "paid"), [("credit", 0), ("credit", 100), ("cancel", 0), ("cancel", 100)])
    def test_all_the_rest_can_be_credited(self, seeded: Engine, how: str, paid: int) -> None:
        story = issued(seeded, "KEPT", lines=ONE)
        through(story, "write_off", kind="withholding_tax", amount="10.00", reason="the certificate came")
        if paid:
            pay(story, f"{paid}.00")
        refused = asked(story, "credit", "ben", amount="119.00", reason="all of it")
        assert "109.00" in refused.reason
        said = {"amount": "109.00"} if how == "credit" else {}
        through(story, how, reason="billed twice", **said)
        account = story.look()
        assert (account.credited, account.withheld, account.balance) == (109_00, 10_00, 0)
        assert (account.paid, account.customer_credit) == (0, paid * 100)
        assert verify(seeded) == []


class TestByHand:
    """A payment kept by hand has an id that names it alone."""

    CHEQUE: ClassVar = {"amount": "140.40", "received_on": "2026-01-08", "method": "cheque", "external_id": "CHQ-1001"}

    def test_the_id_of_another_customers_payment_is_refused(self, seeded: Engine) -> None:
        first, second = issued(seeded, "ONE"), issued(seeded, "TWO", customer="initech")
        first.command("pay", "ben", **self.CHEQUE)
        verdict = asked(second, "pay", "ben", **self.CHEQUE)
        assert (verdict.result, first.id in verdict.reason) == ("refused", True)
        assert second.look().balance == 140_40
        second.command("pay", "ben", **{**self.CHEQUE, "external_id": "CHQ-1001/initech"})
        assert verify(seeded) == []

    def test_what_it_pays_beyond_the_debt_is_asked_about_until_nothing_is_left_of_it(self, seeded: Engine) -> None:
        first, second = issued(seeded, "ONE"), issued(seeded, "TWO")
        first.command("pay", "ben", **{**self.CHEQUE, "amount": "200.00"})
        assert {e["kind"]: e["invoice"] for e in views.exceptions(seeded)} == {"overpaid": first.id}
        by_hand.apply(seeded, receipt_of(seeded), [second.id], None, "ben", second.now)
        assert second.look().balance == 80_80
        assert views.exceptions(seeded) == []

    def test_the_id_of_another_receivables_payment_is_refused(self, seeded: Engine) -> None:
        first, second = issued(seeded, "ONE"), issued(seeded, "TWO")
        first.command("pay", "ben", **self.CHEQUE)
        assert asked(second, "pay", "ben", **self.CHEQUE).result == "refused"
        verdict = asked(second, "pay", "sam", **self.CHEQUE)
        assert (verdict.result, first.id in verdict.reason) == ("refused", True)

    def test_a_true_repeat_is_done_wherever_the_money_went_since(self, seeded: Engine) -> None:
        first, second = issued(seeded, "ONE", "500.00"), issued(seeded, "TWO")
        first.command("pay", "ben", **self.CHEQUE)
        by_hand.unapply(seeded, live(first)[0].id or 0, "ben", "for the other one", first.now)
        by_hand.apply(seeded, receipt_of(seeded), [second.id], None, "ben", first.now)
        first.command("pay", "ben", **self.CHEQUE)
        assert (first.look().paid, second.look().balance) == (0, 0)
        pay(first, "616.40")
        assert first.run(1).closed
        first.command("pay", "ben", **self.CHEQUE)
        assert (first.look().paid, first.look().customer_credit) == (616_40, 0)
        assert verify(seeded) == []
