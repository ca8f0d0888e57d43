"""The customer's pages: the invoice with its balance, the way to pay it, the proof that it is ours. Rendered here,
without a script and without anything from elsewhere. A token is the whole right: whatever is wrong with one, the answer
is the same."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from adapters.books.customer_page import CustomerPage, customer_page
from adapters.books.genuine import issued
from domain import links
from domain.errors import DuelyError, Unavailable
from gateway.house import House, house_of
from gateway.rendering import genuine, page
from gateway.templates import HEADERS, Words, html, plain
from workers import incoming

router = APIRouter(tags=["customer"], include_in_schema=False)

PREFETCH = ("sec-purpose", "purpose", "x-moz")


@router.api_route("/i/{token}", methods=["GET", "HEAD"])
async def invoice(token: str, request: Request) -> Response:
    house = house_of(request)
    found = await _found(house, token)
    if isinstance(found, Response):
        return found
    _, shown = found
    return html(page(shown, Words(shown.paper.language), token, online(house)))


@router.api_route("/pay/{token}", methods=["GET", "HEAD"])
async def pay(token: str, request: Request, amount: Annotated[Literal["all"] | None, Query()] = None) -> Response:
    """On to where the customer pays, or back to the invoice when there is nothing to pay, or not online. Only a
    person's own request mints: a look at the link, or a browser that loads ahead, does not."""
    house = house_of(request)
    found = await _found(house, token)
    if isinstance(found, Response):
        return found
    workflow_id, shown = found
    looks_only = request.method == "HEAD" or any("prefetch" in request.headers.get(name, "") for name in PREFETCH)
    if looks_only or not online(house) or not shown.balance or shown.pending or shown.closed:
        return _to(f"/i/{token}")
    try:
        checkout = await incoming.checkout(await house.link.client(), workflow_id, amount == "all")
    except Unavailable:
        return _later(shown, token)
    except DuelyError:
        return _to(f"/i/{token}")
    if checkout.state == "open" and checkout.url.startswith(("https://", "http://")):
        return _to(checkout.url)
    return _to(f"/i/{token}") if checkout.state in ("in_progress", "nothing_owed") else _later(shown, token)


@router.api_route("/v/{token}", methods=["GET", "HEAD"])
async def verify(token: str, request: Request) -> Response:
    """Whether a document is ours: the answer to copies with another bank account."""
    house = house_of(request)
    document = links.read(house.secret, links.GENUINE, token)
    try:
        found = None if document is None else await asyncio.to_thread(issued, house.engine, document)
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    return html(plain("unknown"), 404) if found is None else html(genuine(found))


def online(house: House) -> bool:
    """Whether customers can pay anywhere but at their bank."""
    return house.settings.payment != "bank"


async def _found(house: House, token: str) -> tuple[str, CustomerPage] | Response:
    workflow_id = links.read(house.secret, links.CUSTOMER, token)
    try:
        shown = None
        if workflow_id is not None:
            shown = await asyncio.to_thread(customer_page, house.engine, workflow_id, house.now())
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    if workflow_id is None or shown is None:
        return html(plain("unknown"), 404)
    return workflow_id, shown


def _later(shown: CustomerPage, token: str) -> Response:
    """Paying online does not work now; the bank always does."""
    body = page(shown, Words(shown.paper.language), token, online=False, apology=True)
    return html(body, 503, {"Retry-After": "30"})


def _to(url: str) -> Response:
    return RedirectResponse(url, 303, {name: value for name, value in HEADERS.items() if name != "Content-Language"})
