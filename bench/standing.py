"""Many open invoices with timers on one dev server with files: how fast they come to collecting, what they weigh, how
quickly one of them answers, and that a restart of the server loses none."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from datetime import timedelta

from adapters.books.verify import verify
from bench import lives
from bench.house import CUSTOMERS, House, Place, resident_of, worker
from bench.lives import Load
from bench.part import Options, Part, Say
from rig.results import Measure

AHEAD = 200
"""So many may be started and not yet collecting: a server floods its own timers and retries otherwise."""
ASKED = 60
PAID = 25
FOLLOWS = 20.0
RPC = timedelta(seconds=20)


@dataclass(frozen=True)
class Stood:
    rate: float
    worker_ms: float
    server_mb: float
    worker_mb: float
    status: list[float]
    paused: list[float]
    back: float


async def without_documents(house: House, options: Options, say: Say) -> Part:
    return await _part(house, options, say, "without documents", ("--paperless",), 35.0)


async def with_documents(house: House, options: Options, say: Say) -> Part:
    return await _part(house, options, say, "with documents", (), 15.0)


async def _part(house: House, options: Options, say: Say, kind: str, flags: tuple[str, ...], least: float) -> Part:
    part, place = Part(), await house.place(f"open-{kind.partition(' ')[0]}")
    stood, lost, breaches = await _stand(house, place, flags, options.open, say)
    part.breaches += [*breaches, *([f"{lost} of {options.open} open invoices lost over a restart"] if lost else [])]
    part.measures += _measures(kind, stood, least, options.open, lost)
    part.raw[f"open {kind}"] = {"count": options.open, "lost": lost, **vars(stood)}
    return part


def _measures(kind: str, stood: Stood, least: float, count: int, lost: int) -> list[Measure]:
    tail = sorted(stood.status)[int(len(stood.status) * 0.95)]
    return [
        Measure(f"started to collecting, {kind}, {count:,} open", "a second", (stood.rate,), least=least),
        Measure(f"worker CPU until collecting, {kind}", "ms", (stood.worker_ms,)),
        Measure(f"server memory, {kind}", "MB per 1,000 open", (stood.server_mb,)),
        Measure(f"worker memory, {kind}", "MB per 1,000 open", (stood.worker_mb,)),
        Measure(f"status query among them, {kind}", "ms", tuple(stood.status)),
        Measure(f"status query, 95 of 100, {kind}", "ms", (tail,)),
        Measure(f"signal `dispute` to `disputed`, {kind}", "ms", tuple(stood.paused)),
        Measure(f"server restart until one answers, {kind}", "s", (stood.back,)),
        Measure(f"lost over a restart, {kind}", "invoices", (lost,), most=0),
    ]


async def _stand(
    house: House, place: Place, flags: tuple[str, ...], count: int, say: Say
) -> tuple[Stood, int, list[str]]:
    async with worker(place, "invoice", *flags) as process:
        load = Load(place, process, house.server_pid, "Invoice")
        await lives.primed(load)
        weight = resident_of(load.server), process.resident()
        cpu, began = process.cpu(), time.perf_counter()
        await _come_to_collecting(load, count, say)
        rate, cpu = count / (time.perf_counter() - began), process.cpu() - cpu
        grown = (resident_of(load.server) - weight[0], process.resident() - weight[1])
        say("open: asking and disputing")
        some = random.Random(1).sample(list(load.handles), min(ASKED, len(load.handles)))  # a sample, no secret
        status = [await _asked(load, id_) for id_ in some]
        paused = [await _disputed(load, id_) for id_ in some[:20]]
        say("open: kill -9 of the server, and its start")
        began = time.perf_counter()
        await house.server.restart()
        await _asked(load, some[-1])
        back = time.perf_counter() - began
        lost = await _lost(load, count + CUSTOMERS)
        for id_ in some[-PAID:]:
            await load.handles[id_].execute_update("pay", lives.payment(id_, "119.00"))
            await load.handles[id_].result()
        mb = [each / 2**20 / count * 1000 for each in grown]
        stood = Stood(rate, cpu / count * 1000, mb[0], mb[1], status, paused, back)
        return stood, lost, [f"{place.name}: {breach}" for breach in verify(place.engine)]


async def _come_to_collecting(load: Load, count: int, say: Say) -> None:
    """Starts them as fast as they come to collecting, at most `AHEAD` before that."""
    base, sent = load.started, 0
    while True:
        there = await lives.counted(load.client, "Invoice", "collecting") - base
        say(f"open: {there * 10 // count * 10} % of {count:,} collecting")
        if there >= count:
            return
        more = min(count - sent, AHEAD - (sent - there))
        if more >= min(AHEAD // 4, count - sent) > 0:
            await lives.start(load, more, lives.SMALL)
            sent += more
        await asyncio.sleep(lives.SETTLED)


async def _lost(load: Load, count: int) -> int:
    """How many of so many are neither collecting nor disputed, once visibility has had its time to follow."""
    deadline = time.monotonic() + FOLLOWS
    while True:
        found = sum([await lives.counted(load.client, "Invoice", state) for state in ("collecting", "disputed")])
        if found == count or time.monotonic() > deadline:
            return count - found
        await asyncio.sleep(lives.SETTLED)


async def _asked(load: Load, id_: str) -> float:
    """Milliseconds until the workflow has said where it stands."""
    began = time.perf_counter()
    await load.handles[id_].query("status", rpc_timeout=RPC)
    return (time.perf_counter() - began) * 1000


async def _disputed(load: Load, id_: str) -> float:
    began = time.perf_counter()
    await load.handles[id_].signal("dispute", {"by": "globex", "reason": "damaged"})
    while (await load.handles[id_].query("status", rpc_timeout=RPC))["state"] != "disputed":
        pass
    return (time.perf_counter() - began) * 1000
