"""What every answer of the gateway says to a browser, on every route there is, good and bad; and what it never says
anywhere: a token, a key, a seal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from http.cookies import SimpleCookie

import pytest

from domain import links
from gateway import guarded
from tests.gateway.conftest import Gateway
from tests.security.conftest import FORM, PURPOSES, Front, issued
from tests.security.test_tokens import filled

FOREIGN = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")


async def test_every_answer_is_guarded(front: Front) -> None:
    tried = 0
    for method, route in [*front.routes, ("GET", None)]:
        path = route.path if route is not None else "/nowhere"
        good = front.token(PURPOSES[path.split("/")[1]]) if "{token}" in path else "x"
        for token in {good, "wrong"}:
            for accept in ("text/html", "application/json"):
                answer = await front.ask(method, filled(path, token), headers={"Accept": accept})
                policy, where = answer.headers["content-security-policy"], (method, path, answer.status_code)
                assert "default-src 'none'" in policy, where
                assert "frame-ancestors 'none'" in policy, where
                assert "base-uri 'none'" in policy, where
                assert not re.search(r"unsafe|script-src|https?:|\*|data:", policy), where
                assert answer.headers["referrer-policy"] == "no-referrer", where
                assert answer.headers["x-content-type-options"] == "nosniff", where
                assert "no-store" in answer.headers["cache-control"], where
                assert "server" not in answer.headers, where
                assert not re.search(r"<script|\son[a-z]+=|style=|javascript:", answer.text), where
                assert not FOREIGN.search(answer.text), where
                tried += 1
    assert tried > 200


async def test_cookies_are_for_the_browser_and_this_site_only(front: Front) -> None:
    found = 0
    for first in PURPOSES:
        answer = await front.ask("GET", f"/{first}/{front.token(PURPOSES[first])}")
        for raw in answer.headers.get_list("set-cookie"):
            cookie = next(iter(SimpleCookie(raw).values()))
            assert (cookie["httponly"], cookie["samesite"].lower() in ("lax", "strict")) == (True, True), raw
            assert cookie["domain"] == "", raw
            found += 1
    assert found


@pytest.mark.parametrize(("https", "said"), [(True, guarded.HTTPS), (False, None)])
async def test_https_stays_https(front: Front, https: bool, said: str | None) -> None:
    from gateway.app import make_app

    url = "https://pay.example" if https else "http://pay.example"
    settings = front.settings.model_copy(update={"public_url": url})
    front.app = make_app(settings, front.engine, front.app.state.house.link._factory)
    answer = await front.ask("GET", f"/i/{front.token(links.CUSTOMER)}")
    assert answer.headers.get("strict-transport-security") == said
    assert ("Secure" in answer.headers["set-cookie"]) is https


async def test_no_secret_reaches_a_log_or_a_counter(
    bare: Gateway, caplog: pytest.LogCaptureFixture, tmp_path: object
) -> None:
    """Every logger of the process at DEBUG; our client's own are silent, they know the address they call."""
    story = issued(bare.engine, "demo", "ORD-1", bare.settings.archive)
    key, token = bare.key(), bare.token(story.id)
    with contextlib.ExitStack() as levels:
        names = list(logging.root.manager.loggerDict)
        # The last one sets what the capture itself lets through.
        for name in sorted(names, key=lambda each: not each.startswith(("httpx", "httpcore"))):
            mine = name.startswith(("httpx", "httpcore"))
            levels.enter_context(caplog.at_level(logging.CRITICAL if mine else logging.DEBUG, name))
        levels.enter_context(caplog.at_level(logging.DEBUG))
        page = await bare.http.get(f"/i/{token}")
        seal = FORM.search(page.text)
        assert seal is not None
        for method in ("GET", "POST", "HEAD", "PUT"):
            for path in (f"/i/{token}", f"/pay/{token}", f"/v/{token}", f"/i/{token}/promise", f"/nowhere/{token}"):
                await bare.http.request(method, path, data={"form": seal[1], "date": "x"})
        await bare.http.get("/v1/invoices", headers={"Authorization": f"Bearer {key}"})
        await bare.http.post("/v1/invoices/x/commands/note", headers={"Authorization": f"Bearer {key}x"}, json={})
        await asyncio.to_thread(issued, bare.engine, "clock02", "ORD-2", bare.settings.archive)
    counted = (await bare.http.get("/metrics")).text
    secrets = {
        "token": token.partition(".")[2],
        "key": key.rpartition("_")[2],
        "seal": seal[1],
        "cookie": page.cookies["duely_form"],
        "house": bare.settings.signing_secret().get_secret_value(),
    }
    for name, secret in secrets.items():
        assert secret not in caplog.text, name
        assert secret not in counted, name
    assert token.partition(".")[0] not in counted
    assert 'route="/i/{token}"' in counted
    assert "duely.access" in caplog.text
