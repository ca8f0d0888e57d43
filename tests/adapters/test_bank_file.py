"""Bank statements in the books: each movement once, assigned where its key or payer says so, kept for a person where
nothing does; what comes back reopens; and the books verify after all of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event
from sqlmodel import Session, SQLModel, select

from adapters.books import by_hand, open_items, payouts, queue, statements, views
from adapters.books.engine import open_engine, write
from adapters.books.open_items import Known
from adapters.books.tx import booking
from adapters.books.verify import verify
from domain.account import Account
from domain.errors import Invalid, NotFound, Problem, Refused
from domain.payments import PayoutState
from domain.statements import Entry, Line, Statement
from schemas import tables as t
from schemas.incoming import Booked, FileHint, FileStep
from tests.bank import IBAN, PAYER, Bank, line, reference, statement
from tests.conftest import Databases, seed_demo
from tests.story import START, Story
from tests.threads import stands_in

SECOND = "DE75512108001245126199"
ELSEWHERE = "DE02500105170137075030"
NOW = datetime(2026, 1, 21, 9, tzinfo=UTC)
OTHER = "DE02500105170137075030"
GROSS = 119_00 + 21_40
"""Of `issued` with its default price."""


def paid_out(id_: str, amount: int) -> PayoutState:
    return PayoutState(id=id_, status="paid", amount=amount, currency="EUR", arrives_on=NOW.date())


class House:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bank = Bank(engine, NOW)

    def issued(self, reference_: str, customer: str = "globex", price: str = "100.00", **more: Any) -> Story:
        """One that was approved and delivered on 7 January."""
        story = Story(self.engine, "demo", reference_)
        story.start(customer, price, **more)
        if story.run(0).number is None:
            story.command("approve", "ana")
        story.run(0.1)
        assert story.now < START.replace(hour=23)
        return story

    def account(self, story: Story) -> Account:
        found = story.books.outcome(story.id).account
        assert found is not None
        return found

    def number(self, story: Story) -> str:
        return str(self.account(story).number)

    def rf(self, story: Story) -> str:
        return reference(self.number(story))

    def balance(self, story: Story) -> int:
        return self.account(story).balance

    def rows(self, table: type[SQLModel], *where: Any) -> list[Any]:
        with Session(self.engine, expire_on_commit=False) as session:
            return list(session.exec(select(table).where(*where)))

    def open(self) -> list[tuple[str, str | None]]:
        """Kind and receivable of every open exception."""
        found = self.rows(t.OpenException, t.OpenException.decided_at.is_(None))  # type: ignore[union-attr]
        return [(row.kind, row.invoice) for row in found]

    def whole(self) -> None:
        assert [str(breach) for breach in verify(self.engine)] == []


@pytest.fixture
def house(seeded: Engine) -> House:
    return House(seeded)


def counts(said: Booked) -> dict[str, int]:
    assert said.report is not None
    return said.report.counts


def test_a_credit_with_the_creditor_reference_pays_its_invoice(house: House) -> None:
    story = house.issued("A")
    said = house.bank.send(line(GROSS, reference=house.rf(story), name="Somebody Else Ltd", iban=PAYER))
    assert counts(said) == {"reference": 1}
    assert house.account(story).phase == "paid"
    assert house.bank.told == [story.id]
    (receipt,) = house.rows(t.Receipt)
    assert (receipt.source, receipt.customer, receipt.amount, receipt.method) == ("bank", "globex", GROSS, "transfer")
    house.whole()


def test_the_same_file_and_an_overlapping_one_book_nothing_twice(house: House) -> None:
    story, other = house.issued("A"), house.issued("B")
    first = line(GROSS, reference=house.rf(story))
    second = line(GROSS, "2026-01-21", reference=house.rf(other))
    house.bank.send(first)
    again = house.bank.send(first)
    assert again.report is not None
    assert (again.report.lines, again.report.known) == (1, 0)  # the very same file: what it did
    overlapping = house.bank.send(first, second, closed="2026-01-21")
    assert overlapping.report is not None
    assert (overlapping.report.lines, overlapping.report.known) == (2, 1)
    assert len(house.rows(t.Receipt)) == 2
    assert house.balance(other) == 0
    house.whole()


def test_one_transfer_pays_several_invoices_and_several_pay_one(house: House) -> None:
    stories = [house.issued(name) for name in "ABC"]
    numbers = ", ".join(house.number(story) for story in stories)
    assert counts(house.bank.send(line(3 * GROSS, text=f"Invoices {numbers}"))) == {"several_keys": 1}
    assert [house.balance(story) for story in stories] == [0, 0, 0]
    one = house.issued("D")
    house.bank.send(line(40_00, text=house.number(one), name="Globex GmbH"), closed="2026-01-21")
    house.bank.send(line(GROSS - 40_00, text=house.number(one), name="Globex GmbH"), closed="2026-01-22")
    assert house.account(one).phase == "paid"
    assert [r.amount for r in house.rows(t.Receipt)] == [3 * GROSS, 40_00, GROSS - 40_00]
    house.whole()


class TestReferencesCountedAfresh:
    """A bank that counts its references anew on every page gives two movements of a day and an amount one key."""

    def page(self, at: int, *lines: Line, opening: int = 0) -> Statement:
        made = statement(*(replace(one, bank_reference="0001") for one in lines))
        return replace(made, id=f"P{at}", opening=opening, closing=opening + sum(one.amount for one in lines))

    def paid(self, house: House) -> tuple[Line, Line]:
        one, other = house.issued("A"), house.issued("B", "initech")
        return (
            line(GROSS, text=house.number(one), name="Globex GmbH", iban=PAYER),
            line(GROSS, text=house.number(other), name="Initech AG", iban=ELSEWHERE),
        )

    @pytest.mark.parametrize("turned", [False, True])
    def test_another_payers_money_is_another_movement_and_told_again_is_known(self, house: House, turned: bool) -> None:
        told = self.paid(house)[:: -1 if turned else 1]
        for at, one in enumerate(told):
            said = house.bank.file(self.page(at, one, opening=at * GROSS))
            assert counts(said) == {"number": 1}
        house.whole()
        for again in (told, told[::-1], told[:1], told[1:]):
            said = house.bank.file(self.page(9, *again))
            assert said.report is not None
            assert said.report.known == len(again)
        assert sorted(r.customer for r in house.rows(t.Receipt)) == ["globex", "initech"]
        house.whole()

    @pytest.mark.parametrize(("opening", "known"), [(GROSS, 0), (0, 1), (None, 1)])
    def test_one_payers_second_payment_is_told_by_its_text_where_the_page_goes_on(
        self, house: House, opening: int | None, known: int
    ) -> None:
        one, _ = self.paid(house)
        house.bank.file(self.page(1, one))
        second = house.issued("C")
        page = self.page(2, replace(one, text=house.number(second)), opening=opening or 0)
        said = house.bank.file(page if opening is not None else replace(page, opening=None, closing=None))
        assert said.report is not None
        assert (said.report.known, house.balance(second)) == (known, known * GROSS)
        house.whole()

    def test_what_another_format_cuts_or_adds_makes_no_other_movement(self, house: House) -> None:
        one, _ = self.paid(house)
        house.bank.file(self.page(1, one))
        for at, (text, iban) in enumerate([(one.text[:-2], PAYER), (f"SVWZ+{one.text.lower()} .", ""), ("", PAYER)], 2):
            said = house.bank.file(self.page(at, replace(one, text=text, iban=iban), opening=GROSS))
            assert said.report is not None
            assert said.report.known == 1
        assert len(house.rows(t.Receipt)) == 1


def test_a_batch_that_cannot_be_told_apart_is_never_booked_to_the_one_payer_who_wrote_a_number(house: House) -> None:
    one, other = house.issued("A"), house.issued("B", "initech")
    parts = (
        line(20_00, text=house.number(one), name="Globex GmbH", iban=PAYER),
        line(480_00, text="September", name="Initech AG"),
    )
    said = house.bank.send(Entry(whole=line(498_00, bank_reference="B1"), parts=parts))
    assert counts(said) == {"unclear: batch": 1}
    assert (house.balance(one), house.balance(other)) == (GROSS, GROSS)
    # it holds reminders to both, until a person says whose it is
    assert [len(house.account(each).unmatched_receipts) for each in (one, other)] == [1, 1]
    by_hand.apply(house.engine, 1, [other.id], None, "ben", NOW)
    assert (house.balance(one), house.balance(other)) == (GROSS, 0)
    assert house.rows(t.LearnedIban) == []
    house.whole()


@pytest.mark.parametrize(("on", "left"), [("2026-01-19", 0), ("2026-01-20", 2_81)])
def test_a_discount_counts_inside_its_window_only(house: House, on: str, left: int) -> None:
    """2/10 from 7 January, and two days of grace: until the 19th, whenever the file is read."""
    story = house.issued("A", terms="2/10 net 30")
    house.bank.send(line(GROSS - 2_81, on, reference=house.rf(story)))
    account = house.account(story)
    assert (account.balance, account.discounted) == (left, 2_81 - left)
    house.whole()


def test_a_discount_on_each_of_several_invoices(house: House) -> None:
    stories = [house.issued(name, terms="2/10 net 30") for name in "AB"]
    text = " ".join(house.number(story) for story in stories)
    house.bank.send(line(2 * (GROSS - 2_81), "2026-01-15", text=text))
    assert [house.account(story).discounted for story in stories] == [2_81, 2_81]
    assert [house.account(story).phase for story in stories] == ["paid", "paid"]
    house.whole()


@pytest.mark.parametrize(("kept", "left"), [(5_00, 0), (9_00, 0), (4_90, 5_00), (0, 5_00)])
def test_a_bank_fee_is_borne_where_the_file_tells_it_and_it_settles(house: House, kept: int, left: int) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS - 5_00, reference=house.rf(story), charges=kept))
    account = house.account(story)
    assert (account.balance, account.written_off, account.paid) == (left, 5_00 - left, GROSS - 5_00)
    notes = [p.note for p in house.rows(t.Posting, t.Posting.kind == "write_off", t.Posting.amount < 0)]
    assert notes == (["bank_fee; granted"] if not left else [])
    house.whole()


def test_a_bank_fee_on_a_transfer_for_two_invoices(house: House) -> None:
    one, two = house.issued("A"), house.issued("B")
    text = f"{house.number(one)} {house.number(two)}"
    house.bank.send(line(2 * GROSS - 3_00, text=text, charges=3_00))
    assert (house.balance(one), house.balance(two)) == (0, 0)
    assert house.account(one).written_off + house.account(two).written_off == 3_00
    house.whole()


def test_a_small_difference_is_waived_by_policy(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS - 5, reference=house.rf(story)))
    account = house.account(story)
    assert (account.phase, account.written_off) == ("paid", 5)
    house.whole()


def test_more_than_is_owed_is_credit_and_an_exception(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS + 30_00, reference=house.rf(story)))
    account = house.account(story)
    assert (account.phase, account.customer_credit) == ("paid", 30_00)
    assert house.open() == [("overpaid", story.id)]
    house.whole()


def test_the_wrong_currency_is_credit_in_that_currency_and_an_exception(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story), currency="USD"), currency="USD")
    account = house.account(story)
    assert (account.balance, account.paid, account.customer_credit) == (GROSS, 0, 0)
    assert [(r.amount, r.currency) for r in account.credit_receipts] == [(GROSS, "USD")]
    assert house.open() == [("wrong_currency", story.id)]
    house.whole()


def test_an_invoice_paid_twice_leaves_credit_and_an_exception(house: House) -> None:
    story = house.issued("A")
    pays = {"reference": house.rf(story)}
    house.bank.send(line(GROSS, **pays))
    said = house.bank.send(line(GROSS, "2026-01-22", **pays), closed="2026-01-22")
    assert counts(said) == {"closed": 1}
    assert house.account(story).customer_credit == GROSS
    assert house.open() == [("paid_twice", story.id)]
    house.whole()


def test_a_closed_invoices_number_counts_only_with_its_customers_name(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story)))
    number = house.number(story)
    house.bank.send(line(GROSS, "2026-01-22", text=number, name="Initech AG"), closed="2026-01-22")
    assert house.open() == [("unmatched_receipt", None)]
    house.bank.send(line(GROSS, "2026-01-23", text=number, name="GLOBEX GMBH"), closed="2026-01-23")
    assert house.open() == [("unmatched_receipt", None), ("paid_twice", story.id)]
    house.whole()


def test_the_number_of_a_closed_invoice_is_not_read_past_for_the_payers_account(house: House) -> None:
    """Without letters it has no pattern that tells it from any other number: the books know it."""
    elsewhere = {"issued_on": "2026-01-02", "due_on": "2026-01-16", "total": "140.40"}
    first, second = (
        house.issued(name, adopt={"number": number, **elsewhere})
        for name, number in (("A", "202600016"), ("B", "202600017"))
    )
    days = ("2026-01-20", "2026-01-21")
    payments = [line(GROSS, on, text="Rechnung 202600016", name="Globex GmbH", iban=PAYER) for on in days]
    said = [house.bank.send(one, closed=on) for one, on in zip(payments, days, strict=True)]
    assert [counts(each) for each in said] == [{"number": 1}, {"closed": 1}]
    assert [house.account(each).phase for each in (first, second)] == ["paid", "open"]
    assert house.open() == [("paid_twice", first.id)]
    house.whole()


def test_a_debt_that_was_written_off_is_recovered(house: House) -> None:
    story = house.issued("A", price="10.00")
    story.command("write_off", "ben", reason="insolvent", kind="bad_debt")
    if house.account(story).phase != "written_off":
        story.command("approve", "cho", subject="write_off-1")
    assert house.account(story).phase == "written_off"
    owed = house.account(story).bad_debt
    said = house.bank.send(line(owed + 1_00, reference=house.rf(story)))
    account = house.account(story)
    assert counts(said) == {"recovered": 1}
    assert (account.bad_debt, account.paid, account.customer_credit) == (0, owed, 1_00)
    house.whole()


def test_what_nobody_can_tell_waits_and_holds_those_it_may_be_of(house: House) -> None:
    story = house.issued("A")
    said = house.bank.send(line(GROSS, text="thank you", name="Globex GmbH", iban=PAYER))
    assert counts(said) == {"unclear: no_key": 1}
    assert said.report is not None
    (question,) = said.report.questions
    assert question.command.startswith("duely apply 1 ")
    assert [(r.id, r.amount) for r in house.account(story).unmatched_receipts] == [(1, GROSS)]
    (exception,) = house.rows(t.OpenException, t.OpenException.kind == "unmatched_receipt")
    assert (exception.owner, exception.evidence["amount"]) == ("sam", "140.40")
    best = exception.evidence["proposals"][0]
    assert (best["invoices"], best["customer"]) == ([story.id], "globex")
    house.whole()
    by_hand.apply(house.engine, 1, [story.id], None, "ben", NOW)
    assert house.account(story).phase == "paid"
    assert house.open() == []
    house.whole()


def test_a_proposal_goes_with_the_debt_it_was_made_for(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, text="tax refund", name="Globex GmbH"))
    (asked,) = views.exceptions(house.engine)
    assert [each["invoices"] for each in asked["evidence"]["proposals"]] == [[story.id]]
    house.bank.send(line(GROSS, "2026-01-21", reference=house.rf(story)), closed="2026-01-21")
    (asked,) = views.exceptions(house.engine)
    assert (asked["kind"], asked["evidence"]["proposals"]) == ("unmatched_receipt", [])


def test_a_person_teaches_whose_account_it_is(house: House) -> None:
    one = house.issued("A")
    house.bank.send(line(GROSS, name="Wallet 77", iban=PAYER))
    by_hand.apply(house.engine, 1, [one.id], None, "ben", NOW)
    two = house.issued("B", price="55.00")
    said = house.bank.send(line(house.balance(two), "2026-01-22", name="Wallet 77", iban=PAYER), closed="2026-01-22")
    assert counts(said) == {"learned_iban": 1}
    assert house.account(two).phase == "paid"
    (learned,) = house.rows(t.LearnedIban)
    assert PAYER not in learned.iban
    assert (learned.customer, learned.by) == ("globex", "ben")


def test_an_account_that_pays_for_two_customers_names_neither(house: House) -> None:
    one, two = house.issued("A"), house.issued("B", "initech")
    for receipt, story in enumerate((one, two), 1):
        on = f"2026-01-2{receipt}"
        house.bank.send(line(GROSS, on, name="Factor Bank", iban=PAYER), closed=on)
        by_hand.apply(house.engine, receipt, [story.id], None, "ben", NOW)
    house.issued("C")
    said = house.bank.send(line(GROSS, "2026-01-25", name="Factor Bank", iban=PAYER), closed="2026-01-25")
    assert counts(said) == {"unclear: no_key": 1}


def test_apply_shares_one_receipt_over_several_invoices_with_discount(house: House) -> None:
    one, two = house.issued("A", terms="2/10 net 30"), house.issued("B")
    house.bank.send(line(2 * GROSS - 2_81 + 1_00, "2026-01-15", name="Wallet 77"), closed="2026-01-15")
    by_hand.apply(house.engine, 1, [one.id, two.id], None, "ben", NOW)
    # the first takes all it owes: what its terms allow is for a payer who leaves it off
    assert (house.balance(one), house.balance(two)) == (0, 1_81)
    house.whole()


def test_apply_is_refused_across_customers_and_for_whoever_may_not(house: House) -> None:
    one, two = house.issued("A"), house.issued("B", "initech")
    house.bank.send(line(GROSS, name="Wallet 77"))
    with pytest.raises(Refused, match="several customers"):
        by_hand.apply(house.engine, 1, [one.id, two.id], None, "ben", NOW)
    with pytest.raises(Refused, match="not a person"):
        by_hand.apply(house.engine, 1, [one.id], None, "mallory", NOW)
    with pytest.raises(Refused, match="one receivable"):
        by_hand.apply(house.engine, 1, [one.id, two.id], 5, "ben", NOW)
    assert house.open() == [("unmatched_receipt", None)]
    assert house.account(one).customer_credit == 0


def test_money_that_is_no_customers_holds_nobody_any_more(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, text="tax refund", name="Globex GmbH"))
    assert house.account(story).unmatched_receipts
    by_hand.dismiss(house.engine, 1, "ben", "VAT of 2025", NOW)
    assert house.account(story).unmatched_receipts == ()
    assert house.open() == []
    house.whole()
    by_hand.apply(house.engine, 1, [story.id], None, "ben", NOW)  # a mistake can be mended
    assert house.balance(story) == 0
    house.whole()


class TestAnothers:
    """Money that was booked for one customer and is another's, or nobody's."""

    @pytest.fixture
    def freed(self, house: House) -> tuple[Story, Story]:
        """Receipt 1 was taken for globex's, with 30.00 more than it owed, and pays nothing any more."""
        one, two = house.issued("A"), house.issued("B", "initech")
        pays = {"text": house.number(one), "name": "Globex GmbH", "iban": PAYER}
        house.bank.send(line(GROSS + 30_00, **pays))
        assert house.open() == [("overpaid", one.id)]
        (allocation,) = house.rows(t.Allocation)
        with pytest.raises(Refused, match="unapply"):
            by_hand.apply(house.engine, 1, [two.id], None, "ben", NOW, "initech called")
        with pytest.raises(Refused, match="unapply"):
            by_hand.dismiss(house.engine, 1, "ben", "a deposit", NOW)
        by_hand.unapply(house.engine, allocation.id, "ben", "another's", NOW)
        return one, two

    def test_it_pays_whose_it_is_once_somebody_says_why(self, house: House, freed: tuple[Story, Story]) -> None:
        one, two = freed
        with pytest.raises(Refused, match=r"of customer globex: give a reason to make it initech's"):
            by_hand.apply(house.engine, 1, [two.id], None, "ben", NOW)
        by_hand.apply(house.engine, 1, [two.id], None, "ben", NOW, "initech called")
        assert (house.balance(one), house.account(one).customer_credit) == (GROSS, 0)
        assert (house.account(two).phase, house.account(two).customer_credit) == ("paid", 30_00)
        assert house.open() == [("overpaid", two.id)]
        (said,) = house.rows(t.AuditEntry, t.AuditEntry.type == "payment.identified")
        assert (said.actor, said.keys["customer"], "reason" in said.keys) == ("ben", "initech", True)
        (learned,) = house.rows(t.LearnedIban)
        assert learned.customer == ""  # the account pays for two
        house.whole()
        by_hand.unapply(house.engine, 2, "ben", "it was right at first", NOW)
        by_hand.apply(house.engine, 1, [one.id], None, "ben", NOW, "it was right at first")
        assert (house.account(one).phase, house.balance(two)) == ("paid", GROSS)
        house.whole()

    def test_it_is_nobodys_credit_once_somebody_says_so(self, house: House, freed: tuple[Story, Story]) -> None:
        by_hand.dismiss(house.engine, 1, "ben", "a deposit", NOW)
        assert [house.account(story).customer_credit for story in freed] == [0, 0]
        assert house.open() == []
        (learned,) = house.rows(t.LearnedIban)
        assert learned.customer == ""
        house.whole()

    def test_what_went_back_to_one_customer_is_not_anothers(self, house: House, freed: tuple[Story, Story]) -> None:
        one, two = freed
        verdict = one.command("refund", "ben", amount="30.00", reason="paid too much")
        if verdict.subject:
            one.command("approve", "cho", subject=verdict.subject)
        with pytest.raises(Refused, match="some of it went back"):
            by_hand.apply(house.engine, 1, [two.id], None, "ben", NOW, "initech called")
        house.whole()


