"""What must hold when all is quiet again, whatever happened: each finding names its invariant. Repairs nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlmodel import col, select
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from adapters.books.engine import read
from adapters.books.verify import verify
from chaos.client import Accepted
from chaos.house import House
from chaos.lives import Life
from chaos.plan import REPLAYED
from domain.account import CLOSED
from schemas import tables as t
from workers import wiring
from workers.agreement import disagreements
from workflows.invoice import Invoice
from workflows.plugin import PLUGIN

QUIET_SECONDS = 900
"""As long as growing gaps and leases may still hold something back."""
POLL_SECONDS = 1.0
TOLD = ("state", "number", "total", "paid", "credited", "balance", "flags", "documents", "dues")
OF_THE_CUSTOMER = "customer_credit"
"""A flag that moves with the customer's other receivables: a run that has ended keeps what it saw last."""
CROSSED = frozenset({WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
                     WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND})  # fmt: skip
"""A task that crossed a new signal is done again: nobody's fault."""


@dataclass(frozen=True, slots=True)
class Finding:
    invariant: int
    where: str
    what: str


async def quiet(house: House) -> list[Finding]:
    """Waits until nothing is under way; what still is after long is lost."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        waiting = await asyncio.to_thread(_under_way, house)
        waiting += [(id_, what) async for id_, what in disagreements(house.client, house.engine)]
        if not waiting:
            return []
        if time.monotonic() > deadline:
            return [Finding(1, where, what) for where, what in waiting]
        await asyncio.sleep(POLL_SECONDS)


def _under_way(house: House) -> list[tuple[str, str]]:
    """Letters that were begun, and those that a person still has to look after."""
    open_ = select(t.OpenException).where(
        t.OpenException.kind == "delivery_unknown", col(t.OpenException.decided_at).is_(None)
    )
    with read(house.engine) as session:
        begun = session.exec(select(t.Effect).where(t.Effect.state == "claimed")).all()
        asked = session.exec(open_).all()
    return [(each.invoice, f"{each.key} is claimed") for each in begun] + [
        (str(each.invoice), f"nobody decided about {each.key}") for each in asked
    ]


async def findings(house: House, lives: list[Life], accepted: Accepted, lost: list[str], seed: int) -> list[Finding]:
    """In the order of the invariants; empty when all held."""
    found = [Finding(1, "", text) for text in lost]
    found += await asyncio.to_thread(_accepted, house, accepted)
    found += await asyncio.to_thread(_mails, house, lives)
    found += await asyncio.to_thread(_refunds, house, accepted)
    broken = await asyncio.to_thread(verify, house.engine, house.settings.archive)
    found += [Finding(each.invariant, each.row, each.text) for each in broken]
    found += [Finding(9, id_, what) async for id_, what in disagreements(house.client, house.engine)]
    found += await _replays(house, lives, random.Random(seed))
    return found


def _accepted(house: House, accepted: Accepted) -> list[Finding]:
    with read(house.engine) as session:
        known = set(session.exec(select(t.Invoice.id)).all())
        carried: Counter[tuple[str, str]] = Counter()
        for invoice, name, verdict in session.exec(
            select(t.CommandDone.invoice, t.CommandDone.name, t.CommandDone.verdict)
        ).all():
            carried[(invoice, name)] += verdict["result"] != "refused"
        booked = Counter(session.exec(select(t.Receipt.external_id)).all())
    found = [Finding(1, id_, "was accepted and is not in the books") for id_ in accepted.started - known]
    found += [
        Finding(1, id_, f"{name} was answered {told} times and carried out {carried[(id_, name)]} times")
        for (id_, name), told in accepted.commands.items()
        if told > carried[(id_, name)]
    ]
    for payment, whose in {**accepted.payments, **accepted.cards}.items():
        if booked[payment] != 1:
            found.append(
                Finding(8 if booked[payment] else 1, whose, f"payment {payment} is booked {booked[payment]} times")
            )
    return found


def _mails(house: House, lives: list[Life]) -> list[Finding]:
    """Invariant 2, by what the recipient's server took; and nobody who was billed got no bill."""
    post = house.post
    found = [Finding(2, key, f"arrived {times} times") for key, times in post.keys.items() if times > 1]
    billed = [life.caller.id for life in lives if life.fate not in ("rejected", "cancelled")]
    return found + [Finding(1, id_, "its bill never arrived") for id_ in billed if not post.kinds[(id_, "invoice")]]


def _refunds(house: House, accepted: Accepted) -> list[Finding]:
    made: Counter[str] = Counter()
    for refund in house.stripe.state.tables["refund"].values():
        made[refund["payment_intent"]] += refund["amount"]
    return [
        Finding(8, payment, f"{made[payment]} went back instead of {amount}")
        for payment, amount in accepted.refunds.items()
        if made[payment] != amount
    ]


async def _replays(house: House, lives: list[Life], chance: random.Random) -> list[Finding]:
    """Invariant 10 over a sample; no task of those ever failed; and what they say."""
    sample = chance.sample(lives, min(REPLAYED, len(lives)))
    histories = [await house.client.get_workflow_handle(life.caller.id).fetch_history() for life in sample]

    async def each() -> AsyncIterator[WorkflowHistory]:
        for history in histories:
            yield history

    replayer = Replayer(workflows=[Invoice], plugins=[PLUGIN], workflow_runner=wiring.runner())
    failed = (await replayer.replay_workflows(each(), raise_on_replay_failure=False)).replay_failures
    whose = {history.run_id: history.workflow_id for history in histories}
    found = [Finding(10, whose[run], f"does not replay: {str(error)[:200]}") for run, error in failed.items()]
    for history in histories:
        found += [Finding(10, history.workflow_id, f"a task failed: {why}") for why in _failed(history)]
    for life in sample:
        found += await _says(house, life)
    return found


async def _says(house: House, life: Life) -> list[Finding]:
    """Invariant 9 to the cent: what a workflow that ended said last is what the books say."""
    if life.ended not in CLOSED:
        return []
    said = await house.client.get_workflow_handle(life.caller.id).result()
    books = await life.caller.status()
    for each in (said, books):
        each["flags"] = [flag for flag in each["flags"] if flag != OF_THE_CUSTOMER]
    return [
        Finding(9, life.caller.id, f"{name} is {said[name]} for the workflow and {books[name]} in the books")
        for name in TOLD
        if said[name] != books[name]
    ]


def _failed(history: WorkflowHistory) -> list[str]:
    return [
        event.workflow_task_failed_event_attributes.failure.message
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        and event.workflow_task_failed_event_attributes.cause not in CROSSED
    ]
