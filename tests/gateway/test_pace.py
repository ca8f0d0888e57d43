"""How often one sender may open public pages."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from gateway.pace import CHANGES, LOOKS, SENDERS, Buckets, Pace, Paced, sender
from tests.gateway.conftest import Open, settings_of


@given(st.lists(st.floats(0, 5), min_size=1, max_size=80), st.integers(1, 10), st.sampled_from([0.5, 1, 4]))
def test_never_more_than_the_burst_and_what_filled_again(gaps: list[float], burst: int, per_second: float) -> None:
    buckets, now, taken = Buckets(Pace(burst, per_second)), 0.0, list[float]()
    for gap in gaps:
        now += gap
        wait = buckets.wait("a", now)
        if not wait:
            taken.append(now)
        else:
            assert buckets.wait("a", now + wait + 1e-6) == 0
            taken.append(now + wait + 1e-6)
            now += wait + 1e-6
    for first, since in enumerate(taken):
        for last in range(first, len(taken)):
            allowed = burst + (taken[last] - since) * per_second
            assert last - first + 1 <= allowed + 1e-3


def test_senders_do_not_meet_and_the_oldest_are_forgotten() -> None:
    buckets = Buckets(Pace(1, 1))
    assert [buckets.wait("a", 0) > 0, buckets.wait("a", 0) > 0, buckets.wait("b", 0) > 0] == [False, True, False]
    for number in range(SENDERS):
        buckets.wait(str(number), 0)
    assert len(buckets._full_at) == SENDERS
    assert buckets.wait("a", 0) == 0


@pytest.mark.parametrize(
    ("host", "who"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_a_sender_is_an_address_or_a_network(host: str, who: str) -> None:
    assert sender({"client": (host, 1)}) == who


async def test_a_burst_meets_429_on_public_pages_only() -> None:
    app = FastAPI()

    @app.api_route("/i/{token}", methods=["GET", "POST"])
    @app.get("/healthz")
    async def page() -> str:
        return "ok"

    app.add_middleware(Paced)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as http:
        said = [(await http.get("/i/x")) for _ in range(LOOKS.burst + 20)]
        assert [each.status_code for each in said[: LOOKS.burst]] == [200] * LOOKS.burst
        assert said[-1].status_code == 429
        assert int(said[-1].headers["retry-after"]) >= 1
        assert [(await http.post("/i/x")).status_code for _ in range(CHANGES.burst + 1)][-2:] == [200, 429]
        assert (await http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(("proxies", "last"), [("127.0.0.0/8", 404), ("10.0.0.0/8", 429)])
async def test_behind_a_trusted_proxy_each_sender_has_a_pace_of_its_own(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, proxies: str, last: int
) -> None:
    async with opened(settings_of(tmp_path, demo_url, trusted_proxies=proxies), demo) as gateway:
        said = [
            await gateway.http.get("/a/x", headers={"X-Forwarded-For": f"192.0.2.{number % 250}"})
            for number in range(LOOKS.burst + 40)
        ]
    assert said[-1].status_code == last
