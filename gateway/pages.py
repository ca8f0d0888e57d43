"""The customer's pages: the invoice with its balance and its files, the way to pay it, the proof that it is ours.
Rendered here, without a script and without anything from elsewhere. A token is the whole right: whatever is wrong with
one, the answer is the same. What the customer says there is read in `gateway/saying.py`."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from adapters.books.customer_page import CustomerPage, customer_page, file_of
from adapters.books.genuine import issued
from domain import links
from domain.errors import DuelyError, Unavailable
from gateway.forms import seal
from gateway.house import House, house_of
from gateway.rendering import Asking, genuine, page
from gateway.templates import HEADERS, Words, html, plain
from gateway.typed import NOTHING, Entry
from workers import incoming

router = APIRouter(tags=["customer"], include_in_schema=False)

PREFETCH = ("sec-purpose", "purpose", "x-moz")


MEDIA = {"pdf": "application/pdf", "xml": "application/xml"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@router.api_route("/i/{token}", methods=["GET", "HEAD"])
async def invoice(token: str, request: Request) -> Response:
    seen = await found(house_of(request), token)
    if isinstance(seen, Response):
        return seen
    return shown_page(request, token, *seen, done=request.query_params.get("done", ""))


@router.api_route("/i/{token}/{name}.{suffix}", methods=["GET", "HEAD"])
async def download(token: str, name: str, suffix: str, request: Request) -> Response:
    """A document as it lies in the archive; 404 while there is none. Never shown inside the page: saved, as a file."""
    house, key = house_of(request), None
    named = links.read_customer(house.secret, token)
    try:
        if named is not None and suffix in MEDIA:
            key = await asyncio.to_thread(file_of, house.engine, *named, name, suffix)
        data = None if key is None else await asyncio.to_thread(house.archive.get, key[1])
    except DuelyError:  # the books or the archive do not answer, or the file is not what it was: not the reader's fault
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    if key is None or data is None:
        return html(plain("unknown"), 404)
    called = f'attachment; filename="{_UNSAFE.sub("-", key[0]).strip(".-") or suffix}.{suffix}"'
    return Response(data, 200, {**HEADERS, "Content-Disposition": called}, MEDIA[suffix])


@router.api_route("/pay/{token}", methods=["GET", "HEAD"])
async def pay(token: str, request: Request, amount: Annotated[Literal["all"] | None, Query()] = None) -> Response:
    """On to where the customer pays, or back to the invoice when there is nothing to pay, or not online. Only a
    person's own request mints: a look at the link, or a browser that loads ahead, does not."""
    house = house_of(request)
    seen = await found(house, token)
    if isinstance(seen, Response):
        return seen
    workflow_id, shown = seen
    looks_only = request.method == "HEAD" or any("prefetch" in request.headers.get(name, "") for name in PREFETCH)
    if looks_only or not online(house) or not shown.balance or shown.pending or shown.closed:
        return to(f"/i/{token}")
    try:
        checkout = await incoming.checkout(await house.link.client(), workflow_id, amount == "all")
    except Unavailable:
        return _later(shown, token)
    except DuelyError:
        return to(f"/i/{token}")
    if checkout.state == "open" and checkout.url.startswith(("https://", "http://")):
        return to(checkout.url)
    return to(f"/i/{token}") if checkout.state in ("in_progress", "nothing_owed") else _later(shown, token)


@router.api_route("/v/{token}", methods=["GET", "HEAD"])
async def verify(token: str, request: Request) -> Response:
    """Whether a document is ours: the answer to copies with another bank account."""
    house = house_of(request)
    document = links.read(house.secret, links.GENUINE, token)
    try:
        ours = None if document is None else await asyncio.to_thread(issued, house.engine, document)
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    return html(plain("unknown"), 404) if ours is None else html(genuine(ours))


def online(house: House) -> bool:
    """Whether customers can pay anywhere but at their bank."""
    return house.settings.payment != "bank"


async def found(house: House, token: str) -> tuple[str, CustomerPage] | Response:
    """The receivable that the link names, with what there is to see of it; else the page that says nothing."""
    named = links.read_customer(house.secret, token)
    try:
        shown = None
        if named is not None:
            shown = await asyncio.to_thread(customer_page, house.engine, *named, house.now())
    except Unavailable:
        return html(plain("unavailable"), 503, {"Retry-After": "30"})
    if named is None or shown is None:
        return html(plain("unknown"), 404)
    return named[0], shown


def shown_page(
    request: Request,
    token: str,
    workflow_id: str,
    shown: CustomerPage,
    entry: Entry = NOTHING,
    *,
    done: str = "",
    status: int = 200,
) -> Response:
    """The page with its forms. `entry`: what was tried and did not work; `done`: what did."""
    house, sealed = house_of(request), seal(request, token, entry.once)
    invoice = next((each.id for each in shown.papers if each.kind == "invoice"), None)
    proof = None if invoice is None else f"/v/{links.token(house.secret, links.GENUINE, invoice)}"
    asking = Asking(sealed.value, entry, done, proof)
    body = page(shown, Words(shown.paper.language), token, online(house), asking)
    answer = html(body, status, {"Retry-After": "30"} if status == 503 else None, forms=True)
    sealed.cookies(answer)
    return answer


def _later(shown: CustomerPage, token: str) -> Response:
    """Paying online does not work now; the bank always does."""
    body = page(shown, Words(shown.paper.language), token, online=False, apology=True)
    return html(body, 503, {"Retry-After": "30"})


def to(url: str) -> Response:
    return RedirectResponse(url, 303, dict(HEADERS))
