"""Says whether a worker on this host polls its task queues: exit 0 or 1, for a container's health check.

Asks the server, not the process: a worker that lost its connection still runs, and helps nobody.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from domain import queues
from domain.errors import DuelyError
from settings import current
from workers.connect import LOOPBACK, TASK_QUEUE, connect, external_address

LATELY = timedelta(seconds=90)  # a poll that finds nothing returns after a minute and asks again
WORKFLOWS, ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
DEFAULT_ADDRESS = f"{LOOPBACK}:7233"


async def polls(client: Client, host: str, lately: timedelta = LATELY, kind: str = queues.WORKFLOW) -> bool:
    """True when a poller of `host` asked for work of that kind lately. The SDK names pollers `pid@host`."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queues.named(TASK_QUEUE, kind)),
            task_queue_type=WORKFLOWS if kind == queues.WORKFLOW else ACTIVITIES,
        )
    )
    # The server remembers a poller for five minutes, so being listed proves nothing.
    since = datetime.now(UTC) - lately
    return any(
        poller.identity.endswith(f"@{host}") and poller.last_access_time.ToDatetime(UTC) >= since
        for poller in answer.pollers
    )


async def _check() -> str | None:
    try:
        client = await connect(external_address() or DEFAULT_ADDRESS)
        for kind in current().served() or (queues.WORKFLOW,):
            if not await polls(client, socket.gethostname(), kind=kind):
                return f"no worker of this host polls the queue {queues.named(TASK_QUEUE, kind)}"
        return None
    except (DuelyError, RPCError) as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(asyncio.run(_check()))
