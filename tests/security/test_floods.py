"""Too much: fifty megabytes to every path that takes a body, a thousand requests at once. Refused, in time, without
memory that grows; and the rest of the house does not notice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from starlette.routing import Route

from domain import links
from gateway.app import make_app
from gateway.limits import MIB
from gateway.pace import LOOKS
from tests.gateway.conftest import Gateway, nobody
from tests.security.conftest import PURPOSES, issued
from tests.security.test_tokens import filled

PIECE = b"x" * 65_536
PATIENCE = 20.0


def resident() -> int:
    """Bytes of this process, the gateway in it, that lie in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Upload:
    """So many bytes in pieces, and the most memory that was seen while they were sent."""

    def __init__(self, size: int, head: bytes = b""):
        self.size, self.head = size, head
        self.begun = self.most = resident()

    async def pieces(self) -> AsyncIterator[bytes]:
        yield self.head
        for _ in range(self.size // len(PIECE)):
            self.most = max(self.most, resident())
            yield PIECE

    @property
    def grew(self) -> int:
        return max(self.most, resident()) - self.begun


def taking_bodies(gateway: Gateway) -> list[tuple[str, str]]:
    """Every route that takes a body; of those that differ in a command's name only, one."""
    app = make_app(gateway.settings, gateway.engine, nobody)
    routes = [each for each in app.state.routes if isinstance(each, Route)]
    found = {(method, each.path) for each in routes for method in each.methods or () if method in ("POST", "PUT")}
    return sorted(each for each in found if "/commands/" not in each[1] or each[1].endswith("/note"))


MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="../../a.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF-"
)


async def test_fifty_megabytes_are_refused_without_being_kept(bare: Gateway) -> None:
    story = issued(bare.engine, "demo", "ORD-1", bare.settings.archive)
    secret, key = bare.settings.signing_secret().get_secret_value(), bare.as_()
    tried = taking_bodies(bare)
    assert {path for _, path in tried} >= {"/v1/files", "/v1/bank-files", "/i/{token}/dispute", "/webhooks/sendgrid"}
    for method, path in tried:
        token = links.token(secret, PURPOSES[path.split("/")[1]], story.id) if "{token}" in path else ""
        upload = Upload(50 * MIB, MULTIPART)
        headers = {**key, "Content-Type": "multipart/form-data; boundary=x"}
        where = filled(path, token) + ("?format=csv&seller=demo" if path == "/v1/bank-files" else "")
        answer = await bare.http.request(method, where, content=upload.pieces(), headers=headers)
        assert answer.status_code in (400, 403, 404, 413, 415, 422, 429, 503), (path, answer.status_code)
        assert upload.grew < 40 * MIB, (path, answer.status_code, upload.grew // MIB)
        if answer.status_code == 413:
            said = await bare.http.request(method, where, headers=headers, content=bytes(50 * MIB))
            assert said.status_code == 413, path
    assert not list(bare.settings.archive.glob("*.pdf.part"))
    assert (await bare.http.get("/healthz")).status_code == 200


async def test_a_thousand_at_once(bare: Gateway) -> None:
    story = issued(bare.engine, "demo", "ORD-1", bare.settings.archive)
    secret = bare.settings.signing_secret().get_secret_value()
    path = f"/v/{links.token(secret, links.GENUINE, f'{story.id}/invoice')}"
    assert (await bare.http.get(path)).status_code == 200
    begun, health, said = resident(), Counter[int](), list[tuple[int, str]]()

    async def some(_: int) -> None:
        # No connection is used again after a pause: the server may be closing it at that moment.
        limits = httpx.Limits(keepalive_expiry=1)
        async with httpx.AsyncClient(base_url=bare.url, timeout=60, limits=limits) as http:
            for _ in range(20):
                answer = await http.get(path)
                said.append((answer.status_code, answer.headers.get("retry-after", "")))
            health[(await http.get("/healthz")).status_code] += 1

    await asyncio.gather(*map(some, range(50)))
    assert len(said) == 1_000
    counted = Counter(status for status, _ in said)
    assert set(counted) == {200, 429}
    assert LOOKS.burst / 2 <= counted[200] < 500
    assert all(after.isdigit() and int(after) >= 1 for status, after in said if status == 429)
    assert health == {200: 50}
    assert resident() - begun < 96 * MIB
    deadline = time.monotonic() + PATIENCE
    while (await bare.http.get(path)).status_code != 200:
        assert time.monotonic() < deadline, "it does not serve again"
        await asyncio.sleep(0.05)
