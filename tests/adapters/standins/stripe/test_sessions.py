"""Checkout Sessions through the SDK: how they are made, found, paid on their page and ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import stripe

from adapters.standins.stripe.errors import Wrong
from adapters.standins.stripe.server import StandIn
from tests.adapters.standins.stripe.support import NOW, SDK_WARNS, STAMP, asked, sdk

pytestmark = pytest.mark.filterwarnings(SDK_WARNS)


def test_a_session_says_what_was_asked_for(client: stripe.StripeClient, running: StandIn) -> None:
    session = client.v1.checkout.sessions.create(asked(customer_email="ap@globex.example"))
    found = client.v1.checkout.sessions.retrieve(session.id)
    assert found.to_dict() == session.to_dict()
    assert (found.status, found.payment_status, found.amount_total, found.currency) == ("open", "unpaid", 12_000, "eur")
    assert (found.created, found.expires_at) == (STAMP, STAMP + 24 * 3600)
    assert (found.client_reference_id, found.to_dict()["metadata"]) == ("invoice-demo-1", {"invoice": "invoice-demo-1"})
    assert found.payment_method_types == ["card", "sepa_debit"]
    assert found.url == f"{running.base}/pay/{session.id}"
    assert found.payment_intent is None, "Stripe makes the intent when the customer pays"


async def test_the_async_client_is_served_too(running: StandIn) -> None:
    http = stripe.HTTPXClient()
    client = stripe.StripeClient(running.secret_key, base_addresses={"api": running.base}, http_client=http)
    session = await client.v1.checkout.sessions.create_async(asked())
    found = await client.v1.checkout.sessions.retrieve_async(session.id)
    await http.close_async()  # type: ignore[no-untyped-call]
    assert found.id == session.id


@pytest.mark.parametrize(
    ("seconds", "good"), [(1799, False), (1800, True), (86_400, True), (86_401, False), (-60, False)]
)
@pytest.mark.parametrize("minted", ["", "2025-07-01T12:00:00+02:00"])
def test_a_session_lasts_from_half_an_hour_to_a_day(
    client: stripe.StripeClient, minted: str, seconds: int, good: bool
) -> None:
    now = int(datetime.fromisoformat(minted).timestamp()) if minted else STAMP
    wanted = asked(expires_at=now + seconds, metadata={"minted_at": minted} if minted else {"a": "b"})
    if good:
        session = client.v1.checkout.sessions.create(wanted)
        assert (session.created, session.expires_at) == (now, now + seconds)
    else:
        with pytest.raises(stripe.InvalidRequestError, match="expires_at"):
            client.v1.checkout.sessions.create(wanted)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"success_url": "duely"}, "success_url"),
        ({"mode": "setup"}, "mode"),
        ({"ui_mode": "elements"}, "ui_mode"),
        ({"automatic_tax": {"enabled": True}}, "automatic_tax"),
        ({"payment_intent_data": {"capture_method": "manual"}}, "payment_intent_data[capture_method]"),
        ({"line_items": [{"quantity": 1, "price": "price_1"}]}, "line_items[0][price]"),
        ({"line_items": [{"price_data": {"currency": "eur"}}]}, "line_items[0][quantity]"),
        ({"metadata": {"minted_at": "2026-03-02T09:00:00"}}, None),
        ({"metadata": {"minted_at": "soon"}}, "metadata[minted_at]"),
        ({"metadata": {"key": "x" * 501}}, "metadata[key]"),
        ({"customer": "cus_nobody"}, "customer"),
        ({"customer": "cus_nobody", "customer_email": "a@b.example"}, "customer_email"),
        ({"allowed_payment_method_types": ["customer_balance"]}, "allowed_payment_method_types"),
    ],
)
def test_what_stripe_would_not_take_or_this_does_not_play_is_refused(
    client: stripe.StripeClient, more: dict[str, Any], param: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(asked(**more))
    assert (refused.value.param, refused.value.http_status) == (param or "metadata[minted_at]", 400)


def test_a_parameter_that_turns_something_off_is_harmless(client: stripe.StripeClient) -> None:
    assert client.v1.checkout.sessions.create(asked(adaptive_pricing={"enabled": False})).status == "open"


def test_less_than_stripe_takes_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(asked(49))
    assert refused.value.code == "amount_too_small"


def test_a_debit_takes_euros_and_a_transfer_needs_a_customer(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ap@globex.example"})
    wanted = asked(customer=customer.id, excluded_payment_method_types=["card"])
    assert client.v1.checkout.sessions.create(wanted).payment_method_types == ["sepa_debit", "customer_balance"]
    wanted["line_items"][0]["price_data"]["currency"] = "usd"
    assert client.v1.checkout.sessions.create(wanted).payment_method_types == ["customer_balance"]


def test_a_session_ends_once(client: stripe.StripeClient, running: StandIn) -> None:
    session = client.v1.checkout.sessions.create(asked())
    ended = client.v1.checkout.sessions.expire(session.id)
    assert (ended.status, ended.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        client.v1.checkout.sessions.expire(session.id)
    with pytest.raises(Wrong, match="nobody can pay"):
        running.pay(session.id)


def test_sessions_end_by_themselves_on_the_clock_but_those_on_other_clocks_do_not() -> None:
    clock = [NOW]
    with StandIn(clock=lambda: clock[0]) as sim, sdk(sim) as client:
        ordinary = client.v1.checkout.sessions.create(asked())
        minted = client.v1.checkout.sessions.create(asked(metadata={"minted_at": "2025-01-01T00:00:00Z"}))
        clock[0] += timedelta(hours=24)
        assert client.v1.checkout.sessions.retrieve(ordinary.id).status == "expired"
        assert client.v1.checkout.sessions.retrieve(minted.id).status == "open"
        sim.expire(minted.id, at=datetime(2025, 1, 2, tzinfo=UTC))
        ended = client.v1.events.list({"type": "checkout.session.expired"})
        assert [(e.data.object["id"], e.created) for e in ended.data] == [
            (ordinary.id, STAMP + 86_400),
            (minted.id, int(datetime(2025, 1, 2, tzinfo=UTC).timestamp())),
        ]


def test_a_session_is_over_at_its_last_instant(client: stripe.StripeClient, running: StandIn) -> None:
    session = client.v1.checkout.sessions.create(asked(expires_at=STAMP + 3600))
    with pytest.raises(Wrong, match="is over"):
        running.pay(session.id, at=NOW + timedelta(hours=1))
    assert running.pay(session.id, at=NOW + timedelta(minutes=59))["payment_status"] == "paid"


def test_a_browser_can_pay(client: stripe.StripeClient, running: StandIn) -> None:
    session = client.v1.checkout.sessions.create(asked())
    assert session.url
    with httpx.Client(trust_env=False) as browser:
        shown = browser.get(session.url)
        assert "120.00 EUR" in shown.text
        assert "RE-2026-0042" in shown.text
        paid = browser.post(session.url, data={"method": "card"})
        assert (paid.status_code, paid.headers["location"]) == (303, f"https://duely.example/paid/{session.id}")
        assert browser.post(session.url, data={"method": "card"}).status_code == 400
        assert "This page is complete" in browser.get(session.url).text
        assert browser.get(f"{running.base}/pay/cs_test_nobody").status_code == 404
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_sessions_are_found_by_their_payment(client: stripe.StripeClient, running: StandIn) -> None:
    session, other = (client.v1.checkout.sessions.create(asked()) for _ in range(2))
    intent = running.pay(session.id)["payment_intent"]
    running.pay(other.id)
    found = client.v1.checkout.sessions.list({"payment_intent": intent, "expand": ["data.payment_intent"]})
    assert [one.payment_intent.id for one in found.data if isinstance(one.payment_intent, stripe.PaymentIntent)] == [
        intent
    ]


def test_a_wrong_key_a_wrong_path_and_a_wrong_id(client: stripe.StripeClient, running: StandIn) -> None:
    with sdk(running, key="sk_test_stranger") as stranger, pytest.raises(stripe.AuthenticationError):
        stranger.v1.checkout.sessions.create(asked())
    for call in (client.v1.products.list, lambda: client.v1.checkout.sessions.retrieve("cs_test_nobody")):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call()
        assert refused.value.http_status == 404
    assert httpx.get(f"{running.base}/v1/events", trust_env=False).status_code == 401


def test_answers_carry_stripes_headers(running: StandIn) -> None:
    headers = {"Authorization": f"Bearer {running.secret_key}", "Stripe-Version": "2026-08-26.dahlia"}
    answer = httpx.get(f"{running.base}/v1/events", headers=headers, trust_env=False)
    assert answer.headers["Stripe-Version"] == "2026-08-26.dahlia"
    assert answer.headers["Request-Id"].startswith("req_")


@pytest.mark.parametrize("path", ["payment_intent.colour", "line_items", "payment_intent.latest_charge.refunds"])
def test_only_what_stripe_expands_can_be_expanded(client: stripe.StripeClient, running: StandIn, path: str) -> None:
    session = client.v1.checkout.sessions.create(asked())
    running.pay(session.id)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]})