@pytest.mark.parametrize(("code", "exceptions"), [("AM04", []), ("MD06", ["returned_debit"]), ("", ["returned_debit"])])
def test_a_returned_debit_reopens_on_the_ladder_or_paused(house: House, code: str, exceptions: list[str]) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story), end_to_end="E-1"))
    assert house.account(story).phase == "paid"
    back = line(-GROSS - 3_50, "2026-01-25", end_to_end="E-1", return_code=code, reversal=True, charges=3_50)
    said = house.bank.send(back, closed="2026-01-25")
    assert counts(said) == {"returned": 1}
    account = house.account(story)
    assert (account.phase, account.balance, account.reopened, account.dues[0].episode) == ("open", GROSS, True, 2)
    assert [kind for kind, _ in house.open()] == exceptions
    assert bool(account.holds) is bool(exceptions)
    assert house.bank.told[-1] == story.id
    fees = [p.amount for p in house.rows(t.Posting, t.Posting.account == "fees")]
    assert fees == [3_50]
    house.whole()
    if exceptions:
        story.now = NOW
        story.command("release", "ben")
        assert (house.account(story).holds, house.open()) == ((), [])


class TestSharedIds:
    """End-to-end ids are the payers' own, and both customers number theirs from 1."""

    @pytest.fixture
    def paid(self, house: House) -> tuple[Story, Story]:
        """By globex first, so that the other's payment is the latest; both of one amount and id."""
        one, two = house.issued("A"), house.issued("B", "initech")
        told = [(one, "2026-01-20", "Globex GmbH", PAYER), (two, "2026-01-21", "Initech AG", OTHER)]
        for story, on, name, iban in told:
            house.bank.send(line(GROSS, on, text=house.number(story), name=name, iban=iban, end_to_end="1"), closed=on)
        assert [house.account(story).phase for story in (one, two)] == ["paid", "paid"]
        return one, two

    def returned(self, house: House, **said: Any) -> dict[str, int]:
        back = line(-GROSS, "2026-01-25", return_code="AM04", end_to_end="1", **said)
        return counts(house.bank.send(back, closed="2026-01-25"))

    @pytest.mark.parametrize("says", ["account", "number", "name"])
    def test_whose_payment_comes_back_is_what_else_it_says(
        self, house: House, paid: tuple[Story, Story], says: str
    ) -> None:
        one, two = paid
        said = {"account": {"iban": PAYER}, "number": {"text": house.number(one)}, "name": {"name": "GLOBEX GMBH"}}
        assert self.returned(house, **said[says]) == {"returned": 1}
        assert (house.balance(one), house.balance(two)) == (GROSS, 0)
        house.whole()

    @pytest.mark.parametrize("says", ["nothing", "another account", "two different things"])
    def test_a_person_is_asked_where_both_fit_or_something_speaks_against(
        self, house: House, paid: tuple[Story, Story], says: str
    ) -> None:
        said = {
            "nothing": {"name": "Landesbank"},
            "another account": {"iban": "DE75512108001245126199"},
            "two different things": {"iban": PAYER, "text": house.number(paid[1])},
        }
        assert self.returned(house, **said[says]) == {"unclear: unknown": 1}
        assert [house.balance(story) for story in paid] == [0, 0]
        (asked,) = house.rows(t.OpenException, t.OpenException.kind == "unmatched_debit")
        both = "may take back receipt 1 of 140.40 EUR or receipt 2 of 140.40 EUR"
        assert asked.evidence["why"] == (both if says == "nothing" else "takes money back that is not known here")
        house.whole()


