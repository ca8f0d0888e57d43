"""Golden histories: how they are kept, read and replayed, and the commands they tell of, a line each.

A history of before stays as it was recorded; only who recorded it and where is left out.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.workflows import commands
from workers import wiring
from workflows.archive import ArchiveReading
from workflows.bank_file import BankFile
from workflows.invoice import Invoice
from workflows.payment_event import PaymentEvent
from workflows.plugin import PLUGIN
from workflows.sheets import Sheets
from workflows.sweep import PaymentSweep

FOLDER = Path(__file__).parents[1] / "golden"
WORKFLOWS = [Invoice, PaymentEvent, PaymentSweep, BankFile, ArchiveReading, Sheets]


def paths() -> list[Path]:
    return sorted([*FOLDER.rglob("*.json"), *FOLDER.rglob("*.json.gz")])


def name(path: Path) -> str:
    """As the recording and the ending are called: `2026-11/paid`, or `paid` for the first ones."""
    return path.relative_to(FOLDER).as_posix().removesuffix(".gz").removesuffix(".json")


def write(path: Path, history: WorkflowHistory) -> None:
    """FileExistsError rather than another history under an old name."""
    body = json.dumps(anonymous(history.to_json_dict()), separators=(",", ":")).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(gzip.compress(body, 9, mtime=0))


def anonymous(body: Any) -> Any:
    """Without the machine's name and the paths of its stack traces."""
    match body:
        case dict():
            left = {key: each for key, each in body.items() if key not in {"identity", "stackTrace"}}
            return {key: anonymous(each) for key, each in left.items()}
        case list():
            return [anonymous(each) for each in body]
        case _:
            return body


def read(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    body: dict[str, Any] = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    return body


def history_of(body: dict[str, Any]) -> WorkflowHistory:
    """Under its own id: the workflow reads it."""
    id_ = body["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    return WorkflowHistory.from_json(id_, body)


def complete(history: WorkflowHistory) -> bool:
    """Replaying one whose failing task is the last reports no failure: it must have ended."""
    last = history.events[-1]
    ended = ("completed", "continued_as_new")
    return any(last.HasField(f"workflow_execution_{how}_event_attributes") for how in ended)  # type: ignore[arg-type]


async def parted(history: WorkflowHistory, kinds: Sequence[type] = WORKFLOWS, sandboxed: bool = True) -> str:
    """Where history and code part: the SDK's words and a difference of commands; nothing where they agree."""
    recorder = commands.Recorder(wiring.runner() if sandboxed else UnsandboxedWorkflowRunner())
    player = Replayer(workflows=kinds, plugins=[PLUGIN], workflow_runner=recorder)
    said = await player.replay_workflow(history, raise_on_replay_failure=False)
    told = commands.of_history(history)
    if said.replay_failure is not None:
        told = told[: len(recorder.lines)]  # a replay ends where it fails: nothing is known of what would follow
    return "\n".join(filter(None, (_words(said.replay_failure), commands.difference(told, recorder.lines))))


def _words(failure: Exception | None) -> str:
    """The message inside what the SDK's core tells of a task that failed."""
    found = re.search(r'message: "(.*?)", source: ', str(failure))
    return found[1] if found else str(failure or "")


def replayer() -> Replayer:
    """Sandbox, converters and plugin as the worker has them."""
    return Replayer(workflows=WORKFLOWS, plugins=[PLUGIN], workflow_runner=wiring.runner())
