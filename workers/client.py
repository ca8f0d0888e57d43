"""Talks to receivables for the command line, the gateway and other programs: start once, command, ask, tell, reopen.

The database has the first word on a reference, the server the second. It decides nothing about a receivable and never
waits for ever: a server that does not answer is `Unavailable`, in one line.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from adapters.books import intake, views
from adapters.books.books import Books
from domain import keys, lifecycle
from domain.account import Account
from domain.errors import DuelyError, Invalid, NotFound, Refused, Unavailable
from domain.status import status
from schemas.commands import EXAMPLES
from schemas.request import Request, canonical_hash, parse_request
from settings import Settings
from workers.codec import plugin_of
from workers.connect import LOOPBACK, TASK_QUEUE, connect, external_address

WORKFLOW = "Invoice"
REOPEN = {"reopen": True}
ON_CLOSED = frozenset({"credit", "refund", "note", "pay"})
KNOCK_SECONDS = 2
ANSWER_SECONDS = 30
QUERY = timedelta(seconds=5)
RPC = timedelta(seconds=10)
TASK = timedelta(seconds=2)  # a worker that dies with a workflow task in hand is noticed this soon


@dataclass(frozen=True, slots=True)
class Started:
    """`created`: this call was the first to bring the reference."""

    workflow_id: str
    created: bool


async def address(port: int) -> str:
    """The server of `TEMPORAL_*`, else the one that listens on this host's `port`. Unavailable when nobody does."""
    named = external_address()
    if named is not None:
        return named
    if not await listens(port):
        raise Unavailable(f"no Temporal server answers at {LOOPBACK}:{port}: run `duely up`, or set TEMPORAL_ADDRESS")
    return f"{LOOPBACK}:{port}"


async def open_client(settings: Settings) -> Client:
    """A client of that server, with the converters and the keys that workflow and worker use."""
    return await connect(await address(settings.temporal_port), [plugin_of(settings)])


async def listens(port: int) -> bool:
    """Knocks: the SDK would retry a closed port on its own schedule, for seconds."""
    with contextlib.suppress(OSError, TimeoutError):
        _, writer = await asyncio.wait_for(asyncio.open_connection(LOOPBACK, port), KNOCK_SECONDS)
        writer.close()
        return True
    return False


async def start(client: Client, engine: Engine, body: Any, now: datetime | None = None) -> Started:
    """Starts the receivable that `body` asks for, or finds it. Safe to repeat, also after a crash between database and
    server. Invalid for a malformed body, NotFound for an unknown seller, Conflict for other content under a reference
    in use, Unavailable while a run that will not make this content has yet to end. `now` only dates the intake."""
    request = parse_request(body)
    id_ = keys.workflow_id(request.seller, request.reference)
    claim = partial(intake.claim, engine, request, now or datetime.now(UTC))
    known = await asyncio.to_thread(claim)
    if known.closed:
        return Started(id_, created=False)
    with _reached():
        try:
            await _run(client, id_, body, known.owned)
        except WorkflowAlreadyStartedError:
            # Owned: the run has ended, and the books keep what became of it. Else it may have been drafted since.
            taken = known.owned or await _takes(client, id_, request, known)
            if not taken and not (await asyncio.to_thread(claim)).owned:
                raise Unavailable(f"another run of {id_} has not ended yet: repeat, or see what it waits for") from None
    return Started(id_, created=known.new)


async def _takes(client: Client, id_: str, request: Request, known: intake.Known) -> bool:
    """Whether the run that is there is about this very content. One that was cancelled runs on for a while, and whoever
    is new to a reference is not the one whose unreadable request waits under it."""
    content = canonical_hash(request)
    try:
        said = await _asked(client.get_workflow_handle(id_))
    except Unavailable:
        if known.new or known.freed:
            raise
        return await _started_with(client, id_) == content  # no worker tells more
    waits = ("draft",) if known.new else ("draft", "invalid")
    return said["state"] in waits and bool(said["request_hash"] == content)


async def _started_with(client: Client, id_: str) -> str | None:
    """The hash of the content that a run was started with; None when it cannot be read."""
    with _reached(id_):
        first = await anext(client.get_workflow_handle(id_).fetch_history_events(page_size=1))
    sent = first.workflow_execution_started_event_attributes.input.payloads
    try:
        (body,) = await client.data_converter.decode(sent)
        return canonical_hash(parse_request(body))
    except (Invalid, ValueError):
        return None


async def reopen(client: Client, workflow_id: str, queue: str = TASK_QUEUE) -> None:
    """A fresh run for a closed receivable that owes again, or a hint to the one that runs: one call decides, so twenty
    at once make one run."""
    with _reached():
        await client.start_workflow(
            WORKFLOW,
            REOPEN,
            id=workflow_id,
            task_queue=queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal="books_changed",
            static_summary=_summary(workflow_id),
            task_timeout=TASK,
            rpc_timeout=RPC,
        )


async def _reopen_for(
    client: Client, workflow_id: str, name: str, payload: dict[str, Any], update: str | None
) -> dict[str, Any]:
    """One command to a closed receivable: a run is opened for it and ends when nothing is left to do."""
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW,
        REOPEN,
        id=workflow_id,
        task_queue=TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        static_summary=_summary(workflow_id),
        task_timeout=TASK,
    )
    said = client.execute_update_with_start_workflow(
        name, payload, id=update, result_type=dict, start_workflow_operation=start,
        rpc_timeout=timedelta(seconds=ANSWER_SECONDS),
    )  # fmt: skip
    answer: dict[str, Any] = await asyncio.wait_for(said, ANSWER_SECONDS)
    return answer


