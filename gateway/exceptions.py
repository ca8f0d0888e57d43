"""`/v1/exceptions`: what waits for a person, with the commands that settle it; a word that settles one, and who gets
it. What a receivable's own commands settle goes there."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import queue, views
from adapters.books.api_keys import Caller
from domain.errors import DuelyError
from gateway import auth
from gateway.described import operation
from gateway.house import House, house_of
from gateway.invoices import Key, SellerKey
from gateway.reading import json_body
from gateway.telling import tell
from schemas.parsing import Strict, parse
from schemas.values import Name, Text

router = APIRouter(prefix="/v1/exceptions", tags=["exceptions"])


Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_BY = {"by": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Left out: the key's own person."}}


class Decide(Strict):
    by: Name
    decision: Text


class Assign(Strict):
    by: Name
    owner: Name


def _body(field: str, most: int) -> dict[str, Any]:
    said = {field: {"type": "string", "minLength": 1, "maxLength": most}, **_BY}
    return {"type": "object", "properties": said, "required": [field], "additionalProperties": False}


@router.get("", **operation("What waits for a person", {200: "Exceptions"}))
async def list_(
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("exceptions:read"))],
    owner: Key = None,
    kind: Annotated[str | None, Query(pattern="^[a-z_]{1,40}$")] = None,
    overdue: Annotated[Literal["true", "false"], Query()] = "false",
    seller: SellerKey = None,
) -> Response:
    """The nearest deadline first."""
    house, whose = house_of(request), auth.sellers_of(caller, seller)
    narrowed = partial(views.exceptions, owner=owner, kind=kind, overdue=overdue == "true")
    shown = await asyncio.to_thread(narrowed, house.engine, whose, house.now())
    return JSONResponse({"contract": 1, "exceptions": shown})


_DECIDE = operation("Settle by a word", {200: "Decided"}, (404, 409), body=_body("decision", 2000),
                    example={"decision": "kept as a deposit"})  # fmt: skip
_ASSIGN = operation("Give it to somebody else", {200: "Decided"}, (404, 409), body=_body("owner", 200),
                    example={"owner": "ben"})  # fmt: skip


@router.post("/{exception}/commands/decide", **_DECIDE)
async def decide(
    exception: Number,
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("commands"))],
) -> Response:
    """For what no command of a receivable settles. What must end with the very thing it is about is refused, with the
    command that ends it."""
    said = parse(Decide, auth.with_by(caller, "decide", await json_body(request)))
    house = house_of(request)
    told = await asyncio.to_thread(
        queue.decide, house.engine, exception, said.by, said.decision, house.now(), caller.seller
    )
    return await _told(house, told)


@router.post("/{exception}/commands/assign", **_ASSIGN)
async def assign(
    exception: Number,
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("commands"))],
) -> Response:
    """A dispute goes with what asks for its decision."""
    said = parse(Assign, auth.with_by(caller, "assign", await json_body(request)))
    house = house_of(request)
    told = await asyncio.to_thread(
        queue.assign, house.engine, exception, said.by, said.owner, house.now(), caller.seller
    )
    return await _told(house, told)


async def _told(house: House, invoice: str | None) -> Response:
    """The books have it already; a workflow that cannot be told reads it later."""
    client = await house.link.client_if_any() if invoice is not None else None
    if client is not None and invoice is not None:
        with contextlib.suppress(DuelyError):
            await tell(house, client, [invoice])
    return JSONResponse({"contract": 1, "result": "done"})
