"""A morning's burst of reminders: Duely's, when everything was paused and goes on, and that of a loop with cron and
SQL, in turn. Both over receivables that are overdue since yesterday."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from adapters.books import stops
from adapters.books.verify import verify
from bench import cron, lives
from bench.house import CONTACTS, House, cpu_of, worker
from bench.lives import Load
from bench.part import Options, Part, Say
from rig.results import Measure, number, table
from workers.agreement import tell_all

LEFT = text("SELECT count(*) FROM effects WHERE kind = 'reminder' AND state = 'confirmed'")


async def run(house: House, options: Options, say: Say) -> Part:
    place = await house.place("burst")
    rates, worker_ms, server_ms, peer_rates, peer_ms = [], [], [], [], []
    async with worker(place, "invoice", "--paperless") as process:
        load = Load(place, process, house.server_pid, "Invoice")
        for run_ in range(options.runs):
            say(f"burst: run {run_ + 1} of {options.runs}, {options.messages} reminders after a pause")
            rate, own, server = await _burst(load, options.messages)
            rates.append(rate)
            worker_ms.append(own)
            server_ms.append(server)
            say(f"burst: run {run_ + 1} of {options.runs}, cron and SQL over {options.receivables:,}")
            folder = house.folder / f"cron-{run_}"
            rate, own = await asyncio.to_thread(cron.run, folder, options.receivables)
            peer_rates.append(rate)
            peer_ms.append(own)
    measures = [
        Measure("reminders after a pause, Duely", "a second", tuple(rates)),
        Measure("reminders, cron and SQL", "a second", tuple(peer_rates)),
        Measure("worker CPU of a reminder, Duely", "ms", tuple(worker_ms)),
        Measure("server CPU of a reminder, Duely", "ms", tuple(server_ms)),
        Measure("CPU of a reminder, cron and SQL", "ms", tuple(peer_ms)),
    ]
    rows: list[list[str]] = [
        ["reminders a second", measures[1].median_text, measures[0].median_text],
        ["CPU of one, ms", measures[4].median_text, number(measures[2].median + measures[3].median)],
        *map(list, cron.LACKS),
    ]
    compared = table(("", "cron and SQL", "Duely"), rows)
    raw = {"burst": {"messages": options.messages, "receivables": options.receivables}}
    return Part(measures, {"cron": compared}, [f"burst: {breach}" for breach in verify(place.engine)], raw)


async def _burst(load: Load, count: int) -> tuple[float, float, float]:
    engine, base = load.place.engine, load.started
    await asyncio.to_thread(stops.pause_all, engine, "ben", "a measurement", datetime.now(UTC))
    await lives.start(load, count, "119.00", _overdue)
    await lives.come(load, "on_hold", count)
    cpu, server, began = load.worker.cpu(), cpu_of(load.server), time.perf_counter()
    await asyncio.to_thread(stops.resume_all, engine, "ben", datetime.now(UTC))
    await tell_all(load.client)
    async with asyncio.timeout(lives.patience(count)):
        while await asyncio.to_thread(_left, load) < base + count:  # noqa: ASYNC110 another process sends
            await asyncio.sleep(lives.SETTLED)
    wall = time.perf_counter() - began
    own, server = load.worker.cpu() - cpu, cpu_of(load.server) - server
    for id_ in list(load.handles)[-count:]:  # they would be told again with the next pause
        await load.handles[id_].terminate()
    return count / wall, own / count * 1000, server / count * 1000


def _overdue(reference: str, total: str) -> dict[str, Any]:
    """An invoice of an earlier ledger that is overdue since yesterday."""
    today = datetime.now(UTC).date()
    issued, due = (f"{today - timedelta(days=days):%Y-%m-%d}" for days in (31, 1))
    return {
        "seller": "now", "reference": reference, "created_by": "crm", "currency": "EUR",
        "customer": lives.customer_of(reference, CONTACTS),
        "adopt": {"number": reference, "issued_on": issued, "due_on": due, "total": total},
    }  # fmt: skip


def _left(load: Load) -> int:
    with load.place.engine.connect() as connection:
        return int(connection.execute(LEFT).scalar_one())
