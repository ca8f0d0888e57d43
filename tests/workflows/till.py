"""A house whose customers pay through a Stripe of our own: its checkouts, its webhooks before a real gateway, and what
the world does there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session, select
from temporalio.client import Client, WorkflowHandle

from adapters.books import views
from adapters.payment.stripe import Stripe
from adapters.standins.stripe.server import StandIn
from domain import money
from domain.payments import SessionRequest
from schemas import tables as t
from schemas.incoming import EventHint, event_workflow_id
from tests.workflows.life import PATIENCE, Life
from workers import client as receivables
from workers.connect import TASK_QUEUE

if TYPE_CHECKING:
    from tests.workflows.conftest import House


@dataclass(frozen=True)
class Till:
    house: House
    stripe: Stripe
    sim: StandIn

    @property
    def client(self) -> Client:
        return self.house.client

    async def mint(self, life: Life, amount: int | None = None) -> str:
        """A checkout over `amount` minor units, by default all that is owed; its id at Stripe."""
        said, now = await life.status(), await life.now()
        wanted = amount or money.parse(said["balance"], "EUR")
        request = SessionRequest(
            key=f"{life.id}/checkout-{self._minted(life) + 1}",
            seller=said["seller"],
            invoice=life.id,
            number=said["number"],
            amount=wanted,
            currency="EUR",
            minted_at=now,
            expires_at=now + timedelta(hours=23),
            language="de",
            back_url="https://duely.example/i/x",
        )
        made = await self.stripe.open(request)
        with Session(self.house.engine) as session:
            session.add(
                t.PaymentSession(
                    id=request.key,
                    seller=request.seller,
                    invoice=life.id,
                    provider="stripe",
                    amount=wanted,
                    currency="EUR",
                    params={},
                    state="open",
                    provider_id=made.id,
                    url=made.url,
                    minted_at=request.minted_at,
                    expires_at=made.expires_at,
                )
            )
            session.commit()
        return made.id

    def _minted(self, life: Life) -> int:
        with Session(self.house.engine) as session:
            return len(session.exec(select(t.PaymentSession.id).where(t.PaymentSession.invoice == life.id)).all())

    async def paid(self, life: Life, method: str = "card", amount: int | None = None) -> str:
        """Pays a checkout of its own; answers the payment."""
        session = await self.mint(life, amount)
        return str(self.sim.pay(session, method, at=await life.now())["payment_intent"])

    async def told(self, type_: str, object_: str, id_: str) -> dict[str, Any]:
        """What becomes of an event that nobody but this test tells."""
        hint = EventHint(provider="stripe", id=id_, type=type_, object=object_)
        return await self.run("PaymentEvent", event_workflow_id(hint), hint)

    async def run(self, workflow: str, id_: str, *payloads: Any) -> dict[str, Any]:
        await self.client.start_workflow(workflow, args=list(payloads), id=id_, task_queue=TASK_QUEUE)
        said: dict[str, Any] = await asyncio.wait_for(self.client.get_workflow_handle(id_).result(), PATIENCE)
        return said

    async def command(self, life: Life, name: str, by: str, **fields: Any) -> dict[str, Any]:
        """As the gateway and the command line give it, also to a closed receivable."""
        return await receivables.send_command(self.client, self.house.engine, life.id, name, {"by": by, **fields})

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
        return len([run async for run in self.client.list_workflows(f'WorkflowId="{life.id}"')])

    def handle(self, id_: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(id_)
