"""Invoices issued elsewhere: taken over without a number, an approval, revenue or VAT of ours, and chased from where
they stand; a seller in shadow sends nothing at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import customer_page, files, open_items
from adapters.books.engine import read, write
from adapters.books.messages import Claimed
from adapters.books.tx import booking
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.einvoices import write as write_xml
from adapters.letters import Composer
from domain import lifecycle
from domain.account import Account, Phase
from domain.actions import Send
from schemas import tables as t
from schemas.steps import CommandStep, DraftStep, SendStep
from tests.adapters.test_credit_notes import documents, ledger, pay, whole
from tests.story import Story

TUESDAY = datetime(2026, 3, 10, 9, tzinfo=UTC)
CUSTOMER = {"name": "Globex GmbH", "country": "DE", "email": "ap@globex.example", "timezone": "Europe/Berlin"}


def adopt(**more: Any) -> dict[str, Any]:
    return {"number": "ALT-4711", "issued_on": "2026-01-30", "due_on": "2026-03-02", "total": "1190.00", **more}


def adopted(engine: Engine, reference: str = "OLD-1", at: datetime = TUESDAY, **more: Any) -> Story:
    story = Story(engine, "demo", reference)
    story.now = at
    take(story, **more)
    return story


def take(story: Story, customer: Any = CUSTOMER, lines: Any = None, **more: Any) -> Account:
    request = {"seller": "demo", "reference": story.reference, "customer": customer, "currency": "EUR"}
    request |= {"adopt": adopt(**more)} | ({"lines": lines} if lines else {})
    outcome = story.books.draft(DraftStep(workflow_id=story.id, now=story.now, request=request))
    assert outcome.account is not None, outcome.problems
    return outcome.account


def problems(engine: Engine, reference: str = "OLD-1", **more: Any) -> dict[str, str]:
    story = Story(engine, "demo", reference)
    request = {
        "seller": "demo",
        "reference": reference,
        "customer": CUSTOMER,
        "currency": "EUR",
        "adopt": adopt(**more),
    }
    outcome = story.books.draft(DraftStep(workflow_id=story.id, now=TUESDAY, request=request))
    return {each.path: each.message for each in outcome.problems}


def mode(engine: Engine, mode: str, policy: dict[str, Any] | None = None) -> None:
    with write(engine, None) as session:
        seller = session.get_one(t.Seller, "demo")
        seller.mode = mode
        if policy is not None:
            session.add(t.Policy(name="standard", version=2, content=policy, digest="2"))
        session.add(seller)


def mails(story: Story) -> list[tuple[str, str]]:
    with read(story.books.engine) as session:
        query = select(t.Message).where(t.Message.invoice == story.id).order_by(col(t.Message.at), col(t.Message.key))
        return [(m.key.rpartition("/")[2], m.state) for m in session.exec(query)]


class TestTakingOver:
    def test_it_collects_at_once_without_a_number_or_an_approval(self, seeded: Engine) -> None:
        account = adopted(seeded).look()
        assert (account.phase, account.number, account.issued_on) == (Phase.OPEN, "ALT-4711", date(2026, 1, 30))
        assert lifecycle.state(account, TUESDAY) == "collecting"
        assert lifecycle.flags(account) == ("adopted",)
        assert [(d.due_on, d.amount) for d in account.dues] == [(date(2026, 3, 2), 1190_00)]
        with read(seeded) as session:
            assert not session.exec(select(t.NumberTaken)).all()
            assert not session.exec(select(t.ApprovalSubject)).all()
        assert whole(seeded) == []

    def test_it_is_an_opening_balance_without_revenue_or_vat(self, seeded: Engine) -> None:
        story = adopted(seeded, paid="190.00")
        assert ledger(story) == {"receivable": 1000_00, "opening_balance": -1190_00, "customer_credit": 190_00}
        account = story.look()
        assert (account.total, account.paid, account.balance, account.customer_credit) == (1190_00, 190_00, 1000_00, 0)
        assert account.notices == ()
        assert whole(seeded) == []

    def test_what_is_paid_in_full_closes_at_once(self, seeded: Engine) -> None:
        account = adopted(seeded, paid="1190.00").look()
        assert (account.phase, account.balance) == (Phase.PAID, 0)
        assert whole(seeded) == []

    def test_its_lines_must_come_to_its_total(self, seeded: Engine) -> None:
        line = {"description": "Work", "quantity": "1", "unit_price": "1000.00", "tax": {"category": "S", "rate": "19"}}
        story = Story(seeded, "demo", "OLD-1")
        story.now = TUESDAY
        assert take(story, lines=[line]).total == 1190_00
        wrong = {"seller": "demo", "reference": "OLD-2", "customer": CUSTOMER, "currency": "EUR", "lines": [line]}
        step = DraftStep(workflow_id="invoice-demo-OLD-2", now=TUESDAY, request={**wrong, "adopt": adopt(total="1000")})
        assert [each.path for each in story.books.draft(step).problems] == ["adopt.total"]

    def test_the_same_again_changes_nothing_and_other_content_is_refused(self, seeded: Engine) -> None:
        story = adopted(seeded)
        before = ledger(story)
        take(story)
        assert ledger(story) == before
        step = DraftStep(workflow_id=story.id, now=story.now, request=None, by="crm")
        assert story.books.draft(step).problems

    @pytest.mark.parametrize(
        ("more", "path"),
        [
            ({"number": "RE-2026-00017"}, "adopt.number"),
            ({"number": "GS-2026-00001"}, "adopt.number"),
            ({"issued_on": "2026-03-11", "due_on": "2026-04-11"}, "adopt.issued_on"),
            ({"last_message_on": "2026-03-11"}, "adopt.last_message_on"),
            ({"document": "sha256:" + "0" * 64}, "adopt.document"),
            ({"due_on": "2099-01-01"}, "adopt.due_on"),
        ],
    )
    def test_what_cannot_be_taken_over(self, seeded: Engine, more: dict[str, str], path: str) -> None:
        assert list(problems(seeded, **more)) == [path]

    def test_a_number_is_taken_over_once(self, seeded: Engine) -> None:
        adopted(seeded)
        assert "OLD-1" in problems(seeded, "OLD-2")["adopt.number"]

    def test_a_number_of_last_year_is_not_one_of_ours_to_come(self, seeded: Engine) -> None:
        assert problems(seeded, number="RE-2025-00017", issued_on="2025-12-01") == {}

    def test_a_series_never_takes_an_adopted_number(self, seeded: Engine) -> None:
        """Somebody changes the format afterwards: the next number would be one that was taken over."""
        adopted(seeded, number="2026-1")
        with booking(seeded, "demo", TUESDAY) as tx:
            tx.seller.profile = {**tx.seller.profile, "series": {"invoice": {"format": "{year}-{n}"}}}
            tx.session.add(tx.seller)
        other = Story(seeded, "demo", "NEW")
        other.now = TUESDAY
        other.start("globex", "100.00")
        other.command("approve", "ana")
        account = other.look()
        assert account.number is None
        assert "issue_blocked" in account.exceptions
        assert whole(seeded) == []

    def test_verify_finds_a_number_that_is_ours_as_well(self, seeded: Engine) -> None:
        story = adopted(seeded)
        story.command("credit", "ben", amount="100.00", reason="goodwill")
        with write(seeded, None) as session:
            session.get_one(t.Invoice, story.id).number = session.exec(select(t.NumberTaken.number)).one()
        assert any("was adopted as GS-2026-00001" in each.text for each in verify(seeded))


class TestLife:
    def test_a_payment_finds_it_by_its_number(self, seeded: Engine) -> None:
        story = adopted(seeded)
        with booking(seeded, "demo", story.now) as tx:
            found = [item for item in open_items.items(tx, TUESDAY.date()) if item.invoice == story.id]
            targets = tx.session.exec(select(t.ReferenceTarget.reference)).all()
        assert [(item.number, item.open, item.payable) for item in found] == [("ALT-4711", 1190_00, 1190_00)]
        assert "ALT-4711" in targets
        pay(story, "1190.00")
        assert story.look().phase is Phase.PAID
        assert whole(seeded) == []

    def test_disputes_promises_credits_and_losses_work_on_it(self, seeded: Engine) -> None:
        story = adopted(seeded, paid="90.00")
        story.command("dispute", "globex", reason="never got it", amount="100.00")
        story.command("resolve", "ben", outcome="withdrawn")
        story.command("promise", "globex", date="2026-03-20", amount="200.00")
        story.command("credit", "ben", amount="100.00", reason="goodwill")
        story.command("write_off", "ben", amount="1.00", reason="their bank kept it", kind="bank_fee")
        story.run(1)
        account = story.look()
        assert (account.credited, account.written_off, account.balance) == (100_00, 1_00, 999_00)
        assert ledger(story)["revenue/adopted"] == 100_00
        assert whole(seeded) == []

    @pytest.mark.parametrize(("reference", "profile"), [(None, "pdf"), ("04011000-12345-34", "xrechnung")])
    def test_its_credit_note_is_paper_where_it_lacks_what_an_e_invoice_demands(
        self, seeded: Engine, reference: str | None, profile: str
    ) -> None:
        story = Story(seeded, "demo", "OLD-1")
        address = {"street": "Platz 1", "postcode": "10115", "city": "Berlin"}
        office = {**CUSTOMER, "kind": "public", "address": address, "buyer_reference": reference}
        take(story, customer={name: said for name, said in office.items() if said}, issued_on="2025-12-01")
        story.command("credit", "ben", amount="100.00", reason="goodwill")
        assert documents(story)[-1].profile == profile

    def test_its_credit_note_is_ours_and_names_it(self, seeded: Engine, tmp_path: Path) -> None:
        """Rendered with all its data, although little is known of the invoice."""
        story = adopted(seeded)
        story.command("credit", "ben", amount="100.00", reason="goodwill")
        action = story.books.outcome(story.id).action
        assert isinstance(action, Send)
        step = SendStep(workflow_id=story.id, now=story.now, key=action.key)
        claimed, _ = story.books.claim(step)
        assert claimed is not None
        with read(seeded) as session:
            letter = Composer(TypstDocuments(write_xml), Archive(tmp_path)).compose(session, step.key, story.now)
            paper = session.exec(select(t.Document).where(t.Document.kind == "credit_note")).one()
        assert paper.model is not None
        assert [each["number"] for each in paper.model["preceding"]] == ["ALT-4711"]
        assert letter.message.attachments[0].name == f"{paper.number}.pdf"
        assert paper.number.startswith("GS-2026-")

    def test_the_customer_sees_it(self, seeded: Engine) -> None:
        story = adopted(seeded, paid="190.00")
        page = customer_page.customer_page(seeded, story.id, 0, story.now)
        assert page is not None
        assert (page.paper.number, page.paper.totals.payable, page.balance) == ("ALT-4711", 1190_00, 1000_00)
        assert [line.description for line in page.paper.lines] == ["Rechnung ALT-4711"]

    @pytest.mark.parametrize("handed_in", [True, False])
    def test_reminders_carry_the_document_that_was_handed_in(
        self, seeded: Engine, tmp_path: Path, handed_in: bool
    ) -> None:
        archive = Archive(tmp_path)
        key = files.keep(seeded, archive, b"%PDF-1.7 the old one", "pdf", TUESDAY)
        story = adopted(seeded, document=key if handed_in else None)
        outcome = story.books.outcome(story.id)
        assert isinstance(outcome.action, Send)
        step = SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key)
        claimed, _ = story.books.claim(step)
        assert isinstance(claimed, Claimed)
        with read(seeded) as session:
            letter = Composer(TypstDocuments(write_xml), archive).compose(session, step.key, story.now)
        names = [(each.name, each.data) for each in letter.message.attachments]
        assert names == ([("ALT-4711.pdf", b"%PDF-1.7 the old one")] if handed_in else [])
        assert letter.filed is None
        assert [str(each) for each in verify(seeded, tmp_path)] == []

    def test_a_copy_needs_a_document_and_leaves_the_delivery_alone(self, seeded: Engine, tmp_path: Path) -> None:
        story = adopted(seeded)
        command = {"by": "sam", "to": "ap@globex.example"}
        step = CommandStep(workflow_id=story.id, now=story.now, id="c1", name="resend", payload=command)
        assert "not handed in" in story.books.command(step).verdict.reason
        key = files.keep(seeded, Archive(tmp_path), b"%PDF-1.7", "pdf", TUESDAY)
        other = adopted(seeded, "OLD-2", number="ALT-2", document=key)
        before = other.look().delivered_at
        other.command("resend", "sam")
        other.run(1)
        assert ("invoice#2", "acting") in mails(other)
        assert other.look().delivered_at == before


class TestLadder:
    def test_missed_rungs_become_one_message(self, seeded: Engine) -> None:
        story = adopted(seeded, at=datetime(2026, 3, 10, 18, tzinfo=UTC))
        story.run(1)
        assert [key for key, state in mails(story) if state == "acting"] == ["D+7"]

    def test_a_reminder_from_before_is_not_repeated(self, seeded: Engine) -> None:
        story = adopted(seeded, last_message_on="2026-03-09")
        story.run(3)
        assert [state for _, state in mails(story)] == ["skipped"] * 3
        story.run(6)
        assert [key for key, state in mails(story) if state == "acting"] == ["D+14"]


class TestModes:
    def test_shadow_sends_nothing_to_anybody(self, seeded: Engine) -> None:
        mode(seeded, "shadow")
        story = adopted(seeded, number="ALT-1")
        for _ in range(2):
            _pass(story, 15)
        paid = {
            "amount": "1000.00",
            "received_on": story.now.date().isoformat(),
            "method": "cheque",
            "external_id": "C",
        }
        story.command("pay", "ben", **paid)
        _pass(story, 1)
        states = dict(mails(story))
        assert set(states.values()) == {"would_send", "skipped"}
        assert states["D+14"] == "would_send"
        assert [key for key, state in states.items() if key.isdigit()] != []  # the receipt, by its number
        with read(seeded) as session:
            assert not session.exec(select(t.Effect)).all()
        assert whole(seeded) == []

    def test_shadow_keeps_back_what_a_person_sends_by_hand(self, seeded: Engine, tmp_path: Path) -> None:
        mode(seeded, "shadow")
        key = files.keep(seeded, Archive(tmp_path), b"%PDF-1.7", "pdf", TUESDAY)
        story = adopted(seeded, document=key)
        story.command("resend", "sam", to="else@globex.example")
        _pass(story, 1)
        assert ("invoice#2", "would_send") in mails(story)

    def test_shadow_takes_no_new_invoice(self, seeded: Engine) -> None:
        mode(seeded, "shadow")
        line = {"description": "Work", "quantity": "1", "unit_price": "1.00"}
        request = {"seller": "demo", "reference": "N", "customer": CUSTOMER, "currency": "EUR", "lines": [line]}
        found = Story(seeded, "demo", "N").books.draft(
            DraftStep(workflow_id="invoice-demo-N", now=TUESDAY, request=request)
        )
        assert [each.path for each in found.problems] == ["seller"]

    def test_send_and_skip_name_their_message_and_say_what_was_thought_of_it(self, seeded: Engine) -> None:
        mode(seeded, "ask")
        first = adopted(seeded, at=datetime(2026, 3, 3, 9, tzinfo=UTC))
        _pass(first, 0)
        held = f"{first.id}/1/1/D+1"
        step = CommandStep(
            workflow_id=first.id,
            now=first.now,
            id="c1",
            name="send",
            payload={"by": "sam", "message": f"{first.id}/1/1/D+7"},
        )
        assert held in first.books.command(step).verdict.reason
        first.command("skip", "sam", message=held, reason="they called")
        with read(seeded) as session:
            said = session.exec(select(t.Judgement)).one()
            assert (said.message, said.by, said.verdict, said.comment) == (held, "sam", "veto", "they called")
            told = session.exec(select(t.AuditEntry).where(t.AuditEntry.type == "judgement.given")).one()
            assert "they called" not in str(told.keys)

    @pytest.mark.parametrize(("seller", "state"), [("auto", "acting"), ("ask", "held"), ("shadow", "would_send")])
    def test_a_rung_goes_by_itself_only_where_the_seller_lets_it(self, seeded: Engine, seller: str, state: str) -> None:
        """Evidence frees one rung: a new policy version says so, and the seller stays the upper bar."""
        rungs = [
            {"at": "D+1", "template": "reminder", "tone": "friendly", "mode": "auto"},
            {"at": "D+7", "template": "firmer", "tone": "firm"},
        ]
        mode(seeded, seller, {"mode": "ask", "ladder": rungs})
        story = adopted(seeded, at=datetime(2026, 3, 3, 9, tzinfo=UTC))
        _pass(story, 7 if state == "acting" else 1)
        later = "held" if seller != "shadow" else "would_send"
        assert mails(story)[0] == ("D+1", state)
        if state == "acting":
            assert mails(story)[1:] == [("D+7", later)]


def _pass(story: Story, days: float) -> None:
    """Lets days pass with nobody releasing anything."""
    end = story.now + timedelta(days=days)
    while True:
        outcome = story.books.look(story._step())
        assert outcome.account is not None
        assert outcome.policy is not None
        action = lifecycle.next_action(outcome.account, outcome.policy, story.now)
        if isinstance(action, Send):
            step = SendStep(workflow_id=story.id, now=story.now, key=action.key)
            claimed, _ = story.books.claim(step)
            if claimed is not None:
                story.books.confirm(step, claimed, f"<{action.key}@outbox>", None)
            continue
        until = getattr(action, "until", None)
        if until is None or until > end:
            story.now = end
            return
        story.now = until
