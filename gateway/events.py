"""`/v1/events`: what happened in a seller's books, for programs that follow them."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import events
from adapters.books.api_keys import Caller
from gateway import auth
from gateway.described import operation
from gateway.house import house_of
from gateway.invoices import SellerKey

router = APIRouter(prefix="/v1/events", tags=["events"])


@router.get("", **operation("What happened in a seller's books, in order", {200: "Events"}))
async def list_(
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("events:read"))],
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    seller: SellerKey = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Begin with `after=0` and go on with the `after` of each answer; once `events` is empty, all was read. Each entry
    comes once and none comes later with a smaller `seq`. `keys.invoice` is the receivable it is about; names and texts
    are never in it. It is the audit chain itself: `previous` and `digest` prove that none is missing or changed."""
    whose = auth.seller_of(caller, seller)
    found = await asyncio.to_thread(events.page, house_of(request).engine, whose, after, limit)
    return JSONResponse({"contract": 1, "events": found, "after": found[-1]["seq"] if found else after})
