"""`python -m bench.scale`: workers and gateways as one, two and four processes on the real Temporal server, with it and
the books on Postgres; what an invoice costs each part in processor time and in bytes; and from these the sums for a
million open invoices. `--keep` writes docs/results/scale.json.

Everything shares this machine's cores, so a rate stops growing where they are busy: what scales are the processor
seconds of each part. Ends with 1 where books are not whole, with 2 where no server can be had.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from adapters.books import api_keys, stops
from adapters.books.verify import verify
from bench import fleet, million, upstream, weighing
from bench.fleet import Place, Spent
from domain.errors import DuelyError
from rig import results
from rig.ports import free_port
from rig.processes import Process
from rig.results import KEPT, Cell, Table, number, table
from rig.servers import Server, open_server
from workers.agreement import tell_all

WHERE = "Temporal server and books on one Postgres, all on these cores"
PROCESSES = (1, 2, 4)
WARM = 4
"""So many for each process before it counts: its first ones cost more."""
EVERYTHING = "workflow,mail,documents"
AT_ONCE = """mode = "auto"
grace_after_delivery = "0d"
settlement_days = 0
window = { start = "00:00", end = "23:59", days = [1, 2, 3, 4, 5, 6, 7], holidays = true }
ladder = [{ at = "D+1", template = "reminder", tone = "friendly", after_outage = "send_now" }]"""
"""Reminds at any hour of what is overdue since yesterday."""
PARTS = {
    "ours": "CPU ms, ours", "server": "Temporal", "temporal": "its database", "books": "books", "load": "callers",
}  # fmt: skip
"""What of one is told, by part; `ours` are workers or gateways."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    invoices: int
    requests: int
    runs: int


@dataclass(frozen=True)
class Run:
    """`count` of something in `wall` seconds, for so many seconds of processor by part."""

    count: int
    wall: float
    spent: Spent

    @property
    def rate(self) -> float:
        return self.count / self.wall

    def ms(self, *parts: str) -> float:
        return sum(self.spent[part] for part in parts) / self.count * 1000

    def row(self) -> list[Cell]:
        """The rate, milliseconds of one by part, and how many cores were busy."""
        parts = [number(self.ms(part)) for part in PARTS]
        return [number(self.rate), *parts, number(sum(self.spent.values()) / self.wall)]


def columns(first: Sequence[str], rate: str) -> list[str]:
    return [*first, f"{rate}/s", *PARTS.values(), "cores busy"]


@dataclass
class Found:
    """`figures`: what the sums stand on, by name; `breaches` of any books."""

    tables: dict[str, Table] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)