def test_own_payments_are_ignored_and_a_return_of_nothing_known_is_a_question(house: House) -> None:
    house.issued("A")
    said = house.bank.send(line(-50_00, text="rent"), line(-20_00, end_to_end="X", return_code="AM04"))
    assert counts(said) == {"own": 1, "unclear: unknown": 1}
    assert house.open() == [("unmatched_debit", None)]
    (odd,) = house.rows(t.BankLine, t.BankLine.state == "unclear")
    by_hand.explain(house.engine, odd.key, None, "ben", "a debit of the landlord", NOW)
    assert house.open() == []
    house.whole()


def test_a_payment_of_our_own_that_comes_back_pays_no_invoice(house: House) -> None:
    """A supplier's bill had the number of an invoice of ours."""
    story = house.issued("A")
    back = line(GROSS, text=f"Rechnung {house.number(story)}", name="Globex GmbH", return_code="AC04")
    assert counts(house.bank.send(back)) == {"unclear: own_returned": 1}
    assert (house.balance(story), house.account(story).unmatched_receipts) == (GROSS, ())
    assert house.open() == [("unmatched_receipt", None)]
    house.whole()
    by_hand.dismiss(house.engine, 1, "ben", "the supplier's account is closed", NOW)
    assert house.open() == []
    house.whole()


