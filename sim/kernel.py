"""One run of a workflow without a server: hands the SDK's own workflow instance what a server would tell it, and keeps
what it answers. The only file that knows the SDK's internals; it never reads a clock and knows no business.

Every activation is kept, so that `replayed` can give a fresh instance the same history and compare its commands
(invariant 10). Call it outside of an event loop: an instance is one itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.workflow_activation import (
    DoUpdate,
    FireTimer,
    InitializeWorkflow,
    NotifyHasPatch,
    QueryWorkflow,
    RemoveFromCache,
    ResolveActivity,
    SignalWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.common import Priority, SearchAttributes, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, RetryState
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails

from sim.calls import Call, called
from sim.shape import shape, told
from workflows.plugin import QuietFailures, TolerantConverter

QUEUE = "duely"
NAMESPACE = "sim"
TASK = timedelta(seconds=2)
UNSANDBOXED = UnsandboxedWorkflowRunner()
CONVERTER = TolerantConverter()
FAILURES = QuietFailures()


class Wedged(AssertionError):
    """A workflow task failed: on a server this run would stand still."""


@dataclass(frozen=True, slots=True)
class End:
    """How a run ended: with a result, or continued with `arguments`."""

    result: Any = None
    continued: tuple[Payload, ...] | None = None


@dataclass(slots=True)
class Run:
    """`calls` and `timers` are open; the workflow wants no result of the calls in `unwanted` any more. `answers` holds
    what each Update got, an exception if it was refused."""

    kind: type
    workflow_id: str
    run_id: str
    started: datetime
    arguments: tuple[Payload, ...] = ()
    continued: str | None = None
    runner: WorkflowRunner = UNSANDBOXED
    long: bool = False  # whether the server suggests to continue as new
    calls: dict[int, Call] = field(default_factory=dict)
    unwanted: set[int] = field(default_factory=set)
    timers: dict[int, datetime] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    end: End | None = None
    script: list[tuple[bytes, tuple[bytes, ...]]] = field(default_factory=list)
    patches: dict[int, list[str]] = field(default_factory=dict)  # by the place in the script
    now: datetime = field(init=False)
    _instance: WorkflowInstance | None = None
    _history: int = 3  # started, scheduled and begun: what a server has written before the first task ends

    def __post_init__(self) -> None:
        self.now = self.started

    def start(self) -> None:
        begin = InitializeWorkflow(
            workflow_type=_name(self.kind), workflow_id=self.workflow_id, arguments=self.arguments, attempt=1
        )
        begin.start_time.FromDatetime(self.started)
        self._tell(self.started, WorkflowActivationJob(initialize_workflow=begin))

    def signal(self, at: datetime, name: str, *arguments: Any) -> None:
        given = CONVERTER.to_payloads(arguments)
        said = SignalWorkflow(signal_name=name, input=given, originating_event_id=self._history)
        self._tell(at, WorkflowActivationJob(signal_workflow=said))

    def update(self, at: datetime, id_: str, name: str, *arguments: Any) -> None:
        """Its answer stands in `answers` once the workflow has given it."""
        said = DoUpdate(id=id_, protocol_instance_id=id_, name=name, run_validator=True)
        said.input.extend(CONVERTER.to_payloads(arguments))
        self._tell(at, WorkflowActivationJob(do_update=said))

    def fire(self, at: datetime, seq: int) -> None:
        del self.timers[seq]
        self._tell(at, WorkflowActivationJob(fire_timer=FireTimer(seq=seq)))

    def resolve(self, at: datetime, seq: int, result: Payload) -> None:
        del self.calls[seq]
        done = ActivityResolution()
        done.completed.result.CopyFrom(result)
        self._tell(at, WorkflowActivationJob(resolve_activity=ResolveActivity(seq=seq, result=done)))

    def fail(self, at: datetime, seq: int, cause: ApplicationError) -> None:
        """The activity was given up: no repeat is left, allowed or wanted."""
        given_up = ActivityResolution()
        given_up.failed.failure.CopyFrom(self._ended(seq, cause))
        self._tell(at, WorkflowActivationJob(resolve_activity=ResolveActivity(seq=seq, result=given_up)))

    def cancel(self, at: datetime, seq: int) -> None:
        """The activity was unwanted while no attempt was under way: it ends at once."""
        ended = ActivityResolution()
        ended.cancelled.failure.CopyFrom(self._ended(seq, CancelledError("ACTIVITY_ID_NOT_STARTED")))
        self._tell(at, WorkflowActivationJob(resolve_activity=ResolveActivity(seq=seq, result=ended)))

    def _ended(self, seq: int, cause: ApplicationError | CancelledError) -> Failure:
        """As the server tells it; that it was unwanted comes before whatever else ended it."""
        call, failure = self.calls.pop(seq), Failure()
        final = isinstance(cause, ApplicationError) and cause.non_retryable
        state = RetryState.NON_RETRYABLE_FAILURE if final else RetryState.TIMEOUT
        error = ActivityError("Activity task failed", scheduled_event_id=0, started_event_id=0, identity="",
                              activity_type=call.name, activity_id=str(seq),
                              retry_state=RetryState.CANCEL_REQUESTED if seq in self.unwanted else state)  # fmt: skip
        error.__cause__ = cause
        FAILURES.to_failure(error, CONVERTER, failure)
        return failure

    def query(self, name: str) -> Any:
        """Answers from the present state, also after the end; leaves no trace in the script."""
        asked = WorkflowActivationJob(query_workflow=QueryWorkflow(query_id="q", query_type=name))
        answer = self._activate(self._activation(self.now, asked))[0].respond_to_query
        if answer.HasField("failed"):
            raise Wedged(f"{self.workflow_id}: query {name} fails: {answer.failed.message}")
        return CONVERTER.from_payload(answer.succeeded.response)

    def evict(self) -> None:
        """Lets the instance go, as a worker does that dies or needs the room: the next task begins with a replay."""
        if self._instance is not None:
            gone = WorkflowActivationJob(remove_from_cache=RemoveFromCache())
            self._instance.activate(self._activation(self.now, gone))
            self._instance = None

    def replayed(self) -> str | None:
        """Gives a fresh instance the whole script: None when it answers the same, else the first difference."""
        again = self._created()
        try:
            return self._follow(again)
        finally:
            gone = WorkflowActivationJob(remove_from_cache=RemoveFromCache())
            again.activate(WorkflowActivation(run_id=self.run_id, jobs=[gone]))

    def _follow(self, instance: WorkflowInstance) -> str | None:
        for number, (said, commands) in enumerate(self.script):
            activation = WorkflowActivation.FromString(said)
            activation.is_replaying = True
            for patch in self.patches.get(number, ()):
                known = NotifyHasPatch(patch_id=patch)
                activation.jobs.append(WorkflowActivationJob(notify_has_patch=known))
            done = instance.activate(activation)
            if done.HasField("failed"):
                return f"task {number + 1} fails on replay: {done.failed.failure.message}"
            got = tuple(c.SerializeToString(deterministic=True) for c in done.successful.commands)
            if got != commands:
                return f"task {number + 1} answers {told(got)} on replay, it was {told(commands)}"
        return None

    def shape(self) -> tuple[str, ...]:
        """What it asked the server for, in order: the command and what it names."""
        return tuple(filter(None, (shape(each) for _, commands in self.script for each in commands)))

    def _tell(self, at: datetime, job: WorkflowActivationJob) -> None:
        if self.end is not None:
            raise ValueError(f"{self.workflow_id} has ended")
        self.now = max(at, self.now)
        activation = self._activation(self.now, job)
        commands = self._activate(activation)
        answer = tuple(c.SerializeToString(deterministic=True) for c in commands)
        self.script.append((activation.SerializeToString(deterministic=True), answer))
        self._history += 4 + len(commands)
        for command in commands:
            self._take(command)

    def _activation(self, at: datetime, *jobs: WorkflowActivationJob) -> WorkflowActivation:
        activation = WorkflowActivation(
            run_id=self.run_id, jobs=jobs, history_length=self._history, continue_as_new_suggested=self.long
        )
        activation.timestamp.FromDatetime(at)
        return activation

    def _activate(self, activation: WorkflowActivation) -> Sequence[WorkflowCommand]:
        if self._instance is None:
            self._instance = self._created()
            if (difference := self._follow(self._instance)) is not None:
                raise Wedged(f"{self.workflow_id}: {difference}")
        done = self._instance.activate(activation)
        if done.HasField("failed"):
            raise Wedged(f"{self.workflow_id}: {done.failed.failure.message}\n{done.failed.failure.stack_trace}")
        return done.successful.commands

    def _take(self, command: WorkflowCommand) -> None:
        match command.WhichOneof("variant"):
            case "schedule_activity":
                call = called(command, self.now, CONVERTER)
                self.calls[call.seq] = call
            case "request_cancel_activity":
                self.unwanted.add(command.request_cancel_activity.seq)
            case "start_timer":
                timer = command.start_timer
                self.timers[timer.seq] = self.now + timer.start_to_fire_timeout.ToTimedelta()
            case "cancel_timer":
                self.timers.pop(command.cancel_timer.seq, None)
            case "update_response":
                self._answered(command)
            case "complete_workflow_execution":
                self.end = End(CONVERTER.from_payload(command.complete_workflow_execution.result))
            case "continue_as_new_workflow_execution":
                self.end = End(continued=tuple(command.continue_as_new_workflow_execution.arguments))
            case "set_patch_marker":
                self.patches.setdefault(len(self.script) - 1, []).append(command.set_patch_marker.patch_id)
            case "upsert_workflow_search_attributes":
                pass
            case other:
                raise Wedged(f"{self.workflow_id}: {other} ends or leaves what Duely does")

    def _answered(self, command: WorkflowCommand) -> None:
        said = command.update_response
        match said.WhichOneof("response"):
            case "completed":
                self.answers[said.protocol_instance_id] = CONVERTER.from_payload(said.completed)
            case "rejected":
                self.answers[said.protocol_instance_id] = FAILURES.from_failure(said.rejected, CONVERTER)

    def _created(self) -> WorkflowInstance:
        definition = workflow._Definition.must_from_class(self.kind)
        details = WorkflowInstanceDetails(
            payload_converter_factory=TolerantConverter,
            failure_converter_class=QuietFailures,
            interceptor_classes=(),
            defn=definition,
            info=self._info(),
            randomness_seed=0,
            extern_functions={},
            disable_eager_activity_execution=False,
            worker_level_failure_exception_types=(),
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
        )
        asyncio._set_running_loop(_OUTSIDE)  # the worker makes instances on its own loop
        try:
            return self.runner.create_instance(details)
        finally:
            asyncio._set_running_loop(None)

    def _info(self) -> workflow.Info:
        return workflow.Info(
            attempt=1, continued_run_id=self.continued, cron_schedule=None, execution_timeout=None,
            first_execution_run_id=self.run_id, headers={}, namespace=NAMESPACE,
            original_execution_run_id=self.run_id, parent=None, root=None, priority=Priority.default, raw_memo={},
            retry_policy=None, run_id=self.run_id, run_timeout=None, search_attributes=_NONE,
            start_time=self.started, task_queue=QUEUE, task_timeout=TASK,
            typed_search_attributes=TypedSearchAttributes.empty, workflow_id=self.workflow_id,
            workflow_start_time=self.started, workflow_type=_name(self.kind),
        )  # fmt: skip


_NONE: SearchAttributes = {}


_OUTSIDE = asyncio.AbstractEventLoop()  # type: ignore[abstract]
"""Stands where the worker's loop would; nothing ever runs on it."""


@cache
def _name(kind: type) -> str:
    return workflow._Definition.must_from_class(kind).name or ""
