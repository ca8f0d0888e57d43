"""A worker is killed with invoices in its hands and another is started at once, as a supervisor would: how long until
the last of them has come to collecting, the new process's own start included."""

from __future__ import annotations

import asyncio
import signal
import time

from adapters.books.verify import verify
from bench import lives
from bench.house import House, started
from bench.lives import Load
from bench.part import Options, Part, Say
from rig.results import Measure

INVOICES = 100
MOST = 12.0


async def run(house: House, options: Options, say: Say) -> Part:
    place = await house.place("recovery")
    process = await started(place, "invoice", "--paperless")
    load = Load(place, process, house.server_pid, "Invoice")
    try:
        await lives.primed(load)
        took = []
        for run_ in range(1, options.runs + 1):
            say(f"recovery: run {run_} of {options.runs}, kill -9 among {INVOICES} invoices")
            took.append(await _killed(load))
    finally:
        await load.worker.stop()
    breaches = [f"recovery: {breach}" for breach in verify(place.engine)]
    return Part(
        [Measure("kill -9 of the only worker to the last invoice", "s", tuple(took), most=MOST)], breaches=breaches
    )


async def _killed(load: Load) -> float:
    base = load.started
    starting = asyncio.create_task(lives.start(load, INVOICES, lives.SMALL))
    await lives.come(load, "collecting", base + INVOICES // 5)
    await starting
    began = time.perf_counter()
    await load.worker.stop(signal.SIGKILL)
    load.worker = await started(load.place, "invoice", "--paperless")
    await lives.come(load, "collecting", base + INVOICES)
    return time.perf_counter() - began
