"""One run: invoices live while faults strike, until all is quiet; then all is checked. Decides only the order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlmodel import func, select

from adapters.books.engine import read
from chaos import checks, older
from chaos.certificate import Certificate
from chaos.client import Accepted, Caller, Lost
from chaos.desk import Desk
from chaos.house import House, open_house
from chaos.killing import Killer, labels
from chaos.lives import Life
from chaos.orders import CUSTOMERS, drawn, id_of
from chaos.plan import Plan
from chaos.watch import Watch
from chaos.weather import MAIL, Weather, deliver_again
from schemas import tables as t

AHEAD = 0.08
"""How far lives may run ahead of kills, as a share of the run, and kills of lives."""
REPORT_SECONDS = 10.0

Report = Callable[[str], None]


@dataclass
class Run:
    plan: Plan
    house: House
    report: Report
    lives: list[Life] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    going: dict[str, Life] = field(default_factory=dict)
    accepted: Accepted = field(default_factory=Accepted)
    ended: int = 0
    loads: list[float] = field(default_factory=list)

    @property
    def progress(self) -> float:
        return self.ended / self.plan.invoices

    async def play(self, root: Path | None, not_injected: dict[str, str]) -> Certificate:
        plan, started = self.plan, time.monotonic()
        chance = random.Random(plan.seed)
        # Two that look at each other: the killer measures only while the weather is calm.
        killer = Killer(
            self.house, plan.kills, lambda: (self.progress + AHEAD) * plan.kills, lambda: weather.calm,
            random.Random(chance.random()), labels(plan.mail), lambda: list(self.going), root,
        )  # fmt: skip
        weather = Weather(
            self.house, killer, plan.restarts, random.Random(chance.random()), lambda: self.progress, not_injected
        )
        watch, desk = Watch(self.house.engine), Desk(self.house)
        async with beside(watch.run(), desk.run(), deliver_again(self.house), self._tell(killer, weather)):
            await self._live(watch, killer, weather, chance)
            self.report("no more faults; waiting until all is quiet")
            found = await checks.quiet(self.house)
            self.report("checking")
            found += await checks.findings(self.house, self.lives, self.accepted, self.lost, plan.seed)
        if found:
            self.house.postgres.kept = self.house.settings.var / "postgres"
        return Certificate(
            plan, time.monotonic() - started, Counter(life.fate for life in self.lives),
            await asyncio.to_thread(self._opportunities, desk, killer), killer.done, weather.done, not_injected,
            killer.recovered, statistics.mean(self.loads or os.getloadavg()[:1]), found,
        )  # fmt: skip

    async def _live(self, watch: Watch, killer: Killer, weather: Weather, chance: random.Random) -> None:
        """Customers' first invoices in peace, then all others under fire; faults end when both are through."""
        numbers = range(self.plan.invoices)
        firsts, others = numbers[: len(CUSTOMERS)], numbers[len(CUSTOMERS) :]
        await asyncio.gather(*(self._one(watch, number, chance) for number in firsts))
        faults = [asyncio.create_task(killer.run()), asyncio.create_task(weather.run())]
        gate = asyncio.Semaphore(self.plan.at_once)

        async def one(number: int) -> None:
            async with gate:
                while self.progress > killer.kills / max(1, self.plan.kills) + AHEAD:
                    await asyncio.sleep(0.1)
                await self._one(watch, number, chance)

        # A fault that cannot be done is no breach, but the run proves nothing then.
        lives = asyncio.gather(*(one(number) for number in others))
        everything = asyncio.gather(lives, *faults)
        try:
            await everything
        finally:
            everything.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await everything

    async def _one(self, watch: Watch, number: int, chance: random.Random) -> None:
        own = random.Random(f"{self.plan.seed}/{number}")
        fate = drawn(number, own)
        life = Life(Caller(self.house, watch, self.accepted, id_of(number), own), number, fate)
        self.lives.append(life)
        self.going[id_of(number)] = life
        try:
            await life.live()
        except Lost as lost:
            self.lost.append(f"{fate}: {lost}")
            self.report(f"lost: {self.lost[-1]}")
        finally:
            del self.going[id_of(number)]
            self.ended += 1

    async def _tell(self, killer: Killer, weather: Weather) -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            self.loads.append(os.getloadavg()[0])
            self.report(
                f"{self.ended} of {self.plan.invoices} invoices ended, {len(self.going)} live; "
                f"{killer.kills} of {self.plan.kills} kills; {sum(weather.done.values())} other faults"
                + (f"; now: {weather.raging}" if weather.raging else "")
                + (f"; {len(self.lost)} lost" if self.lost else "")
            )

    def _opportunities(self, desk: Desk, killer: Killer) -> dict[str, int]:
        with read(self.house.engine) as session:
            counted = {
                name: session.exec(select(func.count()).select_from(table)).one()
                for name, table in (("messages", t.Message), ("receipts", t.Receipt), ("audited steps", t.AuditEntry))
            }
        return {
            "commands answered": sum(self.accepted.commands.values()),
            **counted,
            "letters a person looked after": desk.decided,
            "crash points not reached in time": killer.missed,
            "workers of older code killed": killer.old_killed,
            "workers that ended by themselves": killer.fell,
        }


@asynccontextmanager
async def beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs these meanwhile; the first that fails ends the run with its error: without it nothing would be proved."""
    tasks = [asyncio.create_task(work) for work in works]
    run = asyncio.current_task()

    def ended(task: asyncio.Task[None]) -> None:
        if run is not None and not task.cancelled() and task.exception() is not None:
            run.cancel()

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        for task in tasks:
            if task.done():
                task.result()
        raise
    finally:
        for task in tasks:
            task.remove_done_callback(ended)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def play(plan: Plan, folder: Path, report: Report) -> Certificate:
    """`folder` keeps logs and books; it must be empty. Raises Unavailable for what is missing."""
    not_injected = dict.fromkeys(MAIL, "mails go to a folder") if plan.mail == "outbox" else {}
    earlier = older.checkout(folder / "older")
    if earlier is None:
        not_injected["worker of older code"] = "no earlier commit with the same tables and patches"
    else:
        report(f"older workers run commit {earlier[1]}")
    async with open_house(plan, folder, report) as house:
        run = Run(plan, house, report)
        return await run.play(earlier[0] if earlier else None, not_injected)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
