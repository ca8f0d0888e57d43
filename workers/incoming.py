"""Hands what came in to Temporal: a provider's event, a statement file, a customer who wants to pay. Each under a key
of its own, so that it may be told as often as one likes. It reads nothing of what it hands on and books nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import NotFound, Refused, Unavailable
from schemas.incoming import Checkout, EventHint, FileHint, event_workflow_id, file_workflow_id
from workers.connect import TASK_QUEUE

PATIENCE = timedelta(seconds=5)
"""How long whoever hands something in is kept waiting; after that the sender repeats it."""

CHECKOUT_SECONDS = 20
"""How long a customer waits for the page to pay on: the provider is asked meanwhile."""

TASK = timedelta(seconds=2)  # a worker that dies with a workflow task in hand is noticed this soon


async def event(client: Client, hint: EventHint) -> bool:
    """Starts `PaymentEvent`; False when this event was taken before. Unavailable within PATIENCE."""
    with _taken():
        try:
            await client.start_workflow(
                "PaymentEvent",
                hint,
                id=event_workflow_id(hint),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=f"{hint.provider} · {hint.type}",
                task_timeout=TASK,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return False
    return True


async def file(client: Client, hint: FileHint) -> bool:
    """Starts `BankFile`; False when a run is at the same file. One that has ended may run again, as after a wrong
    column map: the books know every file and every line, and book nothing twice. Unavailable within PATIENCE."""
    with _taken():
        try:
            await client.start_workflow(
                "BankFile",
                hint,
                id=file_workflow_id(hint),
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                static_summary=f"{hint.seller} · {hint.format}",
                task_timeout=TASK,
                rpc_timeout=PATIENCE,
            )
        except WorkflowAlreadyStartedError:
            return False
    return True


async def file_status(client: Client, workflow_id: str) -> dict[str, Any]:
    """How far a statement file is booked, also after its workflow has ended. Unavailable when no worker answers."""
    with _taken():
        try:
            answer: dict[str, Any] = await client.get_workflow_handle(workflow_id).query(
                "status", result_type=dict, rpc_timeout=PATIENCE
            )
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise Unavailable(f"the workflow does not answer: {' '.join(str(error).split())[:300]}") from None
    return answer


async def checkout(client: Client, workflow_id: str, everything: bool) -> Checkout:
    """Where the customer pays now, as the receivable's workflow says: minted or reused, never two at once. Refused when
    it has ended, NotFound when there is none, Unavailable when nobody answers."""
    handle = client.get_workflow_handle(workflow_id)
    with _taken():
        try:
            said = handle.execute_update("checkout", {"everything": everything}, result_type=Checkout)
            found: Checkout = await asyncio.wait_for(said, CHECKOUT_SECONDS)
        except WorkflowUpdateFailedError as error:
            raise Unavailable(f"no checkout: {' '.join(str(error.cause).split())[:300]}") from None
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            raise Unavailable("no worker answered in time") from None
    return found


@contextlib.contextmanager
def _taken() -> Iterator[None]:
    """The server's errors as ours, in one line."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and "namespace" not in error.message.lower():
            if "completed" in error.message:
                raise Refused("the workflow has ended") from None
            raise NotFound("the server knows no such workflow") from None
        raise Unavailable(f"no answer from the Temporal server: {' '.join(error.message.split())[:300]}") from None
