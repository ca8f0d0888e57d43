"""The kernel alone: a workflow task that fails is told, a history that replays differently is found, a worker that
forgot a run goes on where it stood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, RetryState
from temporalio.workflow import ActivityCancellationType

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


@workflow.defn(name="Impatient")
class Impatient:
    """Wants a letter sent until it is told otherwise; answers how that ended."""

    def __init__(self) -> None:
        self.stop = False

    @workflow.signal
    def enough(self) -> None:
        self.stop = True

    @workflow.run
    async def run(self) -> str | None:
        letter: workflow.ActivityHandle[str] = workflow.start_activity(
            "send",
            start_to_close_timeout=timedelta(seconds=5),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        await workflow.wait_condition(lambda: letter.done() or self.stop)
        if workflow.patched("no-patience"):
            letter.cancel()
        try:
            return await letter
        except ActivityError as error:
            return type(error.cause).__name__ if error.retry_state is RetryState.CANCEL_REQUESTED else None


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


@pytest.mark.parametrize("how", ["done", "failed", "CancelledError"])
def test_a_call_that_is_unwanted_ends_in_each_way_and_replays(how: str) -> None:
    run = Run(Impatient, "impatient", "run-1", START)
    run.start()
    run.signal(START, "enough")
    assert run.unwanted == set(run.calls) == {1}
    match how:
        case "done":
            run.resolve(START, 1, CONVERTER.to_payload("done"))
        case "failed":
            run.fail(START, 1, ApplicationError("out of order", non_retryable=True))
        case _:
            run.cancel(START, 1)
    assert run.end is not None
    assert run.end.result == {"failed": "ApplicationError"}.get(how, how)
    assert run.shape().count("set patch marker") == 1
    assert run.replayed() is None


def test_time_of_a_run_never_runs_backwards() -> None:
    run = begun()
    run.signal(START + timedelta(hours=1), "add", 1)
    run.signal(START, "add", 1)
    assert run.now == START + timedelta(hours=1)
