"""An encrypted life: what the server keeps in clear, rotation, a key that is missing, and strangers' payloads. On a
server of the folder's own, in namespaces of their own."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from pydantic import SecretStr
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.common import RawValue

from adapters.payloads import Codec
from domain import keyring
from tests.workflows.conftest import House, furnish, opened
from tests.workflows.life import PATIENCE, Life, Refusal, request
from workers.codec import plugin_of
from workers.connect import TASK_QUEUE
from workers.devserver import DevServer
from workflows.attributes import BALANCE_MINOR

OLD, NEW = (keyring.entry(name, bytes([number]) * 32) for number, name in enumerate(("old", "new"), 1))
NAME, STREET, CITY, MAIL = "Zyxomma Quillfeather KG", "Vexillology Lane 77", "Quarnbek", "oswin.tharp@zyxomma.example"
WORDS = (NAME, "Quillfeather", STREET, CITY, MAIL, "zyxomma.example", "Xanthic retainer", "grommets were wet",
         "Wobbegong", "Brobdingnag")  # fmt: skip
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
        exact = re.compile(rf"(?<![0-9]){re.escape(word)}(?![0-9])") if word[0].isdigit() else re.compile(re.escape(word))
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
    body = request(seller, "ORD-1", "76543.21", notes="Brobdingnag", customer=CUSTOMER)
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
