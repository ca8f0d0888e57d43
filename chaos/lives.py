"""What becomes of invoices: one function a fate, each from the start to where that fate ends. The world's side only:
nothing here decides what Duely does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from adapters.standins.stripe.errors import Wrong
from chaos.client import Caller, Lost
from chaos.orders import request
from chaos.watch import Seen
from domain.errors import Unavailable

BACK = 1000
"""Minor units that a refund gives back."""
NOTHING = "0.00"
SKIP_SECONDS = 60
NINE_DAYS = timedelta(days=9)


class Life:
    def __init__(self, caller: Caller, number: int, fate: str) -> None:
        self.caller, self.number, self.fate = caller, number, fate
        self.ended = ""

    async def live(self) -> None:
        """Raises Lost."""
        caller = self.caller
        caller.watch.follow(caller.id)
        await caller.start(request(self.number, self.fate), virtual=self.fate == "forgotten")
        await LIVES[self.fate](self)
        self.ended = caller.watch.of(caller.id).state
        caller.watch.leave(caller.id)

    @property
    def chance(self) -> random.Random:
        return self.caller.chance


def issued(seen: Seen) -> bool:
    return seen.issued


def delivered(seen: Seen) -> bool:
    return seen.delivered


async def _paid(life: Life, part: str = "1") -> None:
    """The amount is what was asked for at first: whoever was credited or refunded meanwhile has another fate."""
    caller, by_signal = life.caller, life.chance.random() < 0.3
    await caller.state("paid", lambda: caller.pay(caller.watch.of(caller.id).total, part, by_signal))


async def prompt(life: Life) -> None:
    """Paid as soon as it is issued: before, while or after the mail leaves."""
    await life.caller.reach(issued)
    await _paid(life)


async def delivered_first(life: Life) -> None:
    await life.caller.reach(delivered)
    await _paid(life)


async def parts(life: Life) -> None:
    caller = life.caller
    await caller.reach(issued)
    total = caller.watch.of(caller.id).total
    first = f"{caller.id}/a"
    await caller.until(lambda: first in caller.accepted.payments, lambda: caller.pay(total // 3, "a"))
    await caller.state("paid", lambda: caller.pay(total - total // 3, "b"))


async def approved(life: Life) -> None:
    caller = life.caller

    async def approve() -> None:
        if caller.watch.of(caller.id).state == "awaiting_approval":
            await caller.tell("approve", "ben")

    await caller.reach(issued, approve)
    await _paid(life)


async def rejected(life: Life) -> None:
    caller = life.caller

    async def reject() -> None:
        await caller.tell("reject", "ben", reason="wrong price")

    async def cancel() -> None:
        await caller.tell("cancel", "ben", reason="ordered twice")

    await caller.state("awaiting_approval")
    await caller.state("rejected", reject)
    await caller.state("cancelled", cancel)


async def cancelled(life: Life) -> None:
    caller = life.caller

    async def cancel() -> None:
        await caller.tell("cancel", "ben", reason="ordered twice")

    await caller.state("awaiting_approval")
    await caller.state("cancelled", cancel)


async def _dispute(life: Life) -> None:
    caller = life.caller

    async def dispute() -> None:
        await caller.tell("dispute", "globex", reason="damaged")

    await caller.reach(delivered)
    await caller.state("disputed", dispute)


async def _resolve(life: Life, outcome: str) -> None:
    """Every dispute that is open."""
    caller = life.caller
    for dispute in (await caller.status())["disputes"]:
        if dispute["outcome"] == "open":
            await caller.tell("resolve", "ben", outcome=outcome, dispute=dispute["id"])


async def withdrawn(life: Life) -> None:
    await _dispute(life)
    await life.caller.reach(lambda seen: seen.state != "disputed", lambda: _resolve(life, "withdrawn"))
    await _paid(life)


async def accepted(life: Life) -> None:
    caller = life.caller

    async def settle() -> None:
        await _resolve(life, "accepted")
        await caller.approve_all()

    await _dispute(life)
    await caller.state("credited", settle)


async def promised(life: Life) -> None:
    caller = life.caller
    day = (datetime.now(UTC) + timedelta(days=10)).date().isoformat()

    async def promise() -> None:
        await caller.tell("promise", "globex", date=day)

    await caller.reach(delivered)
    await caller.state("promised", promise)
    await _paid(life)


async def held(life: Life) -> None:
    caller = life.caller

    async def hold() -> None:
        await caller.tell("hold", "sam", reason="clearing with sales")

    async def release() -> None:
        await caller.tell("release", "sam")

    await caller.reach(issued)
    await caller.state("on_hold", hold)
    await caller.reach(lambda seen: seen.state != "on_hold", release)
    await _paid(life)


async def written_off(life: Life) -> None:
    await life.caller.reach(delivered)
    await _give_up(life)


async def _give_up(life: Life) -> None:
    caller = life.caller

    async def give_up() -> None:
        if not (await caller.status())["pending"]:
            await caller.tell("write_off", "ben", reason="insolvent")
        await caller.approve_all()

    await caller.state("written_off", give_up)


async def card(life: Life) -> str:
    """Paid at the provider; the payment's id there."""
    caller, sim = life.caller, life.caller.house.stripe
    paid: list[str] = []

    async def at_the_page() -> None:
        page = await caller.page()
        if page is None:
            return
        try:
            session = await asyncio.to_thread(sim.pay, page)
        except Wrong as wrong:
            raise Unavailable(wrong.message) from None
        paid.append(str(session["payment_intent"]))
        caller.accepted.cards[paid[-1]] = caller.id

    await caller.reach(issued)
    await caller.until(lambda: bool(paid), at_the_page)
    await caller.state("paid")
    return paid[0]


