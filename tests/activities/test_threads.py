"""A step that works in a thread is never broken off there: what it holds, it gives back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from sqlalchemy import Engine
from temporalio import activity
from temporalio.testing import ActivityEnvironment

import activities
from activities.beats import going
from activities.statements import Statements
from adapters.books.engine import write
from adapters.documents.archive import Archive
from domain.errors import Unavailable
from schemas.incoming import Booked, FileHint, FileStep
from tests.threads import stands_in

SOON = 10.0
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def every() -> Iterator[activity._Definition]:
    for module in iter_modules(activities.__path__):
        for found in vars(import_module(f"activities.{module.name}")).values():
            for each in vars(found).values() if isinstance(found, type) else ():
                definition = activity._Definition.from_callable(each) if callable(each) else None
                if definition is not None:
                    yield definition


def test_no_step_is_broken_off_in_its_thread() -> None:
    in_threads = {each.name: each.no_thread_cancel_exception for each in every() if not each.is_async}
    assert {"draft", "send", "book_statement", "sheets"} < in_threads.keys()
    assert [name for name, whole in in_threads.items() if not whole] == []


class Attempt(threading.Thread):
    """One attempt at a step, in a thread as a worker has it."""

    def __init__(self, step: Callable[..., Any], *given: Any) -> None:
        super().__init__()
        self.env, self._work = ActivityEnvironment(), (step, *given)
        self.said: Any = None
        self.env.on_heartbeat = lambda *_: None

    def run(self) -> None:
        self.said = self.env.run(*self._work)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_that_is_given_up_while_it_waits_for_its_turn_stops_nobody(seeded: Engine, tmp_path: Path) -> None:
    hint = FileHint(seller="demo", object="sha256:" + "0" * 64, format="csv")
    attempt = Attempt(Statements(seeded, Archive(tmp_path)).read, FileStep(hint=hint, now=NOW))
    with write(seeded, "demo"):
        attempt.start()
        while attempt.is_alive() and not stands_in(attempt, "write"):
            pass
        attempt.env.cancel()
    attempt.join(SOON)
    assert isinstance(attempt.said, Booked)
    with write(seeded, "demo"):
        pass


def test_a_long_one_ends_by_itself_when_it_is_given_up() -> None:
    env = ActivityEnvironment()
    env.run(going)
    env.cancel()
    with pytest.raises(Unavailable):
        env.run(going)
