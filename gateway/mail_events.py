"""What SendGrid reports of our mails: verified on the raw bytes, booked once per event, and the workflows told to
look. A report is repeated until Temporal has taken the hint, so none ends with the books alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from sendgrid.helpers.eventwebhook import EventWebhookHeader

from adapters.books.books import Books
from adapters.mail import sendgrid_events
from domain.delivery import ARRIVED, FAILED, MailEvent
from domain.errors import Invalid, Refused
from domain.keys import parse_workflow_id
from gateway.counting import counted
from gateway.described import operation
from gateway.house import House, house_of
from gateway.problems import HttpProblem
from gateway.telling import tell

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

SENDGRID = "sendgrid"
_BODY: dict[str, Any] = {"type": "array", "items": {"type": "object"}}


@router.post("/sendgrid", **operation("SendGrid's events", {200: "EventTaken"}, (400,), body=_BODY, open_to_all=True))
async def sendgrid(request: Request) -> Response:
    """Answers 200 once the events are booked and their workflows told; events of other programs are left alone."""
    house = house_of(request)
    return await counted(house, SENDGRID, _sendgrid(house, request))


async def _sendgrid(house: House, request: Request) -> str:
    events = _verified(house, await request.body(), request)
    if not events:
        return "ignored"
    # Temporal first: events that are booked are known, and a repeat of them would be told to nobody.
    client = await house.link.client()
    books = Books(house.engine, idempotent=True)
    told = await asyncio.to_thread(books.delivered, events, house.now())
    await tell(house, client, sorted({*told, *_concerned(events)}))
    return "taken"


def _concerned(events: Sequence[MailEvent]) -> set[str]:
    """Whose delivery ended one way or the other: told on a repeat as well, because the server may have gone away
    between the booking and the hint. A hint too many costs one look."""
    ids = {event.key.partition("/")[0] for event in events if event.type in ARRIVED | FAILED}
    return {id_ for id_ in ids if parse_workflow_id(id_) is not None}


def _verified(house: House, raw: bytes, request: Request) -> tuple[MailEvent, ...]:
    """The events that are about mails of ours. 400 for what SendGrid did not sign just now."""
    key = house.settings.sendgrid_webhook_public_key
    if key is None:
        raise HttpProblem(503, "SENDGRID_WEBHOOK_PUBLIC_KEY is not set: events cannot be verified")
    signature, signed_at = (
        request.headers.get(name) for name in (EventWebhookHeader.SIGNATURE, EventWebhookHeader.TIMESTAMP)
    )
    try:
        sendgrid_events.verify(key.get_secret_value(), raw, signature, signed_at, house.now())
    except Refused as error:
        raise HttpProblem(400, str(error)) from None
    except Invalid as error:
        raise HttpProblem(503, str(error)) from None  # our own setting: what SendGrid sent may be good
    try:
        return sendgrid_events.parse(raw).events
    except Invalid as error:
        raise HttpProblem(400, str(error)) from None
