"""Payments: read the provider, book what it says, pay back. Thin; the provider is asked outside every transaction."""

from __future__ import annotations

import asyncio

from temporalio import activity

from activities.receivable import mapped
from adapters.books import payouts
from adapters.books.books import Books
from adapters.books.provider import book_payment
from adapters.books.refunds import Claim
from adapters.payment.port import Payments
from domain.errors import NotFound, Refused
from domain.payments import RefundState
from schemas.incoming import Booked, EventHint, EventStep
from schemas.steps import Outcome, SendStep


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