async def tell(
    client: Client, engine: Engine, workflow_id: str, queue: str = TASK_QUEUE, hint: str = "books_changed"
) -> None:
    """Says that the books changed, by the signal `hint`; opens a fresh run when the workflow has ended and the
    receivable lives, or has something left to do."""
    try:
        with _reached(workflow_id):
            await client.get_workflow_handle(workflow_id).signal(hint, rpc_timeout=RPC)
    except (Refused, NotFound):
        outcome = await asyncio.to_thread(Books(engine, idempotent=True).outcome, workflow_id)
        account, action = outcome.account, outcome.action
        if account is not None and (action is None or not lifecycle.finished(account, action)):
            await reopen(client, workflow_id, queue)


async def send_command(
    client: Client, engine: Engine, workflow_id: str, name: str, payload: dict[str, Any], key: str | None = None
) -> dict[str, Any]:
    """The answer to the Update (contract, section 4). Refused with the reason; a closed receivable still takes those of
    `ON_CLOSED`, in a run that is opened for it. Repeated under the same `key` after no answer came, it is carried out
    once, and a repeat gets the first answer."""
    update = keys.command_id(key, name, payload) if key else None
    try:
        try:
            with _reached(workflow_id):
                said = client.get_workflow_handle(workflow_id).execute_update(
                    name, payload, id=update, result_type=dict
                )
                answer: dict[str, Any] = await asyncio.wait_for(said, ANSWER_SECONDS)
                return answer
        except (Refused, NotFound):
            if name not in ON_CLOSED or not await asyncio.to_thread(views.issued, engine, workflow_id):
                raise
        with _reached(workflow_id):
            return await _reopen_for(client, workflow_id, name, payload, update)
    except WorkflowUpdateFailedError as error:
        raise Refused(str(getattr(error.cause, "message", error.cause))) from None
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        raise Unavailable(
            f"no worker answered within {ANSWER_SECONDS} s: is one running? {name} may still be carried out later"
        ) from None


async def status_of(
    client: Client | None, engine: Engine, workflow_id: str, now: datetime | None = None
) -> dict[str, Any]:
    """`status` (contract, section 5) from the workflow; from the books when the receivable is closed, its workflow is
    past retention, or nobody answers. NotFound when neither knows the id."""
    outcome = await asyncio.to_thread(Books(engine, idempotent=True).outcome, workflow_id)
    account, policy = outcome.account, outcome.policy
    unanswered: DuelyError = Unavailable("no Temporal server answers, and the books do not hold it")
    if client is not None and (account is None or not account.closed):
        try:
            return await _asked(client.get_workflow_handle(workflow_id))
        except DuelyError as error:
            unanswered = error
    if account is None or policy is None:
        raise unanswered
    at = _not_before(account, now or datetime.now(UTC))
    count = await asyncio.to_thread(views.malformed, engine, workflow_id)
    action = lifecycle.next_action(account, policy, at)
    said = status(account, policy, action, at, workflow_id, (), EXAMPLES, metadata=outcome.metadata)
    return {**said, "malformed": count}


def resolve_id(engine: Engine, text: str, seller: str | None = None) -> str:
    """The workflow id that an id, a number or a reference means. Refused when several fit, NotFound when none."""
    return views.find(engine, text, seller)


async def _asked(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    with _reached(handle.id):
        try:
            answer: dict[str, Any] = await handle.query("status", result_type=dict, rpc_timeout=QUERY)
            return answer
        except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            raise Unavailable(f"the workflow does not answer: {_line(error)}") from None


async def _run(client: Client, id_: str, body: Any, owned: bool) -> None:
    """Where the books own the receivable, any run there is or was is its own. Else one that runs is not, and one that
    ended drafted nothing, or freed the reference. Raises WorkflowAlreadyStartedError accordingly."""
    conflict, reuse = WorkflowIDConflictPolicy, WorkflowIDReusePolicy
    await client.start_workflow(
        WORKFLOW,
        body,
        id=id_,
        task_queue=TASK_QUEUE,
        id_conflict_policy=conflict.USE_EXISTING if owned else conflict.FAIL,
        id_reuse_policy=reuse.REJECT_DUPLICATE if owned else reuse.ALLOW_DUPLICATE,
        static_summary=_summary(id_),
        task_timeout=TASK,
        rpc_timeout=RPC,
    )


def _summary(id_: str) -> str:
    """Keys only: the server keeps it in the clear."""
    return " · ".join(keys.parse_workflow_id(id_) or (id_,))


def _not_before(account: Account, now: datetime) -> datetime:
    """A receivable that lived on a virtual clock is seen from its own last entry."""
    return max(now, account.last_entry_at or now)


@contextlib.contextmanager
def _reached(workflow_id: str = "") -> Iterator[None]:
    """The server's errors as ours, in one line."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and workflow_id and "namespace" not in error.message.lower():
            if "completed" in error.message:
                raise Refused(f"{workflow_id} is closed and takes no commands any more") from None
            raise NotFound(f"the server knows no workflow {workflow_id}") from None
        if error.status in {RPCStatusCode.CANCELLED, RPCStatusCode.DEADLINE_EXCEEDED}:
            raise Unavailable("no answer in time: is a worker running? `duely worker` starts one") from None
        raise Unavailable(f"no answer from the Temporal server: {_line(error)}") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