class Measuring:
    def __init__(self, server: Server, options: Options, say: Say) -> None:
        self.server, self.options, self.say, self.found = server, options, say, Found()
        self._places = itertools.count(1)

    async def whole(self) -> Found:
        await self._lives()
        await self._workers()
        await self._queues()
        await self._reminders()
        await self._gateways()
        self.found.tables |= million.tables(self.found.figures)
        return self.found

    async def _lives(self) -> None:
        """What one invoice weighs, open and paid, with one worker."""
        here, many = await self._place(), self.options.invoices
        who = upstream.named(here, fleet.SELLERS, many, "R")
        self.say(f"the weight of {many} invoices")
        with here.workers(1) as workers:
            await upstream.issue(here, upstream.named(here, fleet.SELLERS, WARM, "W"))
            lying, resident = fleet.room(here), workers[0].resident_bytes
            await upstream.issue(here, who)
            figures = self.found.figures
            figures["cached bytes"] = max(0, workers[0].resident_bytes - resident) / many
            figures["archive bytes"] = weighing.files(here.folder / "archive") / (many + WARM)
            figures |= await weighing.histories(here)
            tables = self.found.tables
            tables["open"] = weighing.grown(figures, "open", lying, fleet.room(here), many)
            await upstream.pay(here, who)
            tables["paid"] = weighing.grown(figures, "paid", lying, fleet.room(here), many)
        self._check(here)

    async def _workers(self) -> None:
        rows: list[list[Cell]] = []
        for sellers in (fleet.SELLERS, 1):
            runs = {count: await self._median(count, sellers) for count in PROCESSES}
            rows += [[sellers, count, *run.row()] for count, run in runs.items()]
            self.found.figures[f"rate of sellers {sellers}"] = max(run.rate for run in runs.values())
            if sellers > 1:
                self._cost("invoice", runs[PROCESSES[0]])
        self.found.tables["workers"] = table(columns(["sellers", "workers"], "invoices"), rows)

    async def _median(self, count: int, sellers: int, **more: str) -> Run:
        """The run in the middle, so that its rate and its processor time belong together."""
        runs = [await self._opened(count, sellers, **more) for _ in range(self.options.runs)]
        return sorted(runs, key=lambda run: run.rate)[len(runs) // 2]

    async def _opened(self, count: int, sellers: int, **more: str) -> Run:
        """From the request to `collecting`: drafted, approved by a person, issued, rendered and sent."""
        here, many = await self._place(), self.options.invoices
        self.say(f"{count} workers, {sellers} sellers{', split' if more else ''}: {many} invoices")
        with here.workers(count, **more) as workers:
            await upstream.issue(here, upstream.named(here, sellers, WARM * count, "W"))
            who = upstream.named(here, sellers, many, "R")
            run = await timed(here, workers, many, partial(upstream.issue, here, who))
        self._check(here)
        return run

    async def _queues(self) -> None:
        """One queue, or three in the same process: what a split costs where one process does everything."""
        rows: list[list[Cell]] = []
        for name, more in (("one", {}), ("three", {"DUELY_WORKER_SERVES": EVERYTHING})):
            run = await self._median(1, fleet.SELLERS, **more)
            rows.append([name, *run.row()])
        self.found.tables["queues"] = table(columns(["queues"], "invoices"), rows)

    async def _reminders(self) -> None:
        """A morning's: all of them are held back, then let go at once."""
        here, many = await self._place(AT_ONCE), self.options.invoices
        self.say(f"2 workers: {many} reminders")
        with here.workers(2) as workers:
            await asyncio.to_thread(stops.pause_all, here.engine, "ben", "a measurement", datetime.now(UTC))
            await upstream.adopt(here, upstream.named(here, fleet.SELLERS, many, "R"))

            async def let_go() -> None:
                await asyncio.to_thread(stops.resume_all, here.engine, "ben", datetime.now(UTC))
                await tell_all(here.client)
                await upstream.come(here, upstream.REMINDED, many)

            run = await timed(here, workers, many, let_go)
        self._check(here)
        self._cost("reminder", run)
        self.found.figures["rate of reminders"] = run.rate
        self.found.tables["reminders"] = table(columns(["workers"], "reminders"), [[2, *run.row()]])

    async def _gateways(self) -> None:
        rows: list[list[Cell]] = []
        for count in PROCESSES:
            here, many = await self._place(), self.options.requests
            key = api_keys.add(here.engine, "crm", ["invoices:write"], None, datetime.now(UTC))
            ports = [free_port() for _ in range(count)]
            self.say(f"{count} gateways: {many} requests")
            with here.gateways(ports) as gateways:
                await upstream.post(ports, key, upstream.named(here, fleet.SELLERS, WARM * count, "W"))
                who = upstream.named(here, fleet.SELLERS, many, "R")
                run = await timed(here, gateways, many, partial(upstream.post, ports, key, who))
            here.engine.dispose()
            rows.append([count, *run.row()])
            if count == PROCESSES[0]:
                self._cost("request", run)
        self.found.tables["gateways"] = table(columns(["gateways"], "requests"), rows)

    async def _place(self, policy: str = "") -> Place:
        return await fleet.place(self.server, f"place{next(self._places)}", policy)

    def _cost(self, what: str, run: Run) -> None:
        """Milliseconds of one by part. What Postgres does for all stands with Temporal's, its larger user."""
        ms = {"ours": run.ms("ours"), "server": run.ms("server"),
              "store": run.ms("temporal", "postgres"), "books": run.ms("books")}  # fmt: skip
        self.found.figures |= {f"{part} ms of {what}": value for part, value in ms.items()}

    def _check(self, here: Place) -> None:
        self.found.breaches += [f"{here.name}: {breach}" for breach in verify(here.engine)]
        here.engine.dispose()


async def timed(here: Place, ours: Sequence[Process], count: int, work: Callable[[], Awaitable[None]]) -> Run:
    before, began = fleet.spent(here, ours), time.perf_counter()
    await work()
    wall = time.perf_counter() - began
    return Run(count, wall, fleet.difference(fleet.spent(here, ours), before))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__.splitlines()[0])
    parser.add_argument("--invoices", type=int, default=200, help="of each run")
    parser.add_argument("--requests", type=int, default=600, help="of each run, at the gateways")
    parser.add_argument("--runs", type=int, default=3, help="of each number of workers; the one in the middle counts")
    parser.add_argument("--keep", action="store_true", help="write docs/results/scale.json")
    given = parser.parse_args()
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # an orderly end stops the servers too
    try:
        found = asyncio.run(_measured(Options(given.invoices, given.requests, given.runs), console))
    except DuelyError as error:
        print(f"scale: {error}", file=sys.stderr)
        return 2
    sizes = f"{given.invoices} invoices a run, the middle one of {given.runs}"
    said = results.results("scale", found.tables, f"{WHERE}; {sizes}", figures=found.figures, given=vars(given))
    for path in [Path("var/bench/scale.json"), *([KEPT / "scale.json"] if given.keep else [])]:
        results.write(path, said)
    for name, each in found.tables.items():
        print(f"\n{name}\n" + "\n".join(" | ".join(map(str, row)) for row in [each["columns"], *each["rows"]]))
    print("\n".join([*found.breaches, f"scale: {len(found.breaches)} breaches"]))
    return 1 if found.breaches else 0


async def _measured(options: Options, console: Console) -> Found:
    with tempfile.TemporaryDirectory(prefix="duely-scale-") as folder, console.status("scale") as status:
        say: Say = status.update if console.is_terminal else console.print
        async with open_server("postgres", Path(folder), report=say) as server:
            return await Measuring(server, options, say).whole()


if __name__ == "__main__":
    sys.exit(main())
