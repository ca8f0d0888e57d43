"""All running receivables at once: whether they agree with the books (invariant 9), and telling them to look.

Listing lags behind the server by moments, so every disagreement is asked again of the workflow itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from sqlalchemy import Engine
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from adapters.books import views
from domain.account import CLOSED
from domain.errors import Unavailable
from workflows.attributes import STATE

RUNNING = 'WorkflowType = "Invoice" AND ExecutionStatus = "Running"'
AT_ONCE = 32


async def disagreements(client: Client, engine: Engine) -> AsyncIterator[tuple[str, str]]:
    """(workflow id, what is wrong) for each receivable that lives in one place and has ended in the other. Meant for
    quiet books: an invoice that is closing at this moment may be named."""
    running = {each async for each in _running(client)}
    booked: set[str] = set()
    for id_, phase, _ in await asyncio.to_thread(lambda: list(views.phases(engine))):
        booked.add(id_)
        if (phase in CLOSED) != (id_ in running):
            continue
        if phase in CLOSED and await _runs(client, id_):
            yield id_, f"is {phase} in the books, its workflow still runs"
        elif phase not in CLOSED and not await _runs(client, id_):
            yield id_, f"is {phase} in the books, no workflow runs for it"
    for id_ in sorted(running - booked):
        state = await _state(client, id_)
        if state not in (None, "invalid"):
            yield id_, f"runs in state {state}, the books do not hold it"


async def tell_all(client: Client) -> int:
    """Has every running receivable read the books again; answers how many were told."""

    async def tell(id_: str) -> None:
        try:
            await client.get_workflow_handle(id_).signal("books_changed")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended meanwhile
                raise Unavailable(f"the Temporal server does not answer: {error.message}") from None

    told = 0
    batch: list[str] = []
    async for id_ in _running(client):
        batch.append(id_)
        told += 1
        if len(batch) == AT_ONCE:
            await asyncio.gather(*map(tell, batch))
            batch.clear()
    await asyncio.gather(*map(tell, batch))
    return told


async def _running(client: Client) -> AsyncIterator[str]:
    try:
        async for each in client.list_workflows(RUNNING, page_size=1000):
            yield each.id
    except RPCError as error:
        raise Unavailable(f"the Temporal server does not answer: {error.message}") from None


async def _runs(client: Client, id_: str) -> bool:
    try:
        described = await client.get_workflow_handle(id_).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise Unavailable(f"the Temporal server does not answer: {error.message}") from None
    return described.status is WorkflowExecutionStatus.RUNNING


async def _state(client: Client, id_: str) -> str | None:
    """The state a running workflow shows; None when it has ended meanwhile or shows none yet."""
    try:
        described = await client.get_workflow_handle(id_).describe()
    except RPCError:
        return None
    if described.status is not WorkflowExecutionStatus.RUNNING:
        return None
    return described.typed_search_attributes.get(STATE)
