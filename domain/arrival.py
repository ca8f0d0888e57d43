"""What has arrived. Where the provider reports deliveries a message counts once it is delivered: no later reminder of
the receivable leaves while an earlier message is under way, nor while the last one has reached nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.account import Account
from domain.actions import Escalate, Why
from domain.keys import first_attempt
from domain.messages import TO_CUSTOMER, Message, MessageState

CONFIRM_WITHIN = timedelta(days=3)
"""How long a report may take. Receiving servers are asked again for up to three days (SendGrid, "Deferred"); whoever
has heard nothing by then will not: a person is told, and the ladder goes on."""


def current(account: Account, key: str) -> Message | None:
    """The latest attempt of the message that was first tried under `key`."""
    return next((m for m in account.messages if not m.replaced and first_attempt(m.key) == key), None)


def unconfirmed(account: Account, now: datetime) -> Escalate | None:
    """Puts it before a person, once, that a message has been under way for too long and none has arrived since."""
    arrived = [m.at for m in account.messages if m.kind in TO_CUSTOMER and m.state is MessageState.SENT]
    last = max(arrived, default=None)
    silent = (m for m in _under_way(account) if last is None or m.at > last)
    late = next((m for m in silent if m.at + CONFIRM_WITHIN <= now), None)
    if late is None or "delivery_unconfirmed" in account.exceptions:
        return None
    why = Why("delivery_unconfirmed", f"its delivery was not reported within {CONFIRM_WITHIN.days} days")
    return Escalate(kind="delivery_unconfirmed", key=late.key, why=why)


def wakes(account: Account) -> list[datetime]:
    """When silence about a delivery becomes something to look at."""
    return [m.at + CONFIRM_WITHIN for m in _under_way(account)]


def awaited_until(account: Account, now: datetime) -> datetime | None:
    """Until when the next reminder waits for the delivery of what left before it."""
    return max((at for at in wakes(account) if at > now), default=None)


def nobody_reached(account: Account) -> bool:
    """Whether the last message to the customer came back and nobody else could be tried."""
    away = {MessageState.ACCEPTED, MessageState.SENT, MessageState.BOUNCED}
    left = [m for m in account.messages if m.kind in TO_CUSTOMER and m.state in away]
    last = max(left, key=lambda m: (m.at, m.key), default=None)
    return last is not None and last.state is MessageState.BOUNCED and not last.replaced


def _under_way(account: Account) -> list[Message]:
    return [m for m in account.messages if m.kind in TO_CUSTOMER and m.state is MessageState.ACCEPTED]
