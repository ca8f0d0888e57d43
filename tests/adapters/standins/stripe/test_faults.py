"""Keys that replay, and everything that can go wrong on the way: what the SDK sees and what Stripe remembers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import stripe

from adapters.standins.stripe.errors import Wrong
from adapters.standins.stripe.server import StandIn
from tests.adapters.standins.stripe.support import SDK_WARNS, asked, sdk

pytestmark = pytest.mark.filterwarnings(SDK_WARNS)
KEY: Any = {"idempotency_key": "duely-session-1"}


def sessions(sim: StandIn) -> int:
    return len(sim.state.tables["checkout.session"])


def test_the_same_key_is_the_same_session(sim: StandIn, mine: stripe.StripeClient) -> None:
    first = mine.v1.checkout.sessions.create(asked(), KEY)
    again = mine.v1.checkout.sessions.create(asked(), KEY)
    assert (again.id, sessions(sim)) == (first.id, 1)
    assert [(seen.idempotency_key, seen.replayed) for seen in sim.requests] == [
        ("duely-session-1", False), ("duely-session-1", True),
    ]  # fmt: skip


def test_a_replay_is_the_answer_of_then(sim: StandIn, mine: stripe.StripeClient) -> None:
    first = mine.v1.checkout.sessions.create(asked(), KEY)
    sim.pay(first.id)
    assert mine.v1.checkout.sessions.create(asked(), KEY).status == "open"


def test_a_replay_says_so(sim: StandIn) -> None:
    headers = {"Authorization": f"Bearer {sim.secret_key}", "Idempotency-Key": "k"}
    first, again = (httpx.post(f"{sim.base}/v1/customers", headers=headers, trust_env=False) for _ in range(2))
    assert (first.json(), again.status_code) == (again.json(), 200)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")


@pytest.mark.parametrize("other", ["parameters", "path"])
def test_the_same_key_for_something_else_is_refused(sim: StandIn, mine: stripe.StripeClient, other: str) -> None:
    mine.v1.checkout.sessions.create(asked(), KEY)
    path, wanted = ("/v1/customers", {}) if other == "path" else ("/v1/checkout/sessions", asked(13_000))
    with pytest.raises(stripe.IdempotencyError) as refused:
        mine.raw_request("post", path, **KEY, **wanted)
    assert (refused.value.http_status, sessions(sim)) == (400, 1)


def test_what_the_judge_refuses_uses_up_no_key(mine: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        mine.v1.checkout.sessions.create(asked(colour="red"), KEY)
    assert mine.v1.checkout.sessions.create(asked(), KEY).status == "open"


def test_what_the_endpoint_refuses_is_kept(sim: StandIn, mine: stripe.StripeClient) -> None:
    session = mine.v1.checkout.sessions.create(asked())
    intent = sim.pay(session.id)["payment_intent"]
    refund: Any = {"payment_intent": intent, "amount": 12_001}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError, match="greater than"):
            mine.v1.refunds.create(refund, KEY)
    assert [seen.replayed for seen in sim.requests[-2:]] == [False, True]


def test_one_of_many_at_once_does_the_work_and_the_others_hear_of_it(sim: StandIn) -> None:
    sim.faults.latency = 0.3
    gate = threading.Barrier(6)

    def call() -> int:
        headers = {"Authorization": f"Bearer {sim.secret_key}", "Idempotency-Key": "k"}
        gate.wait(10)
        return httpx.post(f"{sim.base}/v1/customers", headers=headers, trust_env=False).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(answer.result() for answer in [pool.submit(call) for _ in range(6)])
    assert answers == [200, 409, 409, 409, 409, 409]
    assert len(sim.state.tables["customer"]) == 1


def test_different_keys_at_once_lose_nothing(sim: StandIn) -> None:
    with sdk(sim) as client, ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: client.v1.checkout.sessions.create(asked(100 + n)).id, range(40)))
        assert list(pool.map(lambda key: sim.pay(key)["payment_status"], made)) == ["paid"] * 40
    assert (len(set(made)), len(sim.state.tables["balance_transaction"])) == (40, 40)


def test_one_session_is_paid_once_however_many_try(sim: StandIn, mine: stripe.StripeClient) -> None:
    key = mine.v1.checkout.sessions.create(asked()).id
    gate = threading.Barrier(8)

    def attempt() -> bool:
        gate.wait(10)
        try:
            return bool(sim.pay(key))
        except Wrong:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(answer.result() for answer in [pool.submit(attempt) for _ in range(8)]) == 1


@pytest.mark.parametrize(
    ("status", "error"), [(500, stripe.APIError), (503, stripe.APIError), (429, stripe.RateLimitError)]
)
def test_a_failure_before_the_work_leaves_nothing(
    sim: StandIn, mine: stripe.StripeClient, status: int, error: type[stripe.StripeError]
) -> None:
    sim.faults.fail_next(2, status)
    for _ in range(2):
        with pytest.raises(error):
            mine.v1.checkout.sessions.create(asked(), KEY)
    assert sessions(sim) == 0
    assert mine.v1.checkout.sessions.create(asked(), KEY).status == "open"
    assert sim.faults.counts == {"fail_next": 2}
    assert [seen.status for seen in sim.requests] == [status, status, 200]


def test_a_kept_500_is_what_the_key_replays_for_good(sim: StandIn, mine: stripe.StripeClient) -> None:
    sim.faults.fail_next(kept=True)
    mine.v1.events.list()  # has no key: not what was ordered
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            mine.v1.checkout.sessions.create(asked(), KEY)
    assert ([seen.replayed for seen in sim.requests[1:]], sessions(sim)) == ([False, True, True], 0)
    assert mine.v1.checkout.sessions.create(asked(), {"idempotency_key": "another"}).status == "open"


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (lambda faults: faults.fail_after(), stripe.APIConnectionError),
        (lambda faults: faults.fail_after(how="500"), stripe.APIError),
    ],
)
def test_a_failure_after_the_work_is_found_again_under_the_key(
    sim: StandIn, mine: stripe.StripeClient, order: Callable[[Any], None], error: type[stripe.StripeError]
) -> None:
    order(sim.faults)
    with pytest.raises(error):
        mine.v1.checkout.sessions.create(asked(), KEY)
    assert sessions(sim) == 1
    found = mine.v1.checkout.sessions.create(asked(), KEY)
    assert ({found.id}, sim.faults.counts["fail_after"]) == (set(sim.state.tables["checkout.session"]), 1)


def test_an_answer_may_come_after_the_timeout(sim: StandIn) -> None:
    sim.faults.hang_after(seconds=60)
    with sdk(sim, timeout=0.3) as client:
        with pytest.raises(stripe.APIConnectionError):
            client.v1.checkout.sessions.create(asked(), KEY)
        assert client.v1.checkout.sessions.create(asked(), KEY).id in sim.state.tables["checkout.session"]
    assert (sessions(sim), sim.faults.counts) == (1, {"hang_after": 1})


def test_stripe_may_be_down_for_as_long_as_told(sim: StandIn, mine: stripe.StripeClient) -> None:
    sim.faults.down()
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            mine.v1.events.list()
    sim.faults.up()
    assert mine.v1.events.list().data == []
    assert sim.faults.counts == {"down": 2}
