"""`/d/{token}`: the file of a dispute for whoever was asked, everything of it as one zip, and the form that decides it.
What is decided goes to the receivable as the command `resolve` of the person the link was made for; nothing is decided
here."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

from adapters import formats
from adapters.books.desk_page import DeskFile, desk_file
from adapters.dossier import receivable
from adapters.dossier.parcel import fit
from adapters.mail.outbox import Outbox
from domain import calendar, links
from domain.errors import Conflict, Invalid, NotFound, Refused, Unavailable
from domain.messages import Message
from gateway.forms import Form, read_form, seal
from gateway.house import House, house_of
from gateway.problems import HttpProblem
from gateway.templates import HEADERS, Words, html, show
from gateway.typed import NOTHING, Entry, typed_of
from schemas.commands import parse_command
from workers import client as receivables

router = APIRouter(tags=["desk"], include_in_schema=False)

OUTCOMES = ("accepted", "partly", "rejected", "withdrawn")
TYPES = {"pdf": "application/pdf", "xml": "application/xml", "png": "image/png", "jpeg": "image/jpeg"}
_AMOUNT = re.compile(r"\d{1,12}([.,]\d{1,3})?")


@router.api_route("/d/{token}", methods=["GET", "HEAD"])
async def look(token: str, request: Request, done: str = "") -> Response:
    """`done`: what the form answered, when the browser comes back from it."""
    found = await _file(house_of(request), token)
    return _page(request, token, found, told=done if done in ("done", "pending") else "")


@router.post("/d/{token}")
async def decide(token: str, request: Request) -> Response:
    """On to the page that says what came of it; the form again, with the reason, when it was refused."""
    house = house_of(request)
    found = await _file(house, token)
    form = await read_form(request, token)
    try:
        command = _command(form, found)
        parse_command("resolve", (command,))
        client = await house.link.client()
        answer = await receivables.send_command(
            client, house.engine, found.account.workflow_id, "resolve", command, form.once
        )
    except (Invalid, Refused) as error:
        given = Entry(typed=typed_of(form))
        return _page(request, token, found, problem=_told(error, found.language), given=given, status=422)
    except Unavailable:
        given, later = Entry(typed=typed_of(form), once=form.once), Words(found.language, staff=True)["desk"]["problem"]
        return _page(request, token, found, problem=later["later"], given=given, status=503)
    headers = {name: value for name, value in HEADERS.items() if name != "Content-Language"}
    return Response(status_code=303, headers={**headers, "Location": f"/d/{token}?done={answer['result']}"})


@router.get("/d/{token}/file.zip")
async def parcel(token: str, request: Request) -> Response:
    """Everything that the books and the archive hold of it, with the script that checks it."""
    house = house_of(request)
    found = await _file(house, token)
    path = await asyncio.to_thread(_packed, house, found.account.workflow_id)
    name = f"{fit(found.account.number or found.account.reference)}-{found.dispute.id}.zip"
    return _Once(path, media_type="application/zip", filename=name, headers=dict(HEADERS))


class _Once(FileResponse):
    """Its file is gone afterwards, also when the asker broke off or asked for a part that there is not."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            _gone(Path(self.path))


def _gone(path: Path) -> None:
    path.unlink(missing_ok=True)


def _packed(house: House, workflow_id: str) -> Path:
    """The zip in a temporary file, which whoever sends it deletes."""
    with tempfile.NamedTemporaryFile(prefix="duely-", suffix=".zip", delete=False) as made:
        path = Path(made.name)
    try:
        receivable.export(house.engine, house.archive, Outbox(house.settings.outbox).read, workflow_id, path)
    except BaseException:
        _gone(path)
        raise
    return path


