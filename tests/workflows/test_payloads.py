"""An encrypted life: what the server keeps in clear, rotation, a key that is missing, and strangers' payloads. On a
server of the folder's own, in namespaces of their own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from pydantic import SecretStr
from temporalio.api.common.v1 import Payload
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.common import RawValue

from adapters.payloads import ENCODING, Codec
from domain import keyring
from domain.errors import MissingKey
from tests.conftest import Databases
from tests.workflows.conftest import House, furnish, opened, seed_many
from tests.workflows.life import PATIENCE, Life, Refusal, request
from workers.devserver import DevServer
from workflows.attributes import BALANCE_MINOR

OLD, NEW = (keyring.entry(name, bytes([number]) * 32) for number, name in enumerate(("old", "new"), 1))
NAME, STREET, CITY, MAIL = "Zyxomma Quillfeather KG", "Vexillology Lane 77", "Quarnbek", "oswin.tharp@zyxomma.example"
WORDS = (NAME, "Quillfeather", STREET, CITY, MAIL, "zyxomma.example", "Xanthic retainer", "grommets were wet",
         "Wobbegong", "Brobdingnag", "may approve up to", "cash")  # fmt: skip
CUSTOMER = {"name": NAME, "email": MAIL, "country": "DE", "language": "de", "timezone": "Europe/Berlin",
            "vat_id": "DE136695976", "address": {"street": STREET, "postcode": "24107", "city": CITY}}  # fmt: skip


def amounts(*minor: int) -> Iterator[str]:
    """How a person, a program and a ledger write an amount."""
    for each in minor:
        whole, cents = divmod(each, 100)
        yield from (str(each), f"{whole}.{cents:02}", f"{whole:,}.{cents:02}")
        yield f"{whole:,}".replace(",", ".") + f",{cents:02}"


def leaves(value: Any) -> Iterator[str]:
    """Every text of a message, and what stands in base64 in it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    else:
        yield str(value)
        with contextlib.suppress(ValueError):
            yield base64.b64decode(str(value), validate=True).decode("latin-1")


async def kept(client: Client, id_: str) -> list[str]:
    """All that the server keeps of this id over its runs: histories, description, visibility."""
    found: list[str] = []
    service, namespace = client.workflow_service, client.namespace
    listed = await service.list_workflow_executions(
        ListWorkflowExecutionsRequest(namespace=namespace, query=f'WorkflowId="{id_}"')
    )
    found += leaves(MessageToDict(listed))
    for run in listed.executions:
        asked = DescribeWorkflowExecutionRequest(namespace=namespace, execution=run.execution)
        found += leaves(MessageToDict(await service.describe_workflow_execution(asked)))
        more = GetWorkflowExecutionHistoryRequest(namespace=namespace, execution=run.execution)
        while True:
            answer = await service.get_workflow_execution_history(more)
            found += leaves(MessageToDict(answer.history))
            if not answer.next_page_token:
                break
            more.next_page_token = answer.next_page_token
    assert listed.executions
    return found


def told(texts: list[str], forbidden: Iterator[str] | tuple[str, ...]) -> dict[str, str]:
    """Which forbidden words stand in which text; an amount counts where no digit stands around it."""
    found = {}
    for word in forbidden:
        alone = r"(?<![0-9])%s(?![0-9])" if word[0].isdigit() else "%s"
        exact = re.compile(alone % re.escape(word))
        hit = next((text for text in texts if exact.search(text)), None)
        if hit is not None:
            found[word] = hit[:300]
    return found


async def granted(life: Life, name: str, **fields: Any) -> None:
    said = await life.do(name, by="ben", **fields)
    if said["result"] == "pending":
        await life.do("approve", by="cho", subject=said["subject"])


