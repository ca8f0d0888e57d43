"""The embedded server, really started: answers, persists, stops, ignores Ctrl-C; and its namespace."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from temporalio import workflow
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError
from temporalio.worker import Worker

from domain.errors import Invalid, Unavailable
from workers import binary
from workers.connect import TASK_QUEUE, connect, external_address
from workers.devserver import DevServer, serving
from workers.health import polls
from workers.namespace import RETENTION, TYPES, prepare
from workflows import attributes


@workflow.defn
class Idle:
    @workflow.run
    async def run(self) -> None:
        """Never started: a worker must have something to offer."""


CONTRACT = {
    "Keyword": "InvoiceState InvoiceNumber InvoiceSeller InvoiceCustomer InvoiceOwner InvoiceCurrency",
    "KeywordList": "InvoiceFlags",
    "Datetime": "InvoiceDueAt InvoiceNextActionAt",
    "Int": "InvoiceBalanceMinor",
    "Bool": "InvoiceNeedsPerson",
}


@pytest.fixture(scope="module")
def program() -> Path:
    return binary.find()


@pytest.fixture(scope="module")
async def server(program: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    async with DevServer(program, tmp_path_factory.mktemp("server"), headless=True, persist=False) as running:
        yield running


@pytest.fixture(autouse=True)
def no_server_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TEMPORAL_"):
            monkeypatch.delenv(name)


async def retention(client: Client, namespace: str) -> timedelta:
    answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    return answer.config.workflow_execution_retention_ttl.ToTimedelta()


async def visible(client: Client, query: str, seconds: float = 10) -> list[str]:
    deadline = time.monotonic() + seconds
    while not (found := [execution.id async for execution in client.list_workflows(query)]):
        assert time.monotonic() < deadline, f"nothing visible for {query}"
        await asyncio.sleep(0.02)
    return found


def test_the_attributes_are_those_of_the_contract() -> None:
    expected = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind}")
        for kind, names in (("KEYWORD_LIST" if k == "KeywordList" else k.upper(), v) for k, v in CONTRACT.items())
        for name in names.split()
    }
    assert expected == TYPES


async def test_it_starts_is_prepared_twice_and_finds_by_attribute(server: DevServer) -> None:
    client = await connect(server.address)
    assert await retention(client, "default") < RETENTION, "why the default namespace must be prepared, too"
    began = time.monotonic()
    await prepare(client, "default")
    await prepare(client, "default")
    assert time.monotonic() - began < 10
    assert await retention(client, "default") == RETENTION
    pairs: list[SearchAttributePair[Any]] = [
        SearchAttributePair(attributes.STATE, "disputed"),
        SearchAttributePair(attributes.FLAGS, ["promised", "plan"]),
        SearchAttributePair(attributes.BALANCE_MINOR, 11900),
    ]
    await client.start_workflow(
        "Invoice", id="invoice-demo-A1", task_queue="nobody", search_attributes=TypedSearchAttributes(pairs)
    )
    query = 'InvoiceState="disputed" AND InvoiceFlags="plan" AND InvoiceBalanceMinor=11900'
    assert await visible(client, query) == ["invoice-demo-A1"]


async def test_a_new_namespace_is_made_by_several_at_once(server: DevServer) -> None:
    client = await connect(server.address)
    await asyncio.gather(*(prepare(client, "acme") for _ in range(5)))
    assert await retention(client, "acme") == RETENTION
    known = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="acme"))
    assert dict(known.custom_attributes) == TYPES
    acme = await Client.connect(server.address, namespace="acme")
    assert (await acme.count_workflows('InvoiceFlags="plan" AND InvoiceBalanceMinor > 0')).count == 0


async def test_an_attribute_of_another_type_is_named(server: DevServer) -> None:
    client = await connect(server.address)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace="foreign", workflow_execution_retention_period=Duration(seconds=10**7))
    )
    wrong = AddSearchAttributesRequest(
        namespace="foreign", search_attributes={"InvoiceState": IndexedValueType.INDEXED_VALUE_TYPE_INT}
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            await client.operator_service.add_search_attributes(wrong)
            break
        except RPCError:
            assert time.monotonic() < deadline, "the new namespace stays unknown"
            await asyncio.sleep(0.05)
    with pytest.raises(Invalid, match=r"InvoiceState: is a search attribute of type INT .* must be KEYWORD"):
        await prepare(client, "foreign")
    assert await retention(client, "foreign") == timedelta(seconds=10**7), "a longer retention is kept"


async def test_state_survives_a_restart_and_ctrl_c_does_not_reach_the_server(program: Path, tmp_path: Path) -> None:
    async with DevServer(program, tmp_path, headless=True) as running:
        client = await connect(running.address)
        await prepare(client, "default")
        await client.start_workflow("Invoice", id="invoice-demo-A2", task_queue="nobody")
        process = running._process
        assert process is not None
        assert os.getpgid(process.pid) == process.pid != os.getpgid(0)
        assert running.ui_url is None
    assert process.returncode == 0
    async with DevServer(program, tmp_path, headless=True) as again:
        client = await connect(again.address)
        assert (await client.get_workflow_handle("invoice-demo-A2").describe()).id == "invoice-demo-A2"
        assert await retention(client, "default") == RETENTION


async def test_the_web_ui_answers_where_it_says(program: Path, tmp_path: Path) -> None:
    async with DevServer(program, tmp_path, persist=False) as running:
        assert running.ui_url is not None
        host, port = running.ui_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        await writer.wait_closed()
    with pytest.raises(Unavailable, match="not running"):
        _ = running.address


async def test_a_taken_port_is_named_with_its_setting(program: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"port {port} is taken: .* DUELY_TEMPORAL_PORT"):
            await DevServer(program, tmp_path, port=port, headless=True).start()
        with pytest.raises(Unavailable, match="DUELY_UI_PORT"):
            await DevServer(program, tmp_path, ui_port=port).start()


async def test_a_server_that_ends_at_once_is_quoted(program: Path, tmp_path: Path) -> None:
    (tmp_path / "temporal.db").mkdir()
    server = DevServer(program, tmp_path, headless=True)
    with pytest.raises(Unavailable, match=r"ended at once: .*SQLite"):
        await server.start()
    assert server._process is None


async def test_a_server_that_does_not_stop_is_killed(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.devserver.STOP_SECONDS", 0.5)
    server = DevServer(program, tmp_path, headless=True, persist=False)
    await server.start()
    process = server._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    await server.stop()
    assert process.returncode == -signal.SIGKILL
    await server.stop()


async def test_a_named_server_is_taken_as_it_is(
    server: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    async with serving(tmp_path) as endpoint:
        assert (endpoint.address, endpoint.ui_url) == (server.address, None)
    assert list(tmp_path.iterdir()) == []
    assert await (await connect(server.address)).service_client.check_health(), "it was not ours to stop"


async def test_health_sees_a_worker_that_polls_and_no_other(server: DevServer) -> None:
    client = await connect(server.address)
    assert not await polls(client, socket.gethostname())
    async with Worker(client, task_queue=TASK_QUEUE, workflows=[Idle]):
        deadline = time.monotonic() + 10
        while not await polls(client, socket.gethostname()):
            assert time.monotonic() < deadline, "the worker is not seen"
            await asyncio.sleep(0.02)
        assert not await polls(client, "elsewhere")
    assert not await polls(client, socket.gethostname(), lately=timedelta(0)), "a poll of the past is not enough"


async def test_nobody_answering_is_one_line() -> None:
    with pytest.raises(Unavailable, match=r"no Temporal server answers at 127\.0\.0\.1:1: [^\n]+$"):
        await connect("127.0.0.1:1")


def test_a_profile_lying_around_names_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".config" / "temporalio" / "temporal.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[profile.default]\naddress = "cloud.example:7233"\n', encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    assert external_address() is None
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    assert external_address() == "cloud.example:7233"
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(tmp_path / "missing" / "x.toml"))
    monkeypatch.setenv("TEMPORAL_PROFILE", "nope")
    with pytest.raises(Invalid, match=r"TEMPORAL_\*: cannot be read"):
        external_address()
