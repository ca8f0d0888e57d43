"""Payments: read the provider, book what it says, pay back. Thin; the provider is asked outside every transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import activity

from activities.beats import BEAT_SECONDS
from activities.receivable import mapped
from adapters.books import payouts, reconciling, refunds
from adapters.books.books import Books
from adapters.books.provider import book_payment, handled, unhandled
from adapters.books.refunds import Claim
from adapters.payment.port import KeySpent, Payments
from domain.errors import NotFound, Refused
from domain.payments import RefundState
from schemas.incoming import Booked, EventHint, EventStep, SweepStep
from schemas.steps import Outcome, SendStep

LOOK_BACK = timedelta(days=3)
"""Stripe repeats a webhook for up to three days; an event that is older was booked by an earlier sweep."""
LOT = 200
"""Lost events that one run of the sweep works off."""
WINDOW = timedelta(days=35)
EDGE = timedelta(days=2)
"""Days at the window's beginning where only one side may show a payment."""

T = TypeVar("T")


class Paying:
    def __init__(self, books: Books, payments: Payments) -> None:
        self._books, self._payments = books, payments

    @activity.defn(name="payment_event")
    async def event(self, step: EventStep) -> Booked:
        hint = step.hint
        if hint.provider != self._payments.name:
            return Booked(outcome=f"{hint.provider} is not the payment provider here")
        async with beating():
            with mapped():
                booked = await self._read(hint, step.now)
                await asyncio.to_thread(handled, self._books.engine, hint, booked.outcome, step.now)
                return booked

    @activity.defn(name="refund")
    async def refund(self, step: SendStep) -> Outcome:
        async with beating():
            with mapped(final=True, gently=True):
                return await whole(self._refund(step))

    @activity.defn(name="lost_events")
    async def lost_events(self, step: SweepStep) -> list[EventHint]:
        """Oldest first, no more than a run of the sweep can take; those that were worked off meanwhile are not lost."""
        async with beating():
            with mapped():
                name = self._payments.name
                told = [each async for each in self._payments.undelivered(step.now - LOOK_BACK)]
                lost = await asyncio.to_thread(unhandled, self._books.engine, name, [id_ for id_, _, _ in told])
                hints = [EventHint(provider=name, id=i, type=kind, object=of) for i, kind, of in told if i in lost]
                return hints[::-1][:LOT]

    @activity.defn(name="source_read")
    async def source_read(self, step: SweepStep) -> list[str]:
        async with beating():
            with mapped():
                engine, name = self._books.engine, self._payments.name
                return await asyncio.to_thread(reconciling.read_through, engine, name, step.now, step.after)

    @activity.defn(name="reconcile")
    async def reconcile(self, step: SweepStep) -> Booked:
        """What differs is read and booked first; what differs still is a person's."""
        async with beating():
            with mapped():
                return await self._compare(step)

    async def _compare(self, step: SweepStep) -> Booked:
        engine, name = self._books.engine, self._payments.name
        movements = [moved async for moved in self._payments.movements(step.now - WINDOW)]
        moved, since = reconciling.theirs(movements), (step.now - WINDOW + EDGE).date()
        for id_ in await asyncio.to_thread(reconciling.paid_out, engine, name, movements):
            await self._payout(id_, step.now)
        known = await asyncio.to_thread(reconciling.ours, engine, name, since, moved)
        told: list[str] = []
        for id_ in sorted((moved.keys() - known.keys()) | reconciling.differences(known, moved).keys()):
            told += await self._catch_up(id_, step)
        known = await asyncio.to_thread(reconciling.ours, engine, name, since, moved)
        found = reconciling.differences(known, moved)
        differ = await asyncio.to_thread(reconciling.report, engine, step.now, known, found)
        return Booked(outcome=f"{len(known)} compared, {differ} differ", told=tuple(dict.fromkeys(told)))

    async def _catch_up(self, id_: str, step: SweepStep) -> tuple[str, ...]:
        """The provider's account may serve other software: what names no receivable of ours is not ours to book."""
        try:
            payment = await self._payments.payment_of("", id_)
            if payment is None:
                return ()
            state = await self._payments.payment(payment)
            return await asyncio.to_thread(book_payment, self._books.engine, state, step.now)
        except NotFound:
            return ()

    async def _refund(self, step: SendStep) -> Outcome:
        claimed, outcome = await asyncio.to_thread(self._books.claim_refund, step)
        if claimed is None:
            return outcome
        try:
            state = await self._pay_back(step, claimed)
        except (Refused, NotFound) as error:
            return await asyncio.to_thread(self._books.fail_refund, step, str(error))
        return await asyncio.to_thread(self._books.confirm_refund, step, state)

    async def _pay_back(self, step: SendStep, claimed: Claim) -> RefundState:
        """The provider forgets keys after a day: an earlier attempt is looked for before asking again."""
        if claimed.resumed:
            known = (await self._payments.payment(claimed.payment)).refunds
            made = next((refund for refund in known if refunds.key_of(refund) == step.key), None)
            if made is not None:
                return made
        try:
            return await self._payments.refund(claimed.key, claimed.payment, claimed.amount)
        except KeySpent:
            await asyncio.to_thread(self._books.spend_key, step, claimed.key)
            raise

    async def _read(self, hint: EventHint, now: datetime) -> Booked:
        """Whatever the event says, the object is read; one that is not ours changes nothing."""
        try:
            if hint.type.startswith("payout."):
                return Booked(outcome=await self._payout(hint.object, now))
            payment = await self._payments.payment_of(hint.type, hint.object)
            if payment is None:
                return Booked(outcome=f"{hint.type} concerns no payment")
            state = await self._payments.payment(payment)
            told = await asyncio.to_thread(book_payment, self._books.engine, state, now)
        except NotFound as error:
            return Booked(outcome=str(error))
        return Booked(outcome=f"payment {state.id} {state.status}", told=told)

    async def _payout(self, id_: str, now: datetime) -> str:
        state = await self._payments.payout(id_)
        await asyncio.to_thread(payouts.remember, self._books.engine, self._payments.name, state, now)
        return f"payout {state.id} {state.status}"


async def whole(attempt: Coroutine[Any, Any, T]) -> T:
    """What the attempt answers, although the workflow asked for its end meanwhile. A worker that stops and an attempt
    that took too long still break it off: its claim is resumed."""
    task = asyncio.ensure_future(attempt)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        details = activity.cancellation_details()
        if details is None or not details.cancel_requested:
            task.cancel()
        return await task


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Tells the server that the attempt lives, so that a dead worker's is repeated within seconds."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
