"""How large a body may be, by path: refused by its Content-Length at once, else while it streams in. Pure ASGI: nothing
behind it can read more than the limit. It parses nothing."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import HttpProblem, problem

MIB = 1 << 20
DEFAULT = MIB
LARGER = (("/v1/bank-files", 64 * MIB), ("/v1/files", 10 * MIB))
"""Paths that take more."""


def limit_of(path: str) -> int:
    return next((size for start, size in LARGER if path == start), DEFAULT)


class Limits:
    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared[:20]) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HttpProblem(413, _detail(limit), {"Connection": "close"})
            return message

        await self.app(scope, counted, send)


def _too_large(limit: int) -> ASGIApp:
    """The connection ends with it: what the sender still has to say is not read."""
    return problem(413, _detail(limit), headers={"Connection": "close"})


def _detail(limit: int) -> str:
    return f"the body is larger than {limit // MIB} MiB"
