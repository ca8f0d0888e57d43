"""Makes a Temporal namespace ready for invoices, on any server: retention and search attributes.

May run again and from several processes at once. Never lowers a retention and never removes an attribute.
Upserting an attribute the server does not know wedges a workflow, so no worker starts before this returned.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    CountWorkflowExecutionsRequest,
    DescribeNamespaceRequest,
    DescribeNamespaceResponse,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Invalid, Unavailable
from workflows.attributes import KEYS

T = TypeVar("T")

RETENTION = timedelta(days=90)
FOLLOW_SECONDS = 60
POLL_SECONDS = 0.1

TYPES = {key.name: int(key.indexed_value_type) for key in KEYS}


async def prepare(client: Client, namespace: str) -> None:
    """Register `namespace` and the search attributes of the contract, and wait until queries know them.

    Raises Invalid when an attribute exists with another type, Unavailable when the server does not follow.
    """
    await _retain(client, namespace)
    await _attributes(client, namespace)
    await _patiently(_usable, client, namespace)


async def _retain(client: Client, namespace: str) -> None:
    retention = Duration()
    retention.FromTimedelta(RETENTION)
    try:
        existing = await _describe(client, namespace)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        try:
            await client.workflow_service.register_namespace(
                RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
            )
        except RPCError as refusal:
            if refusal.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
        existing = await _patiently(_describe, client, namespace)
    if existing.config.workflow_execution_retention_ttl.ToTimedelta() < RETENTION:
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=namespace, config=NamespaceConfig(workflow_execution_retention_ttl=retention)
            )
        )


async def _describe(client: Client, namespace: str) -> DescribeNamespaceResponse:
    return await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))


async def _attributes(client: Client, namespace: str) -> None:
    known = await _patiently(_known, client, namespace)
    for name, kind in TYPES.items():
        if known.get(name, kind) != kind:
            raise Invalid.at(
                name,
                f"is a search attribute of type {_name(known[name])} in namespace {namespace}, but must be "
                f"{_name(kind)}; use another namespace or remove it there",
            )
    missing = {name: kind for name, kind in TYPES.items() if name not in known}
    if not missing:
        return
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=_enums(missing))
        )
    except RPCError as error:
        # Somebody else adds the same ones at the same time; whether all are there is looked at next.
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


async def _usable(client: Client, namespace: str) -> None:
    """Listed is not enough: each service of the server refreshes its own picture of the namespace."""
    query = " AND ".join(f"{name} IS NOT NULL" for name in TYPES)
    await client.workflow_service.count_workflow_executions(
        CountWorkflowExecutionsRequest(namespace=namespace, query=query)
    )


async def _patiently(call: Callable[[Client, str], Awaitable[T]], client: Client, namespace: str) -> T:
    """`call` again while the server does not know yet what it was just told."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    while True:
        try:
            return await call(client, namespace)
        except RPCError as error:
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
                raise
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"namespace {namespace} is not ready after {FOLLOW_SECONDS} s: {error.message}"
                ) from error
        await asyncio.sleep(POLL_SECONDS)


async def _known(client: Client, namespace: str) -> dict[str, int]:
    answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    return {name: int(kind) for name, kind in answer.custom_attributes.items()}


def _enums(types: dict[str, int]) -> dict[str, IndexedValueType.ValueType]:
    return {name: IndexedValueType.ValueType(kind) for name, kind in types.items()}


def _name(kind: int) -> str:
    return IndexedValueType.Name(IndexedValueType.ValueType(kind)).removeprefix("INDEXED_VALUE_TYPE_")
