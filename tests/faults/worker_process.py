"""A worker in a process of its own, for tests that kill it. `TEMPORAL_*` and `DUELY_*` say where it works; an argument
`before` or `after` makes the process die at its first mail, on that side of sending it; one of `REFUNDS` at its first
refund."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import settings
from adapters.books.books import Books
from adapters.mail.port import Mail, Message
from workers import wiring
from workers.connect import connect, external_address
from workflows.plugin import PLUGIN

DIED = 9


@dataclass(frozen=True, slots=True)
class Deadly:
    """The adapter it wraps, in a process that dies once: the mark is left in a file, since nothing else survives."""

    inner: Mail
    moment: str
    mark: Path

    @property
    def idempotent(self) -> bool:
        return self.inner.idempotent

    @property
    def reports(self) -> bool:
        return self.inner.reports

    def send(self, message: Message) -> str:
        first = not self.mark.exists()
        if first:
            self.mark.touch()
        if first and self.moment == "before":
            os._exit(DIED)
        sent = self.inner.send(message)
        if first and self.moment == "after":
            os._exit(DIED)
        return sent

    def find(self, key: str) -> str | None:
        return self.inner.find(key)


REFUNDS = {
    "claimed": ("claim_refund", True),
    "called": ("confirm_refund", False),
    "confirmed": ("confirm_refund", True),
}


def deadly(moment: str, mark: Path) -> None:
    """The first refund's step of the books ends the process, before or after it is done."""
    name, done = REFUNDS[moment]
    whole = getattr(Books, name)

    def step(*arguments: Any) -> Any:
        first = not mark.exists()
        mark.touch()
        if first and not done:
            os._exit(DIED)
        found = whole(*arguments)
        if first:
            os._exit(DIED)
        return found

    setattr(Books, name, step)


async def work(moment: str | None) -> None:
    """Works until it is killed."""
    now = settings.current()
    mail = wiring.mail_of(now)
    if moment in REFUNDS:
        deadly(moment, now.var / "died")
    elif moment is not None:
        mail = Deadly(mail, moment, now.var / "died")
    client = await connect(external_address() or "", [PLUGIN])
    await wiring.worker(client, now, wiring.engine_of(now), mail).run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1] if len(sys.argv) > 1 else None))
