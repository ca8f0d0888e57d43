"""What others do to a fleet: systems that ask for invoices, through Temporal or the gateway, people who approve,
payments that come. It waits until the books say that it is done, and measures nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.sql.elements import TextClause
from temporalio.client import WorkflowHandle

from bench.fleet import Place
from workers.connect import TASK_QUEUE

IN_FLIGHT = 40
CALLERS = 32
LOOK = 0.05
PATIENCE = 300
SENT = text("SELECT count(*) FROM effects WHERE kind = 'invoice' AND state = 'confirmed'")
OPEN = text("SELECT count(*) FROM invoices WHERE phase = 'open'")
REMINDED = text("SELECT count(*) FROM effects WHERE kind = 'reminder' AND state = 'confirmed'")
PLACE = {"street": "Ring 1", "postcode": "10115", "city": "Berlin", "country": "DE"}
HOME = {"country": "DE", "language": "de", "timezone": "Europe/Berlin", "address": PLACE}


def request(seller: str, reference: str) -> dict[str, Any]:
    """1,190.00 gross, which one person approves."""
    tax = {"category": "S", "rate": "19"}
    line = {"description": "Consulting", "quantity": "1", "unit_price": "1000.00", "tax": tax}
    return _owed(seller, reference) | {"lines": [line]}


def overdue(seller: str, reference: str) -> dict[str, Any]:
    """One of an earlier ledger, overdue since yesterday."""
    today = datetime.now(UTC).date()
    issued, due = (f"{today - timedelta(days=days):%Y-%m-%d}" for days in (31, 1))
    adopted = {"number": reference, "issued_on": issued, "due_on": due, "total": "1190.00"}
    return _owed(seller, reference) | {"adopt": adopted}


def _owed(seller: str, reference: str) -> dict[str, Any]:
    """By somebody who owes nothing else."""
    customer = HOME | {"name": f"Customer {reference}", "email": f"{reference.lower()}@ap.example"}
    return {"seller": seller, "reference": reference, "created_by": "crm", "currency": "EUR", "customer": customer}


def named(here: Place, sellers: int, count: int, prefix: str) -> list[tuple[str, str]]:
    """(seller, reference) in turn."""
    return [(here.sellers[number % sellers], f"{prefix}{number:06d}") for number in range(count)]


async def issue(here: Place, who: Sequence[tuple[str, str]]) -> None:
    """Asks for them and approves them, until all are sent: drafted, issued, rendered."""
    before = await _counted(here, SENT)

    async def one(seller: str, reference: str) -> None:
        handle = await _start(here, request(seller, reference))
        await handle.execute_update("approve", {"by": "ana"})

    await pooled(one, who, IN_FLIGHT)
    await come(here, SENT, before + len(who))


async def adopt(here: Place, who: Sequence[tuple[str, str]]) -> None:
    """Takes them over as overdue."""
    before = await _counted(here, OPEN)

    async def one(seller: str, reference: str) -> None:
        await _start(here, overdue(seller, reference))

    await pooled(one, who, IN_FLIGHT)
    await come(here, OPEN, before + len(who))


async def _start(here: Place, body: dict[str, Any]) -> WorkflowHandle[Any, Any]:
    id_ = f"invoice-{body['seller']}-{body['reference']}"
    return await here.client.start_workflow("Invoice", body, id=id_, task_queue=TASK_QUEUE)


async def pay(here: Place, who: Sequence[tuple[str, str]]) -> None:
    day = datetime.now(UTC).date().isoformat()

    async def one(seller: str, reference: str) -> None:
        handle = here.client.get_workflow_handle(f"invoice-{seller}-{reference}")
        payment = {"by": "ben", "amount": "1190.00", "received_on": day, "method": "transfer"}
        await handle.execute_update("pay", payment | {"external_id": f"P-{seller}-{reference}"})
        await handle.result()

    await pooled(one, who, IN_FLIGHT)


async def post(ports: Sequence[int], key: str, who: Sequence[tuple[str, str]]) -> None:
    """The same requests over HTTP, to the gateways in turn."""
    limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
    bases = itertools.cycle(f"http://127.0.0.1:{port}" for port in ports)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60) as http:

        async def one(seller: str, reference: str) -> None:
            answer = await http.post(f"{next(bases)}/v1/invoices", json=request(seller, reference))
            assert answer.status_code == 202, answer.text

        await pooled(one, who, CALLERS)


async def come(here: Place, what: TextClause, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await _counted(here, what) < count:  # noqa: ASYNC110 other processes do it
            await asyncio.sleep(LOOK)


async def pooled(act: Callable[[str, str], Awaitable[None]], who: Sequence[tuple[str, str]], at_once: int) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(seller: str, reference: str) -> None:
        async with gate:
            await act(seller, reference)

    await asyncio.gather(*(one(*each) for each in who))


async def _counted(here: Place, what: TextClause) -> int:
    def ask() -> int:
        with here.engine.connect() as connection:
            return int(connection.execute(what).scalar_one())

    return await asyncio.to_thread(ask)
