"""How often one sender may ask for pages that anybody with a link can open: a bucket a sender, which fills again with
time. It protects the books from a flood and tokens from being guessed; the API has keys of its own.

Who the sender is says the connection, or a proxy of `DUELY_TRUSTED_PROXIES`.
"""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import answer

PUBLIC = re.compile(r"/(?:i|pay|a|v|d|s|c|codec)/")
SENDERS = 10_000
"""So many are remembered; whoever was not seen for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` at once, then `per_second` on."""

    burst: int
    per_second: float


LOOKS = Pace(burst=120, per_second=4)
CHANGES = Pace(burst=20, per_second=0.2)
DECODING = Pace(burst=1_000, per_second=50)
"""The Web UI asks for every event of a history apart."""

DECODERS = re.compile(r"/codec/(?:de|en)code")
IPV6_NETWORK = 64
"""One customer of a provider owns a whole such network."""


class Buckets:
    def __init__(self, pace: Pace):
        self._pace = pace
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, sender: str, now: float) -> float:
        """Takes one; answers 0, or after how many seconds one is there again."""
        full_at = max(self._full_at.pop(sender, now), now)
        wait = full_at - now - (self._pace.burst - 1) / self._pace.per_second
        self._full_at[sender] = full_at if wait > 0 else full_at + 1 / self._pace.per_second
        if len(self._full_at) > SENDERS:
            self._full_at.popitem(last=False)
        return max(wait, 0.0)


class Paced:
    def __init__(self, app: ASGIApp):
        self.app = app
        self._looks, self._changes, self._decoding = Buckets(LOOKS), Buckets(CHANGES), Buckets(DECODING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not PUBLIC.match(scope["path"]):
            await self.app(scope, receive, send)
            return
        buckets = self._looks if scope["method"] in ("GET", "HEAD") else self._changes
        if DECODERS.fullmatch(scope["path"]):
            buckets = self._decoding
        wait = buckets.wait(sender(scope), time.monotonic())
        if not wait:
            await self.app(scope, receive, send)
            return
        retry = {"Retry-After": str(math.ceil(wait))}
        await answer(Request(scope), 429, "too many requests: wait a moment", headers=retry)(scope, receive, send)


def sender(scope: Scope) -> str:
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 4 or address.ipv4_mapped:
        return str(getattr(address, "ipv4_mapped", address))
    return str(ipaddress.ip_network((address, IPV6_NETWORK), strict=False))
