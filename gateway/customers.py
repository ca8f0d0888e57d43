"""`/v1/customers/{key}`: what is stored of a customer, and stops of all its invoices at once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import customers, stops
from adapters.books.api_keys import Caller
from adapters.books.seed_models import Customer
from domain.errors import DuelyError, Invalid, Problem
from gateway import auth
from gateway.described import STOP, STOP_EXAMPLE, command_schema, operation
from gateway.house import House, house_of
from gateway.invoices import SellerKey
from gateway.reading import json_body
from gateway.telling import tell
from schemas.commands import EXAMPLES
from schemas.parsing import parse
from schemas.stops import STOPS, parse_stop

router = APIRouter(prefix="/v1/customers", tags=["customers"])

Allowed = Annotated[Caller, Depends(auth.needs("customers"))]
CustomerKey = Annotated[str, Path(pattern="^[A-Za-z0-9._-]{1,64}$")]

_EXAMPLE = {
    "name": "Globex GmbH",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "email": "ap@globex.example",
    "language": "de",
}


@router.put("/{key}", **operation("Store a customer, whole", {200: "CustomerStored"}, (404,), body="StoredCustomer",
                                  example=_EXAMPLE))  # fmt: skip
async def put(key: CustomerKey, request: Request, caller: Allowed, seller: SellerKey = None) -> Response:
    """Invoices keep the copy they were drafted with. `seller` is needed unless the key is bound to one."""
    house, whose = house_of(request), auth.seller_of(caller, seller)
    customer = _parsed(await json_body(request))
    result = await asyncio.to_thread(customers.put, house.engine, whose, key, customer, caller.by, house.now())
    return JSONResponse({"contract": 1, "seller": whose, "key": key, "result": result})


def _parsed(body: Any) -> Customer:
    """Key and seller stand in the address, once."""
    if isinstance(body, dict):
        twice = [
            Problem(name, "stands in the address already; remove it") for name in ("key", "sellers") if name in body
        ]
        if twice:
            raise Invalid(twice)
    return parse(Customer, body)


@router.get("/{key}", **operation("A stored customer", {200: "CustomerShown"}, (404,)))
async def get(key: CustomerKey, request: Request, caller: Allowed, seller: SellerKey = None) -> Response:
    house, whose = house_of(request), auth.seller_of(caller, seller)
    return JSONResponse({"contract": 1, **await asyncio.to_thread(customers.get, house.engine, whose, key)})


def _command(name: str) -> Any:
    async def command(key: CustomerKey, request: Request, caller: Allowed, seller: SellerKey = None) -> Response:
        house, whose = house_of(request), auth.seller_of(caller, seller)
        said = parse_stop(name, auth.with_by(caller, name, await json_body(request)))
        state = await asyncio.to_thread(stops.command, house.engine, whose, key, said, house.now())
        if name != "note":
            await _tell(house, whose, key)
        return JSONResponse({"contract": 1, "result": "done", "state": state})

    command.__name__ = f"customer_{name}"
    return command


for _name in STOPS:
    router.post(
        f"/{{key}}/commands/{_name}",
        **operation(
            f"Customer: {_name}",
            {200: "Answer"},
            (404, 409),
            body=command_schema(STOP if _name == "hold" else _name),
            example=STOP_EXAMPLE if _name == "hold" else EXAMPLES[_name],
        ),
    )(_command(_name))


async def _tell(house: House, seller: str, key: str) -> None:
    """The stop holds from its commit on: each last look reads it. The workflows only hear of it to show it, so one that
    cannot be told changes nothing."""
    client = await house.link.client_if_any()
    if client is None:
        return
    ids = await asyncio.to_thread(customers.receivables, house.engine, seller, key)
    with contextlib.suppress(DuelyError):
        await tell(house, client, ids)
