from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from adapters.standins.stripe.server import StandIn
from tests.adapters.standins.stripe.support import NOW, Endpoint, sdk


@pytest.fixture(scope="session")
def running() -> Iterator[StandIn]:
    """A stand-in for tests that look at their own objects only: starting one costs 50 ms, stopping it 150."""
    with StandIn(clock=lambda: NOW) as found:
        yield found


@pytest.fixture(scope="session")
def client(running: StandIn) -> Iterator[stripe.StripeClient]:
    with sdk(running) as found:
        yield found


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint().open() as found:
        yield found


@pytest.fixture(scope="session")
def closing() -> Iterator[ThreadPoolExecutor]:
    """Stops servers while the next tests run: uvicorn takes 0.2 s for it, mostly asleep."""
    with ThreadPoolExecutor(4) as found:
        yield found


@pytest.fixture
def sim(endpoint: Endpoint, closing: ThreadPoolExecutor) -> Iterator[StandIn]:
    """A stand-in of this test's own, with a webhook endpoint."""
    found = StandIn(clock=lambda: NOW, webhook_url=endpoint.url)
    found.start()
    yield found
    found.webhooks.drain()
    closing.submit(found.stop)


@pytest.fixture
def mine(sim: StandIn) -> Iterator[stripe.StripeClient]:
    """The client of `sim`."""
    with sdk(sim) as found:
        yield found
