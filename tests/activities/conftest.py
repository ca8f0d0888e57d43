from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.standins.stripe.faults import Faults
from adapters.standins.stripe.server import StandIn


@pytest.fixture(scope="session")
def running() -> Iterator[StandIn]:
    with StandIn() as found:
        yield found


@pytest.fixture
def sim(running: StandIn) -> Iterator[StandIn]:
    """The stand-in without faults that another test ordered."""
    assert running.faults == Faults(counts=running.faults.counts, _lock=running.faults._lock)
    yield running
    running.faults.up()
    running.faults._before.clear()
    running.faults._after.clear()
