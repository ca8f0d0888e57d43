"""Tells receivables that the books changed. How one is reached is given: a closed one that owes again is opened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from temporalio import activity

from activities.receivable import mapped
from domain.errors import DuelyError


class Teller:
    """`tell` takes a workflow id; repeating it harms nothing."""

    def __init__(self, tell: Callable[[str], Awaitable[None]]) -> None:
        self._tell = tell

    @activity.defn(name="tell")
    async def tell(self, ids: list[str]) -> None:
        """Each of them, whatever became of the others; then the first failure, so that the step is repeated. A repeat
        goes on from there, or from where an attempt that took too long was broken off."""
        failed: DuelyError | None = None
        reached = next(iter(activity.info().heartbeat_details), 0)
        for id_ in ids[reached:]:
            try:
                await self._tell(id_)
            except DuelyError as error:
                failed = failed or error
            reached += failed is None
            activity.heartbeat(reached)
        with mapped():
            if failed is not None:
                raise failed
