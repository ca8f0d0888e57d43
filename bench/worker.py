"""A worker process as production wires it, timed: `python -m bench.worker invoice|floor [--paperless]`. What it serves
comes from the environment as for `duely worker`. It says when it is ready; on SIGUSR1 it writes where its time went."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from adapters.documents.port import NO_FILES, Documents, Rendition
from adapters.files import write_atomically
from bench import floor
from bench.timing import Timed, Timings
from domain.einvoice import EInvoice
from settings import Settings, current
from workers import wiring
from workers.codec import plugin_of
from workers.connect import TASK_QUEUE, connect, external_address
from workers.run import settle, stopping

READY = "ready"


class Paperless:
    """The null adapter of documents: what the archive keeps is always the same few bytes."""

    def render(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> Rendition:
        return Rendition(b"%PDF-1.7 nothing", b"<nothing/>")


def spent_file(folder: Path, pid: int) -> Path:
    return folder / f"spent-{pid}.json"


async def main(kind: str, documents: Documents | None) -> None:
    settings, timings = current(), Timings()
    address = external_address()
    assert address is not None, "TEMPORAL_ADDRESS says which server"
    client = await connect(address, [plugin_of(settings), Timed(timings)])
    engine = wiring.engine_of(settings)
    if kind == "floor":
        worker = _floor(client, settings)
    else:
        worker = wiring.worker(client, settings, engine, documents=documents)
    said = spent_file(settings.var, os.getpid())
    tell = lambda: write_atomically(said, json.dumps(timings.spent()).encode())  # noqa: E731
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
    settle()
    with stopping() as stop:
        async with worker:
            print(READY, flush=True)
            await stop.wait()


def _floor(client: Client, settings: Settings) -> Worker:
    """The same settings as `wiring.worker`, without our steps."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[floor.Floor],
        activities=[floor.nothing],
        workflow_runner=wiring.runner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        **wiring.hands(settings, wiring.THREADS),
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Paperless() if "--paperless" in sys.argv else None))
