"""The codec server: who may have payloads decrypted, and from where; and the real `temporal` program with and without a
key."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.api.common.v1 import Payload

from adapters.books import api_keys
from domain import keyring, links
from tests.gateway.conftest import Gateway, Open, settings_of
from tests.workflows.life import request as invoice
from workers import binary
from workers.codec import codec_of, plugin_of
from workers.connect import TASK_QUEUE, connect
from workers.devserver import DevServer

KEY = keyring.entry("test", b"k" * 32)
PAYLOAD = {
    "metadata": {"encoding": b64encode(b"json/plain").decode()},
    "data": b64encode(b'{"name": "Globex"}').decode(),
}
DEFAULT = {"X-Namespace": "default"}
UI = "http://127.0.0.1:8233"


@pytest.fixture
async def coded(opened: Open, demo: Engine, demo_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    settings = settings_of(tmp_path, demo_url, codec_keys=SecretStr(KEY))
    async with opened(settings, demo) as gateway:
        yield gateway


async def ask(gateway: Gateway, verb: str, payload: dict[str, Any], **headers: str) -> Any:
    answer = await gateway.http.post(f"/codec/{verb}", json={"payloads": [payload]}, headers={**DEFAULT, **headers})
    assert answer.status_code == 200, answer.text
    return answer.json()["payloads"][0]


def cookies_of(answer: Any) -> SimpleCookie:
    found = SimpleCookie()
    for each in answer.headers.get_list("set-cookie"):
        found.load(each)
    return found


async def log_in(gateway: Gateway, key: str) -> Any:
    page = await gateway.http.get("/codec/login")
    sealed = re.search(r'name="form" value="([0-9a-f]{64})"', page.text)
    assert sealed is not None
    return await gateway.http.post("/codec/login", data={"form": sealed[1], "key": key})


async def test_without_keys_there_is_nothing(bare: Gateway) -> None:
    headers = bare.as_()
    for method, path in (
        ("POST", "decode"),
        ("POST", "encode"),
        ("OPTIONS", "decode"),
        ("GET", "login"),
        ("POST", "login"),
    ):
        answer = await bare.http.request(
            method, f"/codec/{path}", headers={**headers, **DEFAULT}, json={"payloads": []}
        )
        assert answer.status_code == 404, (method, path)


async def test_what_is_encoded_is_decoded_and_what_nobody_can_read_stays(coded: Gateway) -> None:
    key = coded.as_("codec")
    closed = await ask(coded, "encode", PAYLOAD, **key)
    assert b64decode(closed["metadata"]["encoding"]) == b"binary/encrypted"
    assert b"Globex" not in b64decode(closed["data"])
    assert await ask(coded, "decode", closed, **key) == PAYLOAD
    other = settings_of(coded.settings.var, "", codec_keys=SecretStr(keyring.entry("other", b"o" * 32)))
    [lost] = await codec_of(other).encode([ParseDict(PAYLOAD, Payload())])
    assert await ask(coded, "decode", MessageToDict(lost), **key) == MessageToDict(lost)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer dk_000000000000_0"}, 401),
        ({"X-Namespace": "other"}, 404),
        ({"X-Namespace": ""}, 404),
        ({"Content-Type": "text/plain"}, 415),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": UI}, 200),
    ],
)
async def test_who_is_refused(coded: Gateway, changed: dict[str, str], status: int) -> None:
    headers = {**coded.as_("codec"), **DEFAULT, "Content-Type": "application/json", **changed}
    answer = await coded.http.post("/codec/decode", content=json.dumps({"payloads": [PAYLOAD]}), headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("access-control-allow-origin") == (UI if changed.get("Origin") == UI else None)


async def test_a_key_without_the_scope_or_for_one_seller_reads_nothing(coded: Gateway) -> None:
    others = [scope for scope in api_keys.SCOPES if scope != "codec"]
    for headers in (coded.as_(*others), coded.as_("codec", seller="demo")):
        answer = await coded.http.post("/codec/decode", json={"payloads": [PAYLOAD]}, headers={**headers, **DEFAULT})
        assert answer.status_code == 403


@pytest.mark.parametrize("body", [b"", b"{", b'{"payloads": 1}', b'{"payload": []}', b"\xff"])
async def test_a_body_that_is_none(coded: Gateway, body: bytes) -> None:
    headers = {**coded.as_("codec"), **DEFAULT, "Content-Type": "application/json"}
    assert (await coded.http.post("/codec/decode", content=body, headers=headers)).status_code == 400


async def test_preflight_names_the_web_ui_only(coded: Gateway) -> None:
    for origin, allowed in (
        (UI, UI),
        ("http://localhost:8233", "http://localhost:8233"),
        ("http://evil.example", None),
    ):
        answer = await coded.http.options("/codec/decode", headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (204, allowed)
        assert answer.headers.get("access-control-allow-credentials") == (allowed and "true")


async def test_a_session_of_a_browser_lasts_as_long_as_its_key(coded: Gateway) -> None:
    key = coded.key("codec")
    answer = await log_in(coded, key)
    assert (answer.status_code, answer.headers["location"]) == (303, "/codec/login")
    cookie = cookies_of(answer)["duely_codec"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "strict", "/codec")
    assert key.rpartition("_")[2] not in cookie.value
    closed = await ask(coded, "encode", PAYLOAD, Origin=UI)
    assert await ask(coded, "decode", closed, Origin=UI) == PAYLOAD
    api_keys.revoke(coded.engine, key.split("_")[1], datetime.now(UTC))
    answer = await coded.http.post("/codec/decode", json={"payloads": [closed]}, headers=DEFAULT)
    assert answer.status_code == 401


async def test_a_session_can_be_ended(coded: Gateway) -> None:
    await log_in(coded, coded.key("codec"))
    page = await coded.http.get("/codec/login")
    sealed = re.search(r'name="form" value="([0-9a-f]{64})"', page.text)
    assert sealed is not None
    await coded.http.post("/codec/login", data={"form": sealed[1], "end": "1"})
    assert (await coded.http.post("/codec/decode", json={"payloads": []}, headers=DEFAULT)).status_code == 401


async def test_neither_a_bad_key_nor_a_foreign_form_opens_one(coded: Gateway) -> None:
    for key in ("", "dk_x_y", coded.key("invoices:read"), coded.key("codec", seller="demo")):
        answer = await log_in(coded, key)
        assert (answer.status_code, "duely_codec" in cookies_of(answer)) == (401, False)
    answer = await coded.http.post("/codec/login", data={"key": coded.key("codec")})
    assert answer.status_code == 403


async def test_a_cookie_of_another_purpose_or_another_day_is_none(coded: Gateway) -> None:
    id_, secret = coded.key("codec").split("_")[1], coded.settings.signing_secret().get_secret_value()
    now = datetime.now(UTC)
    for purpose, until, status in (
        (links.SESSION, now + timedelta(hours=1), 200),
        (links.SESSION, now - timedelta(seconds=1), 401),
        (links.CUSTOMER, now + timedelta(hours=1), 401),
    ):
        token = links.token(secret, purpose, f"{id_}/{until.isoformat(timespec='seconds')}")
        headers = {**DEFAULT, "Cookie": f"duely_codec={token}"}
        assert (await coded.http.post("/codec/decode", json={"payloads": []}, headers=headers)).status_code == status


async def shown(server: DevServer, id_: str, *flags: str) -> str:
    """What the real `temporal` program prints of a history."""
    command = ["workflow", "show", "--workflow-id", id_, "--address", server.address, "--output", "json", *flags]
    process = await asyncio.create_subprocess_exec(
        binary.find(), *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode()


async def test_the_temporal_program_reads_with_a_key_only(coded: Gateway, quiet: DevServer) -> None:
    client = await connect(quiet.address, [plugin_of(coded.settings)])
    body, id_ = invoice("demo", "CODED-1"), "invoice-demo-CODED-1"
    await client.start_workflow("Invoice", body, id=id_, task_queue=TASK_QUEUE)
    endpoint = ("--codec-endpoint", f"{coded.url}/codec")
    seen = await shown(quiet, id_, *endpoint, "--codec-auth", f"Bearer {coded.key('codec')}")
    readable = b64encode(json.dumps(body, separators=(",", ":")).encode()).decode()
    assert readable in seen
    for flags in ((), endpoint, (*endpoint, "--codec-auth", f"Bearer {coded.key('invoices:read')}")):
        assert readable not in await shown(quiet, id_, *flags)
