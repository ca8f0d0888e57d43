"""Credit notes by amount and by line, prepayments and what settles them, rounding: the books are whole after each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, func, select

from adapters.books import by_hand, papers
from adapters.books.engine import read, write
from adapters.books.verify import verify
from domain import document
from domain.einvoice import EInvoice
from schemas import tables as t
from tests.adapters.test_refunds import asked
from tests.adapters.test_verify import tampering
from tests.story import Story


def issued(engine: Engine, reference: str, price: str = "100.00", customer: str = "globex", **more: Any) -> Story:
    story = Story(engine, "demo", reference)
    story.start(customer, price, **more)
    story.run(0)
    if story.look().subjects:
        story.command("approve", "ana")
    story.run(1)
    return story


def documents(story: Story) -> list[EInvoice]:
    with read(story.books.engine) as session:
        row = session.get_one(t.Invoice, story.id)
        query = select(t.Document).where(t.Document.invoice == story.id).order_by(col(t.Document.issued_at))
        return [papers.model(row, paper) for paper in session.exec(query)]


def ledger(story: Story) -> dict[str, int]:
    """What stands on each account of the receivable, without zeros."""
    with read(story.books.engine) as session:
        query = (
            select(t.Posting.account, func.sum(t.Posting.amount))
            .where(t.Posting.invoice == story.id)
            .group_by(t.Posting.account)
        )
        return {account: int(amount) for account, amount in session.exec(query) if amount}


def whole(engine: Engine) -> Iterable[str]:
    return [f"I{each.invariant} {each.row}: {each.text}" for each in verify(engine)]


def pay(story: Story, amount: str, name: str = "T-1") -> None:
    story.command(
        "pay", "ben", amount=amount, received_on=story.now.date().isoformat(), method="transfer", external_id=name
    )
    story.run(0)


class TestCredit:
    def test_a_line_is_credited_with_its_own_tax(self, seeded: Engine) -> None:
        story = issued(seeded, "LINE")  # 100.00 at 19 % and 20.00 at 7 %
        story.command("credit", "ben", reason="returned", lines=["2"])
        invoice, note = documents(story)
        assert (note.kind, note.totals.payable, note.preceding[0].number) == ("credit_note", 2140, invoice.number)
        assert [(line.id, line.description, line.net) for line in note.lines] == [("2", "Book", 2000)]
        assert ledger(story)["vat/19"] == -1900
        assert "vat/7" not in ledger(story)
        assert whole(seeded) == []

    def test_it_names_the_day_of_supply_of_what_it_takes_back(self, seeded: Engine) -> None:
        story = issued(seeded, "LATER")
        story.run(40)
        story.command("credit", "ben", reason="goodwill", amount="10.00")
        invoice, note = documents(story)
        assert note.issued_on > invoice.issued_on
        assert note.delivery_date == invoice.delivery_date == invoice.issued_on

    def test_of_a_prepayment_it_names_none(self, seeded: Engine) -> None:
        story = issued(seeded, "EARLY", kind="prepayment")
        story.command("credit", "ben", reason="goodwill", amount="10.00")
        assert [each.delivery_date for each in documents(story)] == [None, None]

    def test_the_rest_is_credited_by_amount_to_the_cent(self, seeded: Engine) -> None:
        story = issued(seeded, "REST", "99.99")
        story.command("credit", "ben", reason="goodwill", amount="7.77")
        story.command("credit", "ben", reason="more", amount="0.01")
        left = story.look().balance
        story.command("credit", "ben", reason="all of it", amount=f"{left // 100}.{left % 100:02d}")
        assert ledger(story) == {}
        assert story.run(0).closed
        assert whole(seeded) == []

    def test_a_line_is_not_credited_twice(self, seeded: Engine) -> None:
        story = issued(seeded, "TWICE")
        story.command("credit", "ben", reason="returned", lines=["2"])
        again = asked(story, "credit", "ben", reason="again", lines=["2"])
        assert (again.result, "credited before, on " in again.reason) == ("refused", True)

    def test_nor_one_beside_a_line_of_the_same_tax(self, seeded: Engine) -> None:
        line = {"quantity": "1", "unit_price": "100.00", "tax": {"category": "S", "rate": "19"}}
        lines = [{**line, "description": name} for name in ("One", "Two")]
        story = issued(seeded, "SAME", lines=lines)
        story.command("credit", "ben", reason="goodwill", amount="10.00")
        story.command("credit", "ben", reason="returned", lines=["1"])
        number = documents(story)[-1].number
        again = asked(story, "credit", "ben", reason="again", lines=["1"])
        assert (again.result, again.reason) == (
            "refused", f"lines: 1 was credited before, on {number}; credit an amount instead",
        )  # fmt: skip
        assert asked(story, "credit", "ben", reason="other", lines=["2"]).result == "refused"
        story.command("credit", "ben", reason="broken", amount="109.00")
        assert whole(seeded) == []

    def test_an_accepted_dispute_over_a_credited_line_is_refused(self, seeded: Engine) -> None:
        line = {"quantity": "1", "unit_price": "100.00", "tax": {"category": "S", "rate": "19"}}
        story = issued(seeded, "DISP", lines=[{**line, "description": name} for name in ("One", "Two")])
        story.command("dispute", "globex", reason="never came", lines=["1"])
        story.command("credit", "ben", reason="it never came", lines=["1"])
        assert "credited before" in asked(story, "resolve", "ben", outcome="accepted").reason
        story.command("resolve", "ben", outcome="withdrawn")
        assert story.look().balance == 119_00

    def test_an_accepted_dispute_over_lines_credits_those_lines(self, seeded: Engine) -> None:
        story = issued(seeded, "DISP")
        story.command("dispute", "globex", reason="never came", lines=["2"])
        story.command("resolve", "ana", outcome="accepted")
        assert [line.description for line in documents(story)[-1].lines] == ["Book"]
        assert whole(seeded) == []


def line(price: str, revenue: str | None = None, **more: Any) -> dict[str, Any]:
    named = {"revenue": revenue} if revenue else {}
    tax = {"category": "S", "rate": "19"}
    return {"description": "Work", "quantity": "1", "unit_price": price, "tax": tax, **named, **more}


class TestRevenue:
    """A credit takes its revenue where it was booked and is left."""

    def test_lines_take_their_own_and_a_cancel_all_that_is_left(self, seeded: Engine) -> None:
        story = issued(seeded, "KEYS", lines=[line("100.00", "goods"), line("100.00", "services")])
        story.command("credit", "ben", reason="returned", lines=["1"])
        assert (ledger(story).get("revenue/goods"), ledger(story)["revenue/services"]) == (None, -100_00)
        story.command("cancel", "ben", reason="all wrong")
        assert ledger(story) == {}
        assert whole(seeded) == []

    def test_amounts_alone_leave_no_cent(self, seeded: Engine) -> None:
        story = issued(
            seeded,
            "MIXED",
            lines=[line("0.05", "goods"), line("0.05", "services"), line("9.00", "services")],
            allowances=[{"amount": "0.01", "reason": "Rebate", "tax": {"category": "S", "rate": "19"}}],
        )
        story.command("credit", "ben", reason="goodwill", amount="0.07")
        left = story.look().balance
        story.command("credit", "ben", reason="the rest", amount=f"{left // 100}.{left % 100:02d}")
        assert ledger(story) == {}
        assert whole(seeded) == []

    def test_what_stays_under_another_key_is_named(self, seeded: Engine) -> None:
        story = issued(seeded, "OTHER")
        story.command("cancel", "ben", reason="all wrong")
        with tampering(seeded) as connection:
            moved = "UPDATE postings SET account = 'revenue/b' WHERE kind = 'credit' AND account = 'revenue/sales'"
            assert connection.execute(text(moved)).rowcount == 1
        assert set(whole(seeded)) == {
            f"I5 invoices {story.id}: all of it was credited, revenue/{key} still holds {off}"
            for key, off in (("sales", 120_00), ("b", -120_00))
        }


class TestOneByOne:
    """Two lines of 10.50 come to 24.99 with their tax, and each by itself to 12.50."""

    @pytest.mark.parametrize("ids", ["12", "21"])
    def test_equal_lines_are_credited_one_after_the_other(self, seeded: Engine, ids: str) -> None:
        story = issued(seeded, "HALF", lines=[line("10.50", "goods"), line("10.50")])
        for id_ in ids:
            story.command("credit", "ben", reason="returned", lines=[id_])
        assert [paper.totals.payable for paper in documents(story)[1:]] == [12_50, 12_49]
        assert ledger(story) == {}
        assert whole(seeded) == []

    @pytest.mark.parametrize("first", ["dispute", "credit"])
    def test_so_is_a_disputed_one(self, seeded: Engine, first: str) -> None:
        story = issued(seeded, "HALF", lines=[line("10.50"), line("10.50")])
        commands = {
            "dispute": lambda: story.command("dispute", "globex", reason="never came", lines=["2"]),
            "credit": lambda: story.command("credit", "ben", reason="returned", lines=["1"]),
        }
        for name in sorted(commands, key=lambda name: name != first):
            commands[name]()
        story.command("resolve", "ben", outcome="accepted")
        assert [row.id for row in documents(story)[-1].lines] == ["2"]
        assert story.look().balance == 0
        assert whole(seeded) == []


class TestPrepayment:
    def test_vat_is_due_with_the_money_and_goes_back_with_it(self, seeded: Engine) -> None:
        story = issued(seeded, "PRE", kind="prepayment")
        assert documents(story)[0].type_code == "386"
        assert (ledger(story)["vat_pending/19"], ledger(story)["vat_pending/7"]) == (-1900, -140)
        pay(story, "70.20")
        half = ledger(story)
        assert (half["vat/19"], half["vat_pending/19"], half["vat/7"]) == (-950, -950, -70)
        assert half["revenue/prepayment"] == -12000
        with read(seeded) as session:
            allocation = session.exec(select(t.Allocation.id).where(t.Allocation.invoice == story.id)).one()
        by_hand.unapply(seeded, allocation or 0, "ben", "not ours", story.now)
        story.run(0)
        assert "vat/19" not in ledger(story)
        assert whole(seeded) == []

    def test_the_final_invoice_takes_it_off_once_paid(self, seeded: Engine) -> None:
        early = issued(seeded, "EARLY", kind="prepayment")
        number = documents(early)[0].number
        final: dict[str, Any] = {"preceding": [{"number": number, "date": "2026-01-07"}]}
        assert "is not paid" in str(refused(seeded, "FINAL", "500.00", **final))
        pay(early, "140.40")
        story = issued(seeded, "FINAL", "500.00", **final)
        paper = documents(story)[0]
        assert paper.totals.payable == (50000 + 2000 - 12000) + 7600 + 0
        assert [(line.description.split()[0], line.net) for line in paper.lines[2:]] == [
            ("Anzahlung", -10000), ("Anzahlung", -2000),
        ]  # fmt: skip
        assert ledger(story)["revenue/prepayment"] == 12000
        assert f"{number} is settled by FINAL already" in str(refused(seeded, "AGAIN", "500.00", **final))
        twice = refused(seeded, "TWICE", "500.00", preceding=[*final["preceding"], {"number": number}])
        assert ("preceding[1].number" in str(twice), f"names {number} once more" in str(twice)) == (True, True)
        back = {
            "description": "Prepaid",
            "quantity": "-1",
            "unit_price": "120.00",
            "tax": {"category": "S", "rate": "19"},
        }
        taken = {"lines": [{"description": "Work", "quantity": "1", "unit_price": "500.00"}, back], **final}
        assert "leave the lines below zero out" in str(refused(seeded, "TAKEN", "500.00", **taken))
        assert "of another customer" in str(refused(seeded, "OTHER", "500.00", customer="initech", **final))
        assert whole(seeded) == []


class TestFinal:
    """A final invoice takes off what its prepayment is when it is issued, and it stays that."""

    def prepaid(self, engine: Engine) -> tuple[Story, dict[str, Any]]:
        early = issued(engine, "EARLY", kind="prepayment")
        pay(early, "140.40")
        return early, {"preceding": [{"number": early.look().number, "date": "2026-01-07"}], "issue_on": "2026-02-01"}

    def through(self, story: Story, name: str, **said: Any) -> None:
        verdict = story.command(name, "ben", **said)
        if verdict.subject:
            story.command("approve", "cho", subject=verdict.subject)

    @pytest.mark.parametrize("amount", ["140.40", "10.00"])
    def test_one_that_was_credited_after_the_draft_is_not_taken_off(self, seeded: Engine, amount: str) -> None:
        early, named = self.prepaid(seeded)
        story = issued(seeded, "FINAL", "500.00", **named)
        self.through(early, "credit", amount=amount, reason="agreed anew")
        story.run(40)
        account = story.look()
        assert (account.number, "issue_blocked" in account.exceptions) == (None, True)
        request = {**self.request(seeded, story), "issue_on": None}
        story.command("amend", "sam", request={name: value for name, value in request.items() if value is not None})
        story.run(0)
        for by in ("ana", "cho"):
            if story.look().subjects:
                story.command("approve", by)
        story.run(1)
        account = story.look()
        back = {"140.40": 0, "10.00": 130_40}[amount]
        assert account.number is not None
        assert (account.total, "issue_blocked" in account.exceptions) == (616_40 - back, False)
        assert whole(seeded) == []

    @staticmethod
    def request(engine: Engine, story: Story) -> dict[str, Any]:
        with read(engine) as session:
            return session.get_one(t.Invoice, story.id).request

    def test_one_that_owes_again_blocks_until_it_is_paid(self, seeded: Engine) -> None:
        early, named = self.prepaid(seeded)
        story = issued(seeded, "FINAL", "500.00", **named)
        with read(seeded) as session:
            found = session.exec(select(t.Allocation).where(t.Allocation.invoice == early.id)).one()
        by_hand.unapply(seeded, found.id or 0, "ben", "another's", story.now)
        story.run(40)
        assert "issue_blocked" in story.look().exceptions
        by_hand.apply(seeded, found.receipt, [early.id], None, "ben", story.now)
        story.run(2)
        account = story.look()
        assert account.number is not None
        assert "issue_blocked" not in account.exceptions

    def test_where_all_was_prepaid_the_prepayment_is_what_can_be_credited(self, seeded: Engine) -> None:
        early, named = self.prepaid(seeded)
        story = issued(seeded, "FINAL", "100.00", **{**named, "issue_on": "2026-01-08"})
        story.run(2)
        assert (story.look().total, story.look().phase) == (0, "paid")
        early.now = story.now
        self.through(early, "credit", reason="nothing was delivered", amount="140.40")
        assert early.look().customer_credit == 140_40
        assert whole(seeded) == []

    @pytest.mark.parametrize(("credited", "off"), [(None, 120_00), ("58.80", 69_60), ("all", 0)])
    def test_a_discount_on_it_counts_as_paid(self, seeded: Engine, credited: str | None, off: int) -> None:
        lines = [line("100.00", tax={"category": "S", "rate": "20"}), line("20.00", tax={"category": "Z"})]
        early = issued(seeded, "EARLY", kind="prepayment", lines=lines, terms="2/10 net 30")
        pay(early, "137.20")
        assert (early.look().balance, early.look().discounted) == (0, 2_80)
        if credited:
            self.through(early, "credit", reason="agreed anew", amount="137.20" if credited == "all" else credited)
        named = [{"number": early.look().number}]
        story = issued(seeded, "FINAL", preceding=named, lines=[line("500.00")], issue_on="2026-01-08")
        story.run(2)
        deducted = -sum(each.net for each in documents(story)[0].lines if each.deducts)
        assert abs(deducted - off) <= 1
        if credited is None:
            assert ledger(story)["revenue/prepayment"] == -ledger(early)["revenue/prepayment"]
        assert whole(seeded) == []

    LOYAL: ClassVar[dict[str, Any]] = {
        "allowances": [{"percent": "10", "reason": "Loyal", "tax": {"category": "S", "rate": "19"}}]
    }

    def test_a_percentage_is_of_what_it_bills_not_of_the_rest(self, seeded: Engine) -> None:
        _, named = self.prepaid(seeded)
        lines = [
            {"description": "Part", "quantity": "1", "unit_price": price, "tax": {"category": "S", "rate": rate}}
            for price, rate in (("300.00", "19"), ("200.00", "19"), ("40.00", "7"))
        ]
        story = issued(seeded, "FINAL", lines=lines, **{**named, **self.LOYAL, "issue_on": "2026-01-08"})
        story.run(2)
        totals = documents(story)[0].totals
        assert (totals.line_net, totals.allowances, totals.taxable) == (420_00, 54_00, 366_00)
        assert ledger(story)["revenue/prepayment"] == 120_00
        self.through(story, "credit", reason="it never came", lines=["2"])
        assert documents(story)[-1].totals.taxable == 200_00 - 21_60
        assert ledger(story)["revenue/prepayment"] == 120_00
        self.through(story, "cancel", reason="nor did the others")
        assert ledger(story) == {}
        assert whole(seeded) == []

    @pytest.mark.parametrize("loyal", [False, True])
    def test_a_draft_from_before_stands_unless_it_asks_too_much(self, seeded: Engine, loyal: bool) -> None:
        _, named = self.prepaid(seeded)
        story = issued(seeded, "FINAL", "500.00", **{**named, **(self.LOYAL if loyal else {})})
        with write(seeded, "demo") as session:
            row = session.get_one(t.Invoice, story.id)
            old = document.from_json(row.draft)
            old = document.compute(replace(old, lines=tuple(replace(line, deducts=False) for line in old.lines)))
            row.draft, row.hash, row.total = document.to_json(old), document.content_hash(old), old.totals.payable
            session.add(row)
        story.run(40)
        assert ("issue_blocked" in story.look().exceptions, story.look().number is None) == (loyal, loyal)

    @pytest.mark.parametrize("how", ["credit", "cancel"])
    def test_one_that_an_issued_invoice_took_off_is_not_credited(self, seeded: Engine, how: str) -> None:
        early, named = self.prepaid(seeded)
        story = issued(seeded, "FINAL", "500.00", **{**named, "issue_on": "2026-01-08"})
        story.run(2)
        number = story.look().number
        assert number is not None
        said = asked(early, "credit", "ben", reason="not wanted", amount="20.00")
        assert said.reason == f"{early.look().number} is taken off {number}: credit that one instead"
        if how == "cancel":
            self.through(story, "cancel", reason="nothing was delivered")
            early.now = story.now
            self.through(early, "credit", reason="nothing was delivered", amount="140.40")
            assert early.look().customer_credit == 140_40
        else:
            again = {**named, "issue_on": "2026-03-01"}
            assert "is settled by FINAL already" in str(refused(seeded, "AGAIN", "500.00", **again))
            self.through(story, "cancel", reason="wrong lines")
            assert issued(seeded, "AGAIN", "500.00", **again).look().total == story.look().total
        assert whole(seeded) == []


def refused(engine: Engine, reference: str, price: str, customer: str = "globex", **more: Any) -> object:
    story = Story(engine, "demo", reference)
    with pytest.raises(AssertionError) as told:
        story.start(customer, price, **more)
    return told.value


class TestCorrected:
    def test_it_names_what_it_corrects(self, seeded: Engine) -> None:
        assert "name the invoice that this one corrects" in str(refused(seeded, "BARE", "5.00", kind="corrected"))

    def test_beside_one_that_is_owed_it_warns(self, seeded: Engine) -> None:
        first = issued(seeded, "WRONG")
        preceding = [{"number": documents(first)[0].number}]
        second = issued(seeded, "RIGHT", "90.00", kind="corrected", preceding=preceding)
        assert "uncredited" in [warned.code for warned in second.look().warnings]
        assert documents(second)[0].type_code == "384"

    def test_it_was_supplied_when_that_one_was(self, seeded: Engine) -> None:
        first = issued(seeded, "WRONG")
        first.run(40)
        first.command("cancel", "ben", reason="wrong name")
        (invoice, _), later = documents(first), {"issue_on": "2026-02-20", "kind": "corrected"}
        second = issued(seeded, "RIGHT", preceding=[{"number": invoice.number}], **later)
        second.run(60)
        assert (documents(second)[0].issued_on, documents(second)[0].delivery_date) == (
            date(2026, 2, 20), invoice.delivery_date,
        )  # fmt: skip

    def test_of_another_system_s_nobody_knows_that(self, seeded: Engine) -> None:
        old: dict[str, Any] = {"preceding": [{"number": "OLD-1"}], "kind": "corrected"}
        codes = [warned.code for warned in issued(seeded, "UNKNOWN", **old).look().warnings]
        told = issued(seeded, "TOLD", **old, delivery={"date": "2026-01-02"})
        assert ("supply_assumed" in codes, "supply_assumed" in [each.code for each in told.look().warnings]) == (
            True, False,
        )  # fmt: skip


def test_an_amount_payable_is_rounded_where_the_seller_says_so(seeded: Engine) -> None:
    with write(seeded, "demo") as session:
        seller = session.get_one(t.Seller, "demo")
        seller.profile = {**seller.profile, "rounding": {"EUR": "0.05"}}
        session.add(seller)
    story = issued(seeded, "ROUND", "100.02")
    totals = documents(story)[0].totals
    assert (totals.total, totals.rounding, totals.payable) == (14042, -2, 14040)
    assert ledger(story)["rounding"] == 2
    story.command("credit", "ben", reason="goodwill", amount="40.40")
    story.command("credit", "ben", reason="the rest", amount="100.00")
    assert ledger(story) == {}
    assert sum(paper.totals.rounding for paper in documents(story)[1:]) == -2
    assert whole(seeded) == []


def test_a_changed_model_is_read_as_it_was_frozen(seeded: Engine) -> None:
    """What is printed again in ten years is what was frozen, whatever happened to the seller since."""
    story = issued(seeded, "FROZEN")
    before = documents(story)
    with write(seeded, "demo") as session:
        seller = session.get_one(t.Seller, "demo")
        seller.profile = {**seller.profile, "name": "Renamed AG"}
        session.add(seller)
    assert documents(story) == before
