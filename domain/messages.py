"""One message of a receivable as the books know it, and what is still to be told to the customer.
Values only: who decides and who writes is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.errors import Refused


class MessageState(StrEnum):
    HELD = "held"  # mode `ask`: waits for `send` or `skip`
    RELEASED = "released"  # a person said `send`, or a claim was given back: may be claimed
    CLAIMED = "claimed"
    ACCEPTED = "accepted"  # it left; its provider has still to report what became of it
    SENT = "sent"  # it left and counts: delivered, or taken by a provider that reports no delivery
    BOUNCED = "bounced"  # it left and reached nobody
    UNKNOWN = "unknown"  # nobody can tell whether it left; a person decides
    REFUSED = "refused"  # the recipient's server refuses it for good; a person decides
    SKIPPED = "skipped"
    WOULD_SEND = "would_send"  # mode `shadow`


SETTLED = frozenset({MessageState.SENT, MessageState.SKIPPED, MessageState.WOULD_SEND})
GIVEN = SETTLED | {MessageState.ACCEPTED}  # nothing is left to do but to hear of its delivery
REACHED = frozenset(
    {MessageState.ACCEPTED, MessageState.SENT, MessageState.UNKNOWN, MessageState.WOULD_SEND}
)  # counts as heard: it may have been
STUCK = frozenset({MessageState.HELD, MessageState.UNKNOWN, MessageState.REFUSED, MessageState.BOUNCED})

PAPERS = frozenset({"invoice", "credit_note"})
INTERNAL = frozenset({"internal", "approval"})
"""Kinds that people of ours get."""
TO_CUSTOMER = PAPERS | {"reminder"}
MONEY = "receipt"
"""The kind of every notice about money: that it came, was given back, or was taken back."""

DISPUTE = "dispute"
"""The kind of every notice about a dispute: that it was taken, and how it ended."""
NEWS = frozenset({MONEY, "dispute", "notice"})
"""Kinds that tell the customer what has happened and ask for nothing: they leave at once, at any hour, and only mode
`shadow` keeps them back. `dispute`: how one stands; `notice`: what was agreed or changed."""

CONTACT_CHANGE, CONTACT_CHANGED = "contact_change", "contact_changed"
"""Templates of what is told of another contact for invoices: that it is to be confirmed, and that it was. Notices, not
`internal`, which goes to us and puts a rung before a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One effect on the outside, unique by `key`. `at`: business time of its last change. A bounced one is `replaced`
    when another attempt, or another copy of its document, has taken its place."""

    key: str
    kind: str  # invoice | credit_note | reminder | receipt | dispute | notice | internal | approval
    state: MessageState
    at: datetime
    due: str | None = None
    episode: int = 0
    rung: str | None = None
    subject: str | None = None  # what it is about: an approval, a document, money, a dispute
    person: str | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    approved: bool = False  # mode `ask`: a person released it
    delivery: str | None = None  # the provider's last word, one of domain/delivery.py STATES
    to: str = ""  # a person of ours, a role of the customer's contacts, else the salted reference of an address
    replaced: bool = False

    @property
    def stuck(self) -> bool:
        """Whether a person must decide what becomes of it."""
        return self.state in STUCK and not self.replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the customer is to be told, once: no mail about `ref` has left yet. `amount` in minor units and `on` are
    what it is about, as this receivable's part of a payment and its day."""

    kind: str  # the mail's template
    ref: str
    amount: int
    on: date
    mail: str = MONEY  # the mail's kind, one of NEWS


def stuck(messages: Sequence[Message], named: str | None) -> Message:
    """The message of that key that waits for a person; without a key the oldest. Refused when none does."""
    waiting = [message for message in messages if message.stuck]
    if not waiting:
        raise Refused("no message waits for a person")
    if named is None:
        return min(waiting, key=lambda message: (message.at, message.key))
    found = next((message for message in waiting if message.key == named), None)
    if found is None:
        raise Refused(f"message: name one of those that wait: {', '.join(message.key for message in waiting)}")
    return found
