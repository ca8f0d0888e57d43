"""Checkouts at the payment provider: minted or reused, and looked at before a reminder leaves. The provider is asked
outside every transaction; whatever it tells of a payment is booked before anything is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Engine
from temporalio import activity

from activities.receivable import mapped
from adapters.books import sessions
from adapters.books.provider import book_payment
from adapters.books.sessions import Look, Mint
from adapters.payment.port import KeySpent, Payments
from domain.errors import NotFound, ProviderDown, Refused, Unavailable
from domain.payments import SessionState
from schemas.incoming import Checkout, CheckoutStep
from schemas.steps import SendStep

ROUNDS = 8
"""One answers nearly always: more are needed only while pages end and others ask beside this one."""
LOOK_SECONDS = 20.0
"""How long a reminder waits for the provider's answer."""


class Cashier:
    """`page` gives the address customers come back to, of a workflow id and the generation of its links; `tell` says to
    a receivable that the books changed."""

    def __init__(
        self,
        engine: Engine,
        payments: Payments,
        page: Callable[[str, int], str],
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        self._engine, self._payments, self._page, self._tell = engine, payments, page, tell

    @activity.defn(name="checkout")
    async def checkout(self, step: CheckoutStep) -> Checkout:
        """Where the customer pays. Whatever becomes of it, at most one page of the receivable is open."""
        with mapped(final=True):
            for _ in range(ROUNDS):
                found = await asyncio.to_thread(
                    sessions.claim,
                    self._engine,
                    step,
                    self._payments.name,
                    self._payments.online,
                    self._page,
                )
                match found:
                    case Mint():
                        answer = await self._mint(step, found)
                    case Look():
                        answer = await self._look(step, found)
                    case _:
                        return found
                if answer is not None:
                    return answer
            raise Unavailable("too many ask for this checkout at the same time")

    async def look(self, step: SendStep) -> None:
        """Books what became of the receivable's checkouts, so that the claim of a reminder sees it. Raises Unavailable
        when the provider does not tell in time."""
        if not self._payments.online:
            return
        moving = await asyncio.to_thread(sessions.moving, self._engine, step, self._payments.name)
        asked = CheckoutStep(workflow_id=step.workflow_id, now=step.now)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                for key, provider_id in moving:
                    await self._seen(asked, key, provider_id)
        except TimeoutError:
            raise ProviderDown("the payment provider does not answer in time") from None

    async def _mint(self, step: CheckoutStep, claimed: Mint) -> Checkout | None:
        """Asks for a page. What an earlier attempt was told may be over by now, so that one is looked at once more."""
        request = claimed.request
        try:
            state = await self._payments.open(request)
        except KeySpent:
            await self._end(step, request.key, "failed", "the key answers with a failure that is kept")
            return None
        except Refused as error:
            await self._end(step, request.key, "failed", str(error))
            return Checkout(state="unavailable") if claimed.fresh else None
        await asyncio.to_thread(sessions.opened, self._engine, step.workflow_id, request.key, state, step.now)
        if not claimed.fresh or state.status != "open":
            return None
        return sessions.offered(request, state.url)

    async def _look(self, step: CheckoutStep, page: Look) -> Checkout | None:
        status = await self._seen(step, page.key, page.provider_id, keep=page.keep)
        return page.offer if page.keep and status == "open" else None

    async def _seen(self, step: CheckoutStep, key: str, provider_id: str, keep: bool = True) -> str:
        """Books what became of a page and answers its status; unless `keep`, it ends first."""
        try:
            state = await (self._payments.session(provider_id) if keep else self._payments.expire(provider_id))
        except NotFound as error:
            await self._end(step, key, "expired", str(error))
            return "expired"
        await self._book(step, state)
        if state.status != "open":
            tried = state.status == "complete"
            await self._end(step, key, "failed" if tried else "expired", "nothing was paid in it")
        return state.status

    async def _book(self, step: CheckoutStep, state: SessionState) -> None:
        if state.payment is None or state.payment.status == "open":
            return
        changed = await asyncio.to_thread(book_payment, self._engine, state.payment, step.now)
        for workflow_id in changed:
            await self._tell(workflow_id)

    async def _end(self, step: CheckoutStep, key: str, outcome: str, reason: str) -> None:
        await asyncio.to_thread(sessions.ended, self._engine, step.workflow_id, key, outcome, reason, step.now)


class BeforeSending:
    """The cashier's look for a sender that works in a thread: the provider's connections belong to one event loop."""

    def __init__(self, cashier: Cashier, loop: asyncio.AbstractEventLoop) -> None:
        self._cashier, self._loop = cashier, loop

    def __call__(self, step: SendStep) -> None:
        asyncio.run_coroutine_threadsafe(self._cashier.look(step), self._loop).result()
