"""Whole lives against the engine's floor: an invoice is drafted, approved by a person, issued, sent, waited for and
paid, in worker and server processes, beside a do-nothing workflow with as many events. Both are driven by the same
calls of this process, whose own processor time counts for neither."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench import floor
from bench.house import CUSTOMERS, Place, Process, cpu_of
from bench.timing import Spent
from domain.errors import Unavailable
from workers.connect import TASK_QUEUE

SMALL, LARGE = "100.00", "1000.00"
"""Net prices: nobody has to approve the one, one person the other."""
Body = Callable[[str, str], dict[str, Any]]
"""The request for a reference and a price."""
LOOKED_AT = 8
IN_FLIGHT = 40
"""Calls of this process under way at once."""
SETTLED = 0.05
"""Seconds between two looks at how many have come to a state."""


@dataclass
class Load:
    """Lives of one kind at one place. `workflow`: Invoice, or the floor's."""

    place: Place
    worker: Process
    server: int
    workflow: str
    started: int = 0
    handles: dict[str, Any] = field(default_factory=dict)

    @property
    def client(self) -> Client:
        return self.place.client


@dataclass(frozen=True)
class Lived:
    """`count` lives: seconds until collecting and in all, processor seconds, and where the worker's went."""

    count: int
    opened: float
    wall: float
    worker: float
    server: float
    spent: Spent

    @property
    def rate(self) -> float:
        return self.count / self.wall

    @property
    def worker_ms(self) -> float:
        return self.worker / self.count * 1000

    @property
    def server_ms(self) -> float:
        return self.server / self.count * 1000


async def live(load: Load, count: int) -> Lived:
    """The stages one after the other for all of them, so that every life has the same events."""
    before, worker, server = await load.worker.spent(), load.worker.cpu(), cpu_of(load.server)
    began = time.perf_counter()
    ids = await start(load, count, price=LARGE)
    await come(load, "awaiting_approval", count)
    await pooled(lambda id_: load.handles[id_].execute_update("approve", {"by": "ana"}), ids)
    await come(load, "collecting", count)
    opened = time.perf_counter() - began
    await pooled(lambda id_: load.handles[id_].execute_update("pay", payment(id_, "1190.00")), ids)
    await pooled(lambda id_: load.handles[id_].result(), ids)
    wall = time.perf_counter() - began
    worker, server = load.worker.cpu() - worker, cpu_of(load.server) - server
    after = await load.worker.spent()
    return Lived(count, opened, wall, worker, server, difference(after, before))


async def primed(load: Load) -> None:
    """A first invoice to each customer, which a person approves whatever its amount: later ones need nobody."""
    ids = await start(load, CUSTOMERS, SMALL)
    await come(load, "awaiting_approval", CUSTOMERS)
    await pooled(lambda id_: load.handles[id_].execute_update("approve", {"by": "ana"}), ids)
    await come(load, "collecting", CUSTOMERS)


async def start(load: Load, count: int, price: str, body: Body | None = None) -> list[str]:
    """Their workflow ids."""
    first, load.started = load.started, load.started + count
    references = [f"B{number:06d}" for number in range(first, first + count)]

    async def begin(reference: str) -> str:
        said = (body or request)(reference, price)
        id_ = f"invoice-{said['seller']}-{reference}"
        load.handles[id_] = await load.client.start_workflow(
            load.workflow, said if load.workflow != floor.NAME else None, id=id_, task_queue=TASK_QUEUE
        )
        return id_

    return await pooled(begin, references)


def request(reference: str, price: str) -> dict[str, Any]:
    """One line at 19 % for an order of its own, so that no two look like one billed twice."""
    tax = {"category": "S", "rate": "19"}
    line = {"description": f"Order {reference}", "quantity": "1", "unit_price": price, "tax": tax}
    return {
        "seller": "demo", "reference": reference, "created_by": "crm", "customer": customer_of(reference),
        "currency": "EUR", "purchase_order": reference, "lines": [line],
    }  # fmt: skip


def customer_of(reference: str, of: int = CUSTOMERS) -> str:
    return f"c{int(reference[-3:]) % of:03d}"


def payment(id_: str, amount: str) -> dict[str, Any]:
    today = datetime.now(UTC).date().isoformat()
    return {"by": "ben", "amount": amount, "received_on": today, "method": "transfer", "external_id": f"P-{id_}"}


async def come(load: Load, state: str, count: int) -> None:
    """Until so many are in that state, as the server's visibility says. Unavailable when they never are."""
    began = time.monotonic()
    while (there := await counted(load.client, load.workflow, state)) < count:
        if time.monotonic() - began > patience(count):
            raise Unavailable(f"{load.place.name}: only {there} of {count} are {state} after {patience(count):.0f} s")
        await asyncio.sleep(SETTLED)


def patience(count: int) -> float:
    """Seconds after which so many are no longer late but lost."""
    return 300 + count


async def counted(client: Client, workflow: str, state: str) -> int:
    query = f'WorkflowType="{workflow}" AND InvoiceState="{state}" AND ExecutionStatus="Running"'
    return (await client.count_workflows(query)).count


async def pooled(work: Callable[[str], Awaitable[Any]], items: Iterable[str], at_once: int = IN_FLIGHT) -> list[Any]:
    """The answers in order; never more than `at_once` under way."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: str) -> Any:
        async with gate:
            return await work(item)

    return list(await asyncio.gather(*(one(item) for item in items)))


async def events(load: Load) -> Counter[str]:
    """How many events of each kind the shortest of the last histories has: on a busy machine a workflow task may time
    out and be done again."""
    return min([await _events(load.handles[id_]) for id_ in list(load.handles)[-LOOKED_AT:]], key=Counter.total)


async def _events(handle: WorkflowHandle[Any, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    async for event in handle.fetch_history_events():
        found[EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")] += 1
    return found


def difference(after: Spent, before: Spent) -> Spent:
    none = [0.0, 0.0, 0.0]
    return {
        name: [a - b for a, b in zip(values, before.get(name, none), strict=True)] for name, values in after.items()
    }
