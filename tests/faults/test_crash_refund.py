"""A worker dies between claim and call, between call and confirm, between confirm and answer of a refund, and Stripe
loses answers or keeps failures as well: the money goes back exactly once, and the books know it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.payments import Paying
from adapters.books.books import Books
from adapters.books.engine import open_engine
from adapters.books.provider import book_payment
from adapters.books.refunds import Claim
from adapters.books.verify import verify
from adapters.payment.stripe import Stripe
from adapters.standins.stripe.server import StandIn
from domain.payments import RefundState, SessionRequest
from rig.crashes import DIED
from schemas.steps import Outcome, SendStep
from tests.conftest import Databases, seed_demo
from tests.faults.conftest import Hire, House
from tests.story import Story
from workers.client import reopen

SEEDS = 50
POINTS = ("claimed", "called", "confirmed")
GLOBEX = {"name": "Globex GmbH", "email": "ap@globex.example", "country": "DE"}
TOTAL, OVER = 14040, 5000
ATTEMPTS = 40


class Died(BaseException):
    """The process is gone: no handler of ours may catch it."""


@dataclass
class Fate:
    """Where the worker dies next; `deaths` counts."""

    chance: random.Random
    deaths: Counter[str] = field(default_factory=Counter)
    alive: bool = False

    def strike(self, point: str) -> None:
        if not self.alive and self.chance.random() < 0.4:
            self.deaths[point] += 1
            raise Died(point)


class MortalBooks(Books):
    """Those of the worker whose fate is `FATES`' of the receivable."""

    def claim_refund(self, step: SendStep) -> tuple[Claim | None, Outcome]:
        found = super().claim_refund(step)
        FATES[step.workflow_id].strike("claimed")
        return found

    def confirm_refund(self, step: SendStep, state: RefundState) -> Outcome:
        FATES[step.workflow_id].strike("called")
        found = super().confirm_refund(step, state)
        FATES[step.workflow_id].strike("confirmed")
        return found


FATES: dict[str, Fate] = {}


@pytest.fixture(scope="module")
def sim() -> Iterator[StandIn]:
    with StandIn() as found:
        yield found


@pytest.fixture(scope="module")
async def stripe(sim: StandIn) -> AsyncIterator[Stripe]:
    made = Stripe(sim.secret_key, sim.base)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def engine(books_on_disk: Databases) -> Iterator[Engine]:
    made = open_engine(books_on_disk.copy(seed_demo))
    yield made
    made.dispose()


async def granted(engine: Engine, sim: StandIn, stripe: Stripe, name: str) -> tuple[Story, str]:
    """Closed with 50.00 too much paid by card, which a person gives back; and the payment."""
    story = Story(engine, "demo", name)
    story.start({**GLOBEX, "key": name.lower()}, "100.00")
    story.command("approve", "ana")
    story.run(0.1)
    request = SessionRequest(
        key=f"{story.id}/checkout-1",
        seller="demo",
        invoice=story.id,
        number="1",
        amount=TOTAL + OVER,
        currency="EUR",
        minted_at=story.now,
        expires_at=story.now + timedelta(hours=1),
        language="de",
        back_url="https://pay.example",
    )
    page = await stripe.open(request)
    payment = str(sim.pay(page.id)["payment_intent"])
    book_payment(engine, await stripe.payment(payment), story.now)
    story.command("refund", "ben", amount="50.00", reason="paid too much")
    return story, payment


def made_at(sim: StandIn, payment: str) -> list[dict[str, Any]]:
    return [refund for refund in sim.state.tables["refund"].values() if refund["payment_intent"] == payment]


def trouble(sim: StandIn, chance: random.Random) -> None:
    """Sometimes Stripe does its work and the answer is lost, or it keeps a failure as its answer."""
    what = chance.random()
    if what < 0.15:
        sim.faults.fail_after(1, "drop")
    elif what < 0.3:
        sim.faults.fail_after(1, "500")
    elif what < 0.4:
        sim.faults.fail_next(1, kept=True)


async def test_it_goes_back_exactly_once(engine: Engine, sim: StandIn, stripe: Stripe) -> None:
    struck: Counter[str] = Counter()
    for seed in range(SEEDS):
        fate = await live_through(engine, sim, stripe, seed)
        struck.update(fate.deaths)
    assert verify(engine) == []
    assert all(struck[point] >= 5 for point in POINTS), struck


async def live_through(engine: Engine, sim: StandIn, stripe: Stripe, seed: int) -> Fate:
    """One refund, attempted by workers that die, until one of them ends it."""
    chance = random.Random(seed)
    story, payment = await granted(engine, sim, stripe, f"SEED-{seed}")
    fate = FATES[story.id] = Fate(chance)
    paying = Paying(MortalBooks(engine, idempotent=True), stripe)
    step = SendStep(workflow_id=story.id, now=story.now, key=f"{story.id}/refund-1")
    outcome = None
    for attempt in range(ATTEMPTS):
        fate.alive = attempt > ATTEMPTS // 2
        if not fate.alive:
            trouble(sim, chance)
        try:
            outcome = await ActivityEnvironment().run(paying.refund, step)
            break
        except (Died, ApplicationError):
            if chance.random() < 0.3:  # the webhook comes in between
                sim.faults._before.clear()
                book_payment(engine, await stripe.payment(payment), story.now)
    sim.faults._before.clear()
    sim.faults._after.clear()
    assert outcome is not None, seed
    assert outcome.account is not None
    assert (outcome.account.repayments, outcome.account.customer_credit) == ((), 0), seed
    assert [refund["amount"] for refund in made_at(sim, payment)] == [OVER], seed
    book_payment(engine, await stripe.payment(payment), story.now)
    return fate


@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_worker_refunds_once(house: House, hire: Hire, sim: StandIn, stripe: Stripe, point: str) -> None:
    story, payment = await granted(house.engine, sim, stripe, f"KILLED-{point}")
    worker = hire(DUELY_PAYMENT="stripe", STRIPE_API_KEY=sim.secret_key, STRIPE_API_BASE=sim.base)
    worker.start(f"refund-{point}")
    await reopen(house.client, story.id)
    assert worker.died() == DIED
    worker.start()
    said = await asyncio.wait_for(house.client.get_workflow_handle(story.id).result(), 60)
    assert (said["state"], said["customer_credit"]) == ("paid", "0.00")
    assert [refund["amount"] for refund in made_at(sim, payment)] == [OVER]
    assert verify(house.engine) == []
