"""A house whose customers pay through a Stripe of our own: its checkouts, its webhooks before a real gateway, and what
the world does there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from temporalio.client import Client, WorkflowHandle

from adapters.books import views
from adapters.standins.stripe.server import StandIn
from schemas.incoming import Checkout, EventHint, event_workflow_id
from tests.workflows.life import PATIENCE, Life, runs_of
from workers import client as receivables
from workers.connect import TASK_QUEUE

if TYPE_CHECKING:
    from tests.workflows.conftest import House


@dataclass(frozen=True)
class Till:
    house: House
    sim: StandIn

    @property
    def client(self) -> Client:
        return self.house.client

    async def mint(self, life: Life) -> str:
        """A checkout over all that is owed, as the customer's link asks for it; its id at Stripe."""
        asked = life.handle.execute_update("checkout", {"everything": True}, result_type=Checkout)
        said = await asyncio.wait_for(asked, PATIENCE)
        assert said.state == "open", said
        return str(said.url.rpartition("/")[2])

    async def paid(self, life: Life, method: str = "card") -> str:
        """Pays a checkout of its own; answers the payment."""
        session = await self.mint(life)
        return str(self.sim.pay(session, method, at=await life.now())["payment_intent"])

    async def told(self, type_: str, object_: str, id_: str) -> dict[str, Any]:
        """What becomes of an event that nobody but this test tells."""
        hint = EventHint(provider="stripe", id=id_, type=type_, object=object_)
        return await self.run("PaymentEvent", event_workflow_id(hint), hint)

    async def run(self, workflow: str, id_: str, *payloads: Any) -> dict[str, Any]:
        await self.client.start_workflow(workflow, args=list(payloads), id=id_, task_queue=TASK_QUEUE)
        said: dict[str, Any] = await asyncio.wait_for(self.client.get_workflow_handle(id_).result(), PATIENCE)
        return said

    async def command(self, life: Life, name: str, by: str, once: str | None = None, **fields: Any) -> dict[str, Any]:
        """As the gateway and the command line give it, also to a closed receivable; `once` under that key."""
        return await receivables.send_command(self.client, self.house.engine, life.id, name, {"by": by, **fields}, once)

    def fresh(self, life: Life) -> Life:
        """The latest run of a receivable that was opened again."""
        return self.house.life(life.id)

    def exceptions(self, life: Life) -> dict[str, dict[str, Any]]:
        """Those open, by kind."""
        return {e["kind"]: e for e in views.exceptions(self.house.engine) if e["invoice"] == life.id}

    def refunds_at(self, payment: str) -> list[dict[str, Any]]:
        every = self.sim.state.tables["refund"].values()
        return [refund for refund in every if refund["payment_intent"] == payment]

    async def runs(self, life: Life) -> int:
        return len(await runs_of(self.client, life.id))

    def handle(self, id_: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(id_)
