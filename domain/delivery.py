"""What became of a message after its provider took it. Pure: the providers' words are translated elsewhere.

Reports come late, twice and in any order. So the state of a delivery is the greatest report seen, by this rank:

    accepted      the provider took it; nothing more is known
    processed     it prepares to deliver it
    deferred      the receiving server said "later"; the provider goes on trying
    dropped       the provider did not even try: its suppression list, its quota
    blocked       the receiving server would not take this message; the address may be good
    delivered     the receiving server took it
    bounced       it cannot be delivered. Above `delivered`: some servers take a mail and send it back later
    spam_report   it arrived, and its reader called it spam: a flag on an arrival, and the surest sign of one

A delivery has one recipient. Where a provider reports `dropped` or `blocked` and `delivered` of the same message,
somebody has sent it again by hand, and it arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

STATES = ("accepted", "processed", "deferred", "dropped", "blocked", "delivered", "bounced", "spam_report")
EVENTS = frozenset(STATES[1:])
ARRIVED = frozenset({"delivered", "spam_report"})
FAILED = frozenset({"dropped", "blocked", "bounced"})
"""The message has not arrived and the provider has given up. Everything outside both sets may still go either way."""
MAX_REASON = 40


@dataclass(frozen=True, slots=True)
class MailEvent:
    """One report. `id` names it for ever at the provider, `key` is the message's (`effects.key`), `type` one of EVENTS,
    `at` the provider's time (aware), `reason` a code as `5.1.1` or `bounced_address` or nothing: never the words of a
    server, which repeat the address."""

    id: str
    key: str
    type: str
    at: datetime
    reason: str

    def __post_init__(self) -> None:
        assert self.type in EVENTS
        assert self.at.tzinfo is not None
        assert len(self.reason) <= MAX_REASON


def advance(current: str, event: str) -> str:
    """The state after one more report: any order and any number of repeats end in the same. ValueError for a word that
    is none of STATES."""
    for word in (current, event):
        if word not in STATES:
            raise ValueError(f"{word!r}: no state of a delivery; one of {', '.join(STATES)}")
    return STATES[max(STATES.index(current), STATES.index(event))]