@pytest.mark.parametrize("files", [1, 2])
def test_an_account_that_pays_for_a_second_customer_names_nobody_from_the_next_line_on(
    house: House, files: int
) -> None:
    one, later, other = house.issued("A"), house.issued("B", price="340.00"), house.issued("C", "initech")
    house.bank.send(line(GROSS, reference=house.rf(one), name="Globex GmbH", iban=PAYER))
    payer = {"name": "Pay Services", "iban": PAYER}
    lines = (
        line(GROSS, "2026-01-21", reference=house.rf(other), **payer),
        line(house.balance(later), "2026-01-21", text="thanks", **payer),
    )
    for part in [lines] if files == 1 else [lines[:1], lines[1:]]:
        house.bank.send(*part, closed="2026-01-21")
    assert [row.customer for row in house.rows(t.LearnedIban)] == [""]
    assert (house.balance(other), house.account(later).phase) == (0, "open")
    assert [kind for kind, _ in house.open()] == ["unmatched_receipt"]
    house.whole()


def test_two_who_explain_a_movement_at_once_decide_it_once(house: House) -> None:
    stories = [house.issued(name) for name in ("A", "B")]
    for story in stories:
        house.bank.send(line(GROSS, text=house.number(story), name="Globex GmbH", iban=PAYER))
    house.bank.send(line(-GROSS - 3_00, "2026-01-22", return_code="AM04", charges=3_00, text="?"), closed="2026-01-22")
    (asked,) = house.rows(t.OpenException, t.OpenException.kind == "unmatched_debit")
    said: list[object] = []

    def explain(receipt: int, by: str) -> None:
        try:
            said.append(by_hand.explain(house.engine, asked.key, receipt, by, "", NOW))
        except Refused as error:
            said.append(str(error))

    both = [threading.Thread(target=explain, args=each) for each in ((1, "ben"), (2, "cho"))]
    with booking(house.engine, "demo", NOW):
        for thread in both:
            thread.start()
        while not all(stands_in(thread, "booking") for thread in both):
            time.sleep(0.01)
    for thread in both:
        thread.join()
    assert said.count(f"movement {asked.key} was decided meanwhile") == 1
    assert sorted(house.balance(story) for story in stories) == [0, GROSS]
    assert [row.amount for row in house.rows(t.Posting, t.Posting.kind == "fee")].count(-3_00) == 1
    house.whole()


