"""`/v1/events`: whoever follows it has the whole audit chain, once and in order, whatever time a change bears."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from adapters.books.tx import booking
from domain import audit
from schemas import tables as t
from tests.gateway.conftest import Gateway
from tests.story import START, tell


async def followed(gateway: Gateway, key: dict[str, str], after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """All behind `after`, answer by answer."""
    found = list[dict[str, Any]]()
    while True:
        said = (await gateway.http.get(f"/v1/events?after={after}&limit={limit}", headers=key)).json()
        if not said["events"]:
            assert said["after"] == after
            return found
        assert len(said["events"]) <= limit
        found, after = found + said["events"], said["after"]


def entry(told: dict[str, Any]) -> audit.Entry:
    content = {name: value for name, value in told.items() if name not in {"at", "digest"}}
    return audit.Entry(at=datetime.fromisoformat(told["at"]), **content)


async def test_who_follows_has_the_whole_chain_and_can_prove_it(offline: Gateway) -> None:
    tell(offline.engine)
    found = await followed(offline, offline.as_("events:read", seller="demo"), limit=7)
    with Session(offline.engine) as session:
        seller = session.get_one(t.Seller, "demo")
        head = audit.Head(seq=seller.audit_seq, digest=seller.audit_head)
    assert len(found) > 100
    assert audit.verify(map(entry, found), head, (each["digest"] for each in found)) == []
    del found[50]
    assert audit.verify(map(entry, found), head) == ["entry 51 is missing"]


async def test_what_a_late_step_writes_comes_behind_what_was_read(offline: Gateway) -> None:
    tell(offline.engine)
    key = offline.as_("events:read", seller="demo")
    read = (await followed(offline, key))[-1]
    with booking(offline.engine, "demo", START - timedelta(days=1)) as tx:
        tx.audit("invoice.noted", "sam", "person", "invoice-demo-BUSY")
    (later,) = await followed(offline, key, after=read["seq"])
    assert (later["seq"], later["type"]) == (read["seq"] + 1, "invoice.noted")
    assert later["keys"] == {"invoice": "invoice-demo-BUSY"}
    assert later["at"] < read["at"]


async def test_it_misses_nothing_that_four_write_meanwhile(offline: Gateway) -> None:
    key = offline.as_("events:read", seller="demo")
    before = (await followed(offline, key))[-1]["seq"]

    def write(writer: int) -> None:
        for n in range(10):
            with booking(offline.engine, "demo", START) as tx:
                tx.audit("invoice.noted", "sam", "person", note=f"{writer}.{n}")

    writers = [asyncio.create_task(asyncio.to_thread(write, each)) for each in range(4)]
    seen = list[dict[str, Any]]()
    while not all(each.done() for each in writers):
        seen += await followed(offline, key, after=seen[-1]["seq"] if seen else before, limit=3)
    await asyncio.gather(*writers)
    seen += await followed(offline, key, after=seen[-1]["seq"] if seen else before)
    assert [each["seq"] for each in seen] == list(range(before + 1, before + 41))
    assert len({each["keys"]["note"] for each in seen}) == 40


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=2147483648", "limit=0", "limit=1001", "seller=Demo"])
async def test_it_is_asked_for_in_its_own_words(bare: Gateway, query: str) -> None:
    said = await bare.http.get(f"/v1/events?{query}", headers=bare.as_(seller="demo"))
    assert said.status_code == 422
    assert said.json()["problems"][0]["path"] == query.partition("=")[0]


async def test_a_key_for_every_seller_names_one(bare: Gateway) -> None:
    said = await bare.http.get("/v1/events", headers=bare.as_())
    assert (said.status_code, said.json()["problems"][0]["path"]) == (422, "seller")
    assert (await bare.http.get("/v1/events?seller=nobody1", headers=bare.as_())).json()["events"] == []
