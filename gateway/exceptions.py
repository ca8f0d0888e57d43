"""`GET /v1/exceptions`: what waits for a person, with the commands that settle it."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import views
from adapters.books.api_keys import Caller
from gateway import auth
from gateway.described import operation
from gateway.house import house_of
from gateway.invoices import Key, SellerKey

router = APIRouter(prefix="/v1/exceptions", tags=["exceptions"])


@router.get("", **operation("What waits for a person", {200: "Exceptions"}))
async def list_(
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("exceptions:read"))],
    owner: Key = None,
    kind: Annotated[str | None, Query(pattern="^[a-z_]{1,40}$")] = None,
    seller: SellerKey = None,
) -> Response:
    """The nearest deadline first."""
    found = await asyncio.to_thread(views.exceptions, house_of(request).engine, auth.sellers_of(caller, seller))
    shown = [e for e in found if owner in (None, e["owner"]) and kind in (None, e["kind"])]
    return JSONResponse({"contract": 1, "exceptions": shown})
