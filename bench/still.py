"""What needs no server: decisions, replay, matching, documents, simulated lives. Judged by the processor's time, so
that a busy machine spoils it least; documents, which are set on all cores, by the clock."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from adapters.documents.typst import TypstDocuments
from adapters.einvoices import write
from bench import documents
from bench.house import ROOT
from bench.matching import judged
from bench.part import Options, Part, Say
from bench.remittances import remittances, world
from domain import dunning, lifecycle
from domain.matching import Matcher
from rig.results import Measure
from schemas.adapters import adapter
from schemas.steps import Answer, Outcome
from sim.books import BOOKS
from sim.drawing import TOWN, plan_of
from sim.play import play
from workers import wiring
from workflows.invoice import Invoice
from workflows.plugin import PLUGIN

GOLDEN = [
    ROOT / "tests" / "golden" / f"{name}.json" for name in ("paid", "approved_paid", "disputed_credited", "written_off")
]
PER_SECOND = "a CPU second"
LEAST = {"simulated lives, books: database": 60.0, "simulated lives, books: memory": 150.0}
DECIDING, COPIES, PAGES, TOWNS = 0.5, 10, 40, 2
"""Seconds of decisions, replays of each history, documents and simulated towns in a run."""


async def run(options: Options, say: Say) -> Part:
    outcomes = [outcome for path in GOLDEN for outcome in _outcomes(path)]
    found: dict[tuple[str, str], list[float]] = {}
    tally: Counter[str] = Counter()
    paper = TypstDocuments(write)
    documents.set_one(paper, 0)
    breaches: list[str] = []
    for run_ in range(1, options.runs + 1):
        say(f"without a server: run {run_} of {options.runs}")
        took = {
            ("dunning.decide", PER_SECOND): _deciding(outcomes, dunning.decide),
            ("lifecycle.next_action", PER_SECOND): _deciding(outcomes, lifecycle.next_action),
            ("statement lines matched", PER_SECOND): _matching(options.lines, run_, tally),
            ("document with PDF and XML", "ms"): sum(documents.set_one(paper, n) for n in range(PAGES)) / PAGES,
        }
        for path in GOLDEN:
            body = json.loads(path.read_text("utf-8"))
            took[f"replay, {path.stem.replace('_', ' ')}", "ms"] = await _replaying(body)
        for books in sorted(BOOKS):
            took[f"simulated lives, books: {books}", PER_SECOND] = await asyncio.to_thread(
                _living, run_, books, breaches
            )
        for name, value in took.items():
            found.setdefault(name, []).append(value)
    measures = [Measure(name, unit, tuple(values), least=LEAST.get(name)) for (name, unit), values in found.items()]
    part = Part(measures, breaches=breaches)
    part.raw["matching"] = {"lines": options.lines, **tally}
    if tally["false"]:
        part.breaches.append(f"{tally['false']} statement lines were booked to a wrong invoice")
    return part


def _outcomes(path: Path) -> list[Outcome]:
    """What the books said in that history, issued receivables only: `decide` is asked about no other."""
    events = json.loads(path.read_text("utf-8"))["events"]
    scheduled: dict[str, str] = {}
    found = []
    for event in events:
        asked = event.get("activityTaskScheduledEventAttributes")
        if asked is not None:
            scheduled[event["eventId"]] = asked["activityType"]["name"]
        done = event.get("activityTaskCompletedEventAttributes")
        if done is not None:
            data = base64.b64decode(done["result"]["payloads"][0]["data"])
            if scheduled[done["scheduledEventId"]] == "command":
                found.append(adapter(Answer).validate_json(data).outcome)
            else:
                found.append(adapter(Outcome).validate_json(data))
    return [each for each in found if each.account is not None and each.account.number]


def _deciding(outcomes: list[Outcome], decide: Any) -> float:
    """At each instant that the books were read at."""
    asked = [(o.account, o.policy, o.account.last_entry_at) for o in outcomes if o.account and o.account.last_entry_at]
    count, began = 0, time.process_time()
    while (spent := time.process_time() - began) < DECIDING:
        for account, policy, now in asked:
            decide(account, policy, now)
        count += len(asked)
    return count / spent


def _matching(lines: int, seed: int, tally: Counter[str]) -> float:
    """Against half as many open items, the index of them included."""
    of = world(lines // 2, seed)
    made = list(remittances(of, lines, seed, again=True))
    began = time.process_time()
    matcher = Matcher(of.items, of.learned)
    decided = [matcher.match(one.credit) for one in made]
    spent = time.process_time() - began
    tally.update(judged(one, decision) for one, decision in zip(made, decided, strict=True))
    return lines / spent


async def _replaying(body: dict[str, Any]) -> float:
    """Milliseconds of the processor for one history, in the sandbox as a worker has it."""
    id_ = body["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]

    async def copies() -> AsyncIterator[WorkflowHistory]:
        for _ in range(COPIES):
            yield WorkflowHistory.from_json(id_, body)
            await asyncio.sleep(0)

    replayer = Replayer(workflows=[Invoice], plugins=[PLUGIN], workflow_runner=wiring.runner())
    began = time.process_time()
    said = await replayer.replay_workflows(copies())
    assert not said.replay_failures, said.replay_failures
    return (time.process_time() - began) / COPIES * 1000


def _living(seed: int, books: str, breaches: list[str]) -> float:
    """In a thread of its own: a simulated workflow is an event loop itself."""
    played = [play(plan_of(seed, town, TOWN), books) for town in range(TOWNS)]
    breaches += [f"sim, seed {seed}: {breach}" for each in played for _, breach in each.breaches]
    return sum(each.lives for each in played) / sum(each.seconds for each in played)