@router.get("/d/{token}/files/{digest}")
async def file(token: str, digest: str, request: Request) -> Response:
    """One file of it: never shown in place, whatever it is."""
    house = house_of(request)
    found = await _file(house, token)
    meant = next((each for each in found.files if each.key == f"sha256:{digest}"), None)
    if meant is None:
        raise HttpProblem(404, "there is no such file here")
    try:
        data = await asyncio.to_thread(house.archive.get, meant.key)
    except (NotFound, Conflict):
        raise HttpProblem(404, "the archive does not give this file") from None
    name = formats.clean(meant.name).replace("\\", "/").rpartition("/")[2] or "file"
    kind = TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    plain = "".join(each if each.isascii() else "_" for each in fit(name))  # a header takes no more (RFC 6266, 4.3)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return Response(data, media_type=kind, headers={**HEADERS, "Content-Disposition": disposition})


async def _file(house: House, token: str) -> DeskFile:
    """404 for whatever is wrong with the link: it says nothing about what it was for."""
    message = links.read(house.secret, links.DESK, token)
    found = None if message is None else await asyncio.to_thread(desk_file, house.engine, message, house.now())
    if found is None:
        raise HttpProblem(404, "this link is not good, or not good any more: look for a newer mail")
    return found


def _command(form: Form, found: DeskFile) -> dict[str, Any]:
    """`resolve` of whoever the link is for. Amounts may have a decimal comma."""
    outcome, credit, comment = form.text("outcome", 20), form.text("credit", 20), form.text("comment")
    if outcome not in OUTCOMES:
        raise Invalid.at("outcome", "choose one of the four")
    said = {"by": found.person, "dispute": found.dispute.id, "outcome": outcome}
    if outcome == "partly":
        if not _AMOUNT.fullmatch(credit):
            raise Invalid.at("credit", "say how much is credited, such as 120.50")
        said["credit"] = credit.replace(",", ".")
    if comment:
        said["comment"] = " ".join(comment.split())
    return said


def _told(error: Invalid | Refused, language: str) -> str:
    """In the reader's words where it is about a field of the form."""
    said = Words(language, staff=True)["desk"]["problem"]
    problems = error.problems if isinstance(error, Invalid) else ()
    return " ".join(said.get(each.path, str(each)) for each in problems) or str(error)


def _page(
    request: Request, token: str, found: DeskFile, *, told: str = "", problem: str = "", given: Entry = NOTHING,
    status: int = 200,
) -> Response:  # fmt: skip
    words, sealed = Words(found.language, staff=True), seal(request, token, given.once)
    typed = {name: given.value(name) for name in ("outcome", "credit", "comment")}
    about = {**_context(found, words, token), "told": told, "problem": problem, "given": typed}
    body = show("desk.html", words, **about, seal=sealed.value)
    answer = html(body, status, {"Retry-After": "30"} if status == 503 else None, forms=True)
    sealed.cookies(answer)
    return answer


def _context(found: DeskFile, words: Words, token: str) -> dict[str, Any]:
    account, currency = found.account, found.account.currency
    zone = account.seller_place.timezone

    def day(at: datetime) -> str:
        return words.day(calendar.local_date(at, zone))

    def name(key: str) -> str:
        return formats.clean(found.names.get(key, key))

    lines = [] if found.paper is None else [
        (line.id, formats.clean(line.description), words.money(line.net, currency), line.id in found.dispute.lines)
        for line in found.paper.lines
    ]  # fmt: skip
    return {
        "title": words["desk"]["title"] % (account.number or account.reference),
        "file": found,
        "account": account,
        "dispute": found.dispute,
        "token": token,
        "outcomes": OUTCOMES,
        "lines": lines,
        "day": day,
        "name": name,
        "others": ", ".join(map(name, found.others)),
        "digest": lambda key: key.removeprefix("sha256:"),
        "clean": formats.clean,
        "money": lambda minor: words.money(minor, currency),
        "other_money": words.money,
        "state": lambda message: _reached(message, words["desk"]["reached"]),
    }


def _reached(message: Message, said: Mapping[str, str]) -> str:
    """How far a mail got: what its provider reported of it, else what we know."""
    reported = message.delivery if message.delivery != "accepted" else None
    word = reported or message.state.value
    return said.get(word, word.replace("_", " "))
