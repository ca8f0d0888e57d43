"""The kernel alone: a workflow task that fails is told, a history that replays differently is found, a worker that
forgot a run goes on where it stood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow

from sim.kernel import CONVERTER, Run, Wedged

START = datetime(2026, 5, 4, 9, tzinfo=UTC)


@workflow.defn(name="Counting")
class Counting:
    """Adds what it is told, fails on nothing at all, ends at ten."""

    def __init__(self) -> None:
        self.sum = 0

    @workflow.signal
    def add(self, number: int) -> None:
        if number == 0:
            raise ValueError("nothing to add")
        self.sum += number

    @workflow.query
    def status(self) -> int:
        return self.sum

    @workflow.run
    async def run(self, first: int) -> int:
        self.sum += first
        await workflow.sleep(timedelta(hours=first))
        await workflow.wait_condition(lambda: self.sum >= 10)
        return self.sum


def begun(first: int = 3) -> Run:
    run = Run(Counting, "counting", "run-1", START, tuple(CONVERTER.to_payloads([first])))
    run.start()
    return run


def test_a_run_sleeps_in_virtual_time_and_ends() -> None:
    run = begun()
    ((seq, at),) = run.timers.items()
    assert at == START + timedelta(hours=3)
    run.fire(at, seq)
    run.signal(at, "add", 8)
    assert run.end is not None
    assert run.end.result == 11
    assert run.replayed() is None


def test_a_task_that_fails_is_told() -> None:
    with pytest.raises(Wedged, match="nothing to add"):
        begun().signal(START, "add", 0)


def test_an_evicted_run_goes_on_where_it_stood() -> None:
    run = begun()
    run.signal(START, "add", 4)
    run.evict()
    run.signal(START, "add", 1)
    assert run.query("status") == 8
    assert run.replayed() is None


def test_a_history_that_replays_differently_is_found() -> None:
    run = begun()
    told, _ = run.script[0]
    run.script[0] = (told, ())
    difference = "task 1 answers start timer on replay, it was nothing"
    assert run.replayed() == difference
    run.evict()
    with pytest.raises(Wedged, match=difference):
        run.signal(START, "add", 1)


def test_time_of_a_run_never_runs_backwards() -> None:
    run = begun()
    run.signal(START + timedelta(hours=1), "add", 1)
    run.signal(START, "add", 1)
    assert run.now == START + timedelta(hours=1)
