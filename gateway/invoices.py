"""`/v1/invoices`: start, list, read, command. The books have the first word on a reference, the workflow on a
command."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import listing
from adapters.books.api_keys import Caller
from domain.errors import Invalid, NotFound
from gateway import auth, bills
from gateway.described import STATES, command_schema, operation
from gateway.house import House, house_of
from gateway.problems import HttpProblem
from gateway.reading import json_body
from schemas.commands import COMMANDS, EXAMPLES, parse_command
from schemas.values import instant_of, is_name
from workers import client as receivables

router = APIRouter(prefix="/v1/invoices", tags=["invoices"])

State = StrEnum("State", STATES)  # type: ignore[misc]  # the contract's closed list, as an enum for the query

Key = Annotated[str | None, Query(pattern="^[A-Za-z0-9._-]{1,64}$")]
SellerKey = Annotated[str | None, Query(pattern="^[a-z0-9]{2,20}$")]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Under the same key the same command is carried out once, however often it is repeated until it is "
        "answered; every repeat gets the first answer.",
    ),
]


@router.post("", **operation("Start an invoice, or find it", {202: "Started"}, (404, 409), body="Request",
                             example=EXAMPLES["amend"]["request"], also=bills.MEDIA))  # fmt: skip
async def start(
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("invoices:write"))],
    seller: SellerKey = None,
    reference: Key = None,
) -> Response:
    """Safe to repeat: the same content under the same reference is the same invoice. An e-invoice (CII, UBL, or a PDF
    with one inside) needs `seller`, and may have a `reference` other than its number; JSON names both itself."""
    house = house_of(request)
    if bills.is_bill(request):
        body: Any = await bills.request_in(request, house, auth.seller_of(caller, seller), reference)
    else:
        body = await json_body(request)
    if isinstance(body, dict):
        body = _created_by(caller, body)
    started = await receivables.start(await house.link.client(), house.engine, body)
    said = {"contract": 1, "id": started.workflow_id, "created": started.created}
    return JSONResponse(said, 202, {"Location": f"/v1/invoices/{started.workflow_id}"})


def _created_by(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    """Whoever asks for an invoice may not approve it: a person's key always signs as that person, a machine's may name
    the person it works for."""
    seller, said = body.get("seller"), body.get("created_by")
    if caller.seller is not None and isinstance(seller, str) and seller != caller.seller:
        raise HttpProblem(403, f"this key acts for {caller.seller} only")
    if not caller.machine and isinstance(said, str) and said != caller.by:
        raise HttpProblem(403, f"this key acts as {caller.by}: leave `created_by` out")
    return {**body, "created_by": caller.by} if said is None else body


@router.get("", **operation("List invoices, the longest unchanged first", {200: "Listed"}))
async def list_(
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("invoices:read"))],
    state: Annotated[State | None, Query()] = None,
    customer: Key = None,
    seller: SellerKey = None,
    updated_after: Annotated[str | None, Query(json_schema_extra={"format": "date-time"})] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Follow `next` until it is null. To learn of every change, follow `/v1/events`: `updated_at` is the time at which
    a step began, so a change may come behind what was listed."""
    house = house_of(request)
    items, following = await asyncio.to_thread(
        listing.page,
        house.engine,
        state=state.value if state is not None else None,
        customer=customer,
        seller=auth.sellers_of(caller, seller),
        updated_after=None if updated_after is None else _instant(updated_after),
        cursor=cursor,
        limit=limit,
    )
    return JSONResponse({"contract": 1, "invoices": items, "next": following})


def _instant(text: str) -> datetime:
    try:
        return instant_of(text)
    except ValueError as error:
        raise Invalid.at("updated_after", f"{error} (a + as %2B)") from None


@router.get("/{id:path}", **operation("Where an invoice stands", {200: "Status"}, (404, 409)))
async def status(
    id: str,  # noqa: A002 the contract's own word
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("invoices:read"))],
    seller: SellerKey = None,
) -> Response:
    """`id`: workflow id, number (a `/` in it as it is, or as %2F) or reference. Read from the books when its workflow
    has ended or does not answer."""
    house = house_of(request)
    workflow_id = await resolve(house, caller, id, seller)
    client = await house.link.client_if_any()
    return JSONResponse(await receivables.status_of(client, house.engine, workflow_id))


async def resolve(house: House, caller: Caller, name: str, seller: str | None = None) -> str:
    """The workflow id that `name` means to this caller. NotFound for none, Refused for several."""
    if not is_name(name):
        raise NotFound("no receivable has such a name: give a workflow id, a number or a reference")
    whose = auth.sellers_of(caller, seller)
    workflow_id = await asyncio.to_thread(receivables.resolve_id, house.engine, name, whose)
    auth.check_own(caller, workflow_id, name)
    return workflow_id


async def give(
    house: House, caller: Caller, id_: str, name: str, body: Any, seller: str | None = None, once: str | None = None
) -> Response:
    """One command to one receivable, `once` under that key: 200 done, 202 pending."""
    said = auth.with_by(caller, name, body)
    parse_command(name, (said,))
    workflow_id = await resolve(house, caller, id_, seller)
    answer = await receivables.send_command(await house.link.client(), house.engine, workflow_id, name, said, once)
    return JSONResponse(answer, 202 if answer["result"] == "pending" else 200)


def _command(name: str) -> Any:
    async def command(
        id: str,  # noqa: A002
        request: Request,
        caller: Annotated[Caller, Depends(auth.needs("commands"))],
        seller: SellerKey = None,
        once: Once = None,
    ) -> Response:
        return await give(house_of(request), caller, id, name, await json_body(request), seller, once)

    command.__name__ = f"command_{name}"
    return command


for _name in COMMANDS:
    router.post(
        f"/{{id:path}}/commands/{_name}",
        **operation(
            f"Command: {_name}",
            {200: "Answer", 202: "Answer"},
            (404, 409),
            body=command_schema(_name),
            example=EXAMPLES[_name],
        ),
    )(_command(_name))


@router.post("/{id:path}/commands/{name}", include_in_schema=False)
async def no_command(
    id: str,  # noqa: A002
    name: str,
    caller: Annotated[Caller, Depends(auth.needs("commands"))],
) -> Response:
    raise NotFound(f"there is no such command; known are {', '.join(COMMANDS)}")
