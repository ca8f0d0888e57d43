"""Labelled crash points: moments between two steps of ours at which a process ends itself as `kill -9` would.

`python -m rig.crashes LABEL[:N] VERB …` is `duely VERB …` that dies when it comes to that moment for the Nth time.
Installed around the production code at start, never part of it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DIED = -signal.SIGKILL
"""What a parent sees of it."""


@dataclass(frozen=True, slots=True)
class Point:
    """`before` or after the call of `owner`'s `name` has done its work."""

    owner: str
    name: str
    before: bool = False


BOOKS = "adapters.books.books:Books"
POINTS = {
    "draft": Point(BOOKS, "draft", before=True),
    "drafted": Point(BOOKS, "draft"),
    "command": Point(BOOKS, "command", before=True),
    "commanded": Point(BOOKS, "command"),
    "looked": Point(BOOKS, "look"),
    "claimed": Point(BOOKS, "claim"),
    "composed": Point("adapters.letters:Composer", "compose"),
    "archived": Point("adapters.documents.archive:Archive", "put"),
    "mailing": Point("adapters.mail.outbox:Outbox", "send", before=True),
    "mailed": Point("adapters.mail.outbox:Outbox", "send"),
    "smtp-mailing": Point("adapters.mail.smtp:Smtp", "send", before=True),
    "smtp-mailed": Point("adapters.mail.smtp:Smtp", "send"),
    "confirmed": Point(BOOKS, "confirm"),
    "given-back": Point(BOOKS, "give_back"),
    "parked": Point(BOOKS, "park"),
    "page-opened": Point("adapters.payment.stripe:Stripe", "open"),
    "payment-read": Point("adapters.payment.stripe:Stripe", "payment"),
    "payment-booked": Point("activities.payments", "book_payment"),
    "refund-claimed": Point(BOOKS, "claim_refund"),
    "refund-called": Point(BOOKS, "confirm_refund", before=True),
    "refund-confirmed": Point(BOOKS, "confirm_refund"),
    "statement-received": Point("adapters.books.statements", "receive"),
    "statement-booked": Point("adapters.books.statements", "book"),
    "told": Point("workers.client", "tell"),
}


def install(label: str) -> None:
    """`label` may end in `:N`. KeyError when there is no such point."""
    name, _, number = label.partition(":")
    point = POINTS[name]
    owner = owner_of(point)
    setattr(owner, point.name, _deadly(getattr(owner, point.name), point.before, _Countdown(int(number or 1))))


def owner_of(point: Point) -> Any:
    """The module or class whose attribute it is."""
    module, _, attribute = point.owner.partition(":")
    owner = importlib.import_module(module)
    return getattr(owner, attribute) if attribute else owner


class _Countdown:
    def __init__(self, left: int) -> None:
        self._left, self._lock = left, threading.Lock()

    def pass_by(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _deadly(whole: Callable[..., Any], before: bool, countdown: _Countdown) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(whole):

        @functools.wraps(whole)
        async def later(*arguments: Any, **named: Any) -> Any:
            if before:
                countdown.pass_by()
            found = await whole(*arguments, **named)
            if not before:
                countdown.pass_by()
            return found

        return later

    @functools.wraps(whole)
    def now(*arguments: Any, **named: Any) -> Any:
        if before:
            countdown.pass_by()
        found = whole(*arguments, **named)
        if not before:
            countdown.pass_by()
        return found

    return now


if __name__ == "__main__":
    from cli.main import run

    install(sys.argv.pop(1))
    run()
