"""Stripe's webhook over HTTP, signed by Stripe's own code, before a real Temporal server that may go away."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from stripe import WebhookSignature
from temporalio.client import Client
from temporalio.service import RPCError

from domain.incoming import STRIPE_EVENTS
from schemas.incoming import EventHint
from tests.gateway.conftest import SECRET, Gateway, Open, settings_of
from tests.workflows.life import runs_of
from workers import binary
from workers.connect import connect
from workers.devserver import DevServer
from workflows.plugin import PLUGIN

PATH = "/webhooks/stripe"
MEDIAN_SECONDS = 0.030


def event(id_: str, type_: str = "payment_intent.succeeded", about: Any = "pi_1", **more: Any) -> str:
    data = {"object": {"id": about, "object": "payment_intent", "amount": 100}}
    return json.dumps({"id": id_, "object": "event", "type": type_, "data": data, **more})


def signed(body: str, secret: str = SECRET, age: int = 0) -> dict[str, str]:
    at = int(time.time()) - age
    return {"Stripe-Signature": WebhookSignature.generate_signature_header(body, secret, at)}


async def tell(gateway: Gateway, body: str, **how: Any) -> httpx.Response:
    return await gateway.http.post(PATH, content=body, headers=signed(body, **how))


async def test_an_event_becomes_a_workflow_that_knows_keys_only(taking: Gateway, client: Client) -> None:
    said = await tell(taking, event("evt_keys", "charge.dispute.created", "dp_7", api_version="1999-01-01"))
    assert (said.status_code, said.json()) == (200, {"contract": 1, "received": True, "result": "taken"})
    described = await client.get_workflow_handle("payment-stripe-evt_keys").describe()
    assert (described.workflow_type, described.task_queue) == ("PaymentEvent", "duely")
    history = client.get_workflow_handle("payment-stripe-evt_keys").fetch_history_events()
    started = (await anext(history)).workflow_execution_started_event_attributes
    (hint,) = await client.data_converter.decode(started.input.payloads, [EventHint])
    assert hint == EventHint(provider="stripe", id="evt_keys", type="charge.dispute.created", object="dp_7")


async def test_an_event_told_again_is_the_same_one(taking: Gateway, client: Client) -> None:
    said = await asyncio.gather(*(tell(taking, event("evt_again")) for _ in range(50)))
    assert {each.status_code for each in said} == {200}
    assert len(await runs_of(client, "payment-stripe-evt_again")) == 1
    await client.get_workflow_handle("payment-stripe-evt_again").terminate()
    assert (await tell(taking, event("evt_again"))).json() == {"contract": 1, "received": True, "result": "known"}


async def test_what_stripe_did_not_sign_now_for_us_is_refused(taking: Gateway, client: Client) -> None:
    body = event("evt_forged")
    good = signed(body)["Stripe-Signature"]
    headers: list[dict[str, Any]] = [
        {}, signed(body, secret="whsec_other"), signed(body, age=301), signed(body + " "), {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=now,v1=0"}, {"Stripe-Signature": f"{good[:-1]}"}, {"Stripe-Signature": b"t=1,v1=\xe9"},
        {"Stripe-Signature": good.replace("v1=", "v0=")},
    ]  # fmt: skip
    said = [await taking.http.post(PATH, content=body, headers=each) for each in headers]
    assert [each.status_code for each in said] == [400] * len(headers)
    assert {each.headers["Content-Type"] for each in said} == {"application/problem+json"}
    assert (await taking.http.post(PATH, content=b"\xff\xfe", headers={"Stripe-Signature": good})).status_code == 400
    with pytest.raises(RPCError, match="not found"):
        await client.get_workflow_handle("payment-stripe-evt_forged").describe()


async def test_a_signed_body_that_is_no_event_is_refused(taking: Gateway) -> None:
    named = [event("evt_1", about=None), event("../evil"), event("evt_1", about="a/b")]
    no_object = json.dumps({"id": "evt_1", "type": "payout.paid", "data": {"object": "po_1"}})
    broken = ("no json", "[]", "{}", '"x"', "[" * 100_000, no_object, *named)
    assert [(await tell(taking, body)).status_code for body in broken] == [400] * len(broken)


async def test_an_event_that_is_none_of_ours_is_received_and_left_alone(taking: Gateway) -> None:
    for type_ in ("customer.created", "invoice.paid", "checkout.session.fancy_new", ""):
        said = await tell(taking, event("evt_other", type_, about={"no": "id"}))
        assert (said.status_code, said.json()["result"]) == (200, "ignored")


async def test_each_type_of_the_closed_list_is_taken(taking: Gateway) -> None:
    said = [await tell(taking, event(f"evt_each_{n}", type_)) for n, type_ in enumerate(sorted(STRIPE_EVENTS))]
    assert {each.json()["result"] for each in said} == {"taken"}


async def test_ten_megabytes_are_refused(taking: Gateway) -> None:
    body = "x" * 10_000_000
    assert (await tell(taking, body)).status_code == 413


async def test_verdicts_are_counted(taking: Gateway) -> None:
    await tell(taking, event("evt_count"))
    await tell(taking, event("evt_count"), secret="whsec_other")
    await tell(taking, event("evt_count", "customer.created"))
    told = (await taking.http.get("/metrics")).text
    for verdict in ("taken", "refused", "ignored"):
        assert f'duely_webhooks_total{{provider="stripe",verdict="{verdict}"}} 1.0' in told
    assert 'duely_http_requests_total{method="POST",route="/webhooks/stripe",status="400"} 1.0' in told


async def test_without_the_secret_stripe_is_asked_to_come_again(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, demo_url, stripe_webhook_secret=None)
    async with opened(settings, demo) as gateway:
        said = await tell(gateway, event("evt_1"))
        assert (said.status_code, said.headers["Retry-After"]) == (503, "300")
        assert "STRIPE_WEBHOOK_SECRET is not set" in said.json()["detail"]


@pytest.mark.alone
async def test_an_event_is_accepted_in_time(taking: Gateway) -> None:
    took = []
    for number in range(60):
        body = event(f"evt_fast_{number}")
        headers = signed(body)
        begun = time.perf_counter()
        said = await taking.http.post(PATH, content=body, headers=headers)
        took.append(time.perf_counter() - begun)
        assert said.status_code == 200
    assert statistics.median(took) < MEDIAN_SECONDS, f"{statistics.median(took) * 1000:.1f} ms"


async def test_while_temporal_is_away_the_sender_repeats_and_then_succeeds(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    """Stopped before the gateway's first request, and again between two of them; never a restart of the gateway."""
    program, folder = binary.find(), tmp_path / "temporal"

    async def open_client() -> Client:
        return await connect(f"127.0.0.1:{unused_tcp_port}", [PLUGIN])

    async with opened(settings_of(tmp_path, demo_url), demo, open_client) as gateway:
        for round_ in range(2):
            begun = time.monotonic()
            said = await tell(gateway, event(f"evt_round_{round_}"))
            assert (said.status_code, said.headers["Retry-After"]) == (503, "5")
            assert said.headers["Content-Type"] == "application/problem+json"
            assert time.monotonic() - begun < 8
            ready = await gateway.http.get("/readyz")
            assert (ready.status_code, ready.json()["problems"][0]["path"]) == (503, "temporal")
            assert (await gateway.http.get("/healthz")).status_code == 200
            async with DevServer(program, folder, port=unused_tcp_port, headless=True):
                assert (await tell(gateway, event(f"evt_round_{round_}"))).json()["result"] == "taken"
                assert (await gateway.http.get("/readyz")).status_code == 200
