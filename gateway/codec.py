"""The codec server: what Temporal's Web UI and command line ask to read encrypted payloads, and to write them
(https://docs.temporal.io/codec-server). Programs show an API key with the scope `codec`; a browser a session that such
a key opened, at the Web UI's address only. Without keys in DUELY_CODEC_KEYS there is nothing here."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from temporalio.api.common.v1 import Payload, Payloads

from adapters.books import api_keys
from domain import links
from domain.errors import MissingKey
from gateway import auth
from gateway.forms import read_form, seal
from gateway.house import House, house_of
from gateway.problems import HttpProblem
from gateway.templates import FORM_HEADERS, Words, html, show
from workers.codec import codec_of
from workers.connect import LOOPBACK, namespace

router = APIRouter(prefix="/codec", tags=["codec"], include_in_schema=False)

SCOPE = "codec"
COOKIE, PATH, LOGIN = "duely_codec", "/codec", "/codec/login"
SESSION = timedelta(hours=10)
"""A working day; then the key is asked for again."""

_ASKED = "content-type, x-namespace, authorization, authorization-extras"


@router.options("/decode")
@router.options("/encode")
async def preflight(request: Request) -> Response:
    _on(house_of(request))
    allowed = _cors(request)
    if allowed:
        allowed |= {"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": _ASKED}
    return Response(status_code=204, headers={**allowed, "Access-Control-Max-Age": "600"})


@router.post("/decode")
async def decode(request: Request) -> Response:
    """What cannot be read comes back as it came, so that one payload hides no other."""
    codec, given = codec_of(house_of(request).settings), await _asked(request)
    opened: list[Payload] = []
    for payload in given.payloads:
        try:
            opened += await codec.decode([payload])
        except MissingKey:
            opened.append(payload)
    return _said(request, opened)


@router.post("/encode")
async def encode(request: Request) -> Response:
    codec, given = codec_of(house_of(request).settings), await _asked(request)
    return _said(request, await codec.encode(given.payloads))


@router.get("/login")
async def login(request: Request) -> Response:
    house = house_of(request)
    _on(house)
    return _page(request, await _session(house, request) is not None)


@router.post("/login")
async def open_or_end(request: Request) -> Response:
    """Opens a session with a key, or ends the one there is."""
    house = house_of(request)
    _on(house)
    form = await read_form(request, LOGIN)
    answer = RedirectResponse(LOGIN, 303, dict(FORM_HEADERS))
    if form.text("end"):
        answer.delete_cookie(COOKIE, path=PATH)
        return answer
    caller = await house.caller(form.text("key", 200))
    if caller is None or not _may(caller):
        return _page(request, False, refused=True)
    until = house.now() + SESSION
    token = links.token(house.secret, links.SESSION, f"{caller.id}/{until.isoformat(timespec='seconds')}")
    # Strict: another port of this host is the same site, so the Web UI's own requests carry it and nobody else's do.
    secure = house.settings.public_url.startswith("https://")
    answer.set_cookie(
        COOKIE, token, int(SESSION.total_seconds()), path=PATH, secure=secure, httponly=True, samesite="strict"
    )
    return answer


def origins(house: House) -> tuple[str, ...]:
    """Where the Web UI is opened."""
    chosen = house.settings.ui_origin
    return (chosen,) if chosen else tuple(f"http://{h}:{house.settings.ui_port}" for h in (LOOPBACK, "localhost"))


def _on(house: House) -> None:
    if not house.settings.codec_ring().keys:
        raise HttpProblem(404, "there is nothing here")


def _cors(request: Request) -> dict[str, str]:
    """Whether a page may read the answer: the Web UI's, no other."""
    origin = request.headers.get("origin", "")
    if origin not in origins(house_of(request)):
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}


async def _asked(request: Request) -> Payloads:
    """The payloads, once it is clear that whoever asks may read them."""
    house, cors = house_of(request), _cors(request)
    _on(house)
    try:
        caller = await _session(house, request) or await auth.needs(SCOPE)(request)
    except HttpProblem as refused:
        raise HttpProblem(refused.status, refused.detail, refused.headers | cors) from None
    if not _may(caller):
        raise HttpProblem(403, "a key for one seller cannot read every seller's payloads", cors)
    if request.headers.get("origin") is not None and not cors:
        raise HttpProblem(403, "set DUELY_UI_ORIGIN to the address of the Web UI")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HttpProblem(415, "send application/json", cors)
    if request.headers.get("x-namespace") != namespace():
        raise HttpProblem(404, f"X-Namespace must be {namespace()}", cors)
    try:
        return Parse(await request.body(), Payloads())
    except (ParseError, UnicodeDecodeError, RecursionError):
        raise HttpProblem(400, 'expects {"payloads": [{"metadata": {…}, "data": "…"}]}', cors) from None


def _said(request: Request, payloads: list[Payload]) -> Response:
    headers = {**_cors(request), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(MessageToJson(Payloads(payloads=payloads), indent=None), 200, headers, "application/json")


async def _session(house: House, request: Request) -> api_keys.Caller | None:
    """Whose session it is: the key that opened it must still be good."""
    token = request.cookies.get(COOKIE, "")
    id_, _, until = (links.read(house.secret, links.SESSION, token) or "").partition("/")
    if not until or datetime.fromisoformat(until) < house.now():
        return None
    caller = await asyncio.to_thread(api_keys.known, house.engine, id_)
    return caller if caller is not None and _may(caller) else None


def _may(caller: api_keys.Caller) -> bool:
    """A payload does not say whose it is, so a key for one seller opens none."""
    return SCOPE in caller.scopes and caller.seller is None


def _page(request: Request, open_: bool, refused: bool = False) -> Response:
    sealed = seal(request, LOGIN)
    words = Words(request.headers.get("accept-language", "")[:2], staff=True)
    body = show("codec.html", words, form=sealed.value, open=open_, refused=refused, ui=origins(house_of(request))[0])
    answer = html(body, 401 if refused else 200, forms=True)
    sealed.cookies(answer)
    return answer
