"""No payment provider: customers pay by bank transfer. There is nothing to open and nothing to read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from domain.errors import NotFound, Refused
from domain.payments import Movement, PaymentState, PayoutState, RefundState, SessionRequest, SessionState


class BankOnly:
    name = "bank"
    online = False

    async def open(self, request: SessionRequest) -> SessionState:
        raise Refused("customers pay by bank transfer here (DUELY_PAYMENT=bank)")

    async def session(self, id_: str) -> SessionState:
        raise _unknown(id_)

    async def expire(self, id_: str) -> SessionState:
        raise _unknown(id_)

    async def payment(self, id_: str) -> PaymentState:
        raise _unknown(id_)

    async def refund(self, key: str, payment: str, amount: int) -> RefundState:
        raise Refused("no payment provider can give money back here (DUELY_PAYMENT=bank)")

    async def payment_of(self, type_: str, object_: str) -> str | None:
        return None

    async def payout(self, id_: str) -> PayoutState:
        raise _unknown(id_)

    async def undelivered(self, since: datetime) -> AsyncIterator[tuple[str, str, str]]:
        nothing: tuple[tuple[str, str, str], ...] = ()
        for event in nothing:
            yield event

    async def movements(self, since: datetime) -> AsyncIterator[Movement]:
        nothing: tuple[Movement, ...] = ()
        for movement in nothing:
            yield movement

    async def close(self) -> None:
        pass


def _unknown(id_: str) -> NotFound:
    return NotFound(f"there is no payment provider that could know {id_} (DUELY_PAYMENT=bank)")
