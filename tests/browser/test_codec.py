"""The real Web UI in Chromium reads encrypted payloads after a key was given at the codec server, and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import Response, expect
from pydantic import SecretStr
from sqlalchemy import Engine
from temporalio.client import Client

from domain import keyring
from tests.browser.conftest import Gateway, Open, Visit
from tests.gateway.conftest import settings_of
from tests.workflows.life import request as invoice
from workers import binary
from workers.codec import plugin_of
from workers.connect import TASK_QUEUE, connect
from workers.devserver import DevServer

KEEP = """endpoint => {
  localStorage.setItem("overrideRemoteCodecConfiguration", "true");
  localStorage.setItem("endpoint", JSON.stringify(endpoint));
  localStorage.setItem("includeCredentials", "true");
}"""


class Looking(NamedTuple):
    gateway: Gateway
    history: str


@pytest.fixture
async def looking(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[Looking]:
    """A started invoice of which the server keeps only ciphertext, and the Web UI before it."""
    keys = SecretStr(keyring.entry("test", b"k" * 32))
    settings = settings_of(tmp_path, demo_url, codec_keys=keys, ui_port=unused_tcp_port_factory())
    async with opened(settings, demo) as gateway:
        extra = ("--ui-codec-endpoint", f"{gateway.url}/codec")
        server = DevServer(binary.find(), tmp_path, ui_port=settings.ui_port, persist=False, extra=extra)
        async with server:
            client = await connect(server.address, [plugin_of(settings)])
            run = await started(client)
            yield Looking(gateway, f"{server.ui_url}/namespaces/default/workflows/{run}/history")


async def started(client: Client) -> str:
    body, id_ = invoice("demo", "CODED-1"), "invoice-demo-CODED-1"
    handle = await client.start_workflow("Invoice", body, id=id_, task_queue=TASK_QUEUE)
    return f"{handle.id}/{handle.first_execution_run_id}"


async def test_the_web_ui_reads_after_a_key_was_given(visit: Visit, looking: Looking) -> None:
    gateway, history = looking
    ui = (await visit(history, (1280, 1200))).page
    # As its dialog with the glasses sets it: cookies go to the codec server as well.
    await ui.evaluate(KEEP, f"{gateway.url}/codec")
    async with ui.expect_response(_decoding) as refused:
        await ui.reload()
    assert (await refused.value).status == 401
    await expect(ui.get_by_text("created_by")).to_have_count(0)

    login = await ui.context.new_page()
    await login.goto(f"{gateway.url}/codec/login")
    await login.get_by_label("Key").fill("dk_wrong_key")
    await login.get_by_role("button", name="Begin").click()
    await expect(login.get_by_role("alert")).to_contain_text("not valid")
    await login.get_by_label("Key").fill(gateway.key("codec"))
    await login.get_by_role("button", name="Begin").click()
    await expect(login.get_by_role("button", name="End now")).to_be_visible()

    async with ui.expect_response(lambda answer: _decoding(answer) and answer.status == 200):
        await ui.reload()


def _decoding(answer: Response) -> bool:
    """Chromium asks whether it may before it asks."""
    return answer.request.method == "POST" and answer.url.partition("?")[0].endswith("/codec/decode")
