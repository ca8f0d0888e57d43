"""What an invoice weighs on a fleet: in each database by table, in the archive, as a history, and what it costs to
replay that history. Bytes and milliseconds, of the mean or middle invoice."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from bench import fleet
from bench.fleet import Place
from rig.results import Table, number, table
from workers import wiring
from workflows.invoice import Invoice
from workflows.plugin import PLUGIN

LOOKED_AT = 20
LARGEST = 8


def grown(figures: dict[str, float], when: str, before: Mapping[str, int], now: Mapping[str, int], many: int) -> Table:
    """Notes what one of `many` added to each database, and shows the tables it added most to."""
    added = {name: (size - before.get(name, 0)) / many for name, size in now.items()}
    rows: list[list[str]] = []
    for database in (*fleet.STORES, "books"):
        own = {name: size for name, size in added.items() if name.startswith(f"{database}.")}
        figures[f"{database} bytes {when}"] = sum(own.values())
        rows.append([database, "all", number(sum(own.values()))])
    largest = sorted(added, key=lambda name: -added[name])[:LARGEST]
    rows += [[*name.split(".", 1), number(added[name])] for name in largest]
    return table(("database", "table", "bytes of one invoice"), rows)


def files(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def histories(here: Place) -> dict[str, float]:
    """As Temporal counts them, of invoices that collect, and processor milliseconds of a replay without its cache."""
    query = 'InvoiceState="collecting" AND ExecutionStatus="Running"'
    handles = [here.client.get_workflow_handle(each.id) async for each in here.client.list_workflows(query)]
    said = [(await handle.describe()).raw_description.workflow_execution_info for handle in handles[:LOOKED_AT]]
    return {
        "history bytes": statistics.median(each.history_size_bytes for each in said),
        "history events": statistics.median(each.history_length for each in said),
        "replay ms": statistics.median([await _replayed(await each.fetch_history()) for each in handles[:LOOKED_AT]]),
    }


async def _replayed(history: WorkflowHistory) -> float:
    replayer = Replayer(workflows=[Invoice], plugins=[PLUGIN], workflow_runner=wiring.runner())
    began = time.process_time()
    await replayer.replay_workflow(history)
    return (time.process_time() - began) * 1000