async def lived(house: House, seller: str) -> Life:
    """Drafted, approved, disputed, refused, resolved, paid and written off: every kind of thing a history holds."""
    body = {**request(seller, "ORD-1", "76543.21", notes="Brobdingnag"), "customer": CUSTOMER}
    body["lines"][0]["description"] = "Xanthic retainer"
    life = await house.raw(f"invoice-{seller}-ORD-1", body)
    await life.state("awaiting_approval")
    with pytest.raises(Refusal, match="may approve up to"):
        await life.do("approve", by="ana")
    await life.do("approve", by="ben", comment="Wobbegong")
    await life.do("approve", by="cho")
    await life.state("collecting")
    await life.at_rest()
    said = await life.do("dispute", by="Quillfeather", reason="the grommets were wet", amount="200.42", code="quality")
    with pytest.raises(Refusal):
        await life.do("resolve", by="sam", outcome="withdrawn", dispute=said["dispute"], comment="Wobbegong")
    await life.handle.signal("note", {"by": "ana", "text": ["grommets were wet", 91086.42]})
    await life.handle.signal("note", {"by": "ana", "text": "Wobbegong"})
    await life.do("resolve", by="ben", outcome="withdrawn", dispute=said["dispute"], comment="Wobbegong")
    paid = {"amount": "91086.00", "received_on": (await life.now()).date().isoformat(), "method": "cash"}
    await granted(life, "pay", external_id="SLIP-9", **paid)
    await granted(life, "write_off", reason="Wobbegong", kind="small_difference")
    await life.result()
    assert await life.wedged() == []
    return life


