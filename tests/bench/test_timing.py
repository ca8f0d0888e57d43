"""A timed worker does what an untimed one does, and its time is told apart by what it ran."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from temporalio import activity
from temporalio.worker import WorkerConfig

from bench.timing import WORKFLOW_TASKS, Timed, Timings
from schemas.steps import CommandStep, SendStep

NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)


class Steps:
    """Bound methods, as the wiring has them."""

    @activity.defn(name="command")
    def command(self, step: CommandStep) -> str:
        return step.name

    @activity.defn(name="send")
    def send(self, step: SendStep) -> str:
        raise ValueError(step.key)


def timed(timings: Timings) -> WorkerConfig:
    steps = Steps()
    return Timed(timings).configure_worker(cast(WorkerConfig, {"activities": [steps.command, steps.send]}))


def test_names_and_types_stay_what_they_were() -> None:
    for given in timed(Timings())["activities"]:
        definition = activity._Definition.must_from_callable(given)
        plain = activity._Definition.must_from_callable(getattr(Steps(), str(definition.name)))
        assert (definition.arg_types, definition.ret_type) == (plain.arg_types, plain.ret_type)


def test_commands_are_told_apart_and_failures_count() -> None:
    timings = Timings()
    command, send = cast(list[Any], timed(timings)["activities"])
    for name in ("approve", "pay", "pay"):
        step = CommandStep(workflow_id="invoice-demo-X", now=NOW, id="1", name=name, payload={})
        assert command(step) == name
    with pytest.raises(ValueError, match="k"):
        send(SendStep(workflow_id="invoice-demo-X", now=NOW, key="k"))
    assert {name: spent[0] for name, spent in timings.spent().items()} == {
        "command approve": 1, "command pay": 2, "send": 1,
    }  # fmt: skip


def test_workflow_tasks_are_timed() -> None:
    timings = Timings()
    executor = timed(timings)["workflow_task_executor"]
    assert executor is not None
    assert executor.submit(lambda number: number + 1, 1).result() == 2
    executor.shutdown()
    assert timings.spent()[WORKFLOW_TASKS][0] == 1
