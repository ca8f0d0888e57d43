"""Stripe fails, hangs and forgets, and the worker dies at any point: one page, and money booked once."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine
from temporalio.exceptions import ApplicationError

from adapters.books import sessions
from adapters.books.verify import verify
from adapters.payment.stripe import Stripe
from adapters.standins.stripe.server import StandIn
from domain.payments import SessionRequest, SessionState
from tests.activities.desk import DAY, Desk, issued, stripe
from tests.conftest import Databases

HALVES = {"schedule": [{"percent": "50", "due": "net 14"}, {"percent": "50", "due": "net 30"}]}


async def test_a_day_of_500s_leaves_one_claim_and_then_one_page(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        sim.faults.down()
        for _ in range(8):
            with pytest.raises(ApplicationError, match="HTTP 500") as raised:
                await desk.checkout()
            assert (raised.value.type, raised.value.non_retryable) == ("ProviderDown", False)
            desk.story.now += DAY / 8
        sim.faults.up()
        assert len(desk.rows()) == 1
        assert (await desk.checkout()).state == "open"
        assert desk.states() == ["expired", "open"]
        assert len(desk.pages()) == 1


async def test_a_500_that_stripe_keeps_is_left_behind_under_another_key(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim) as desk:
        sim.faults.fail_next(kept=True)
        with pytest.raises(ApplicationError, match="HTTP 500"):
            await desk.checkout()
        assert (await desk.checkout()).state == "open"
        assert desk.states() == ["failed", "open"]
        assert len(desk.pages()) == 1


async def test_a_page_that_a_kept_500_hides_is_found_again(seeded: Engine, sim: StandIn) -> None:
    """Stripe did the work, answers 500, and keeps the 500 for good."""
    async with issued(seeded, sim) as desk:
        sim.faults.fail_after(how="500")
        with pytest.raises(ApplicationError, match="HTTP 500"):
            await desk.checkout()
        [page] = desk.pages()
        entry = sim._api._keys._entries[desk.rows()[0].id]
        assert entry.answer is not None
        entry.answer = (500, {"error": {"type": "api_error", "message": "Sorry!"}})
        answer = await desk.checkout()
        assert answer.url == page["url"]
        assert (len(desk.pages()), desk.states()) == (1, ["open"])


@pytest.mark.parametrize("how", ["drop", "500", "hang"])
async def test_a_call_that_failed_after_doing_its_work_made_the_page(seeded: Engine, sim: StandIn, how: Any) -> None:
    async with issued(seeded, sim, stripe(sim, answer_seconds=0.3)) as desk:
        if how == "hang":
            sim.faults.hang_after(seconds=1)
        else:
            sim.faults.fail_after(how=how)
        with pytest.raises(ApplicationError, match="HTTP 500" if how == "500" else "does not answer"):
            await desk.checkout()
        assert desk.states() == ["claimed"]
        answer = await desk.checkout()
        [page] = desk.pages()
        assert answer.url == page["url"]
        assert desk.states() == ["open"]


async def test_a_page_that_was_paid_before_anybody_knew_of_it_counts(seeded: Engine, sim: StandIn) -> None:
    """The answer was lost on the way to the books, not on the way to the customer."""
    async with issued(seeded, sim) as desk:
        sim.faults.fail_after(how="drop")
        with pytest.raises(ApplicationError):
            await desk.checkout()
        sim.pay(desk.page())
        assert (await desk.checkout()).state == "nothing_owed"
        assert desk.states() == ["paid"]
        assert verify(seeded) == []


async def test_stripe_refuses_our_key(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, Stripe("sk_test_wrong", sim.base)) as desk:
        with pytest.raises(ApplicationError, match="STRIPE_API_KEY") as raised:
            await desk.checkout()
        assert raised.value.type == "ProviderDown"


class Crash(BaseException):
    """The process is gone: nothing may catch it."""


@dataclass
class Dying:
    """The provider as a worker sees it that may die right before a call, or right after it was done."""

    inner: Stripe
    dice: random.Random
    name: str = "stripe"
    online: bool = True

    def __post_init__(self) -> None:
        self.payment, self.refund, self.payout = self.inner.payment, self.inner.refund, self.inner.payout
        self.payment_of, self.undelivered = self.inner.payment_of, self.inner.undelivered
        self.movements = self.inner.movements

    async def close(self) -> None:
        """The one inside serves many."""

    def _maybe(self) -> None:
        if self.dice.random() < 0.2:
            raise Crash

    async def open(self, request: SessionRequest) -> SessionState:
        self._maybe()
        state = await self.inner.open(request)
        self._maybe()
        return state

    async def session(self, id_: str) -> SessionState:
        self._maybe()
        state = await self.inner.session(id_)
        self._maybe()
        return state

    async def expire(self, id_: str) -> SessionState:
        self._maybe()
        state = await self.inner.expire(id_)
        self._maybe()
        return state


async def test_however_often_the_worker_dies_one_page_is_open_and_money_is_booked_once(
    seeded: Engine, sim: StandIn, monkeypatch: pytest.MonkeyPatch, databases: Databases
) -> None:
    inner, dice = stripe(sim), random.Random()
    dying_confirm(monkeypatch, dice)
    for seed in range(50 if databases.kind == "postgres" else 10):
        dice.seed(seed)
        async with issued(seeded, sim, Dying(inner, dice), terms=HALVES) as desk:
            await clicks_and_payments(desk, dice)
            paid = desk.pages("complete")
            amounts = [receipt.amount for receipt in desk.receipts()]
            assert sorted(amounts) == sorted(page["amount_total"] for page in paid), seed
            assert desk.states().count("paid") == len(paid), seed
    assert verify(seeded) == []
    await inner.close()


async def clicks_and_payments(desk: Desk, dice: random.Random) -> None:
    for turn in range(3):
        answer = await until_it_lives(desk, everything=dice.random() < 0.5)
        assert len(desk.pages("open")) <= 1
        assert answer.state in {"open", "nothing_owed"}
        if answer.state == "open" and (turn == 2 or dice.random() < 0.4):
            [page] = [page for page in desk.pages("open") if page["url"] == answer.url]
            desk.sim.pay(page["id"])
    await until_it_lives(desk, everything=True)


def dying_confirm(monkeypatch: pytest.MonkeyPatch, dice: random.Random) -> None:
    """The worker may also die right before the books are told, and right after."""
    for name in ("opened", "ended"):
        real = getattr(sessions, name)

        def told(*args: Any, real: Any = real) -> None:
            if dice.random() < 0.2:
                raise Crash
            real(*args)
            if dice.random() < 0.2:
                raise Crash

        monkeypatch.setattr(sessions, name, told)


async def until_it_lives(desk: Desk, everything: bool) -> Any:
    last: BaseException | None = None
    for _ in range(60):
        try:
            return await desk.checkout(everything)
        except (Crash, ApplicationError) as error:
            last = error
    raise AssertionError("it never answers") from last