class TestUnlabelled:
    """A debit that no field calls a return: many banks say so in words only."""

    @pytest.mark.parametrize(
        "text", ["UNPAID DIRECT DEBIT {}", "RUECKBELASTUNG LSV/{}", "RETOURE AM04 {} ENTGELT 3,50"]
    )
    def test_one_that_names_a_paid_invoice_is_a_question(self, house: House, text: str) -> None:
        story = house.issued("A")
        house.bank.send(line(GROSS, text=house.number(story), name="Globex GmbH", end_to_end="E-1"))
        back = line(-GROSS, "2026-01-22", text=text.format(house.number(story)), end_to_end="E-1")
        assert counts(house.bank.send(back, closed="2026-01-22")) == {"unclear: unknown": 1}
        (asked,) = house.rows(t.OpenException, t.OpenException.kind == "unmatched_debit")
        assert asked.evidence["why"] == "may take back receipt 1 of 140.40 EUR"
        assert by_hand.explain(house.engine, asked.key, 1, "ben", "", NOW) == (story.id,)
        assert [kind for kind, _ in house.open()] == ["returned_debit"]
        assert house.balance(story) == GROSS
        house.whole()

    @pytest.mark.parametrize("less", [1, 0])
    def test_a_bill_of_our_own_with_a_number_like_ours_is_none(self, house: House, less: int) -> None:
        """To another account, or for less than was paid."""
        story = house.issued("A")
        house.bank.send(line(GROSS, text=house.number(story), name="Globex GmbH", iban=PAYER))
        bill = line(less - GROSS, "2026-01-22", text=house.number(story), iban="" if less else OTHER)
        assert counts(house.bank.send(bill, closed="2026-01-22")) == {"own": 1}

    def test_what_was_taken_for_our_own_payment_can_still_be_explained(self, house: House) -> None:
        story = house.issued("A")
        house.bank.send(line(GROSS, reference=house.rf(story)))
        house.bank.send(line(-GROSS, "2026-01-22", text="retour"), closed="2026-01-22")
        (own,) = house.rows(t.BankLine, t.BankLine.state == "ignored")
        assert by_hand.explain(house.engine, own.key, 1, "ben", "", NOW) == (story.id,)
        assert house.balance(story) == GROSS
        house.whole()
        with pytest.raises(NotFound):
            by_hand.explain(house.engine, own.key, 1, "ben", "", NOW)
        house.whole()


def test_a_person_says_which_receipt_a_return_takes_back(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story)))
    house.bank.send(line(-GROSS, "2026-01-25", text="Ruecklastschrift", return_code="AM04"), closed="2026-01-25")
    (odd,) = house.rows(t.BankLine, t.BankLine.state == "unclear")
    assert by_hand.explain(house.engine, odd.key, 1, "ben", "", NOW) == (story.id,)
    assert (house.balance(story), house.open()) == (GROSS, [])
    house.whole()


