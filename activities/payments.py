"""Payments: read the provider, book what it says, pay back. Thin; the provider is asked outside every transaction."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity

from activities.receivable import mapped
from adapters.books import payouts, reconciling
from adapters.books.books import Books
from adapters.books.provider import book_payment
from adapters.books.refunds import Claim
from adapters.payment.port import Payments
from domain.errors import NotFound, Refused
from domain.payments import RefundState
from schemas.incoming import Booked, EventHint, EventStep, SweepStep
from schemas.steps import Outcome, SendStep

LOOK_BACK = timedelta(days=3)
"""Stripe repeats a webhook for up to three days; an event that is older was booked by an earlier sweep."""
WINDOW = timedelta(days=35)
EDGE = timedelta(days=2)
"""Days at the window's beginning where only one side may show a payment."""


class Paying:
    def __init__(self, books: Books, payments: Payments) -> None:
        self._books, self._payments = books, payments

    @activity.defn(name="payment_event")
    async def event(self, step: EventStep) -> Booked:
        with mapped():
            return await self._read(step)

    @activity.defn(name="refund")
    async def refund(self, step: SendStep) -> Outcome:
        with mapped(final=True):
            claimed, outcome = await asyncio.to_thread(self._books.claim_refund, step)
            if claimed is None:
                return outcome
            try:
                state = await self._pay_back(claimed)
            except (Refused, NotFound) as error:
                return await asyncio.to_thread(self._books.fail_refund, step, str(error))
            return await asyncio.to_thread(self._books.confirm_refund, step, state)

    @activity.defn(name="lost_events")
    async def lost_events(self, step: SweepStep) -> list[EventHint]:
        with mapped():
            found = []
            async for id_, type_, object_ in self._payments.undelivered(step.now - LOOK_BACK):
                found.append(EventHint(provider=self._payments.name, id=id_, type=type_, object=object_))
                activity.heartbeat()
            return found[::-1]

    @activity.defn(name="source_read")
    async def source_read(self, step: SweepStep) -> list[str]:
        with mapped():
            engine, name = self._books.engine, self._payments.name
            return await asyncio.to_thread(reconciling.read_through, engine, name, step.now)

    @activity.defn(name="reconcile")
    async def reconcile(self, step: SweepStep) -> Booked:
        """What the provider alone knows is booked first; what differs then is a person's."""
        with mapped():
            engine, name = self._books.engine, self._payments.name
            moved = reconciling.theirs([m async for m in self._payments.movements(step.now - WINDOW)])
            since = (step.now - WINDOW + EDGE).date()
            known = await asyncio.to_thread(reconciling.ours, engine, name, since, moved)
            told: list[str] = []
            for id_ in moved.keys() - known.keys():
                told += await self._catch_up(id_, step)
                activity.heartbeat()
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

    async def _pay_back(self, claimed: Claim) -> RefundState:
        """The provider forgets keys after a day: an earlier attempt is looked for before asking again."""
        if claimed.resumed:
            known = (await self._payments.payment(claimed.payment)).refunds
            made = next((refund for refund in known if refund.key == claimed.key), None)
            if made is not None:
                return made
        return await self._payments.refund(claimed.key, claimed.payment, claimed.amount)

    async def _read(self, step: EventStep) -> Booked:
        """Whatever the event says, the object is read; one that is not ours changes nothing."""
        hint = step.hint
        if hint.provider != self._payments.name:
            return Booked(outcome=f"{hint.provider} is not the payment provider here")
        try:
            if hint.type.startswith("payout."):
                return await self._payout(hint)
            payment = await self._payments.payment_of(hint.type, hint.object)
            if payment is None:
                return Booked(outcome=f"{hint.type} concerns no payment")
            state = await self._payments.payment(payment)
            told = await asyncio.to_thread(book_payment, self._books.engine, state, step.now, hint)
        except NotFound as error:
            return Booked(outcome=str(error))
        return Booked(outcome=f"payment {state.id} {state.status}", told=told)

    async def _payout(self, hint: EventHint) -> Booked:
        state = await self._payments.payout(hint.object)
        await asyncio.to_thread(payouts.remember, self._books.engine, hint.provider, state)
        return Booked(outcome=f"payout {state.id} {state.status}")