@pytest.mark.parametrize("keys", [NEW, None], ids=["encrypted", "clear"])
async def test_what_the_server_keeps_of_a_life(
    keys: str | None, request: pytest.FixtureRequest, server: DevServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the codec no name, address, mail, text or amount of a whole life; without it, all of them: so the search
    finds what it looks for."""
    more = {} if keys is None else {"codec_keys": SecretStr(keys)}
    async for house in opened("sqlite", request, server, tmp_path_factory, f"payloads-{bool(keys)}", **more):
        life = await lived(house, house.clock())
        raw = await Client.connect(server.address, namespace=house.client.namespace)
        texts = await kept(raw, life.id)
        words = (*WORDS, *amounts(7654321, 1454321, 9108642, 9108600, 20042))
        found = told(texts, words)
        if keys is None:
            assert {*WORDS, "9108642", "76543.21", "91086.00", "200.42"} <= {*found}
        else:
            assert found == {}


@asynccontextmanager
async def houses(
    server: DevServer, factory: pytest.TempPathFactory, namespace: str
) -> AsyncIterator[Callable[[str | None], Awaitable[House]]]:
    """One set of books; houses before them that differ in their keys only. None of them works yet."""
    folder = factory.mktemp(namespace)
    url = Databases("sqlite", folder, None).empty()
    seed_many(url, folder)
    made: list[House] = []

    async def house(keys: str | None) -> House:
        more = {} if keys is None else {"codec_keys": SecretStr(keys)}
        made.append(await furnish(server.address, namespace, url, folder, **more))
        return made[-1]

    yield house
    for each in made:
        each.engine.dispose()


def at(house: House, life: Life) -> Life:
    return house.life(life.id)


async def test_keys_change_and_go_in_the_middle_of_a_life(
    server: DevServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In clear, with a key, with a newer one, in clear again: one life on one history, and `status` reads all of it."""
    async with houses(server, tmp_path_factory, "rotating") as house:
        clear, old = await house(None), await house(OLD)
        new, off = await house(f"{NEW},{OLD}"), await house(f"{keyring.PLAIN},{NEW},{OLD}")
        async with clear.worker():
            life = await clear.start("1000.00", seller="clock01")
            await life.state("awaiting_approval")
            assert await balance(life) == 119000
        async with old.worker():
            await at(old, life).do("approve", by="ana")
            await at(old, life).state("collecting")
            await at(old, life).at_rest()
            assert await balance(life) is None
            await clear.life(life.id).handle.signal("note", {"by": "ana", "text": "pasted in clear"})
        async with new.worker():
            said = await at(new, life).do("dispute", by="ap", reason="late")
            with pytest.raises(Refusal, match="name one of those that are open: d1"):
                await at(new, life).do("resolve", by="ben", outcome="withdrawn", dispute="d9")
            await at(new, life).do("resolve", by="ben", outcome="withdrawn", dispute=said["dispute"])
        async with off.worker():
            await granted(at(off, life), "write_off", reason="too small", kind="bad_debt")
            assert (await at(off, life).result())["state"] == "written_off"
            assert [entry.type for entry in life.audited("invoice.noted")] == ["invoice.noted"]
        assert await at(off, life).wedged() == []
        used = {payload.metadata["encryption-key-id"] async for payload in sealed(life)}
        assert used == {b"old", b"new"}


async def balance(life: Life) -> int | None:
    described = await life.handle.describe()
    return described.typed_search_attributes.get(BALANCE_MINOR)


async def sealed(life: Life) -> AsyncIterator[Payload]:
    """The encrypted inputs and results of its activities and updates, as they are kept."""
    async for event in life.handle.fetch_history_events():
        for part in (event.activity_task_scheduled_event_attributes.input,
                     event.activity_task_completed_event_attributes.result):  # fmt: skip
            for payload in part.payloads:
                if payload.metadata["encoding"] == ENCODING:
                    yield payload


async def test_a_missing_key_is_told_and_nothing_is_lost(
    server: DevServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A worker without the newest key fails the task and names the key; given it, everything goes on."""
    async with houses(server, tmp_path_factory, "missing") as house:
        lacking, whole = await house(OLD), await house(f"{NEW},{OLD}")
        life = await whole.start("1000.00", seller="clock01")
        await life.handle.signal("note", {"by": "ana", "text": "kept"})
        async with lacking.worker():
            [failed, *_] = await until(life.wedged)
            assert "the key new is not in DUELY_CODEC_KEYS" in failed
            with pytest.raises(MissingKey, match="the key new is not in DUELY_CODEC_KEYS"):
                await lacking.client.data_converter.decode(await first_input(life))
        async with whole.worker():
            said = await life.state("awaiting_approval")
            await life.do("note", by="ana", text="after it")
            assert (said["malformed"], len(life.audited("invoice.noted"))) == (0, 2)


async def until(ask: Callable[[], Awaitable[list[str]]]) -> list[str]:
    deadline = time.monotonic() + PATIENCE
    while True:
        if found := await ask():
            return found
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def first_input(life: Life) -> list[Payload]:
    event = await anext(life.handle.fetch_history_events())
    return list(event.workflow_execution_started_event_attributes.input.payloads)


async def test_no_payload_of_a_stranger_stops_a_receivable(
    server: DevServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A key that was never made, one of ours with other bytes, or none: unreadable, told, and the loop goes on."""
    async with houses(server, tmp_path_factory, "strangers") as house:
        ours = await house(NEW)
        [good] = await Codec(keyring.ring(NEW, ""), "another secret, of somebody else").encode([Payload(data=b"{}")])
        strange = Payload(metadata={**good.metadata, "encryption-key-id": b"never-made"}, data=good.data)
        bent = Payload(metadata=dict(good.metadata), data=good.data[:-1] + bytes([good.data[-1] ^ 1]))
        short = Payload(metadata=dict(good.metadata), data=b"")
        async with ours.worker():
            for number, payload in enumerate((strange, bent, short), 1):
                life = await ours.raw(f"invoice-clock0{number}-BAD-1", RawValue(payload))
                said = await life.state("invalid")
                assert "'binary/encrypted' cannot be read" in said["problems"][0]["message"]
                good_one = await ours.start("100.00", seller=f"clock0{number}")
                await good_one.state("awaiting_approval")
                await good_one.handle.signal("hold", RawValue(payload))
                await good_one.until(lambda said: said["malformed"] == 1)
                assert await life.wedged() == await good_one.wedged() == []
