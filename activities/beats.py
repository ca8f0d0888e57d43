"""Tells the server that an attempt lives, so that a dead worker's is repeated within seconds. One thread beats for
every step of the process: most end before their first beat, and should not pay for a thread of their own."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from temporalio import activity

from domain.errors import Unavailable

BEAT_SECONDS = 1.0


class Beater:
    """Its thread begins with the first step and ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._living: dict[int, contextvars.Context] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def beats(self) -> Iterator[None]:
        """For the step that runs in this context; none comes after it has ended."""
        context = contextvars.copy_context()
        with self._lock:
            self._living[id(context)] = context
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._living[id(context)]

    def _run(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            with self._lock:
                for context in self._living.values():
                    with suppress(RuntimeError):  # a worker that stops hears no more; the others' still does
                        context.run(activity.heartbeat)


heartbeats = Beater().beats


def going() -> None:
    """A long step asks between two of its parts, since its thread is never broken off. Unavailable when the server has
    given the attempt up, or its worker stops and the time to drain is over."""
    if activity.is_cancelled():
        raise Unavailable("the attempt was given up")
