from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from adapters.standins.stripe.server import StandIn
from tests.adapters.standins.stripe.support import NOW, Endpoint, sdk


@pytest.fixture(scope="session")
def running() -> Iterator[StandIn]:
    """A stand-in for tests that look at their own objects only: starting one costs 50 ms, stopping it 130."""
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


@pytest.fixture
def sim(endpoint: Endpoint) -> Iterator[StandIn]:
    """A stand-in of this test's own, with a webhook endpoint."""
    with StandIn(clock=lambda: NOW, webhook_url=endpoint.url) as found:
        yield found


@pytest.fixture
def mine(sim: StandIn) -> Iterator[stripe.StripeClient]:
    """The client of `sim`."""
    with sdk(sim) as found:
        yield found
