"""The commands a workflow gives, a line each: as its history tells them, and as today's code gives them on a replay.

What a command carries is left out: inputs and times may change, order and kind may not. Commands that leave no event,
such as the refusal of an Update by its validator, are none here.
"""

from __future__ import annotations

import difflib
from typing import Any

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHistory
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

PLAIN = {
    "start_timer": "timer",
    "cancel_timer": "timer cancelled",
    "request_cancel_activity": "activity cancelled",
    "upsert_workflow_search_attributes": "search attributes",
    "continue_as_new_workflow_execution": "continue as new",
    "complete_workflow_execution": "complete",
    "fail_workflow_execution": "fail",
}
EVENTS = {
    EventType.EVENT_TYPE_TIMER_STARTED: "timer",
    EventType.EVENT_TYPE_TIMER_CANCELED: "timer cancelled",
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: "activity cancelled",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update accepted",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: "update answered",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: "continue as new",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: "complete",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: "fail",
}
SILENT = {"respond_to_query"}
PATCHES = "TemporalChangeVersion"
"""The search attribute by which the server itself lists patches; no command of the workflow's."""


def line_of(command: WorkflowCommand, accepted: set[str]) -> str | None:
    """None for what leaves no event: an Update that was refused before it was `accepted`, as after a validator."""
    kind = command.WhichOneof("variant") or ""
    match kind:
        case "schedule_activity":
            return f"activity {command.schedule_activity.activity_type}"
        case "set_patch_marker":
            return f"patch {command.set_patch_marker.patch_id}"
        case "update_response":
            update = command.update_response.protocol_instance_id
            if command.update_response.HasField("accepted"):
                accepted.add(update)
                return "update accepted"
            return "update answered" if update in accepted else None
        case _:
            return None if kind in SILENT else PLAIN.get(kind, kind)


def of_history(history: WorkflowHistory) -> list[str]:
    found = []
    for event in history.events:
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            found.append(f"activity {event.activity_task_scheduled_event_attributes.activity_type.name}")
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            details = event.marker_recorded_event_attributes.details
            found.append(f"patch {details['patch-data'].payloads[0].data.decode().split(chr(34))[3]}")
        elif event.event_type in EVENTS:
            upserted = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
            if PATCHES not in upserted:
                found.append(EVENTS[event.event_type])
    return found


class Recorder(WorkflowRunner):
    """Runs workflows as `inner` does, and notes each command they give in `lines`."""

    def __init__(self, inner: WorkflowRunner) -> None:
        self.inner = inner
        self.lines: list[str] = []

    def prepare_workflow(self, defn: workflow._Definition) -> None:
        self.inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Recorded(self.inner.create_instance(det), self.lines)


class _Recorded(WorkflowInstance):
    def __init__(self, inner: WorkflowInstance, lines: list[str]) -> None:
        self.inner, self.lines = inner, lines
        self.accepted: set[str] = set()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        said = self.inner.activate(act)
        self.lines += [line for command in said.successful.commands if (line := line_of(command, self.accepted))]
        return said

    def get_serialization_context(self, command_info: Any) -> Any:
        return self.inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self.inner.get_external_store_context(command_info)

    def get_info(self) -> workflow.Info:
        return self.inner.get_info()


def difference(before: list[str], now: list[str], named: tuple[str, str] = ("history", "today's code")) -> str:
    """The first place where they part, with what surrounds it; nothing when they do not."""
    return "\n".join(difflib.unified_diff(before, now, *named, lineterm="", n=3))
