"""What a payment provider is: checkouts, payments and refunds as absolute states. It never decides and never books.

Every method raises ProviderDown when the provider does not answer (a repeat can help), NotFound for an id it does not
know, Refused when it will never do what was asked. Calls that change something are safe to repeat under their key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from domain.errors import ProviderDown
from domain.payments import Movement, PaymentState, PayoutState, RefundState, SessionRequest, SessionState


class KeySpent(ProviderDown):
    """The provider keeps a failure of its own as the answer to this key, and nothing was made under it: only another
    key can help before the provider forgets this one."""


class Payments(Protocol):
    name: str
    online: bool
    """Whether customers can pay through it at all."""

    async def open(self, request: SessionRequest) -> SessionState: ...
    async def session(self, id_: str) -> SessionState: ...
    async def expire(self, id_: str) -> SessionState:
        """Nobody can pay in it from here on; answers what became of it, which may be `complete`."""

    async def payment(self, id_: str) -> PaymentState: ...
    async def refund(self, key: str, payment: str, amount: int) -> RefundState: ...
    async def payment_of(self, type_: str, object_: str) -> str | None:
        """The payment that an event's object belongs to; None for an object of another kind."""

    async def payout(self, id_: str) -> PayoutState: ...
    def undelivered(self, since: datetime) -> AsyncIterator[tuple[str, str, str]]:
        """(id, type, object) of events whose delivery failed."""

    def movements(self, since: datetime) -> AsyncIterator[Movement]: ...
    async def close(self) -> None:
        """Lets go of its connections."""
