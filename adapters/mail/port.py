"""What a mail adapter is: takes one finished message, and says what it knows of a key. It never decides to
send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`key` names the effect for ever; `references` are the keys of earlier mails of the thread, oldest
    first. `invoice` is the workflow id, `kind` that of `domain/messages.py`, `at` the business time of the claim
    (aware). `tracking`: a provider that can may count opens and clicks (policy `tracking`)."""

    key: str
    kind: str
    invoice: str
    rung: str | None
    sender: Address
    to: tuple[Address, ...]
    reply_to: str
    subject: str
    text: str
    html: str
    language: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()
    references: tuple[str, ...] = ()
    tracking: bool = False


class Mail(Protocol):
    @property
    def idempotent(self) -> bool:
        """True: the same key may be sent again after a crash, the adapter itself holds the second one
        back."""

    @property
    def reports(self) -> bool:
        """True: what became of a message is reported later, and it counts once it is delivered. False: it counts once
        it is taken."""

    def send(self, message: Message) -> str:
        """The Message-ID under which it left. Raises ProviderDown (certainly not taken), OutcomeUnknown (may
        have been taken; never repeat blindly), Refused (will never be taken as it is: a person decides)."""

    def find(self, key: str) -> str | None:
        """The Message-ID if the provider can tell that it took this key, else None."""
