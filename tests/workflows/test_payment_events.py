"""Whatever starts `PaymentEvent` or `PaymentSweep`, they end and say what came of it; what nobody told is caught up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pytest
import stripe
from pydantic import SecretStr
from stripe.params.checkout import SessionCreateParams
from temporalio.client import Client, ScheduleOverlapPolicy
from temporalio.service import RPCError, RPCStatusCode

from adapters.books import views
from adapters.books.verify import verify
from settings import Settings
from tests.workflows.life import Life
from tests.workflows.malformed import BODIES, encoded
from tests.workflows.till import Till
from workers import up
from workers.devserver import DevServer
from workers.schedules import SWEEPS, schedule_sweeps

GOOD = {"provider": "stripe", "id": "evt_1", "type": "payment_intent.succeeded", "object": "pi_nobody"}
ODD = {
    "no id": ({**GOOD, "id": ""},),
    "an id with a line": ({**GOOD, "id": "evt\n1"},),
    "an id with NUL": ({**GOOD, "object": "pi_\x00"},),
    "an id of 10 kB": ({**GOOD, "object": "x" * 10_000},),
    "an amount for an id": ({**GOOD, "object": 5},),
    "one name missing": ({name: GOOD[name] for name in ("provider", "id", "type")},),
    "two hints": (GOOD, GOOD),
    "two texts": ("events", "events"),
    "another sweep": ("everything",),
}


@pytest.mark.parametrize("body", [*BODIES, *ODD])
async def test_what_cannot_be_read_ends_and_says_so(sqlite_till: Till, body: str) -> None:
    payloads = {**BODIES, **ODD}[body]
    said = await asyncio.gather(
        sqlite_till.run("PaymentEvent", f"event-{uuid4()}", *payloads),
        sqlite_till.run("PaymentSweep", f"sweep-{uuid4()}", *payloads),
    )
    assert [each["outcome"].partition(":")[0] for each in said] == ["unreadable", "unreadable"]


async def test_a_hint_in_another_encoding_is_read_when_it_is_json(sqlite_till: Till) -> None:
    said = await sqlite_till.run("PaymentEvent", f"event-{uuid4()}", encoded("json/plain", b'{"provider": "paypal",'
                                 b' "id": "evt_1", "type": "x", "object": "y"}'))  # fmt: skip
    assert said == {"contract": 1, "outcome": "paypal is not the payment provider here"}


async def test_an_object_nobody_knows_changes_nothing(sqlite_till: Till) -> None:
    assert "pi_nobody" in (await sqlite_till.told("payment_intent.succeeded", "pi_nobody", "evt_nobody"))["outcome"]
    assert "cs_nobody" in (await sqlite_till.told("checkout.session.completed", "cs_nobody", "evt_none"))["outcome"]
    assert "po_nobody" in (await sqlite_till.told("payout.paid", "po_nobody", "evt_no_payout"))["outcome"]


async def test_an_event_of_an_unknown_type_changes_nothing(sqlite_till: Till) -> None:
    said = await sqlite_till.told("customer.created", "cus_1", "evt_customer")
    assert said["outcome"] == "customer.created concerns no payment"


@pytest.mark.parametrize("invoice", ["", "invoice-demo-NOBODY", "order-17"])
async def test_a_payment_of_other_software_is_left_alone(sqlite_till: Till, invoice: str) -> None:
    sim = sqlite_till.sim
    shop = stripe.StripeClient(sim.secret_key, base_addresses={"api": sim.base})
    hat: SessionCreateParams = {
        "mode": "payment",
        "success_url": "https://hats.example",
        "line_items": [
            {"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 500, "product_data": {"name": "Hat"}}}
        ],
        "payment_intent_data": {"metadata": {"invoice": invoice} if invoice else {"hat": "blue"}},
    }
    made = await asyncio.to_thread(shop.v1.checkout.sessions.create, hat)
    payment = sim.pay(made.id)["payment_intent"]
    said = await sqlite_till.told("payment_intent.succeeded", payment, f"evt_foreign_{uuid4().hex}")
    assert "names no receivable" in said["outcome"] or "not in the books" in said["outcome"]
    assert verify(sqlite_till.house.engine) == []


async def held(till: Till, life: Life) -> str:
    """Pays while our endpoint hears nothing; the payment."""
    session = await till.mint(life)
    till.sim.webhooks.deliver = "held"
    try:
        return str(till.sim.pay(session)["payment_intent"])
    finally:
        till.sim.webhooks.deliver = "at_once"
        till.sim.webhooks.held.clear()


async def test_events_that_never_came_are_caught_up_once(till: Till) -> None:
    lives = [await till.house.issued() for _ in range(2)]
    for life in lives:
        await held(till, life)
    assert (await till.run("PaymentSweep", f"sweep-{uuid4()}", "events"))["outcome"] == "every event is booked"
    for life in lives:
        assert (await life.result())["state"] == "paid"
    asked = len(till.sim.requests)
    assert (await till.run("PaymentSweep", f"sweep-{uuid4()}", "events"))["outcome"] == "every event is booked"
    assert [seen.path for seen in till.sim.requests[asked:]] == ["/v1/events"]
    assert verify(till.house.engine) == []


async def test_the_balance_shows_what_no_event_told(till: Till) -> None:
    """A payment and a refund in the dashboard: the first is booked, the second is somebody's to explain."""
    life = await till.house.issued()
    payment = await held(till, life)
    till.sim.webhooks.deliver = "held"
    till.sim.refund_outside(payment, 1000)
    till.sim.webhooks.deliver = "at_once"
    till.sim.webhooks.held.clear()
    said = await till.run("PaymentSweep", f"sweep-{uuid4()}", "balance")
    assert said["outcome"].endswith(" 0 differ")
    assert (await life.result())["state"] == "paid"
    assert "refund_unexplained" in till.exceptions(life)
    assert verify(till.house.engine) == []


