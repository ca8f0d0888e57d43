"""The engine's floor: a workflow with the events of an approved and paid invoice and no work inside. The same number of
activities, timers, updates and search attribute upserts, each as small as the engine lets it be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import activity, workflow

NAME = "Floor"
STATE = "InvoiceState"
APPROVAL, COLLECTION = timedelta(days=2), timedelta(days=27)


@activity.defn(name="nothing")
def nothing() -> None:
    """A step without work."""


@workflow.defn(name=NAME)
class Floor:
    def __init__(self) -> None:
        self.asked = self.answered = 0

    @workflow.update(name="approve")
    async def approve(self, _: Any = None) -> None:
        await self._answered()

    @workflow.update(name="pay")
    async def pay(self, _: Any = None) -> None:
        await self._answered()

    @workflow.run
    async def run(self, _: Any = None) -> None:
        await self._step("awaiting_approval")
        await workflow.wait_condition(lambda: self.asked == 1, timeout=APPROVAL)
        await self._step("delivering")
        self.answered = 1
        await self._step("collecting")
        await workflow.wait_condition(lambda: self.asked == 2, timeout=COLLECTION)
        await self._step("paid")
        self.answered = 2
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _step(self, state: str) -> None:
        await workflow.execute_activity("nothing", start_to_close_timeout=timedelta(seconds=5))
        workflow.upsert_search_attributes({STATE: [state]})

    async def _answered(self) -> None:
        self.asked += 1
        mine = self.asked
        await workflow.wait_condition(lambda: self.answered >= mine)