def test_a_fee_inside_of_a_return_is_a_persons_to_tell(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story), end_to_end="E-1"))
    back = line(-GROSS - 3_50, "2026-01-25", text="RETOURE ENTGELT 3,50", end_to_end="E-1", return_code="AM04")
    assert counts(house.bank.send(back, closed="2026-01-25")) == {"unclear: unknown": 1}
    (asked,) = house.rows(t.OpenException, t.OpenException.kind == "unmatched_debit")
    assert asked.evidence["why"] == "may take back receipt 1 of 140.40 EUR, and a fee with it"
    with pytest.raises(Refused, match=r"143.90 went back, and receipt 1 has 140.40 that could"):
        by_hand.explain(house.engine, asked.key, 1, "ben", "", NOW)
    for wrong in (0, GROSS + 3_51):
        with pytest.raises(Refused, match=r"only 143.90 left the account"):
            by_hand.explain(house.engine, asked.key, 1, "ben", "", NOW, wrong)
    assert by_hand.explain(house.engine, asked.key, 1, "ben", "", NOW, GROSS) == (story.id,)
    assert (house.balance(story), house.open()) == (GROSS, [])
    assert [p.amount for p in house.rows(t.Posting, t.Posting.account == "fees")] == [3_50]
    house.whole()


def test_a_return_takes_no_receipt_of_another_currency_back(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story)))
    back = line(-GROSS, "2026-01-25", text="x", return_code="AM04", currency="USD")
    house.bank.send(back, closed="2026-01-25", currency="USD")
    (odd,) = house.rows(t.BankLine, t.BankLine.state == "unclear")
    with pytest.raises(Refused, match="is in EUR, the movement in USD"):
        by_hand.explain(house.engine, odd.key, 1, "ben", "", NOW)


def test_a_providers_payout_pays_no_invoice(house: House) -> None:
    story = house.issued("A")
    payouts.remember(house.engine, "stripe", paid_out("po_1", GROSS), NOW)
    said = house.bank.send(line(GROSS, name="STRIPE PAYMENTS EUROPE", text=house.number(story)))
    assert counts(said) == {"payout": 1}
    other = house.bank.send(line(7_00, "2026-01-21", name="Stripe"), closed="2026-01-21")
    assert counts(other) == {"unclear: payout": 1}
    assert house.open() == [("payout_difference", None)]
    assert house.balance(story) == GROSS
    assert house.rows(t.Receipt) == []
    house.whole()


def test_a_customer_who_mentions_a_provider_still_pays(house: House) -> None:
    story = house.issued("A")
    said = house.bank.send(line(GROSS, reference=house.rf(story), text="instead of Stripe"))
    assert counts(said) == {"reference": 1}


def test_a_refund_of_ours_is_found_again_when_it_leaves_and_when_it_bounces(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS + 30_00, reference=house.rf(story)))
    verdict = story.command("refund", "ben", amount="30.00", reason="paid too much")
    if verdict.subject:
        story.command("approve", "cho", subject=verdict.subject)
    (refund,) = house.rows(t.Reversal)
    id_ = refund.external_id
    assert ("refund_to_pay", story.id) in house.open()
    assert counts(house.bank.send(line(-30_00, "2026-01-23", text=f"Refund {id_}"), closed="2026-01-23")) == {
        "refund": 1
    }
    assert "refund_to_pay" not in [kind for kind, _ in house.open()]
    house.whole()
    twice = house.bank.send(line(-30_00, "2026-01-24", end_to_end=id_), closed="2026-01-24")
    assert counts(twice) == {"unclear: unknown": 1}
    back = house.bank.send(line(30_00, "2026-01-25", end_to_end=id_, return_code="AC04"), closed="2026-01-25")
    assert counts(back) == {"refund_returned": 1}
    assert ("refund_failed", story.id) in house.open()
    assert house.account(story).customer_credit == 30_00
    house.whole()


def test_another_account_is_refused(house: House) -> None:
    with pytest.raises(Invalid, match="not the account of seller demo"):
        house.bank.send(line(1_00), account="DE02120300000000202051")
    assert house.rows(t.BankFile) == []


def test_a_german_account_number_stands_for_the_iban_it_is_part_of(house: House) -> None:
    story = house.issued("A")
    house.bank.send(line(GROSS, reference=house.rf(story)), account="37040044/532013000")
    assert house.balance(story) == 0


def test_the_source_is_read_once_every_line_is_booked_and_never_backwards(house: House) -> None:
    house.bank.send(line(-1_00), closed="2026-01-20")
    house.bank.send(line(-2_00, "2026-01-10"), closed="2026-01-10")
    (mark,) = house.rows(t.SourceWatermark)
    assert (mark.source, mark.through.isoformat()) == ("bank", "2026-01-20")
    assert mark.read_at == datetime(2026, 1, 20, 20, tzinfo=UTC)


