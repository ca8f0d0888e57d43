"""Webhooks as an endpoint gets them: signed so that the SDK believes them, in any order, doubled, late, forged."""

from __future__ import annotations

import json

import pytest
import stripe

from adapters.standins.stripe.server import StandIn
from adapters.standins.stripe.webhooks import Delivery
from tests.adapters.standins.stripe.support import SDK_WARNS, STAMP, Endpoint, asked

pytestmark = pytest.mark.filterwarnings(SDK_WARNS)


def paid(sim: StandIn, client: stripe.StripeClient) -> str:
    return str(sim.pay(client.v1.checkout.sessions.create(asked()).id)["id"])


def names(endpoint: Endpoint) -> list[str]:
    return [json.loads(body)["id"] for body, _ in endpoint.taken]


def test_the_sdk_believes_what_comes(sim: StandIn, mine: stripe.StripeClient, endpoint: Endpoint) -> None:
    key = paid(sim, mine)
    sim.webhooks.drain()
    events = [mine.construct_event(body, header, sim.webhook_secret) for body, header in endpoint.taken]
    assert [event.type for event in events] == [
        "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed",
    ]  # fmt: skip
    body, header = endpoint.taken[-1]
    last = stripe.Webhook.construct_event(body, header, sim.webhook_secret)
    assert (last.data.object["id"], last.data.object["payment_status"], last.created) == (key, "paid", STAMP)
    assert (last.pending_webhooks, mine.v1.events.retrieve(last.id).pending_webhooks) == (1, 0)


def test_an_event_shows_its_object_as_it_was(sim: StandIn, mine: stripe.StripeClient) -> None:
    session = mine.v1.checkout.sessions.create(asked())
    sim.pay(session.id, "sepa_debit")
    sim.settle(session.id)
    shown = mine.v1.events.list({"types": ["checkout.session.completed", "checkout.session.async_payment_succeeded"]})
    assert [event.data.object["payment_status"] for event in shown.data] == ["paid", "unpaid"]
    assert {event.type for event in mine.v1.events.list({"type": "checkout.session.*"}).data} == {
        event.type for event in shown.data
    }


@pytest.mark.parametrize("how", ["forged", "late", "tampered", "another"])
def test_the_sdk_refuses_what_is_not_from_us_or_not_from_now(
    sim: StandIn, mine: stripe.StripeClient, endpoint: Endpoint, how: str
) -> None:
    key = paid(sim, mine)
    sim.webhooks.drain()
    event = names(endpoint)[-1]
    if how == "forged":
        sim.webhooks.forged(key)
    else:
        sim.webhooks.deliver_event(event, age=301 if how == "late" else 0)
    body, header = endpoint.taken[-1]
    if how == "tampered":
        body = body.replace(b"12000", b"12")
    secret = "whsec_another" if how == "another" else sim.webhook_secret
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, secret)


def test_a_forgery_claims_a_payment_that_never_was(sim: StandIn, mine: stripe.StripeClient, endpoint: Endpoint) -> None:
    key = mine.v1.checkout.sessions.create(asked()).id
    sim.webhooks.forged(key)
    sim.webhooks.forged()
    claimed = json.loads(endpoint.taken[0][0])["data"]["object"]
    assert (claimed["id"], claimed["payment_status"]) == (key, "paid")
    assert mine.v1.checkout.sessions.retrieve(key).payment_status == "unpaid"
    assert mine.v1.events.list().data == []


def test_held_events_come_as_ordered(sim: StandIn, mine: stripe.StripeClient, endpoint: Endpoint) -> None:
    sim.webhooks.deliver = "held"
    for _ in range(3):
        paid(sim, mine)
    held = list(sim.webhooks.held)
    assert (len(held), endpoint.taken) == (9, [])
    done = sim.webhooks.deliver_held("shuffled", times=3, seed=7)
    assert names(endpoint) == [one.event for one in done]
    assert sorted(names(endpoint)) == sorted(held * 3)
    assert names(endpoint) not in (held * 3, (held * 3)[::-1])
    assert sim.webhooks.deliver_held() == []
    paid(sim, mine)
    held = list(sim.webhooks.held)
    assert [one.event for one in sim.webhooks.deliver_held("reversed")] == held[::-1]


def test_the_same_seed_is_the_same_order(sim: StandIn, mine: stripe.StripeClient) -> None:
    sim.webhooks.deliver = "held"
    orders = []
    for _ in range(2):
        paid(sim, mine)
        held = list(sim.webhooks.held)
        orders.append([held.index(one.event) for one in sim.webhooks.deliver_held("shuffled", times=4, seed=3)])
    assert orders[0] == orders[1]


def test_failed_deliveries_can_be_listed_until_they_are_taken(
    sim: StandIn, mine: stripe.StripeClient, endpoint: Endpoint
) -> None:
    endpoint.status = 503
    paid(sim, mine)
    sim.webhooks.drain()
    failed = list(mine.v1.events.list({"delivery_success": False, "limit": 2}).auto_paging_iter())
    assert [event.pending_webhooks for event in failed] == [1, 1, 1]
    assert mine.v1.events.list({"delivery_success": True}).data == []
    endpoint.status = 200
    assert sim.webhooks.deliver_event(failed[0].id) == Delivery(failed[0].id, 200)
    left = mine.v1.events.list({"delivery_success": False, "created": {"gte": STAMP}})
    assert [event.id for event in left.data] == [event.id for event in failed[1:]]
    # The one in the middle of the list is delivered between two pages: the cursor still has its place.
    page = mine.v1.events.list({"delivery_success": False, "limit": 1})
    sim.webhooks.deliver_event(page.data[0].id)
    rest = mine.v1.events.list({"delivery_success": False, "starting_after": page.data[0].id})
    assert [event.id for event in rest.data] == [failed[2].id]


def test_an_endpoint_that_is_not_there_is_a_failed_delivery(mine: stripe.StripeClient) -> None:
    with StandIn(webhook_url="http://127.0.0.1:9/webhooks/stripe") as alone:
        assert alone.webhooks.forged().status == 0


def test_without_an_endpoint_nothing_is_pending(client: stripe.StripeClient, running: StandIn) -> None:
    running.pay(client.v1.checkout.sessions.create(asked()).id)
    assert client.v1.events.list({"limit": 1}).data[0].pending_webhooks == 0
    with pytest.raises(ValueError, match="webhook_url"):
        running.webhooks.forged()
