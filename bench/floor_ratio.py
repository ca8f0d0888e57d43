"""The first question: what a whole invoice costs beside a do-nothing workflow of as many events, run by run in turn,
with a null document adapter and with real documents; and where the worker's time goes, by stage."""

from __future__ import annotations

import contextlib
from collections import Counter

from adapters.books.verify import verify
from bench import floor, lives
from bench.house import House, worker
from bench.lives import Lived, Load
from bench.part import Options, Part, Say
from bench.timing import WORKFLOW_TASKS
from rig.results import Cell, Measure, Table, number, table

KINDS = {"floor": (), "null documents": ("--paperless",), "documents": ()}
WARM_UP = 10
STAGES = {
    "draft": "draft, and ask who must approve",
    "command approve": "approve and issue",
    "send": "send the document",
    "command pay": "book the payment and close",
    WORKFLOW_TASKS: "collect: decide and wait (all workflow tasks)",
}
"""By what the worker runs. Waiting costs nothing: a timer is the server's."""
REST = "SDK, payloads and event loop"


async def run(house: House, options: Options, say: Say) -> Part:
    async with contextlib.AsyncExitStack() as stack:
        loads: dict[str, Load] = {}
        for kind, flags in KINDS.items():
            place = await house.place(f"lives-{kind.partition(' ')[0]}")
            what, workflow = ("floor", floor.NAME) if kind == "floor" else ("invoice", "Invoice")
            process = await stack.enter_async_context(worker(place, what, *flags))
            loads[kind] = Load(place, process, house.server_pid, workflow)
            say(f"lives: {WARM_UP} {kind} to warm up")
            await lives.live(loads[kind], WARM_UP)
        lived: dict[str, list[Lived]] = {kind: [] for kind in KINDS}
        for number_ in range(1, options.runs + 1):
            for kind, load in loads.items():
                say(f"lives: run {number_} of {options.runs}, {options.lives} {kind}")
                lived[kind].append(await lives.live(load, options.lives))
        events = {kind: await lives.events(load) for kind, load in loads.items()}
        part = Part(_measures(lived, events), {"stages": _stages(lived), "events": _events(events)})
        for kind, load in loads.items():
            part.breaches += [f"{kind}: {breach}" for breach in verify(load.place.engine)]
        if events["floor"] != events["documents"]:
            part.breaches.append("the floor's events are not those of an invoice: bench/floor.py is out of date")
        part.raw["lives"] = {kind: [_raw(each) for each in found] for kind, found in lived.items()}
        return part


def _measures(lived: dict[str, list[Lived]], events: dict[str, Counter[str]]) -> list[Measure]:
    floors = lived["floor"]
    found = []
    for kind, least in (("null documents", 0.85), ("documents", 0.5)):
        pairs = list(zip(lived[kind], floors, strict=True))
        found.append(Measure(f"rate of lives, {kind}, to floor", "ratio",
                             tuple(a.rate / b.rate for a, b in pairs), least=least))  # fmt: skip
        most = 1.5 if kind == "null documents" else None
        found.append(Measure(f"worker CPU of a life, {kind}, to floor", "ratio",
                             tuple(a.worker_ms / b.worker_ms for a, b in pairs), most=most))  # fmt: skip
    for kind, runs in lived.items():
        least_rate = 15.0 if kind == "documents" else None
        found += [
            Measure(f"full lives, {kind}", "a second", tuple(each.rate for each in runs), least=least_rate),
            Measure(f"worker CPU of a life, {kind}", "ms", tuple(each.worker_ms for each in runs)),
            Measure(f"server CPU of a life, {kind}", "ms", tuple(each.server_ms for each in runs)),
        ]
    found.append(Measure("history events of a life", "events", (sum(events["documents"].values()),)))
    return found


def _stages(lived: dict[str, list[Lived]]) -> Table:
    """Milliseconds of the worker's processor for one life, over all runs."""
    columns = ("stage", *(f"{kind}, ms" for kind in KINDS))
    cost = {kind: _cost(runs) for kind, runs in lived.items()}
    rows: list[list[Cell]] = []
    for name, words in STAGES.items():
        rows.append([words, *(number(cost[kind][name]) if name in cost[kind] else "–" for kind in KINDS)])
    rows.insert(-1, ["activities without work", number(cost["floor"]["nothing"]), *["–"] * (len(KINDS) - 1)])
    rows += [[name, *(number(cost[kind][name]) for kind in KINDS)] for name in (REST, "in all")]
    return table(columns, rows)


def _cost(runs: list[Lived]) -> dict[str, float]:
    count = sum(each.count for each in runs)
    found: dict[str, float] = {}
    for each in runs:
        for name, (_, seconds, _) in each.spent.items():
            found[name] = found.get(name, 0.0) + seconds * 1000 / count
    whole = sum(each.worker for each in runs) * 1000 / count
    return {**found, REST: whole - sum(found.values()), "in all": whole}


def _events(events: dict[str, Counter[str]]) -> Table:
    names = sorted(events["documents"] | events["floor"])
    rows: list[list[Cell]] = [
        [name.lower().replace("_", " "), *(events[kind][name] for kind in KINDS)] for name in names
    ]
    return table(("event", *KINDS), [*rows, ["in all", *(sum(events[kind].values()) for kind in KINDS)]])


def _raw(each: Lived) -> dict[str, object]:
    return {"count": each.count, "seconds": each.wall, "until_collecting": each.opened, "worker_cpu": each.worker,
            "server_cpu": each.server, "spent": each.spent}  # fmt: skip
