"""What a story is told with: `bill` starts the receivable, `clock` moves its time, `tell` gives a command, `refused`
gives one that must not be taken, `expect` says what must be true now.

Everything goes the way a customer's would: the start, Updates and the query of a real workflow. An expectation that
does not hold is a breach, and the story goes on; nothing is ever set right behind the workflow's back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time
from time import monotonic
from typing import Any

from temporalio.client import Client, WorkflowHandle

from adapters.books import views
from adapters.books.engine import read
from cli.stories.clock import Clock, net_days
from cli.stories.post import label
from cli.stories.stage import Stage
from domain import calendar
from domain.account import Place
from domain.errors import Refused, Unavailable
from domain.status import instant
from schemas import tables as t
from workers import client as receivables

QUIET_SECONDS = 60
POLL_SECONDS = 0.05
SELLERS_ZONE = "Europe/Berlin"  # of every seller in the seed


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened. `at` is virtual; `day` counts from the due date."""

    at: datetime
    day: str
    text: str
    state: str
    balance: str

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": instant(self.at)}


@dataclass
class Scene:
    """One story while it plays. `status` is what the workflow said last; `breaches` are sentences. `upstream` starts
    the receivable when the stage's own client does not."""

    stage: Stage
    title: str
    slug: str
    seller: str
    told: Callable[[Scene, str], None]  # hears of every turn and breach
    turns: list[Turn] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    customer: str = ""
    net: int = 0
    request: dict[str, Any] = field(default_factory=dict)
    whys: list[dict[str, Any]] = field(default_factory=list)
    run_id: str | None = None
    ended: bool = False
    upstream: Client | None = None
    _clock: Clock | None = None

    @property
    def id(self) -> str:
        return f"invoice-{self.seller}-{self.slug}-{self.stage.run}"

    @property
    def clock(self) -> Clock:
        if self._clock is None:
            raise ValueError("bill comes first")
        return self._clock

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.stage.client.get_workflow_handle(self.id)

    def link(self) -> str | None:
        """The receivable in the Web UI, on the tab that shows its details; None without a Web UI of ours."""
        ui, namespace = self.stage.server.ui_url, self.stage.client.namespace
        if ui is None or self.run_id is None:
            return None
        return f"{ui}/namespaces/{namespace}/workflows/{self.id}/{self.run_id}/user-metadata"

    async def bill(
        self, customer: str, lines: Mapping[str, str], *, net: int, created_by: str = "crm", policy: str | None = None
    ) -> None:
        """Starts the receivable: description -> net price of each line, due on a Monday at least `net` days ahead."""
        self.customer, self.net = customer, net
        place = await asyncio.to_thread(self._place)
        now = datetime.now(UTC)  # where every virtual clock begins
        self.request = {
            "seller": self.seller,
            "reference": f"{self.slug}-{self.stage.run}",
            "created_by": created_by,
            "customer": {"key": customer},
            "currency": "EUR",
            "terms": self._terms(now, place),
            "lines": [_line(description, price) for description, price in lines.items()],
            **({"policy": policy} if policy else {}),
        }
        await receivables.start(self.upstream or self.stage.client, self.stage.engine, self.request)
        self._clock = Clock(self.stage.skipper, self.handle, place, now)
        await self._turn(f"{created_by} bills {customer}")

    async def tell(self, command: str, by: str, **fields: Any) -> dict[str, Any]:
        """The Update's answer. A refusal is a breach."""
        try:
            answer = await self._command(command, by, fields)
        except Refused as refusal:
            self.breach(f"{command} by {by} is taken, but was refused: {refusal}")
            return {}
        pending = " (waits for approval)" if answer["result"] == "pending" else ""
        await self._turn(f"{by}: {_spoken(command, fields)}{pending}")
        return answer

    async def refused(self, command: str, by: str, because: str, **fields: Any) -> None:
        """The command is refused with a reason that contains `because`; that it is taken is a breach."""
        try:
            await self._command(command, by, fields)
        except Refused as refusal:
            if because not in str(refusal):
                self.breach(f"{command} by {by} is refused because of {because!r}, but the reason was: {refusal}")
            await self._turn(f"{by}: {command} refused: {refusal}")
        else:
            self.breach(f"{command} by {by} is refused because of {because!r}, but it was taken")
            await self._turn(f"{by}: {command}")

    async def pays(self, amount: str) -> None:
        """The customer's transfer arrives today and is booked by hand."""
        await self.clock.read()
        today = calendar.local_date(self.clock.now, SELLERS_ZONE)
        await self.tell(
            "pay",
            "ben",
            amount=amount,
            received_on=today.isoformat(),
            method="transfer",
            external_id=f"{self.slug}-{self.stage.run}-{len(self.turns)}",
        )

    async def amend(self, by: str, lines: Mapping[str, str]) -> None:
        """The same request with other lines."""
        lines_ = [_line(description, price) for description, price in lines.items()]
        terms = self._terms(await self.clock.read(), self.clock.place)
        self.request = {**self.request, "lines": lines_, "terms": terms}
        await self.tell("amend", by, request=self.request)

    def mail_server_down(self, first: str, start: time, last: str, end: time) -> None:
        """Nothing of this receivable can leave from the one day and hour until the other, the customer's."""
        self.stage.post.out_of_order(self.id, self.clock.at(first, start), self.clock.at(last, end))

    def day(self, day: str) -> str:
        """`D+9` as a date for a command."""
        return calendar.local_date(self.clock.at(day), self.clock.place.timezone).isoformat()

    async def to(self, day: str) -> None:
        """On to noon of a day such as `D+9`."""
        await self.clock.to(day)
        await self._turn(day)

    async def days(self, count: int) -> None:
        await self.clock.days(count)
        await self._turn(f"{count} days on")

    async def expect(self, *, received: Iterable[str] | None = None, why: Iterable[str] = (), **told: Any) -> None:
        """`received`: every mail the customer has, in order. `why`: reasons that must be on record, in order, such as
        `D+1 skipped collapsed`. The rest are fields of `status` with their exact values."""
        await self.settled()
        for name, wanted in told.items():
            if self.status.get(name) != wanted:
                self.breach(f"{name} is {wanted!r}, but it was {self.status.get(name)!r}")
        if received is not None:
            post = self.stage.post
            mails = [post.named(mail) for mail in post.received(self.id)]
            if mails != list(received):
                self.breach(f"the customer received {list(received)}, but it was {mails}")
        if why:
            reasons = [_said(each) for each in await self.reasons()]
            known = iter(reasons)
            for each in why:
                if each not in known:
                    self.breach(f"on record is {each!r}, but there was {reasons}")

    async def expect_mail(self, mail: str, *words: str) -> None:
        """The last mail of that name contains all these words."""
        found = [each for each in self.stage.post.received(self.id) if label(each) == mail]
        text = found[-1].text if found else ""
        for word in words:
            if word not in text:
                self.breach(f"mail {mail} says {word!r}, but it says {text!r}")

    async def reasons(self) -> list[dict[str, Any]]:
        """The why-records so far, in order."""
        self.whys = await asyncio.to_thread(views.reasons, self.stage.engine, self.id)
        return self.whys

    def check(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.breach(f"{sentence}, but it was not so")

    def breach(self, text: str) -> None:
        when = f"{self.turns[-1].day}, {self.turns[-1].at:%Y-%m-%d}" if self.turns else "start"
        self.breaches.append(f"{when}: {text}")
        self.told(self, f"BREACH {text}")

    async def settled(self) -> dict[str, Any]:
        """`status` once the workflow rests: no step is under way, and it waits for a time, a person or nothing more."""
        deadline = monotonic() + QUIET_SECONDS
        while True:
            at_work = (await self.handle.describe()).raw_description
            self.status = await self.handle.query("status", result_type=dict)
            drafted = self.status["state"] != "invalid" or self.status["problems"]
            idle = not at_work.pending_activities and not at_work.HasField("pending_workflow_task")
            if idle and drafted and self.status["waits_for"] is not None:
                return self.status
            if monotonic() > deadline:
                raise Unavailable(f"the workflow does not rest within {QUIET_SECONDS} s: {self.status.get('next')}")
            await asyncio.sleep(POLL_SECONDS)

    async def _command(self, command: str, by: str, fields: dict[str, Any]) -> dict[str, Any]:
        return await receivables.send_command(
            self.stage.client, self.stage.engine, self.id, command, {"by": by, **fields}
        )

    async def _turn(self, text: str) -> None:
        await self.settled()
        now = await self.clock.read()
        if self.clock.due_on is None and self.status.get("dues"):
            self.clock.due_on = date.fromisoformat(self.status["dues"][0]["due_on"])
        day = f"D{(self.clock.today - self.clock.due_on).days:+d}" if self.clock.due_on else "D?"
        self.turns.append(Turn(now, day, text, self.status["state"], self.status["balance"] or ""))
        self.told(self, text)

    def _terms(self, now: datetime, place: Place) -> str:
        return f"net {net_days(calendar.local_date(now, SELLERS_ZONE), self.net, place)}"

    def _place(self) -> Place:
        with read(self.stage.engine) as session:
            row = session.get_one(t.Customer, (self.seller, self.customer))
            return Place(timezone=row.timezone, country=row.country, region=row.region)


def _line(description: str, price: str) -> dict[str, str]:
    return {"description": description, "quantity": "1", "unit_price": price}


def _spoken(command: str, fields: Mapping[str, Any]) -> str:
    told = [str(fields[name]) for name in ("amount", "date", "outcome", "subject", "reason", "text") if name in fields]
    return " ".join([command.replace("_", " "), *told])


def _said(why: Mapping[str, Any]) -> str:
    """A why-record as stories write it: `D+1 skipped collapsed`."""
    return f"{why['rung'] or why['kind']} {why['verdict']} {why['code']}"
