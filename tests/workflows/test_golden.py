"""I10: histories of before give the same commands on today's code. `docs/changing-workflows.md` says what to do when
one here fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio import workflow

from tests.workflows import golden
from tests.workflows.endings import ENDINGS
from tests.workflows.siblings import AT_THE_TILL, IN_HASTE, IN_THE_HOUSE

ADVICE = """
I10 Replay: {name} replays to other commands on today's code; open receivables would be stuck.
{parted}
What to do (docs/changing-workflows.md):
  1. put the new order behind `if workflow.patched("what-changed"):` and keep the old one in `else:`
  2. see it replay:    .venv/bin/python -m pytest tests/workflows/test_golden.py -k '{name}'
  3. record the new:   DUELY_TEST_GOLDEN=<name> .venv/bin/python -m pytest tests/workflows/test_endings.py
The old branch stays until no open history needs it. Never record over an old history."""


@pytest.mark.parametrize("path", golden.paths(), ids=golden.name)
async def test_a_history_replays_to_the_same_commands(path: Path) -> None:
    history = golden.history_of(golden.read(path))
    assert golden.complete(history), "incomplete: proves nothing"
    if parted := await golden.parted(history):
        pytest.fail(ADVICE.format(name=golden.name(path), parted=parted), pytrace=False)


def test_each_ending_and_each_workflow_has_a_history() -> None:
    found = {golden.name(path).rpartition("/")[2].partition(".")[0] for path in golden.paths()}
    assert found >= {*ENDINGS, *AT_THE_TILL, *IN_THE_HOUSE, *IN_HASTE, "mail_outage", "disputed_meanwhile"}
    kinds = {read["events"][0]["workflowExecutionStartedEventAttributes"]["workflowType"]["name"]
             for read in map(golden.read, golden.paths())}  # fmt: skip
    assert kinds == {workflow._Definition.must_from_class(kind).name for kind in golden.WORKFLOWS}


async def test_a_history_of_other_commands_does_not_replay() -> None:
    """Both really compare, and the explanation shows where they part."""
    body = golden.read(golden.FOLDER / "paid.json")
    scheduled = [e["activityTaskScheduledEventAttributes"] for e in body["events"]
                 if "activityTaskScheduledEventAttributes" in e]  # fmt: skip
    first, second = scheduled[:2]
    first["activityType"], second["activityType"] = second["activityType"], first["activityType"]
    said = await golden.parted(golden.history_of(body))
    assert "Nondeterminism" in said
    assert "-activity send\n+activity draft" in said