class TestChain:
    """The mark goes on only where the statements join; see `domain/balances.py`."""

    def of(self, day: str, opening: int, *lines: Line, **more: Any) -> Statement:
        told = statement(*lines, closed=f"2026-01-{day}")
        closing = opening + sum(each.amount for each in lines)
        return replace(told, opening=opening, closing=closing, **more)

    def mark(self, house: House) -> str:
        (mark,) = house.rows(t.SourceWatermark)
        return str(mark.through)

    def asked(self, house: House) -> list[Any]:
        return house.rows(t.OpenException, t.OpenException.kind == "bank_file", t.OpenException.decided_at.is_(None))  # type: ignore[union-attr]

    def test_a_file_that_never_came_is_asked_for_and_the_late_one_closes_the_gap(self, house: House) -> None:
        house.bank.file(self.of("13", 100_00, line(5_00, "2026-01-13")))
        said = house.bank.file(self.of("15", 125_00, line(-1_00, "2026-01-15")))
        assert self.mark(house) == "2026-01-13"
        (asked,) = self.asked(house)
        assert (asked.owner, asked.evidence["amount"]) == ("sam", 20_00)
        assert (asked.evidence["missing_after"], asked.evidence["missing_before"]) == ("2026-01-13", "2026-01-15")
        assert said.report is not None
        assert "movements of 20.00 in between are missing" in said.report.questions[0].text
        house.bank.file(self.of("16", 124_00, line(-1_00, "2026-01-16")))
        assert (self.mark(house), [row.key for row in self.asked(house)]) == ("2026-01-13", [asked.key])
        house.bank.file(self.of("14", 105_00, line(20_00, "2026-01-14")))
        assert (self.mark(house), self.asked(house)) == ("2026-01-16", [])
        house.whole()

    def test_a_refused_file_stays_asked_about_until_nothing_is_missing(self, house: House) -> None:
        house.bank.file(self.of("13", 0))
        hint = FileHint(seller="demo", object=f"sha256:{'a' * 64}", format="mt940")
        statements.refuse(house.engine, hint, (Problem("closing", "does not add up"),), NOW)
        house.bank.file(self.of("15", 20_00))
        house.bank.file(self.of("12", 0))
        assert (self.mark(house), len(self.asked(house))) == ("2026-01-13", 2)
        house.bank.file(self.of("14", 0, line(20_00, "2026-01-14")))
        assert (self.mark(house), self.asked(house)) == ("2026-01-15", [])

    def test_a_person_says_that_nothing_is_missing(self, house: House) -> None:
        house.bank.file(self.of("13", 0))
        house.bank.file(self.of("15", 20_00))
        house.bank.file(self.of("16", 20_00))
        (asked,) = self.asked(house)
        queue.decide(house.engine, asked.id, "sam", "the bank has moved the account", NOW)
        assert (self.mark(house), self.asked(house)) == ("2026-01-16", [])
        house.bank.file(self.of("17", 20_00))
        assert self.mark(house) == "2026-01-17"
        house.whole()

    def test_pages_of_a_day_and_overlapping_files_join(self, house: House) -> None:
        first, second = line(5_00, "2026-01-13"), line(6_00, "2026-01-14", text="b")
        house.bank.file(self.of("13", 0, first))
        house.bank.file(self.of("13", 5_00, line(1_00, "2026-01-13", text="page 2"), id="page 2"))
        week = self.of("15", 0, first, line(1_00, "2026-01-13", text="page 2"), second)
        house.bank.file(replace(week, opened_on=date(2026, 1, 13)))
        assert self.mark(house) == "2026-01-15"
        house.bank.file(self.of("14", 6_00, second))
        house.bank.file(self.of("15", 12_00, id="again"))
        house.bank.file(self.of("16", 12_00))
        assert (self.mark(house), self.asked(house)) == ("2026-01-16", [])

    def test_what_has_no_balance_is_believed(self, house: House) -> None:
        house.bank.file(self.of("13", 0))
        house.bank.send(line(5_00, "2026-01-14"), closed="2026-01-14")
        house.bank.file(self.of("15", 5_00))
        assert (self.mark(house), self.asked(house)) == ("2026-01-15", [])

    @pytest.mark.parametrize(("hour", "through"), [(6, "2026-01-20"), (22, "2026-01-20"), (23, "2026-01-21")])
    def test_an_export_of_a_day_that_is_not_over_counts_through_the_day_before(
        self, house: House, hour: int, through: str
    ) -> None:
        """The seller's day ends at 23:00 UTC. What comes in the evening is in the next export."""
        house.bank.now = came = datetime(2026, 1, 21, hour, tzinfo=UTC)
        export = line(-1_00, "2026-01-19"), line(-1_00, "2026-01-22")
        house.bank.send(*export, closed="2026-01-22", created_at=datetime(2026, 1, 22, 23, 59, 59, tzinfo=UTC))
        (mark,) = house.rows(t.SourceWatermark)
        assert (mark.through.isoformat(), mark.read_at) == (through, came)


class TestSeveralAccounts:
    """An invoice prints all of the seller's `banks`, so that money may come to any of them."""

    @pytest.fixture
    def house(self, seeded: Engine) -> House:
        with write(seeded, None) as session:
            seller = session.get_one(t.Seller, "demo")
            seller.profile = {**seller.profile, "banks": [{"iban": SECOND}]}
            session.add(seller)
        return House(seeded)

    def day(self, day: str, *lines: Line, account: str, opening: int = 0) -> Statement:
        made = statement(*lines, closed=f"2026-01-{day}", account=account)
        return replace(made, opening=opening, closing=opening + sum(one.amount for one in lines))

    def marks(self, house: House) -> dict[str, str]:
        rows = house.rows(t.SourceWatermark)
        return {mark.source.removesuffix(SECOND): mark.through.isoformat()[-2:] for mark in rows}

    def test_each_is_read_and_its_money_lies_on_it(self, house: House) -> None:
        one, other = house.issued("A"), house.issued("B")
        paid = [line(GROSS, text=house.number(story), name="Globex GmbH", bank_reference="1") for story in (one, other)]
        both = [self.day("20", each, account=account) for each, account in zip(paid, (IBAN, SECOND), strict=True)]
        assert counts(house.bank.file(*both)) == {"number": 2}
        assert {row.account for row in house.rows(t.BankLine)} == {IBAN, SECOND}
        assert {p.account for p in house.rows(t.Posting, t.Posting.amount == GROSS, t.Posting.kind == "receipt")} == {
            f"bank/{IBAN}", f"bank/{SECOND}",
        }  # fmt: skip
        house.whole()

    def test_what_is_of_neither_is_left_out_and_said_and_alone_refused(self, house: House) -> None:
        story = house.issued("A")
        ours = self.day("20", line(GROSS, text=house.number(story), name="Globex GmbH"), account=IBAN)
        foreign = self.day("20", line(7_00), account=ELSEWHERE)
        said = house.bank.file(foreign, ours)
        assert said.outcome == "booked: 1 lines; 1 statements of accounts that are not the seller's left out"
        assert (counts(said), len(house.rows(t.BankLine))) == ({"number": 1}, 1)
        house.whole()
        with pytest.raises(Invalid, match="not the account of seller demo"):
            house.bank.file(foreign)

    def test_the_bank_is_read_as_far_as_each_of_which_there_was_a_statement(self, house: House) -> None:
        house.bank.file(self.day("13", account=IBAN))
        assert self.marks(house) == {"bank": "13"}
        house.bank.file(self.day("15", account=SECOND))
        main = f"bank/{IBAN}"
        assert self.marks(house) == {"bank": "13", main: "13", "bank/": "15"}
        house.bank.file(self.day("16", account=IBAN))
        assert self.marks(house) == {"bank": "15", main: "16", "bank/": "15"}
        # a gap in one keeps the bank where it is, and is asked about; the other goes on
        house.bank.file(self.day("18", account=SECOND, opening=5_00), self.day("18", account=IBAN))
        assert self.marks(house) == {"bank": "15", main: "18", "bank/": "15"}
        assert house.open() == [("bank_file", None)]
        house.bank.file(self.day("17", line(5_00, "2026-01-17"), account=SECOND))
        assert self.marks(house) == {"bank": "18", main: "18", "bank/": "18"}
        assert house.open() == [("unmatched_receipt", None)]
        house.whole()


