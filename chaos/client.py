"""A client as a real one is: it repeats what was not answered, asks what became of it, and writes down what was
accepted. Believes nothing that it was not told."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.service import RPCError

from chaos.house import House
from chaos.watch import Seen, Watch
from domain.errors import DuelyError, Refused
from workers import client as doors
from workers import incoming

PATIENCE = 1200.0
"""Seconds without a fault after which what should have happened counts as never: longer than any lease or gap."""
LOOK, LONGEST = 4.0, 30.0
"""Seconds between attempts: they grow, so that nobody piles up calls before a server that is busy."""


class Lost(Exception):
    """Something accepted did not happen (invariant 1)."""


@dataclass
class Accepted:
    """What somebody was told is taken. None of it may be missing in the end."""

    started: set[str] = field(default_factory=set)
    commands: Counter[tuple[str, str]] = field(default_factory=Counter)
    payments: dict[str, str] = field(default_factory=dict)
    """By external id: whose."""
    cards: dict[str, str] = field(default_factory=dict)
    """By payment of the provider: whose."""
    refunds: dict[str, int] = field(default_factory=dict)
    """By payment of the provider: how much goes back, once."""


class Caller:
    """About one receivable."""

    def __init__(self, house: House, watch: Watch, accepted: Accepted, id_: str, chance: random.Random) -> None:
        self.house, self.watch, self.accepted, self.id, self.chance = house, watch, accepted, id_, chance
        self.last = "nobody answered"
        self.answers: Counter[str] = Counter()

    async def start(self, body: dict[str, Any], virtual: bool) -> None:
        client = self.house.skipper.client if virtual else self.house.client

        async def ask() -> None:
            await doors.start(client, self.house.engine, body)
            self.accepted.started.add(self.id)

        await self.until(lambda: self.id in self.accepted.started, ask)
        if self.chance.random() < 0.1:  # upstream forgot that it had been answered
            await self.attempt(ask)

    async def reach(self, holds: Callable[[Seen], bool], act: Callable[[], Awaitable[None]] | None = None) -> None:
        """Acts, and again while the books do not show what was wanted. Lost when they never do."""
        began, pause = time.monotonic(), LOOK
        while not holds(self.watch.of(self.id)):
            if self.waited_out(began):
                raise Lost(f"{self.id} stays {self.watch.of(self.id)}; last answer: {self.last}")
            if act is not None:
                await self.attempt(act)
            await self.watch.within(self.id, holds, pause)
            pause = min(LONGEST, pause * 1.5)

    async def state(self, wanted: str, act: Callable[[], Awaitable[None]] | None = None) -> None:
        await self.reach(lambda seen: seen.state == wanted, act)

    async def until(self, done: Callable[[], bool], act: Callable[[], Awaitable[None]]) -> None:
        """Acts until `done`, whatever the books show."""
        began, pause = time.monotonic(), 0.5
        while not done():
            if self.waited_out(began):
                raise Lost(f"{self.id}: {self.last}")
            await self.attempt(act)
            if not done():
                await asyncio.sleep(pause * self.chance.uniform(0.5, 1.5))
                pause = min(LONGEST, pause * 2)

    def waited_out(self, began: float) -> bool:
        return time.monotonic() - max(began, self.house.struck) > PATIENCE

    async def attempt(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except (DuelyError, RPCError, TimeoutError, RuntimeError) as error:
            self.last = " ".join(str(error).split())[:200] or type(error).__name__

    async def tell(self, name: str, by: str, **fields: Any) -> dict[str, Any]:
        """One command, answered; raises what the doors raise. Repeated under the same key until there is an answer."""
        house, body = self.house, {"by": by, **fields}
        try:
            answer = await doors.send_command(house.client, house.engine, self.id, name, body, str(self.answers[name]))
        except Refused:
            self.answers[name] += 1
            raise
        self.answers[name] += 1
        self.accepted.commands[(self.id, name)] += 1
        return answer

    async def signal(self, name: str, by: str, **fields: Any) -> None:
        await self.house.client.get_workflow_handle(self.id).signal(
            name, {"by": by, **fields}, rpc_timeout=timedelta(seconds=10)
        )

    async def status(self) -> dict[str, Any]:
        """From the books."""
        return await doors.status_of(None, self.house.engine, self.id)

    async def approve_all(self) -> None:
        """Whatever waits for the CFO."""
        for pending in (await self.status())["pending"]:
            await self.tell("approve", "cho", subject=pending["subject"])

    async def pay(self, amount: int, part: str, by_signal: bool = False) -> None:
        """Under one external id however often it is told. By hand, so that the answer says it is booked."""
        external = f"{self.id}/{part}"
        body = {
            "amount": f"{amount // 100}.{amount % 100:02d}",
            "received_on": datetime.now(UTC).date().isoformat(),
            "method": "transfer",
            "external_id": external,
        }
        if by_signal:
            await self.signal("pay", "ben", **body)
        else:
            await self.tell("pay", "ben", **body)
        self.accepted.payments[external] = self.id

    async def page(self) -> str | None:
        """The provider's session that is open for it now; None when there is nothing to pay on."""
        found = await incoming.checkout(self.house.client, self.id, everything=True)
        return found.url.rpartition("/")[2] if found.state == "open" else None
