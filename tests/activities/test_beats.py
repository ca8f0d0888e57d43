"""A step that takes long tells the server that it lives, from one thread for all of them; afterwards it is silent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from temporalio.testing import ActivityEnvironment

from activities import beats
from activities.beats import heartbeats

SOON = 10.0


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beats, "BEAT_SECONDS", 0.01)


def until(said: threading.Event) -> None:
    with heartbeats():
        assert said.wait(SOON), "no heartbeat came"


def attempt(beat: Callable[[], None], work: Callable[[], None]) -> None:
    """An activity of its own, as a worker's thread runs it."""
    env = ActivityEnvironment()
    env.on_heartbeat = lambda *_: beat()
    env.run(work)


def test_every_step_is_heard_at_the_same_time() -> None:
    said = [threading.Event() for _ in range(5)]
    together = threading.Barrier(5)

    def work(own: threading.Event) -> None:
        with heartbeats():
            together.wait(SOON)
            assert own.wait(SOON), "no heartbeat came"
            together.wait(SOON)

    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(attempt, own.set, partial(work, own)) for own in said]
        for one in done:
            one.result(SOON)


def test_one_thread_beats_for_all_of_them() -> None:
    with heartbeats():
        pass
    before = threading.active_count()
    for _ in range(20):
        with heartbeats():
            assert threading.active_count() == before


def test_a_step_that_ended_is_silent() -> None:
    heard: list[int] = []
    first, second = threading.Event(), threading.Event()

    def beat() -> None:
        heard.append(1)
        first.set()

    attempt(beat, lambda: until(first))
    before = len(heard)
    attempt(second.set, lambda: until(second))  # the thread has gone round since
    assert len(heard) == before


def test_one_that_cannot_be_told_silences_nobody() -> None:
    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    said = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        broken = pool.submit(attempt, gone, lambda: until(said))
        attempt(said.set, lambda: until(said))
        broken.result(SOON)


def test_a_step_that_fails_is_silent_too() -> None:
    with pytest.raises(ValueError, match="broken"), heartbeats():
        raise ValueError("broken")
    said = threading.Event()
    attempt(said.set, lambda: until(said))
