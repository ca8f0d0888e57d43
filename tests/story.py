"""A small book with a row of every kind, told to the real books without a server, in the workflow's order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine

from adapters.books import legal_holds, payouts, sessions
from adapters.books.books import Books
from adapters.books.engine import open_engine
from adapters.books.migrate import upgrade
from adapters.books.papers import Filed
from adapters.books.provider import book_payment
from adapters.books.seed import apply_seed, load_seed
from adapters.books.sessions import Mint
from adapters.documents.archive import Archive
from domain import lifecycle
from domain.account import Account
from domain.actions import Send, Wait
from domain.payments import DisputeState, PaymentState, PayoutState, RefundState, SessionRequest, SessionState
from schemas.incoming import CheckoutStep
from schemas.steps import CommandStep, DraftStep, SendStep, Step, Verdict
from tests.bank import PAYER, Bank, line, reference
from tests.conftest import DEMO, SEEDED_AT

START = datetime(2026, 1, 7, 9, tzinfo=UTC)


class Story:
    """One receivable of `seller` on its own clock. Documents land in `archive` when there is one."""

    def __init__(self, engine: Engine, seller: str, reference: str, archive: Path | None = None):
        self.books = Books(engine, idempotent=True)
        self.seller, self.reference = seller, reference
        self.id = f"invoice-{seller}-{reference}"
        self.now = max(START, SEEDED_AT)
        self._archive = Archive(archive) if archive else None

    def start(self, customer: str | dict[str, Any], price: str, **more: Any) -> Account:
        request = {
            "seller": self.seller,
            "reference": self.reference,
            "created_by": "crm",
            "customer": customer,
            "currency": "EUR",
            "lines": [
                {"description": "Work", "quantity": "1", "unit_price": price, "tax": {"category": "S", "rate": "19"}},
                {"description": "Book", "quantity": "2", "unit_price": "10.00", "tax": {"category": "S", "rate": "7"}},
            ],
            **more,
        }
        outcome = self.books.draft(DraftStep(workflow_id=self.id, now=self.now, request=request))
        assert outcome.account is not None, outcome.problems
        return outcome.account

    def command(self, name: str, by: str, **payload: Any) -> Verdict:
        step = CommandStep(workflow_id=self.id, now=self.now, id=uuid4().hex, name=name, payload={"by": by, **payload})
        verdict = self.books.command(step).verdict
        assert verdict.result != "refused", verdict.reason
        return verdict

    def run(self, days: float) -> Account:
        """Lets `days` pass and everything happen that is due; a message that waits for a person is released."""
        end = self.now + timedelta(days=days)
        while True:
            outcome = self.books.look(self._step())
            assert outcome.account is not None
            assert outcome.policy is not None
            action = lifecycle.next_action(outcome.account, outcome.policy, self.now)
            match action:
                case Send():
                    self.post(action)
                case Wait() if action.until is not None and action.until <= end:
                    self.now = action.until
                case _:
                    self.now = end
                    return outcome.account

    def look(self) -> Account:
        account = self.books.outcome(self.id).account
        assert account is not None
        return account

    def post(self, action: Send) -> None:
        step = SendStep(workflow_id=self.id, now=self.now, key=action.key)
        claimed, _ = self.books.claim(step)
        if claimed is None:
            self.command("send", "sam")
            claimed, _ = self.books.claim(step)
        assert claimed is not None, action
        printed = action.kind in {"invoice", "credit_note"}
        filed = self._filed(action.key) if printed and self._archive else None
        self.books.confirm(step, claimed, f"<{action.key}@outbox>", filed)

    def _filed(self, key: str) -> Filed:
        """Renditions that only their hashes matter of."""
        assert self._archive is not None
        return Filed(
            *(self._archive.put(f"{head} {key}".encode(), s) for head, s in (("%PDF", "pdf"), ("<!--", "xml")))
        )

    def checkout(self) -> SessionRequest:
        """A page at a provider that takes whatever it is asked for."""
        step = CheckoutStep(workflow_id=self.id, now=self.now)
        found = sessions.claim(self.books.engine, step, "stripe", True, lambda *_: "https://pay.example")
        assert isinstance(found, Mint), found
        page = SessionState(
            id=f"cs_{self.reference}", status="open", url="https://pay.example", expires_at=found.request.expires_at
        )
        sessions.opened(self.books.engine, self.id, found.request.key, page, self.now)
        return found.request

    def pay_online(self, asked: SessionRequest) -> None:
        """The customer paid by card, and the provider tells of it."""
        told = PaymentState(
            provider="stripe",
            id=f"pi_{self.reference}",
            status="succeeded",
            currency=asked.currency,
            amount=asked.amount,
            paid=asked.amount,
            fee=236,
            method="card",
            seller=asked.seller,
            invoice=asked.invoice,
            session=asked.key,
            tried_at=self.now,
            at=self.now,
        )
        book_payment(self.books.engine, told, self.now)

    def _step(self) -> Step:
        return Step(workflow_id=self.id, now=self.now)


def tell(engine: Engine, archive: Path | None = None) -> None:
    """Eight receivables: one with all that can happen to money, one paid, one late, one that waits for approval, one
    paid online less its discount, one with a page still open, two paid by card of which a part came back; and two bank
    statements."""
    busy = Story(engine, "demo", "BUSY", archive)
    halves = {"schedule": [{"percent": "50", "due": "net 14"}, {"percent": "50", "due": "net 30"}]}
    busy.start("globex", "1000.00", terms=halves)
    busy.run(0)
    busy.command("approve", "ana")
    busy.run(1)
    busy.command("dispute", "globex", reason="two hours too many", amount="100.00")
    resolved = busy.command("resolve", "ben", outcome="partly", credit="60.00")
    if resolved.subject:
        busy.command("approve", "cho", subject=resolved.subject)
    busy.run(20)
    busy.command("promise", "globex", date="2026-02-20", amount="200.00")
    busy.command("pay", "ben", amount="300.00", received_on="2026-01-28", method="transfer", external_id="B-1")
    busy.command("write_off", "ben", amount="0.40", kind="bank_fee", reason="their bank kept it")
    busy.command("credit", "ben", amount="20.00", reason="goodwill")
    busy.run(10)

    legal_holds.hold(engine, "demo", busy.id, "ben", "the court asked", busy.now)
    legal_holds.hold(engine, "demo", None, "sam", "tax audit", busy.now)
    legal_holds.release(engine, "demo", None, "ben", "tax audit over", busy.now)

    paid = Story(engine, "demo", "PAID", archive)
    paid.now = busy.now
    paid.start("initech", "150.00")
    paid.command("approve", "ana")
    paid.run(2)
    paid.command(
        "pay", "ben", amount="210.00", received_on=paid.now.date().isoformat(), method="cheque", external_id="C-1"
    )
    paid.run(1)

    late = Story(engine, "demo", "LATE", archive)
    late.now = paid.now
    late.start("umbrella", "100.00", terms="net 7")
    late.command("approve", "ana")
    late.run(1)
    late.now += timedelta(days=20)  # an outage: two rungs pass, the later one goes out
    late.run(1)

    waiting = Story(engine, "demo", "WAITS", archive)
    waiting.now = late.now
    waiting.start("hooli", "20000.00")
    waiting.run(0)

    _tell_bank(engine, late, archive)
    _tell_online(engine, late.now, archive)
    _tell_provider(engine, late, archive)


def _tell_provider(engine: Engine, late: Story, archive: Path | None) -> None:
    """Two paid by card: of one a part is charged back, of the other too much is paid and given back; and a payout that
    the statement shows."""
    stories = [Story(engine, "demo", name, archive) for name in ("CARD", "OVER")]
    told = []
    for n, story in enumerate(stories):
        story.now = late.now
        story.start("globex", "100.00")
        story.command("approve", "ana")
        story.run(0.1)
        page = sessions.claim(engine, CheckoutStep(workflow_id=story.id, now=story.now), "stripe", True, lambda *_: "")
        assert isinstance(page, sessions.Mint)
        request = page.request
        at = SessionState(id=f"cs_{n}", status="open", url="https://pay.example", expires_at=request.expires_at)
        sessions.opened(engine, story.id, request.key, at, story.now)
        story.now += timedelta(hours=1)
        paid = PaymentState(
            provider="stripe",
            id=f"pi_{n}",
            status="succeeded",
            currency="EUR",
            amount=request.amount + n * 1000,
            paid=request.amount + n * 1000,
            fee=236,
            method="card",
            seller="demo",
            invoice=story.id,
            session=request.key,
            tried_at=story.now,
            at=story.now,
        )
        book_payment(engine, paid, story.now)
        told.append(paid)
    card, over = stories
    back = DisputeState(id="dp_1", amount=5000, status="open", taken=True, reason="fraudulent", at=card.now, fee=2000)
    outside = RefundState(id="re_1", amount=700, status="succeeded", at=card.now)
    book_payment(engine, replace(told[0], refunds=(outside,), disputes=(back,)), card.now)
    over.command("refund", "ben", amount="10.00", reason="paid too much")
    step = SendStep(workflow_id=over.id, now=over.now, key=f"{over.id}/refund-1")
    over.books.claim_refund(step)
    over.books.confirm_refund(step, RefundState(id="re_2", amount=1000, status="succeeded", at=over.now, key=step.key))
    arrives = date(2026, 3, 9)
    state = PayoutState(id="po_1", status="paid", amount=20000, currency="EUR", arrives_on=arrives, trace="T-77")
    payouts.remember(engine, "stripe", state, over.now)
    bank = Bank(engine, over.now, archive=archive)
    bank.send(line(200_00, arrives.isoformat(), text="payout T-77", name="Stripe"), closed=arrives.isoformat())


def _tell_bank(engine: Engine, late: Story, archive: Path | None) -> None:
    """A statement with a part payment, money that nobody can tell, and a payment of the seller's own."""
    number = str(late.look().number)
    bank = Bank(engine, late.now, archive=archive)
    bank.send(
        line(50_00, "2026-03-02", reference=reference(number), name="Umbrella Ltd", iban=PAYER),
        line(33_00, "2026-03-02", text="thank you", name="Nobody Known"),
        line(-12_00, "2026-03-02", text="account fee", charges=1_00),
        closed="2026-03-02",
    )


def _tell_online(engine: Engine, now: datetime, archive: Path | None) -> None:
    for reference_, pays in (("ONLINE", True), ("OPEN", False)):
        online = Story(engine, "demo", reference_, archive)
        online.now = now
        online.start("initech", "300.00", terms="2/10 net 30")
        online.command("approve", "ana")
        online.run(1)
        asked = online.checkout()
        if pays:
            online.pay_online(asked)


def told_book(url: str, archive: Path | None = None) -> None:
    """The demo's seed without the copies of its seller, and the receivables of `tell`."""
    upgrade(url)
    engine = open_engine(url)
    seed = load_seed(DEMO)
    apply_seed(engine, replace(seed, sellers={"demo": seed.sellers["demo"]}), SEEDED_AT)
    tell(engine, archive)
    engine.dispose()
