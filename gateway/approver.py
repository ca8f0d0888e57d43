"""The approver's page behind a signed link: look, then approve or reject. Looking never votes; an answer first marks
the link in the books and then goes to the receivable's workflow, which judges it like any other."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from adapters.books.approver_page import ApproverPage, approver_page, use
from domain import links
from domain.asked import Standing
from domain.errors import Invalid, NotFound, Refused, Unavailable
from gateway import approving
from gateway.forms import Form, read_form, seal
from gateway.house import House, house_of
from gateway.templates import HEADERS, html, plain
from workers import client as receivables

router = APIRouter(prefix="/a", tags=["approver"], include_in_schema=False)

RETRY = {"Retry-After": "30"}
APPROVE, REJECT = "approve", "reject"


@router.api_route("/{token}", methods=["GET", "HEAD"])
async def look(token: str, request: Request) -> Response:
    found = await _found(house_of(request), token)
    if isinstance(found, Response):
        return found
    return _shown(request, found[1], token)


@router.api_route("/{token}/preview.pdf", methods=["GET", "HEAD"])
async def preview(token: str, request: Request) -> Response:
    """The document as it would be set, under a placeholder. It is kept nowhere."""
    house = house_of(request)
    found = await _found(house, token)
    if isinstance(found, Response):
        return found
    page = found[1]
    if page.standing is not Standing.OPEN:
        return _shown(request, page, token)
    if page.paper is None:
        return html(plain("unknown"), 404)
    pdf = await asyncio.to_thread(_set, house, page)
    headers = {**HEADERS, "Content-Disposition": f'inline; filename="{page.paper.number}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


@router.post("/{token}")
async def answer(token: str, request: Request) -> Response:
    house = house_of(request)
    found = await _found(house, token)
    if isinstance(found, Response):
        return found
    key, page = found
    form = await read_form(request, token)
    try:
        name, payload = _said(form, page, key)
    except Invalid as error:
        return _shown(request, page, token, 422, str(error))
    if payload.get("reason") == "":
        return _shown(request, page, token, 422, approving.no_reason(page))
    try:
        # Asked first: while nobody can carry it out, no link is used up.
        client = await house.link.client() if page.standing is Standing.OPEN else None
        marked = await asyncio.to_thread(use, house.engine, key, house.now()) or page
        if client is None or marked.standing is not Standing.OPEN:
            return _shown(request, marked, token)
        verdict = await receivables.send_command(client, house.engine, page.asked.invoice, name, payload)
    except (Refused, NotFound) as error:
        return await _refused(request, token, str(error))
    except Unavailable:
        return html(approving.told(page, "unavailable"), 503, RETRY)
    after = await asyncio.to_thread(approver_page, house.engine, key, house.now()) or page
    what = "rejected" if name == REJECT else "pending" if verdict["result"] == "pending" else "approved"
    return html(approving.told(after, what))


async def _refused(request: Request, token: str, reason: str) -> Response:
    """The books had the last word: what the link is now, or the page again with the reason."""
    found = await _found(house_of(request), token)
    if isinstance(found, Response):
        return found
    return _shown(request, found[1], token, 409, reason)


def _said(form: Form, page: ApproverPage, key: str) -> tuple[str, dict[str, Any]]:
    """The command that the form means. Invalid for another form."""
    payload: dict[str, Any] = {"by": page.asked.person, "subject": page.asked.subject, "link": key}
    match form.text("vote"):
        case "approve":
            comment = form.text("comment")
            return APPROVE, payload | {"hash": page.subject.hash} | ({"comment": comment} if comment else {})
        case "reject":
            return REJECT, payload | {"reason": form.text("reason")}
    raise Invalid.at("vote", "must be approve or reject")


async def _found(house: House, token: str) -> tuple[str, ApproverPage] | Response:
    key = links.read(house.secret, links.APPROVER, token)
    try:
        page = None if key is None else await asyncio.to_thread(approver_page, house.engine, key, house.now())
    except Unavailable:
        return html(plain("unavailable"), 503, RETRY)
    if key is None or page is None:
        return html(plain("unknown"), 404)
    return key, page


def _shown(request: Request, page: ApproverPage, token: str, status: int = 200, problem: str = "") -> Response:
    """The page with its forms, or why there are none."""
    if page.standing is not Standing.OPEN:
        return html(approving.closed(page), approving.STATUS[page.standing])
    sealed = seal(request, token)
    shown = html(approving.asking(page, token, sealed.value, problem), status, forms=True)
    sealed.cookies(shown)
    return shown


def _set(house: House, page: ApproverPage) -> bytes:
    assert page.paper is not None
    brand = page.paper.brand
    files = {brand.logo: house.archive.get(brand.logo)} if brand is not None and brand.logo is not None else {}
    return house.preview(page.paper, files)
