"""`kill -9`, one worker of three at a time: at labelled moments of its own, and at random ones from outside. Measures
how long what it had in hand waits for another."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.service import RPCError

from chaos.house import House, Slot
from rig.crashes import POINTS

PATIENCE = 5.0
"""Seconds that a worker is given to come to its moment; then it is killed wherever it is."""
LABELLED = 0.6
MEASURED = 0.35
GIVEN_UP = 120.0
OFTEN = 4
RARE = ("given-back", "parked", "page-opened", "payment-read", "payment-booked", "refund-claimed", "refund-called",
        "refund-confirmed", "told")  # fmt: skip
"""Moments that few invoices come by: a worker that waits for one is mostly killed at random in the end."""
POLL_SECONDS = 0.1
RANDOM = "at random"


@dataclass
class Killer:
    """`may` says how many kills there may have been by now; `calm` whether no other fault strikes: only then is
    recovery measured. `labels`: the crash points that the run's settings can reach."""

    house: House
    total: int
    may: Callable[[], float]
    calm: Callable[[], bool]
    chance: random.Random
    labels: list[str]
    in_hand: Callable[[], list[str]]
    old: Path | None = None
    done: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    old_killed: int = 0
    fell: int = 0
    recovered: list[float] = field(default_factory=list)
    old_wanted: int = 0
    _measuring: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def kills(self) -> int:
        return sum(self.done.values())

    async def run(self) -> None:
        newest, label = self.house.slots[0], ""
        while self.kills < self.total:
            await self._turn()
            await self._supervise(newest if label else None)
            victim = newest if label else self.chance.choice(self.house.slots)
            died = bool(label) and await self._at_its_moment(victim)
            self.missed += bool(label) and not died
            pid = victim.worker.pid
            await victim.kill()
            self.house.strike()
            self._count(victim, label.partition(":")[0] if died else RANDOM)
            if self.calm() and self.chance.random() < MEASURED:
                task = asyncio.create_task(self._recovery(pid, time.monotonic()))
                self._measuring.add(task)
                task.add_done_callback(self._measuring.discard)
            newest, label = victim, self._next()
            await self._again(victim, label)
        await asyncio.gather(*self._measuring)

    def _count(self, victim: Slot, label: str) -> None:
        self.done[label] += 1
        self.old_killed += victim.old

    def _next(self) -> str:
        """With which crash point the next worker is born; none for one that is killed from outside."""
        if self.kills >= self.total or self.chance.random() > LABELLED:
            return ""
        weights = [1 if label in RARE else OFTEN for label in self.labels]
        return f"{self.chance.choices(self.labels, weights)[0]}:{self.chance.randint(1, 2)}"

    async def _again(self, slot: Slot, label: str) -> None:
        root = None
        if self.old is not None and self.old_wanted and not label:
            root, self.old_wanted = self.old, self.old_wanted - 1
        await slot.start(label, root)

    async def _supervise(self, but: Slot | None) -> None:
        """A worker that ends by itself, since its server was away, is started again."""
        for slot in self.house.slots:
            if slot is not but and await slot.died():
                self.fell += 1
                await slot.start()

    async def _turn(self) -> None:
        while self.kills >= self.may():
            await asyncio.sleep(POLL_SECONDS)
        await asyncio.sleep(self.chance.uniform(0, 0.6))

    async def _at_its_moment(self, slot: Slot) -> bool:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if await slot.died():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def _recovery(self, pid: int, killed: float) -> None:
        """Until all that the dead worker had in hand has been taken up by another. A measurement that another fault
        disturbs counts for nothing."""
        try:
            waiting = {id_: held for id_ in self.in_hand() if (held := await self._held(id_, pid, begun=True))}
            while waiting:
                await asyncio.sleep(POLL_SECONDS)
                for id_, held in list(waiting.items()):
                    if not held & await self._held(id_, pid):
                        del waiting[id_]
                if not self.calm():
                    return
                if time.monotonic() - killed > GIVEN_UP:
                    break
        except RPCError:
            return
        self.recovered.append(time.monotonic() - killed)

    async def _held(self, id_: str, pid: int, begun: bool = False) -> set[str]:
        """The steps that this worker was the last to begin. `begun`: without those that it had ended: they wait for a
        mail server or a payment provider, not for another worker."""
        described = (await self.house.client.get_workflow_handle(id_).describe()).raw_description
        return {
            pending.activity_id
            for pending in described.pending_activities
            if pending.last_worker_identity.startswith(f"{pid}@")
            and not (begun and pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED)
        }


def labels(mail: str) -> list[str]:
    """Those that a run with that mail adapter comes by."""
    other = {"smtp": ("mailing", "mailed"), "outbox": ("smtp-mailing", "smtp-mailed")}[mail]
    return [label for label in POINTS if label not in other and not label.startswith("statement")]