def test_an_entry_is_never_dated_before_the_receivables_last_one(house: House) -> None:
    story = house.issued("A")
    story.run(40)
    late = house.account(story).last_entry_at
    assert late is not None
    assert late > NOW
    house.bank.send(line(GROSS, reference=house.rf(story)))
    assert house.account(story).last_entry_at == late
    assert [row.at for row in house.rows(t.Allocation)] == [late]
    house.whole()


def told_invoices(url: str) -> None:
    """Five issued receivables of two customers, one with a discount."""
    seed_demo(url)
    engine = open_engine(url)
    house = House(engine)
    for name in "ABC":
        house.issued(name)
    house.issued("D", terms="2/10 net 30")
    house.issued("E", "initech")
    engine.dispose()


KEYS = st.lists(st.sampled_from("ABCDE"), min_size=0, max_size=3)
AMOUNTS = st.one_of(
    st.sampled_from([GROSS, GROSS - 2_81, GROSS - 3, GROSS + 7, 2 * GROSS, 3 * GROSS, 1]), st.integers(1, 3 * GROSS)
)


@st.composite
def movements(draw) -> Line:
    amount, on = draw(AMOUNTS), f"2026-01-{draw(st.integers(10, 28))}"
    end_to_end = draw(st.sampled_from(["", "E-1", "E-2"]))
    if draw(st.integers(0, 3)) == 0:
        code = draw(st.sampled_from(["", "AM04", "MD06"]))
        fee = draw(st.sampled_from([0, 3_00]))
        return line(-amount - fee, on, end_to_end=end_to_end, return_code=code, charges=fee, reversal=bool(code))
    references = [reference(f"RE-2026-{'ABCDE'.index(key) + 1:05d}") for key in draw(KEYS)]
    if draw(st.booleans()):
        references = [f"RE-2026-{'ABCDE'.index(key) + 1:05d}" for key in draw(KEYS)]
    who = draw(st.sampled_from(["Globex GmbH", "Initech AG", "Wallet 77", ""]))
    iban = draw(st.sampled_from(["", PAYER]))
    charges, code = draw(st.sampled_from([0, 0, 3, 5_00])), draw(st.sampled_from(["", "", "", "AC04"]))
    text = " ".join(references)
    return line(amount, on, text=text, name=who, iban=iban, end_to_end=end_to_end, charges=charges, return_code=code)


@pytest.fixture(scope="module")
def files_of(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """SQLite alone: a fresh copy for every example costs ten times as much on Postgres."""
    return Databases("sqlite", tmp_path_factory.mktemp("told"), None)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(files=st.lists(st.lists(movements(), max_size=6), min_size=1, max_size=4), overlap=st.booleans())
def test_whatever_a_bank_tells_the_books_stay_whole(
    files_of: Databases, files: list[list[Line]], overlap: bool
) -> None:
    url = files_of.copy(told_invoices)
    engine = open_engine(url)
    try:
        house = House(engine)
        before: list[Line] = []
        for at, lines in enumerate(files):
            house.bank.send(*(before if overlap else []), *lines, closed=f"2026-02-{at + 1:02d}")
            before = [*before, *lines] if overlap else lines
        house.whole()
        receipts = {row.id: row.amount for row in house.rows(t.Receipt)}
        assigned: Counter[int] = Counter()
        for row in house.rows(t.Allocation, t.Allocation.released_at.is_(None)):  # type: ignore[union-attr]
            assigned[row.receipt] += row.amount
        assert all(amount <= receipts[id_] for id_, amount in assigned.items())
        assert len(receipts) == len(house.rows(t.BankLine, t.BankLine.amount > 0))
        assert all(row.state != "new" for row in house.rows(t.BankLine))
        if overlap:
            told = {row.key for row in house.rows(t.BankLine)}
            assert told == {one.key for one in statement(*before).lines}
    finally:
        engine.dispose()
        files_of.remove(url)


class TestWhatIsOwed:
    """Where much is owed a matcher takes seconds to make: what of it still holds is not made again."""

    DAY = date(2026, 1, 20)

    def known(self, house: House, before: Known | None) -> Known:
        with booking(house.engine, "demo", NOW) as tx:
            return open_items.known(tx, self.DAY, before)

    def test_what_changes_nothing_that_is_owed_leaves_the_matcher(self, house: House) -> None:
        story = house.issued("A")
        first = self.known(house, None)
        story.command("note", "sam", text="called")
        after = self.known(house, first)
        assert after.seq > first.seq
        assert after.matcher is first.matcher

    def test_only_what_the_audit_names_is_read_anew_and_is_what_the_books_hold(self, house: House) -> None:
        paid, part, credited, same = (house.issued(name, terms="2/10 net 30") for name in "ABCD")
        first = self.known(house, None)
        for story, amount in ((paid, "140.40"), (part, "40.40")):
            on = story.now.date().isoformat()
            story.command("pay", "ben", amount=amount, received_on=on, method="transfer", external_id=story.id)
        credited.command("credit", "ben", amount="10.00", reason="late")
        new = house.issued("E")
        after = self.known(house, first)
        assert after.items == self.known(house, None).items
        assert set(after.items) == {part.id, credited.id, same.id, new.id}
        assert after.items[same.id] is first.items[same.id]
        assert after.items[part.id].open == GROSS - 40_40

    def test_it_is_made_before_the_seller_is_locked(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also the next part's, though somebody else wrote in between."""
        monkeypatch.setattr(statements, "CHUNK", 2)
        story, asked = house.issued("A"), list[str]()
        told = statement(*(line(1_00 + n, "2026-01-20", text=f"odd {n}") for n in range(4)))
        step = FileStep(hint=FileHint(seller="demo", object=f"sha256:{'1' * 64}", format="csv"), now=NOW)
        statements.receive(house.engine, step.hint, [told], NOW)
        event.listen(house.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
        known: Known | None = None
        for _ in range(2):
            asked.clear()
            said, known = statements.book(house.engine, step, known)
            step = replace(step, position=said.position, after=said.after)
            locks = [at for at, each in enumerate(asked) if "FOR UPDATE" in each or "BEGIN IMMEDIATE" in each]
            made = [at for at, each in enumerate(asked) if "invoices.phase IN" in each]
            assert made
            assert max(made) < min(locks)
            story.command("note", "sam", text="called")
