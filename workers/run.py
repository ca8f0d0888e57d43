"""Runs a worker until it is told to stop, then lets it drain. Refuses to start where it would only wedge workflows:
without tables, without the search attributes."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from adapters.books import views
from domain import queues
from domain.errors import Refused, Unavailable
from settings import Settings
from workers.connect import TASK_QUEUE
from workers.namespace import TYPES
from workers.wiring import payments_of, workers

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C or SIGTERM sets, for as long as the block runs."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def queues_of(settings: Settings) -> list[str]:
    """The task queues that a worker of these settings polls."""
    return [queues.named(TASK_QUEUE, kind) for kind in settings.served() or (queues.WORKFLOW,)]


async def check(client: Client, engine: Engine) -> None:
    """Raises Refused naming what `duely init` would put right, Unavailable when database or server does not answer."""
    await asyncio.to_thread(views.sellers, engine)
    try:
        answer = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused(f"there is no namespace {client.namespace}: run `duely init`") from None
        raise Unavailable(f"the Temporal server does not answer: {error.message}") from None
    missing = sorted(set(TYPES) - set(answer.custom_attributes))
    if missing:
        raise Refused(
            f"namespace {client.namespace} lacks the search attributes {', '.join(missing)}: run `duely init`"
        )


def settle() -> None:
    """What a process is made of before its work begins is no garbage: a full collection would walk it again each time,
    and stop every thread meanwhile."""
    gc.collect()
    gc.freeze()


async def run(client: Client, settings: Settings, engine: Engine, stop: asyncio.Event) -> None:
    """Works until `stop`, then gives running activities `worker_drain` seconds. Raises what ends the worker itself."""
    payments = payments_of(settings)
    hands = workers(client, settings, engine, payments)
    settle()
    working = [asyncio.create_task(hand.run()) for hand in hands]
    told = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*working, told}, return_when=asyncio.FIRST_COMPLETED)
        # One that ended by itself has failed, and takes the others with it.
        left = [hand for hand, task in zip(hands, working, strict=True) if not task.done()]
        await asyncio.gather(*(hand.shutdown() for hand in left))
        await asyncio.gather(*working)
    finally:
        told.cancel()
        await payments.close()
