"""Where a worker's processor time goes: the thread time of each activity by name, and of workflow tasks. What is left
of the process is the SDK, payload conversion and the event loop. It changes nothing of what a worker does."""

from __future__ import annotations

import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from temporalio import activity
from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkerConfig

WORKFLOW_TASKS = "workflow tasks"
Spent = dict[str, list[float]]
"""By name: calls, seconds of processor, seconds of wall."""


class Timings:
    def __init__(self) -> None:
        self._spent: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
        self._lock = threading.Lock()

    def spent(self) -> Spent:
        with self._lock:
            return {name: list(values) for name, values in self._spent.items()}

    def run(self, name: str, work: Callable[..., Any], *args: Any) -> Any:
        wall, own = time.perf_counter(), time.thread_time()
        try:
            return work(*args)
        finally:
            own, wall = time.thread_time() - own, time.perf_counter() - wall
            with self._lock:
                for at, amount in enumerate((1, own, wall)):
                    self._spent[name][at] += amount


class _Executor(ThreadPoolExecutor):
    def __init__(self, timings: Timings):
        super().__init__(max_workers=100, thread_name_prefix="workflow")
        self._timings = timings

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        return super().submit(self._timings.run, WORKFLOW_TASKS, fn, *args)


class Timed(SimplePlugin):
    """A client that connects with it has its workers timed."""

    def __init__(self, timings: Timings):
        super().__init__("bench-timing")
        self._timings = timings

    def configure_worker(self, config: WorkerConfig) -> WorkerConfig:
        config = super().configure_worker(config)
        config["activities"] = [self._timed(each) for each in config.get("activities", ())]
        config["workflow_task_executor"] = _Executor(self._timings)
        return config

    def _timed(self, given: Callable[..., Any]) -> Callable[..., Any]:
        definition = activity._Definition.must_from_callable(given)
        if definition.is_async:
            return given

        @functools.wraps(given)
        def timed(*args: Any) -> Any:
            name = str(definition.name)
            step = getattr(args[0], "name", "") if args and name == "command" else ""
            return self._timings.run(f"{name} {step}".strip(), given, *args)

        del timed.__dict__["__temporal_activity_definition"]
        return activity.defn(name=definition.name)(timed)
