"""`/c/{token}`: the contact on record looks at another one that somebody asked for, and confirms it with a button.
Looking changes nothing: mail scanners open links."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response

from adapters import formats
from adapters.books import contacts
from adapters.books.contacts import Change
from domain import links
from domain.errors import Refused, Unavailable
from gateway.forms import read_form, seal
from gateway.house import House, house_of
from gateway.pages import to
from gateway.telling import booked
from gateway.templates import Words, html, plain, show

router = APIRouter(tags=["customer"], include_in_schema=False)


@router.api_route("/c/{token}", methods=["GET", "HEAD"])
async def look(token: str, request: Request) -> Response:
    found = await _found(house_of(request), token)
    return found if isinstance(found, Response) else _page(request, token, found)


@router.post("/c/{token}")
async def confirm(token: str, request: Request) -> Response:
    house = house_of(request)
    found = await _found(house, token)
    if isinstance(found, Response):
        return found
    await read_form(request, token)
    try:
        await booked(house, found.invoice, contacts.confirm, found.id, house.now())
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    except Refused:
        seen = await _found(house, token)
        return seen if isinstance(seen, Response) else _page(request, token, seen, status=409)
    return to(f"/c/{token}")


async def _found(house: House, token: str) -> Change | Response:
    id_ = links.read(house.secret, links.CONTACT, token)
    try:
        found = None if id_ is None else await asyncio.to_thread(contacts.find, house.engine, id_, house.now())
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    return html(plain("unknown"), 404) if found is None else found


def _page(request: Request, token: str, change: Change, status: int = 200) -> Response:
    sealed, words = seal(request, token), Words(change.language)
    body = show(
        "contact.html",
        words,
        seller=formats.clean(change.seller),
        number=formats.clean(change.number),
        name=formats.clean(change.name),
        change=change,
        token=token,
        seal=sealed.value,
    )
    answer = html(body, status, forms=True)
    sealed.cookies(answer)
    return answer
