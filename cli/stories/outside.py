"""What lies around the demo's receivables: the gateway on a port of its own, a Stripe and a SendGrid that are not the
real ones, and the bank. Everything reaches the product over HTTP, with the signatures and keys it asks for."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client

from adapters.books import api_keys
from adapters.files import write_atomically
from adapters.standins import bank
from adapters.standins.sendgrid import SendGridStandIn
from adapters.standins.stripe.server import StandIn
from domain import links
from domain.errors import Refused, Unavailable
from domain.incoming import STRIPE_EVENTS
from domain.statements import Statement
from gateway import inbox
from gateway.app import make_app
from gateway.serving import serving
from gateway.sheets import mark
from schemas.incoming import EventHint, event_workflow_id
from settings import Settings
from workers.connect import LOOPBACK

SECONDS = 60
EVERY_SECONDS = 0.1
"""How often the drop folder is looked through."""


@dataclass
class Outside:
    """`settings` name the stand-ins and the gateway. `http` speaks to the gateway, as the seller's bank program may."""

    settings: Settings
    stripe: StandIn
    sendgrid: SendGridStandIn
    http: httpx.AsyncClient
    client: Client
    _booked: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def pay(self, workflow_id: str, method: str) -> str:
        """The way of a customer: the invoice's link, the page it leads to, a button there, and back. Answers the id of
        the checkout at Stripe."""
        secret = self.settings.signing_secret().get_secret_value()
        link = await self.http.get(f"/pay/{links.token(secret, links.CUSTOMER, workflow_id)}")
        page = str(link.headers.get("location", ""))
        if link.status_code != 303 or not page.startswith(self.stripe.base):
            raise Refused(f"the pay link leads to no page to pay on: {link.status_code} {page}")
        pressed = await self.http.post(page, data={"method": method})
        if pressed.status_code != 303:
            raise Refused(f"the payment page answers {pressed.status_code}: {pressed.text}")
        back = await self.http.get(pressed.headers["location"])
        if back.status_code != 200:
            raise Refused(f"the customer comes back to {back.status_code}")
        return page.rpartition("/")[2]

    async def told(self) -> None:
        """Until all that Stripe has said so far is in the books, and the receivables know."""
        await asyncio.to_thread(self.stripe.webhooks.drain)
        async with self._lock:
            for delivery in self.stripe.webhooks.deliveries[self._booked :]:
                if delivery.status != 200:
                    raise Refused(f"the gateway answers {delivery.status} to Stripe's event {delivery.event}")
                await self._worked_off(delivery.event)
                self._booked += 1

    async def _worked_off(self, event: str) -> None:
        type_ = self.stripe.state.get("event", event)["type"]
        if type_ in STRIPE_EVENTS:
            await self._ended(event_workflow_id(EventHint(provider="stripe", id=event, type=type_, object="")))

    async def sheet(self, key: str) -> str:
        """What its owner sees who opens the morning sheet of that key."""
        answer = await self.http.get(f"/s/{self._sheet(key)}")
        if answer.status_code != 200:
            raise Refused(f"the sheet answers {answer.status_code}")
        return answer.text

    async def decide(self, key: str, what: str, messages: Sequence[str], reason: str = "") -> str:
        """Its owner ticks messages on the sheet and presses a button, `yes` or `no`. Answers the page that follows."""
        sealed = re.search(r'name="form" value="([0-9a-f]+)"', await self.sheet(key))
        ticked = [mark(message) for message in messages]
        body = {"form": sealed[1] if sealed else "", "what": what, "reason": reason, "messages": ticked}
        answer = await self.http.post(f"/s/{self._sheet(key)}", data=body)
        if answer.status_code != 200:
            raise Refused(f"the sheet answers {answer.status_code} to a decision")
        return answer.text

    def _sheet(self, key: str) -> str:
        return links.token(self.settings.signing_secret().get_secret_value(), links.SHEET, key)

    async def bank_file(self, seller: str, statement: Statement) -> dict[str, Any]:
        """Hands it in as camt.053; answers what became of it."""
        answer = await self.http.post(
            "/v1/bank-files", params={"format": "camt.053", "seller": seller}, content=bank.camt053(statement)
        )
        if answer.status_code != 202:
            raise Refused(f"the gateway answers {answer.status_code} to a bank file: {answer.text}")
        return await self._ended(answer.json()["workflow"])

    async def report(self, event: Callable[[str], int | None], key: str) -> None:
        """SendGrid's webhook about one mail."""
        status = await asyncio.to_thread(event, key)
        if status != 200:
            raise Refused(f"the gateway answers {status} to SendGrid's event")

    async def mail(self, name: str, raw: bytes) -> None:
        """Drops a mail into the folder for replies, and waits until it is taken from there."""
        folder = self.settings.inbox
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, raw)
        deadline = monotonic() + SECONDS
        while (folder / name).exists():
            if monotonic() > deadline:
                raise Unavailable(f"{name} is not taken from {folder} within {SECONDS} s")
            await asyncio.sleep(EVERY_SECONDS)
        if not (folder / inbox.TAKEN / name).exists():
            raise Refused((folder / inbox.REFUSED / name).with_suffix(".txt").read_text(encoding="utf-8").strip())

    async def _ended(self, workflow_id: str) -> dict[str, Any]:
        try:
            said = self.client.get_workflow_handle(workflow_id).result()
            found: dict[str, Any] = await asyncio.wait_for(said, SECONDS)
        except TimeoutError:
            raise Unavailable(f"{workflow_id} does not end within {SECONDS} s") from None
        return found


@contextlib.asynccontextmanager
async def outside(settings: Settings, engine: Engine, client: Client) -> AsyncIterator[Outside]:
    """All of it up. `client` starts what the gateway hands on."""
    port = _free_port()
    url = f"http://{LOOPBACK}:{port}"
    stripe = StandIn(webhook_url=f"{url}/webhooks/stripe")
    sendgrid = SendGridStandIn(hook=f"{url}/webhooks/sendgrid")

    async def known() -> Client:
        return client

    async with _running(stripe), _running(sendgrid):
        there = {
            "payment": "stripe",
            "stripe_api_key": SecretStr(stripe.secret_key),
            "stripe_api_base": stripe.base,
            "stripe_webhook_secret": SecretStr(stripe.webhook_secret),
            "sendgrid_webhook_public_key": SecretStr(sendgrid.public_key),
            "inbox": settings.var / "demo" / "inbox",
            "gateway_port": port,
            "public_url": url,
        }
        found = settings.model_copy(update=there)
        key = api_keys.add(engine, "crm", ["bank_files"], None, datetime.now(UTC))
        bearer = {"Authorization": f"Bearer {key}"}
        app = make_app(found, engine, known)
        async with (
            serving(app, LOOPBACK, port),
            inbox.watching(app.state.house, EVERY_SECONDS),
            httpx.AsyncClient(base_url=url, headers=bearer, timeout=SECONDS, trust_env=False) as http,
        ):
            yield Outside(found, stripe, sendgrid, http, client)


@contextlib.asynccontextmanager
async def _running(standin: StandIn | SendGridStandIn) -> AsyncIterator[None]:
    standin.start()
    try:
        yield
    finally:
        # It may wait for an answer of the gateway, which runs in this loop.
        await asyncio.to_thread(standin.stop)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
