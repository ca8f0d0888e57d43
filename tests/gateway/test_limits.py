"""Bodies of any size, whole or in pieces: what is too large is refused, and never read to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.types import Message

from gateway.limits import DEFAULT, MIB, Limits
from gateway.problems import HttpProblem
from tests.gateway.conftest import Gateway

PIECE = b"x" * 65_536


async def pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // len(PIECE) + 1):
        yield PIECE


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/webhooks/stripe", 1), ("/v1/invoices", 1), ("/v1/files", 10), ("/v1/bank-files?format=csv", 64)],
)
async def test_a_body_too_large_is_refused_by_its_length_and_in_pieces(bare: Gateway, path: str, limit: int) -> None:
    key = bare.as_()
    for content in (b"x" * (limit * MIB + 1), pieces(limit * MIB + 1)):
        if path.startswith("/v1/bank") and not isinstance(content, bytes):
            continue  # refused before: no server takes it, so its body is not read
        said = await bare.http.post(path, content=content, headers=key)
        assert (said.status_code, said.json()["detail"]) == (413, f"the body is larger than {limit} MiB")
        assert said.headers["Content-Type"] == "application/problem+json"
    assert (await bare.http.get("/healthz")).status_code == 200


async def test_a_body_as_large_as_allowed_is_read(bare: Gateway) -> None:
    said = await bare.http.post("/v1/files", content=b"%PDF-" + b"x" * (10 * MIB - 5), headers=bare.as_())
    assert said.status_code == 201


async def test_nothing_is_read_beyond_the_limit() -> None:
    given = 0

    async def endless() -> Message:
        nonlocal given
        given += len(PIECE)
        return {"type": "http.request", "body": PIECE, "more_body": True}

    async def app(scope: object, receive: object, send: object) -> None:
        while True:
            await receive()  # type: ignore[operator]  # a program that reads for ever

    async def nowhere(_: Message) -> None: ...

    with pytest.raises(HttpProblem):
        await Limits(app)({"type": "http", "path": "/", "headers": []}, endless, nowhere)
    assert given <= DEFAULT + len(PIECE)