async def test_a_difference_is_a_persons_until_both_agree(till: Till) -> None:
    """Money that the books hold and Stripe's balance does not show."""
    life = await till.house.issued()
    payment = await till.paid(life)
    await life.result()
    charge = till.sim.state.get("payment_intent", payment)["latest_charge"]
    [moved] = [m for m in till.sim.state.tables["balance_transaction"].values() if m["source"] == charge]
    moved["amount"] -= 100
    assert (await till.run("PaymentSweep", f"sweep-{uuid4()}", "balance"))["outcome"].endswith(" 1 differ")
    [asked] = [e for e in views.exceptions(till.house.engine) if e["kind"] == "reconciliation"]
    assert (asked["key"], asked["owner"]) == (payment, "sam")
    moved["amount"] += 100
    assert (await till.run("PaymentSweep", f"sweep-{uuid4()}", "balance"))["outcome"].endswith(" 0 differ")
    assert [e for e in views.exceptions(till.house.engine) if e["kind"] == "reconciliation"] == []


async def test_the_schedules_are_made_once_and_stay_paused(sqlite_till: Till) -> None:
    await schedule_sweeps(sqlite_till.client)
    hourly = sqlite_till.client.get_schedule_handle("duely-payments-hourly")
    await hourly.pause(note="for a test")
    await schedule_sweeps(sqlite_till.client)
    told = await hourly.describe()
    assert (told.schedule.state.paused, told.schedule.policy.overlap) == (True, ScheduleOverlapPolicy.SKIP)
    for name, (what, _) in SWEEPS.items():
        handle = sqlite_till.client.get_schedule_handle(f"duely-payments-{name}")
        await handle.trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)
        assert (await _ran(sqlite_till, f"duely-payments-{name}"))["outcome"] != f"unreadable: {what}"
        await handle.delete()


async def _ran(till: Till, prefix: str) -> dict[str, Any]:
    """The result of the run that a schedule started: it appends the time to the id."""
    for _ in range(200):
        async for run in till.client.list_workflows(f'WorkflowId STARTS_WITH "{prefix}"'):
            said: dict[str, Any] = await till.handle(run.id).result()
            return said
        await asyncio.sleep(0.05)
    raise AssertionError(f"{prefix} never ran")


@pytest.mark.parametrize(("payment", "made"), [("bank", []), ("stripe", ["daily", "hourly"])])
async def test_only_who_takes_money_through_a_provider_has_its_schedules(
    server: DevServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    payment: Literal["bank", "stripe"],
    made: list[str],
) -> None:
    namespace = f"init-{payment}"
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", namespace)
    await up.init(Settings(var=tmp_path, payment=payment, stripe_api_key=SecretStr("sk_test_x")), print)
    client = await Client.connect(server.address, namespace=namespace)
    there = {name: await _is_there(client, f"duely-payments-{name}") for name in ("daily", "hourly")}
    assert [name for name, found in there.items() if found] == made
    for always in ("duely-archive-daily", "duely-sheets-hourly"):
        assert await _is_there(client, always)


async def _is_there(client: Client, schedule: str) -> bool:
    """Asked of the schedule itself: what is listed comes behind what was made."""
    try:
        await client.get_schedule_handle(schedule).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True
