"""I10: histories of before give the same commands on today's code. `docs/changing-workflows.md` says what to do when
one here fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from tests.workflows import commands, golden

ADVICE = """
I10 Replay: {name} replays to other commands on today's code; open receivables would be stuck.
{error}
{difference}
What to do (docs/changing-workflows.md):
  1. put the new order behind `if workflow.patched("what-changed"):` and keep the old one in `else:`
  2. see it replay:    .venv/bin/python -m pytest tests/workflows/test_golden.py -k '{name}'
  3. record the new:   DUELY_TEST_GOLDEN=<name> .venv/bin/python -m pytest tests/workflows/test_endings.py
The old branch stays until no open history needs it. Never record over an old history."""


async def replayed(name: str, history: WorkflowHistory) -> str:
    """What parts history and code, and what to do about it; empty when nothing does."""
    recorder = commands.Recorder(golden.wiring.runner())
    said = await golden.replayer(recorder).replay_workflow(history, raise_on_replay_failure=False)
    parted = commands.difference(commands.of_history(history), recorder.lines)
    if said.replay_failure is None and not parted:
        return ""
    return ADVICE.format(name=name, error=said.replay_failure or "", difference=parted)


@pytest.mark.parametrize("path", golden.paths(), ids=golden.name)
async def test_a_history_replays_to_the_same_commands(path: Path) -> None:
    history = golden.history_of(golden.read(path))
    assert golden.complete(history), "incomplete: proves nothing"
    if parted := await replayed(golden.name(path), history):
        pytest.fail(parted, pytrace=False)
