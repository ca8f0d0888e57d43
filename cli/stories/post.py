"""The demo's mail: one outbox for all stories, which may be out of order for one of them. Keeps what was delivered,
so that a story can say what its customer received."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import datetime

from adapters.mail.outage import Outage
from adapters.mail.port import Mail, Message

TO_CUSTOMERS = frozenset({"invoice", "reminder", "credit_note", "receipt", "dispute", "notice"})


class Post:
    """A Mail. `sent` is by workflow id, in order of delivery."""

    def __init__(self, inner: Mail):
        self.sent: dict[str, list[Message]] = defaultdict(list)
        self._inner = inner
        self._outages: dict[str, Outage] = {}
        self._back: set[str] = set()
        self._lock = threading.Lock()

    @property
    def idempotent(self) -> bool:
        return self._inner.idempotent

    @property
    def reports(self) -> bool:
        return self._inner.reports

    def out_of_order(self, invoice: str, start: datetime, end: datetime) -> None:
        """From `start` until before `end`, business time, nothing of this receivable can leave."""
        self._outages[invoice] = Outage(self._inner, start, end)

    def send(self, message: Message) -> str:
        message_id = self._outages.get(message.invoice, self._inner).send(message)
        with self._lock:
            self.sent[message.invoice].append(message)
        return message_id

    def find(self, key: str) -> str | None:
        return self._inner.find(key)

    def came_back(self, key: str) -> None:
        """Its reader never saw it."""
        self._back.add(key)

    def received(self, invoice: str) -> list[Message]:
        """What left for the customer, oldest first."""
        with self._lock:
            mails = [m for m in self.sent[invoice] if m.kind in TO_CUSTOMERS]
        return sorted(mails, key=lambda m: m.at)

    def named(self, message: Message) -> str:
        """Its label, and whether it came back: `invoice bounced`."""
        return f"{label(message)} bounced" if message.key in self._back else label(message)


class Reported:
    """A Mail: the same post by way of a provider that reports what becomes of each mail. What the provider takes is
    filed in the post's outbox as well, where it can be read."""

    idempotent = False
    reports = True

    def __init__(self, provider: Mail, post: Post):
        self._provider, self._post = provider, post

    def send(self, message: Message) -> str:
        message_id = self._provider.send(message)
        self._post.send(message)
        return message_id

    def find(self, key: str) -> str | None:
        return self._provider.find(key)


def label(message: Message) -> str:
    """How stories name a mail: `invoice`, `credit_note`, or the rung of a reminder, `D+7`."""
    return message.rung or message.kind
