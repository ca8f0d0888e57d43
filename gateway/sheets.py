"""The morning sheet as a page: what waits for its owner's word, with a tick for each and two buttons. A look changes
nothing. The link is the right of one active person for one sheet; every release and veto is a command in that person's
name, judged as any other."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from adapters.books.sheet_page import SheetPage, judge, page
from domain import links
from domain.errors import DuelyError, Invalid, Unavailable
from domain.sheets import Item
from gateway.forms import Form, read_form, seal
from gateway.house import House, house_of
from gateway.sheet_view import Done, sheet_html
from gateway.templates import html, plain
from schemas.values import MAX_TEXT
from workers import client as receivables

router = APIRouter(tags=["staff"], include_in_schema=False)

YES, NO = "yes", "no"
_MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class _Said:
    """What the form asks for. `reason` is needed for a veto."""

    yes: bool
    items: tuple[Item, ...]
    reason: str


@router.api_route("/s/{token}", methods=["GET", "HEAD"])
async def sheet(token: str, request: Request) -> Response:
    house = house_of(request)
    found = await _found(house, token)
    return found if isinstance(found, Response) else _shown(request, token, found)


@router.post("/s/{token}")
async def decide(token: str, request: Request) -> Response:
    """Each ticked message is released or vetoed, or agreed with where it was only recorded. What cannot be done says
    why; the others are done."""
    house = house_of(request)
    found = await _found(house, token)
    if isinstance(found, Response):
        return found
    said = _read(await read_form(request, token), found)
    if not said.items:
        return _shown(request, token, found, problem="nothing_ticked")
    if not said.yes and not said.reason:
        return _shown(request, token, found, problem="no_reason", ticked=said.items)
    done = [await _do(house, found, item, said) for item in said.items]
    again = await _found(house, token)
    return again if isinstance(again, Response) else _shown(request, token, again, done=done)


def mark(key: str) -> str:
    """What a message is called in the form: its key may be longer than a field."""
    return hashlib.sha256(key.encode()).hexdigest()[:_MARK_LENGTH]


def _read(form: Form, found: SheetPage) -> _Said:
    what = form.text("what", 10)
    if what not in (YES, NO):
        raise Invalid.at("what", "press one of the two buttons")
    known = {mark(item.key): item for item in found.sheet.items}
    items = tuple(known[name] for name in dict.fromkeys(form.texts("messages")) if name in known)
    return _Said(what == YES, items, form.text("reason", MAX_TEXT))


async def _do(house: House, found: SheetPage, item: Item, said: _Said) -> Done:
    """A message that waits gets the command, one that was only recorded the verdict."""
    try:
        if found.states.get(item.key) == "would_send":
            verdict = "agree" if said.yes else "veto"
            await asyncio.to_thread(judge, house.engine, found, item.key, verdict, said.reason, house.now())
        else:
            command = "send" if said.yes else "skip"
            body = {"by": found.sheet.owner, "message": item.key} | ({} if said.yes else {"reason": said.reason})
            client = await house.link.client()
            await receivables.send_command(client, house.engine, item.invoice, command, body)
    except DuelyError as error:
        return Done(item, said.yes, str(error))
    return Done(item, said.yes)


async def _found(house: House, token: str) -> SheetPage | Response:
    key = links.read(house.secret, links.SHEET, token)
    try:
        found = None if key is None else await asyncio.to_thread(page, house.engine, key, house.now())
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    return html(plain("unknown"), 404) if found is None else found


def _shown(
    request: Request,
    token: str,
    found: SheetPage,
    *,
    done: list[Done] | None = None,
    problem: str = "",
    ticked: tuple[Item, ...] = (),
) -> Response:
    sealed = seal(request, token)
    body = sheet_html(found, sealed.value, done or [], problem, {mark(item.key) for item in ticked}, mark)
    answer = html(body, 422 if problem else 200, forms=True)
    sealed.cookies(answer)
    return answer
