"""How large a body may be, by path: refused by its Content-Length at once, else while it streams in. Pure ASGI: nothing
behind it can read more than the limit. It parses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.mail import incoming, sendgrid_events
from gateway.problems import HttpProblem, problem

MIB = 1 << 20
DEFAULT = MIB
LARGER = (
    ("/v1/bank-files", 64 * MIB),
    ("/v1/files", 10 * MIB),
    ("/v1/invoices", 10 * MIB),
    ("/codec/decode", 16 * MIB),
    ("/codec/encode", 16 * MIB),
    ("/webhooks/inbound", incoming.MOST_BYTES),
    ("/webhooks/sendgrid", sendgrid_events.MAX_BYTES),
)
"""Paths that take more."""

LINGER_BYTES, LINGER_SECONDS = 80 * MIB, 5
"""How much of a refused body is thrown away unseen before the connection ends: a sender that has not finished would
else meet a reset instead of the answer."""

_CLOSE = {"Connection": "close"}


WITH_FILES = re.compile(r"/i/[^/]+/dispute")
FILES = 26 * MIB
"""The form with the customer's files: five of 5 MiB, and what surrounds them."""


def limit_of(path: str) -> int:
    if WITH_FILES.fullmatch(path):
        return FILES
    return next((size for start, size in LARGER if path == start), DEFAULT)


class Limits:
    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, limit, read = dict(scope["headers"]), limit_of(scope["path"]), 0
        # Who waits to be told to go on has sent nothing yet.
        waits = headers.get(b"expect", b"").lower() == b"100-continue"

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HttpProblem(413, detail(limit), _CLOSE)
            return message

        async def answer(message: Message) -> None:
            if read <= limit or waits or message["type"] != "http.response.body" or message.get("more_body"):
                await send(message)
                return
            await send({**message, "more_body": True})
            await _throw_away(receive)
            await send({"type": "http.response.body", "body": b""})

        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared[:20]) > limit:
            read = limit + 1
            await problem(413, detail(limit), headers=_CLOSE)(scope, receive, answer)
            return
        await self.app(scope, counted, answer)


async def _throw_away(receive: Receive) -> None:
    thrown = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while thrown < LINGER_BYTES:
                message = await receive()
                thrown += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def detail(limit: int) -> str:
    return f"the body is larger than {limit // MIB} MiB"