async def charged_back(life: Life) -> None:
    """The bank takes the money back, and the card network gives it again."""
    caller, sim = life.caller, life.caller.house.stripe
    payment = await card(life)
    dispute = await asyncio.to_thread(sim.dispute, payment)
    await caller.reach(lambda seen: seen.state != "paid")
    await asyncio.to_thread(sim.close_dispute, dispute["id"], "won")
    await caller.state("paid")


async def refunded(life: Life) -> None:
    """Paid by card, credited a little afterwards, which goes back to the card."""
    caller = life.caller
    payment = await card(life)
    credit = f"{BACK // 100}.00"

    async def goes_back() -> None:
        said = await caller.status()
        if said["pending"]:
            await caller.approve_all()
        elif said["credited"] == NOTHING:
            await caller.tell("credit", "ben", reason="goodwill", amount=credit)
        elif said["customer_credit"] != NOTHING:  # the customer's: another life's refund may take this payment's part
            await caller.tell("refund", "ben", amount=credit, reason="goodwill")

    def went_back() -> bool:
        sim = caller.house.stripe
        with sim.state.lock:
            return any(refund["payment_intent"] == payment for refund in sim.state.tables["refund"].values())

    caller.accepted.refunds[payment] = BACK
    await caller.until(went_back, goes_back)


async def forgotten(life: Life) -> None:
    """Nine days pass on a clock of its own, in which a reminder leaves, before it is paid or given up."""
    caller, skipper = life.caller, life.caller.house.skipper
    clock = skipper.client.get_workflow_handle(caller.id)
    await caller.reach(delivered)
    target = datetime.now(UTC) + NINE_DAYS
    began = time.monotonic()
    while (left := target - await _now(life)) > timedelta(minutes=1):
        if caller.waited_out(began):
            raise Lost(f"{caller.id}: its clock stands at {target - left:%Y-%m-%d %H:%M}; {caller.last}")
        await caller.attempt(partial(_pass, skipper, clock, left))
    if life.chance.random() < 0.5:
        await _paid(life)
    else:
        await _give_up(life)


async def _pass(skipper: TimeSkipper, clock: WorkflowHandle[Any, Any], span: timedelta) -> None:
    await asyncio.wait_for(skipper.fast_forward(clock, span), SKIP_SECONDS)


async def _now(life: Life) -> datetime:
    caller, skipper = life.caller, life.caller.house.skipper
    found: list[datetime] = []

    async def ask() -> None:
        found.append(await skipper.get_current_time(skipper.client.get_workflow_handle(caller.id)))

    await caller.until(lambda: bool(found), ask)
    return found[0]


async def silent(life: Life) -> None:
    """Nobody ever answers: it rests, and its reminders wait for their day."""
    await life.caller.reach(delivered)


LIVES: dict[str, Callable[[Life], Awaitable[Any]]] = {
    "prompt": prompt, "delivered": delivered_first, "parts": parts, "approved": approved, "rejected": rejected,
    "cancelled": cancelled, "withdrawn": withdrawn, "accepted": accepted, "promised": promised, "held": held,
    "written_off": written_off, "card": card, "charged_back": charged_back, "refunded": refunded,
    "forgotten": forgotten, "silent": silent,
}  # fmt: skip
