"""A known key that asked for what it may not do: the seller's audit tells it, once an hour for each key and route, so
that a program which goes on asking fills no chain. A key that nobody made is only counted."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict

from fastapi import Request

from adapters.books import api_keys
from adapters.books.api_keys import Caller
from domain.errors import DuelyError
from domain.keys import parse_workflow_id
from gateway.house import House, house_of

LOG = logging.getLogger("duely.gateway")
AGAIN_SECONDS = 3600
REMEMBERED = 1_000
_LOOKS = ("GET", "HEAD", "OPTIONS")


class Told:
    """What was audited lately."""

    def __init__(self) -> None:
        self._at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def fresh(self, key: str, what: str, now: float) -> bool:
        last = self._at.get((key, what))
        if last is not None and now - last < AGAIN_SECONDS:
            return False
        self._at[key, what] = now
        if len(self._at) > REMEMBERED:
            self._at.popitem(last=False)
        return True


async def note(request: Request, why: str) -> None:
    """Called for every 403 and for another seller's name; `why` is our own sentence. Looks change nothing, and are
    logged alone."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        return
    what = f"{request.method} {getattr(request.scope.get('route'), 'path_format', 'unknown')}"
    if not request.app.state.told.fresh(caller.id, what, time.monotonic()):
        return
    LOG.warning("key %s of %s was refused %s: %s", caller.id, caller.by, what, why)
    if request.method in _LOOKS:
        return
    house = house_of(request)
    seller = caller.seller or _named(request)
    try:
        await asyncio.to_thread(_audit, house, caller, seller, what, why)
    except DuelyError as error:
        LOG.warning("a refusal could not be audited: %s", error)


def _named(request: Request) -> str | None:
    """Whose the call would have been, for a key of all sellers."""
    parsed = parse_workflow_id(str(request.path_params.get("id", "")))
    return parsed[0] if parsed is not None else request.query_params.get("seller")


def _audit(house: House, caller: Caller, seller: str | None, what: str, why: str) -> None:
    api_keys.refused(house.engine, caller, seller, what, why, house.now())
