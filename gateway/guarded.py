"""The headers that every answer has, whoever makes it: nothing is guessed from content, nothing is framed, loaded,
kept or told to another site. A page's own, stricter or needed otherwise, stay as they are."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
HTTPS = "max-age=31536000"
"""A year of https only, once the public address is https (RFC 6797)."""


class Guarded:
    def __init__(self, app: ASGIApp, https: bool):
        self.app = app
        self._headers = ALWAYS | ({"Strict-Transport-Security": HTTPS} if https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, guarded)
