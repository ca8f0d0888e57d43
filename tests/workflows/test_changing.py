"""docs/changing-workflows.md is true: its code is run on a real server and replayed, its output is what comes out."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.workflows import commands, golden
from workers.devserver import DevServer

PAGE = (Path(__file__).parents[2] / "docs" / "changing-workflows.md").read_text("utf-8")
QUEUE = "letters"


@activity.defn
async def send() -> None: ...


@activity.defn
async def look() -> None: ...


def versions() -> dict[str, type]:
    """The page's classes by the word in their first line."""
    found: dict[str, type] = {}
    for name, code in re.findall(r"```python\n# (\w+)\n(.*?)```", PAGE, re.DOTALL):
        names: dict[str, Any] = {"workflow": workflow, "QUICK": timedelta(seconds=5), "__name__": __name__}
        exec(code, names)
        found[name] = names[name.title()]
    return found


async def lived(client: Client, kind: type, id_: str) -> WorkflowHistory:
    async with Worker(client, task_queue=QUEUE, workflows=[kind], activities=[send, look],
                      workflow_runner=UnsandboxedWorkflowRunner()):  # fmt: skip
        handle = await client.start_workflow("Letter", id=id_, task_queue=QUEUE)
        await handle.result()
    return await handle.fetch_history()


async def parted(history: WorkflowHistory, kind: type) -> str:
    return await golden.parted(history, [kind], sandboxed=False)


async def test_the_example_is_true(server: DevServer) -> None:
    client, code = await Client.connect(server.address), versions()
    before = await lived(client, code["before"], "letter-before")
    said = await parted(before, code["unsafe"])
    assert f"```text\n{said}\n```" in PAGE, said
    assert await parted(before, code["safe"]) == ""
    new = await lived(client, code["safe"], "letter-new")
    assert commands.of_history(new) == ["patch look-first", "activity look", "activity send", "complete"]
    assert await parted(new, code["safe"]) == ""
    assert await parted(new, code["later"]) == ""
    assert "Nondeterminism" in await parted(before, code["later"])
    [query] = re.findall(r'--query "(.*)"', PAGE)
    assert (await client.count_workflows(query)).count == 0
