"""What payment providers tell us: verified by their own libraries on the raw bytes, then handed to Temporal as a hint.
Nothing in it is believed and no database is asked; what cannot be handed on is refused with 503, so that the sender
repeats it."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import APIRouter, Request, Response
from stripe import SignatureVerificationError, WebhookSignature

from domain.incoming import STRIPE_EVENTS
from gateway.counting import counted
from gateway.described import operation
from gateway.house import House, house_of
from gateway.problems import HttpProblem
from schemas.incoming import EventHint
from workers import incoming

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

STRIPE = "stripe"
TOLERANCE_SECONDS = 300
"""How old a signature may be: Stripe signs each delivery anew, so an older one is somebody's recording."""

_ID = re.compile(r"[A-Za-z0-9_]{1,200}")


@router.post("/stripe", **operation("Stripe's events", {200: "EventTaken"}, (400,), body={"type": "object"},
                                    open_to_all=True))  # fmt: skip
async def stripe(request: Request) -> Response:
    """Answers 200 once Temporal holds the event, or when it does not concern us; any API version."""
    house = house_of(request)
    return await counted(house, STRIPE, _stripe(house, request))


async def _stripe(house: House, request: Request) -> str:
    raw, signature = await request.body(), request.headers.get("stripe-signature")
    secret = house.settings.stripe_webhook_secret
    if secret is None:
        # Not 404: Stripe keeps repeating what meets a 503, so an event that comes before the setting is not lost.
        raise HttpProblem(503, "STRIPE_WEBHOOK_SECRET is not set: events cannot be verified", {"Retry-After": "300"})
    try:
        WebhookSignature.verify_header(raw, signature, secret.get_secret_value(), TOLERANCE_SECONDS)
    except (SignatureVerificationError, ValueError, TypeError):
        # TypeError: the SDK compares texts, and a forged signature may hold more than ASCII.
        raise HttpProblem(400, "not signed by Stripe with this endpoint's secret within the last 5 minutes") from None
    hint = hint_of(raw)
    if hint is None:
        return "ignored"
    return "taken" if await incoming.event(await house.link.client(), hint) else "known"


def hint_of(raw: bytes) -> EventHint | None:
    """What a signed event is about; None for a type outside the closed list. 400 for what is no event."""
    try:
        said: Any = json.loads(raw)
        id_, type_, about = said["id"], said["type"], said["data"]["object"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise HttpProblem(400, "the body is no event of Stripe's") from None
    if not isinstance(type_, str) or not _named(id_):
        raise HttpProblem(400, "the body is no event of Stripe's")
    if type_ not in STRIPE_EVENTS:
        return None
    if not isinstance(about, dict) or not _named(about.get("id")):
        raise HttpProblem(400, "the event names no object")
    return EventHint(provider=STRIPE, id=id_, type=type_, object=about["id"])


def _named(id_: Any) -> bool:
    """An id that may become part of a workflow's."""
    return isinstance(id_, str) and _ID.fullmatch(id_) is not None
