"""SendGrid's event webhook over HTTP, signed as SendGrid signs, in front of real books and a real worker."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from sendgrid.helpers.eventwebhook import EventWebhookHeader
from sqlalchemy import Engine
from sqlmodel import Session, select
from temporalio.client import Client

from adapters.mail.sendgrid import KEY_ARG
from adapters.standins.sendgrid import SendGridStandIn
from schemas import tables as t
from tests.gateway.conftest import Gateway, Open, settings_of
from tests.story import Story
from tests.workflows.conftest import House

PATH = "/webhooks/sendgrid"


@pytest.fixture(scope="module")
def sendgrid() -> Iterator[SendGridStandIn]:
    """Only signs here: nothing is sent to it."""
    with SendGridStandIn() as standin:
        yield standin


@pytest.fixture
async def reporting(opened: Open, sqlite_house: House, sendgrid: SendGridStandIn) -> AsyncIterator[Gateway]:
    async def client() -> Client:
        return sqlite_house.client

    key = SecretStr(sendgrid.public_key)
    settings = sqlite_house.settings.model_copy(update={"sendgrid_webhook_public_key": key})
    async with opened(settings, sqlite_house.engine, client) as found:
        yield found


def event(key: str, name: str = "bounce", id_: str = "", **more: Any) -> dict[str, Any]:
    said = {"event": name, "sg_event_id": id_ or f"{key}-{name}"[-100:], KEY_ARG: key, "timestamp": int(time.time())}
    return {**said, "email": "ap@globex.example", "type": "bounce", "status": "5.1.1", **more}


async def post(gateway: Gateway, sendgrid: SendGridStandIn, events: Any, **how: Any) -> httpx.Response:
    payload = events if isinstance(events, bytes) else json.dumps(events).encode()
    signature, at = sendgrid.sign(payload, how.get("at"), how.get("by"))
    headers = {EventWebhookHeader.SIGNATURE: signature, EventWebhookHeader.TIMESTAMP: at}
    return await gateway.http.post(PATH, content=payload, headers=headers)


def message_of(engine: Engine, invoice: str) -> str:
    with Session(engine) as session:
        return session.exec(
            select(t.Message.key).where(t.Message.invoice == invoice, t.Message.kind == "invoice")
        ).one()


def known(engine: Engine, key: str) -> list[str]:
    with Session(engine) as session:
        return list(session.exec(select(t.MailEvent.type).where(t.MailEvent.message == key)))


async def test_a_bounce_reaches_the_workflow(
    reporting: Gateway, sqlite_house: House, sendgrid: SendGridStandIn
) -> None:
    life = await sqlite_house.issued()
    key = message_of(sqlite_house.engine, life.id)
    for _ in range(2):
        said = await post(reporting, sendgrid, [event(key), event(key)])
        assert (said.status_code, said.json()) == (200, {"contract": 1, "received": True, "result": "taken"})
    assert known(sqlite_house.engine, key) == ["bounced"]
    await life.until(lambda status: "bounced" in status["flags"] or status["state"] == "delivering")


async def test_what_sendgrid_did_not_sign_now_is_refused(reporting: Gateway, sendgrid: SendGridStandIn) -> None:
    body = [event("invoice-demo-X/invoice")]
    late = datetime.now(UTC) - timedelta(hours=1)
    said = [
        await reporting.http.post(PATH, json=body),
        await reporting.http.post(PATH, json=body, headers={EventWebhookHeader.SIGNATURE: "x"}),
        await post(reporting, sendgrid, body, by=ec.generate_private_key(ec.SECP256R1())),
        await post(reporting, sendgrid, body, at=late),
        await post(reporting, sendgrid, b"no json"),
        await post(reporting, sendgrid, {"event": "bounce"}),
    ]
    assert [each.status_code for each in said] == [400] * len(said)
    assert (await post(reporting, sendgrid, b"x" * 5_000_000)).status_code == 413


async def test_events_that_are_not_about_our_mails_are_left_alone(
    reporting: Gateway, sendgrid: SendGridStandIn
) -> None:
    assert (await post(reporting, sendgrid, [{"event": "open"}, {"event": "bounce"}, 7])).json()["result"] == "ignored"
    unknown = await post(reporting, sendgrid, [event("invoice-demo-NEVER/invoice"), event("elsewhere")])
    assert (unknown.status_code, unknown.json()["result"]) == (200, "taken")


async def test_while_temporal_is_away_nothing_is_booked_so_that_a_repeat_is_told(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, sendgrid: SendGridStandIn
) -> None:
    story = Story(demo, "demo", "ORD-1")
    story.start("globex", "100.00")
    story.command("approve", "ana")
    story.run(1)
    key = message_of(demo, story.id)
    settings = settings_of(tmp_path, demo_url, sendgrid_webhook_public_key=SecretStr(sendgrid.public_key))
    async with opened(settings, demo) as gateway:
        said = await post(gateway, sendgrid, [event(key)])
        assert (said.status_code, said.headers["Retry-After"]) == (503, "5")
        assert known(demo, key) == []
        counted = (await gateway.http.get("/metrics")).text
        assert 'duely_webhooks_total{provider="sendgrid",verdict="unavailable"} 1.0' in counted


async def test_without_a_good_public_key_sendgrid_is_asked_to_come_again(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, sendgrid: SendGridStandIn
) -> None:
    for key in (None, SecretStr("bm90IGEga2V5")):
        settings = settings_of(tmp_path, demo_url, sendgrid_webhook_public_key=key)
        async with opened(settings, demo) as gateway:
            said = await post(gateway, sendgrid, [])
            assert (said.status_code, "SENDGRID_WEBHOOK_PUBLIC_KEY" in said.json()["detail"]) == (503, True)
