"""The mail provider of a town: takes messages into memory, fails as the plan says, counts what reaches whom. Two checks
need no books: a key arrives once (invariant 2), and nothing leaves without a claim of the same attempt (invariant 3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.documents.port import Rendition
from adapters.mail.port import Message
from domain.einvoice import EInvoice
from domain.errors import OutcomeUnknown, ProviderDown, Refused
from domain.keys import first_attempt

BURST = timedelta(hours=12)
"""Two reminders of one ladder are never closer, whatever its policy and however late the worker wakes."""


class Killed(BaseException):
    """The worker dies: no code of ours may tidy up."""


class Blank:
    """Documents without a typesetter: what they show is proved elsewhere."""

    def render(self, document: EInvoice, files: object = None) -> Rendition:
        return Rendition(b"%PDF " + document.number.encode(), None)


@dataclass
class Post:
    """`fault`: takes the attempt's mail fault, if it has one, so that it happens once. `claimed`: whether this attempt
    claimed the key. `complain`: a breach. `arrived`: told of each message that is taken."""

    idempotent: bool
    fault: Callable[[], str]
    claimed: Callable[[str], bool]
    complain: Callable[[str, str, str], None]
    arrived: Callable[[Message], None]
    reports: bool = False
    taken: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    """How often a person had a message sent once more of which nobody could tell whether it had left."""
    reminded: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def send(self, message: Message) -> str:
        if not self.claimed(message.key):
            self.complain("I3", message.invoice, f"{message.key} is sent without a claim in the same attempt")
        match self.fault():
            case "mail_down":
                raise ProviderDown("the mail server is down")
            case "mail_killed_before":
                raise Killed
            case "mail_unknown_lost":
                raise OutcomeUnknown("no answer")
            case "mail_refused":
                raise Refused("mailbox unavailable")
            case "mail_unknown_taken":
                self._take(message)
                raise OutcomeUnknown("no answer")
            case "mail_killed_after":
                self._take(message)
                raise Killed
        self._take(message)
        return f"<{message.key}>"

    def find(self, key: str) -> str | None:
        """A provider that takes a key twice cannot tell of it either."""
        return f"<{key}>" if self.idempotent and self.taken[key] else None

    def _take(self, message: Message) -> None:
        if self.idempotent and self.taken[message.key]:
            return
        self.taken[message.key] += 1
        if self.taken[message.key] > 1 + self.again[message.key]:
            self.complain("I2", message.invoice, f"{message.key} reaches its recipient {self.taken[message.key]} times")
        if message.kind == "reminder" and first_attempt(message.key) == message.key:  # a later one: the first bounced
            self._spaced(message)
        self.arrived(message)

    def _spaced(self, message: Message) -> None:
        due = message.key.split("/")[1]
        before = self.reminded.get((message.invoice, due))
        if before is not None and message.at - before < BURST:
            self.complain("burst", message.invoice, f"{message.key} leaves {message.at - before} after the one before")
        self.reminded[message.invoice, due] = message.at
