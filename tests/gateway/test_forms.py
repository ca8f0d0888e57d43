"""Forms of pages: only our own page sends one, and what was typed comes as checked text and files."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from gateway import problems
from gateway.forms import FIELD, MAX_UPLOAD, read_form, seal
from gateway.house import House, Link
from gateway.limits import Limits
from settings import Settings
from tests.gateway.conftest import nobody

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def app_of(settings: Settings) -> FastAPI:
    app = FastAPI()
    app.state.house = House(settings, None, Link(nobody), None, "s" * 32)  # type: ignore[arg-type]
    app.state.routes = app.routes

    @app.get("/p/{token}")
    async def page(token: str, request: Request) -> Response:
        sealed = seal(request, token)
        answer = HTMLResponse(sealed.value)
        sealed.cookies(answer)
        return answer

    @app.post("/p/{token}")
    async def send(token: str, request: Request) -> Response:
        form = await read_form(request, token, files=2)
        files = [[each.name, len(each.data), each.suffix] for each in form.files("file")]
        return JSONResponse({"text": form.text("text", most=20), "lines": form.texts("line"), "files": files})

    problems.register(app)
    app.add_middleware(Limits)
    return app


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app_of(Settings(var=tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


async def sent(http: httpx.AsyncClient, data: dict[str, Any], *, at: str = "one", **more: Any) -> httpx.Response:
    value = (await http.get(f"/p/{at}")).text
    return await http.post("/p/one", data={FIELD: value, **data}, **more)


async def test_our_own_form_is_read(http: httpx.AsyncClient) -> None:
    said = await sent(http, {"text": " two\r\nlines ", "line": ["1", "2"]})
    assert said.json() == {"text": "two\nlines", "lines": ["1", "2"], "files": []}


async def test_the_cookie_is_for_this_site_and_no_script(http: httpx.AsyncClient) -> None:
    set_ = (await http.get("/p/one")).headers["set-cookie"]
    assert re.search(r"HttpOnly; Max-Age=86400; Path=/; SameSite=lax$", set_)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:8081"},
        {"Origin": "http://["},
        {"Origin": "http://[", "Host": "["},
    ],
)
async def test_another_sites_form_is_refused(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await sent(http, {"text": "x"}, headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "http://127.0.0.1:8080"}]
)
async def test_a_browser_that_says_it_began_here_is_heard(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await sent(http, {"text": "x"}, headers=headers)).status_code == 200


async def test_a_form_without_its_seal_or_cookie_or_of_another_page_is_refused(http: httpx.AsyncClient) -> None:
    assert (await http.post("/p/one", data={"text": "x"})).status_code == 403
    assert (await sent(http, {"text": "x"}, at="two")).status_code == 403
    value = (await http.get("/p/one")).text
    http.cookies.clear()
    assert (await http.post("/p/one", data={FIELD: value, "text": "x"})).status_code == 403


async def test_other_bodies_are_refused(http: httpx.AsyncClient) -> None:
    assert (await http.post("/p/one", json={FIELD: "x"})).status_code == 415


@pytest.mark.parametrize(("text", "why"), [("a\x00b", "control character"), ("x" * 21, "longer than 20")])
async def test_what_cannot_be_kept_is_said(http: httpx.AsyncClient, text: str, why: str) -> None:
    said = await sent(http, {"text": text})
    assert (said.status_code, said.json()["problems"][0]["path"]) == (422, "text")
    assert why in said.json()["problems"][0]["message"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photo.PNG", "photo.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\temp\\x.exe", "x.png"),
        ("..", "file.png"),
        ("a<b>:\u202e.png", "ab.png"),
    ],
)
async def test_a_file_has_the_name_of_no_folder_and_the_ending_of_its_bytes(
    http: httpx.AsyncClient, name: str, kept: str
) -> None:
    said = await sent(http, {}, files={"file": (name, PNG, "image/gif")})
    assert said.json()["files"] == [[kept, len(PNG), "png"]]


async def test_files_have_a_kind_a_number_and_a_size(http: httpx.AsyncClient) -> None:
    page = await sent(http, {}, files={"file": ("a.html", b"<script>", "text/html")})
    assert "takes PDF" in page.json()["problems"][0]["message"]
    three = await sent(http, {}, files=[("file", (f"{n}.png", PNG, "image/png")) for n in range(3)])
    assert "at most 2" in three.json()["problems"][0]["message"]
    many = await sent(http, {}, files=[("file", (f"{n}.png", PNG, "image/png")) for n in range(9)])
    assert many.status_code == 400
    empty = await sent(http, {}, files={"file": ("", b"", "application/octet-stream")})
    assert empty.json()["files"] == []


async def test_a_file_that_is_too_large_is_refused(http: httpx.AsyncClient) -> None:
    value = (await http.get("/p/one")).text
    big = PNG + bytes(MAX_UPLOAD)
    assert (await http.post("/p/one", data={FIELD: value}, files={"file": ("a.png", big)})).status_code == 413


async def test_a_browser_reads_a_page_and_a_program_a_problem(http: httpx.AsyncClient) -> None:
    page = await http.post("/p/one", data={"text": "x"}, headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "Please open the link again" in page.text
    assert (await http.post("/p/one", data={"text": "x"})).headers["content-type"] == "application/problem+json"
