"""Mails that came in, from whoever receives them for us: SendGrid's Inbound Parse, or a mail server's pipe with the
mail as the body. Booked before it is answered; what cannot be booked now is refused with 503, so that it is sent
again."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import replies
from adapters.mail import inbound_parse
from adapters.mail.inbound_parse import Posted
from adapters.mail.incoming import parse
from domain.errors import Invalid, NotFound, Unavailable
from gateway.described import operation
from gateway.house import House, house_of
from gateway.problems import HttpProblem
from gateway.telling import tell

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

INBOUND = "inbound"
MAIL = "message/rfc822"
_BODY: dict[str, Any] = {"type": "object", "properties": {"email": {"type": "string", "description": "The raw mail."}}}


@router.post("/inbound", **operation("Mails that came in", {200: "EventTaken"}, (400, 403), body=_BODY,
                                     media="multipart/form-data", open_to_all=True))  # fmt: skip
async def inbound(request: Request) -> Response:
    """`?key=` is DUELY_INBOUND_KEY. Answers 200 once the mail is booked; `ignored` when it is nobody's."""
    house = house_of(request)
    try:
        result = await _inbound(house, request)
    except HttpProblem as error:
        house.metrics.webhook(INBOUND, "unavailable" if error.status == 503 else "refused")
        raise
    except Unavailable:
        house.metrics.webhook(INBOUND, "unavailable")
        raise
    house.metrics.webhook(INBOUND, result)
    return JSONResponse({"received": True, "result": result})


async def _inbound(house: House, request: Request) -> str:
    key = house.settings.inbound_key
    if key is None:
        raise HttpProblem(503, "DUELY_INBOUND_KEY is not set: nobody can be told apart", {"Retry-After": "300"})
    shown = request.query_params.get("key", "")
    if not hmac.compare_digest(shown.encode("utf-8", "replace"), key.get_secret_value().encode()):
        raise HttpProblem(403, "the key in the address is not DUELY_INBOUND_KEY")
    body, content_type = await request.body(), request.headers.get("content-type", "")
    try:
        posted = await asyncio.to_thread(_posted, content_type, body)
        await take(house, posted.raw, posted.recipients, posted.proof)
    except Invalid as error:
        raise HttpProblem(400, str(error)) from None
    except NotFound:
        return "ignored"
    return "taken"


def _posted(content_type: str, body: bytes) -> Posted:
    if content_type.partition(";")[0].strip().lower() == MAIL:
        return Posted(body, (), "")
    return inbound_parse.read(content_type, body)


async def take(house: House, raw: bytes, recipients: tuple[str, ...] = (), proof: str = "") -> None:
    """Books a mail and tells its workflows, once or again. NotFound for one that is nobody's, Invalid for what is no
    mail, Unavailable when it should come again."""
    # Temporal first: a mail that is booked and told to nobody would wait for the next look.
    client = await house.link.client()
    mail = await asyncio.to_thread(parse, raw, recipients, proof)
    told = await asyncio.to_thread(replies.received, house.engine, house.archive, raw, mail, house.now())
    await tell(house, client, told)
