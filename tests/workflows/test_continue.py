"""A long life goes on in a fresh run, unharmed; the server here suggests it after some forty events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.books import statements
from tests.bank import line, statement
from tests.conftest import Databases
from tests.workflows.conftest import House, furnish, seed_many
from tests.workflows.life import Refusal, request, runs_of
from tests.workflows.test_bank_file import pays, send
from workers import binary
from workers.devserver import DevServer

EARLY = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40")


@pytest.fixture(scope="module")
async def hasty_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("hasty")
    url = Databases("sqlite", folder, None).empty()
    seed_many(url, folder)
    async with DevServer(binary.find(), folder, headless=True, persist=False, extra=EARLY) as server:
        house = await furnish(server.address, "default", url, folder)
        async with house.worker():
            yield house
        house.engine.dispose()


async def test_an_invoice_lives_on_over_many_runs(hasty_house: House) -> None:
    life = await hasty_house.issued("1000.00", terms="net 14")
    for number in range(30):
        answer = await life.do("note", by="x", text=f"note {number}")
        assert answer["state"] == "collecting"
    assert len(await runs_of(life.client, life.id)) >= 3
    said = await life.forward(20)
    assert life.rungs()[-1] == "D+1"
    assert len(life.mails("invoice")) == 1
    await life.do("dispute", by="x", reason="damaged")
    await life.do("resolve", by="ana", outcome="withdrawn")
    day = (await life.now()).date().isoformat()
    await life.do("pay", by="ben", amount=said["balance"], received_on=day, method="transfer", external_id="C-1")
    assert (await life.result())["state"] == "paid"
    assert len(life.audited("invoice.noted")) == 30
    assert await life.wedged() == []


async def test_updates_in_flight_are_all_answered_once(hasty_house: House) -> None:
    life = await hasty_house.issued("1000.00")
    said = await asyncio.gather(*(life.do("note", by="x", text=f"{n}") for n in range(8)))
    for _ in range(12):
        said += await asyncio.gather(*(life.do("note", by="x", text=f"{n}") for n in range(8)))
    assert len(said) == 104
    assert {one["result"] for one in said} == {"done"}
    assert len(life.audited("invoice.noted")) == 104
    assert len(await runs_of(life.client, life.id)) >= 3
    assert await life.wedged() == []


async def test_signals_across_runs_are_not_lost(hasty_house: House) -> None:
    life = await hasty_house.issued("1000.00")
    for number in range(120):
        await life.handle.signal("note", {"by": "x", "text": f"{number}"})
        if number % 10 == 0:
            await life.handle.signal("note", {"text": "no by"})
    await life.do("note", by="x", text="last")
    assert len(life.audited("invoice.noted")) == 121
    assert sum(int(entry.keys.get("count", "1")) for entry in life.audited("command.malformed")) == 12
    assert len(await runs_of(life.client, life.id)) >= 2
    assert (await life.at_rest())["malformed"] == 12
    assert "note: by: is required" in await life.told()


async def test_an_unreadable_request_keeps_its_problems_over_runs(hasty_house: House) -> None:
    seller = hasty_house.clock()
    life = await hasty_house.raw(f"invoice-{seller}-ORD-1", {"seller": seller})
    problems = (await life.state("invalid"))["problems"]
    for _ in range(20):
        with pytest.raises(Refusal, match="cannot be read"):
            await life.do("approve", by="ana")
    assert len(await runs_of(life.client, life.id)) >= 2
    said = await life.status()
    assert (said["state"], said["problems"]) == ("invalid", problems)
    await life.do("amend", by="crm", request=request(seller, "ORD-1"))
    assert (await life.state("awaiting_approval"))["problems"] == []


async def test_a_bank_file_of_many_parts_goes_on_where_it_was(
    hasty_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "CHUNK", 1)
    seller = hasty_house.clock()
    life = await hasty_house.issued(seller=seller)
    lines = [line(1_00 + n, "2026-01-20", text=f"odd {n}") for n in range(30)]
    said = await send(hasty_house, seller, statement(*lines, await pays(life)))
    assert said["counts"] == {"unclear: no_key": 30, "reference": 1}
    assert len(await runs_of(hasty_house.client, said["id"])) >= 3
    assert (await life.result())["state"] == "paid"
