"""One receivable at the counter: real books, the real adapter, and the stand-in for Stripe over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, select

from activities.checkout import Cashier
from adapters.books.engine import read
from adapters.books.provider import book_payment
from adapters.payment.port import Payments
from adapters.payment.stripe import Stripe
from adapters.standins.stripe.server import StandIn
from domain.account import Account
from domain.actions import Send, Wait
from schemas import tables as t
from schemas.incoming import Checkout, CheckoutStep
from schemas.steps import SendStep, Step
from tests.story import Story

_NUMBERS = itertools.count(1)
"""The stand-in outlives a test and remembers every key."""


@dataclass
class Desk:
    """The cashier, the receivable, and whom the cashier told."""

    cashier: Cashier
    payments: Payments
    story: Story
    engine: Engine
    sim: StandIn
    told: list[str] = field(default_factory=list)

    async def checkout(self, everything: bool = False) -> Checkout:
        step = CheckoutStep(workflow_id=self.story.id, now=self.story.now, everything=everything)
        return await self.cashier.checkout(step)

    async def hear(self) -> None:
        """What a webhook leads to: the payment of the last page is read and booked."""
        payment = await self.payments.payment(self.pages()[-1]["payment_intent"])
        book_payment(self.engine, payment, self.story.now)

    def rows(self) -> list[t.PaymentSession]:
        with read(self.engine) as session:
            query = select(t.PaymentSession).where(t.PaymentSession.invoice == self.story.id)
            return list(session.exec(query.order_by(col(t.PaymentSession.minted_at), col(t.PaymentSession.id))))

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]

    def pages(self, *statuses: str) -> list[Any]:
        """The checkouts at Stripe, oldest first."""
        every = list(self.sim.state.tables["checkout.session"].values())
        own = [each for each in every if each["client_reference_id"] == self.story.id]
        return [each for each in own if not statuses or each["status"] in statuses]

    def page(self) -> str:
        [page] = self.pages("open")
        return str(page["id"])

    def receipts(self) -> list[t.Receipt]:
        with read(self.engine) as session:
            booked = t.AuditEntry.type == "payment.received"
            told = session.exec(select(t.AuditEntry).where(t.AuditEntry.invoice == self.story.id, booked)).all()
            return [session.get_one(t.Receipt, int(entry.keys["receipt"])) for entry in told]

    def account(self) -> Account:
        account = self.story.books.look(Step(workflow_id=self.story.id, now=self.story.now)).account
        assert account is not None
        return account

    def next_reminder(self) -> SendStep:
        """Lets time pass to the next reminder's instant; its step."""
        for _ in range(60):
            action = self.story.books.look(Step(workflow_id=self.story.id, now=self.story.now)).action
            if isinstance(action, Send) and action.kind == "reminder":
                return SendStep(workflow_id=self.story.id, now=self.story.now, key=action.key)
            if isinstance(action, Send):
                self.story.post(action)
                continue
            assert isinstance(action, Wait)
            assert action.until is not None
            self.story.now = max(action.until, self.story.now)
        raise AssertionError("no reminder comes")

    def whys(self, verdict: str) -> list[t.Why]:
        with read(self.engine) as session:
            query = select(t.Why).where(t.Why.invoice == self.story.id, t.Why.verdict == verdict)
            return list(session.exec(query))


@asynccontextmanager
async def issued(engine: Engine, sim: StandIn, payments: Payments | None = None, **more: Any) -> AsyncIterator[Desk]:
    """One that was delivered; 140.40 EUR unless `more` asks for something else."""
    story = Story(engine, "demo", f"T{next(_NUMBERS)}")
    story.start("globex", "100.00", **more)
    story.run(0)
    story.command("approve", "ana")
    story.run(0.1)
    async with at_the_counter(engine, sim, story, payments) as desk:
        yield desk


@asynccontextmanager
async def at_the_counter(
    engine: Engine, sim: StandIn, story: Story, payments: Payments | None = None
) -> AsyncIterator[Desk]:
    told: list[str] = []
    used = payments or stripe(sim)

    async def tell(workflow_id: str) -> None:
        told.append(workflow_id)

    cashier = Cashier(engine, used, lambda id_, _: f"https://pay.example/i/{id_}", tell)
    try:
        yield Desk(cashier, used, story, engine, sim, told)
    finally:
        await used.close()


def stripe(sim: StandIn, **more: Any) -> Stripe:
    return Stripe(sim.secret_key, sim.base, **more)


DAY = timedelta(days=1)
