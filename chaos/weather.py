"""All faults but kills: servers that restart, networks that break, providers that fail, dawdle and lie, and workers of
yesterday's code. One spell at a time, in an order of the seed's, spread over the whole run."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chaos.house import House
from chaos.killing import Killer
from chaos.post import Post
from domain.errors import Unavailable

POLL_SECONDS = 0.2
CUT_SECONDS = (2, 8)
"""Longer than a heartbeat's patience at times: the attempt lives on while another worker begins the next."""
SPELL_SECONDS = (1, 4)
SHARES = {
    "Temporal server restarted": 1.0,
    "database restarted": 0.25,
    "worker's network cut": 1.0,
    "worker's network silent": 0.5,
    "gateway killed": 0.5,
    "mail server away": 0.5,
    "mail server slow": 0.5,
    "mail server busy": 0.5,
    "mail server takes and never answers": 0.25,
    "payment provider down": 0.5,
    "payment provider slow": 0.5,
    "payment provider loses its answers": 0.5,
    "payment provider keeps a failure": 0.25,
    "webhooks doubled, shuffled, forged": 0.5,
    "worker of older code": 0.5,
}
"""How often, for each restart of the server."""
MAIL = tuple(name for name in SHARES if name.startswith("mail server"))
EARLY = 0.6
"""The part of a run in which the mail server misbehaves: a letter that it turns away comes again after 15 minutes."""


@dataclass
class Weather:
    """`progress`: between 0 and 1, of the run."""

    house: House
    killer: Killer
    restarts: int
    chance: random.Random
    progress: Callable[[], float]
    not_injected: dict[str, str]
    """Why, for those that cannot be here."""
    done: Counter[str] = field(default_factory=Counter)
    raging: str = ""

    @property
    def post(self) -> Post:
        assert isinstance(self.house.post, Post), "a folder does not misbehave"
        return self.house.post

    @property
    def calm(self) -> bool:
        return not self.raging

    def deck(self) -> list[str]:
        found = [
            name for name, share in SHARES.items() if name not in self.not_injected
            for _ in range(max(1, round(self.restarts * share)))
        ]  # fmt: skip
        return sorted(found, key=lambda name: self.chance.random() * (EARLY if name in MAIL else 1))

    async def run(self) -> None:
        deck = self.deck()
        for place, name in enumerate(deck):
            while self.progress() < 0.95 * place / len(deck):
                await asyncio.sleep(POLL_SECONDS)
            with self._rages(name):
                await SPELLS[name](self)

    @contextmanager
    def _rages(self, name: str) -> Iterator[None]:
        self.raging = name
        try:
            yield
        finally:
            self.raging = ""
            self.house.strike()
        self.done[name] += 1

    async def last(self, seconds: tuple[float, float] = SPELL_SECONDS) -> None:
        await asyncio.sleep(self.chance.uniform(*seconds))

    async def restart_server(self) -> None:
        self.house.server.kill()
        await self.last((0, 2))
        await self.house.server.start()

    async def restart_database(self) -> None:
        """The books', and on `postgres` Temporal's too: one server."""
        self.house.postgres.kill()
        await self.last((0, 2))
        await asyncio.to_thread(self.house.postgres.start)

    async def cut(self) -> None:
        network = self.chance.choice(self.house.slots).network
        await network.gone()
        await self.last(CUT_SECONDS)
        await network.back()

    async def silence(self) -> None:
        network = self.chance.choice(self.house.slots).network
        network.silent()
        await self.last(CUT_SECONDS)
        await network.back()

    async def kill_gateway(self) -> None:
        await asyncio.to_thread(self.house.gateway.kill)
        await self.last((0, 1))
        self.house.gateway.start()

    async def mail_away(self) -> None:
        await asyncio.to_thread(self.post.stop)
        await self.last()
        await asyncio.to_thread(self.post.start)

    async def mail_slow(self) -> None:
        self.post.slow = 1.5
        await self.last()
        self.post.slow = 0

    async def mail_busy(self) -> None:
        self.post.recipients.extend(["451 4.3.0 try again later"] * 5)
        await self.last()
        self.post.recipients.clear()

    async def mail_lies(self) -> None:
        self.post.hangs_up = True
        await asyncio.sleep(0.5)
        self.post.hangs_up = False

    async def provider_down(self) -> None:
        self.house.stripe.faults.down()
        await self.last()
        self.house.stripe.faults.up()

    async def provider_slow(self) -> None:
        self.house.stripe.faults.latency = 1.0
        await self.last()
        self.house.stripe.faults.latency = 0

    async def provider_loses(self) -> None:
        self.house.stripe.faults.fail_after(2, self.chance.choice(["drop", "500"]))
        await self.last()

    async def provider_keeps(self) -> None:
        self.house.stripe.faults.fail_next(1, kept=True)
        await self.last()

    async def webhooks(self) -> None:
        """What was told in the last seconds is told again, twice, in any order; and somebody forges one."""
        hooks = self.house.stripe.webhooks
        told = [delivery.event for delivery in hooks.deliveries[-10:]] * 2
        self.chance.shuffle(told)
        for event in told:
            if event in self.house.stripe.state.tables["event"]:
                await asyncio.to_thread(hooks.deliver_event, event)
        forged = await asyncio.to_thread(hooks.forged)
        if 200 <= forged.status < 300:
            raise Unavailable("the gateway took a forged webhook")

    async def older(self) -> None:
        """Who is killed next from outside is followed by a worker of the older code, until its own turn comes."""
        self.killer.old_wanted += 1


async def deliver_again(house: House) -> None:
    """Stripe repeats what was not taken, for days; here every second. A gateway that fell is started again."""
    while True:
        if not await asyncio.to_thread(lambda: house.gateway.alive):
            house.gateway.start()
        with house.stripe.state.lock:
            waiting = sorted(house.stripe.state.undelivered)
        for event in waiting:
            await asyncio.to_thread(house.stripe.webhooks.deliver_event, event)
        await asyncio.sleep(1)


Spell = Callable[[Weather], Awaitable[None]]
SPELLS: dict[str, Spell] = {
    "Temporal server restarted": Weather.restart_server,
    "database restarted": Weather.restart_database,
    "worker's network cut": Weather.cut,
    "worker's network silent": Weather.silence,
    "gateway killed": Weather.kill_gateway,
    "mail server away": Weather.mail_away,
    "mail server slow": Weather.mail_slow,
    "mail server busy": Weather.mail_busy,
    "mail server takes and never answers": Weather.mail_lies,
    "payment provider down": Weather.provider_down,
    "payment provider slow": Weather.provider_slow,
    "payment provider loses its answers": Weather.provider_loses,
    "payment provider keeps a failure": Weather.provider_keeps,
    "webhooks doubled, shuffled, forged": Weather.webhooks,
    "worker of older code": Weather.older,
}
