"""What a command asks the server for, in a word or two: what histories are compared by. It only reads."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.bridge.proto.workflow_commands import WorkflowCommand


def told(commands: Sequence[bytes]) -> str:
    return ", ".join(filter(None, map(shape, commands))) or "nothing"


def shape(said: bytes) -> str:
    command = WorkflowCommand.FromString(said)
    match command.WhichOneof("variant"):
        case "schedule_activity":
            return f"activity {command.schedule_activity.activity_type}"
        case "update_response":
            return f"update {command.update_response.WhichOneof('response')}"
        case variant:
            return str(variant).replace("_", " ").removesuffix(" workflow execution")
