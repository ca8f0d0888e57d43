"""`POST /v1/payments`: money received by hand, booked through the receivable's own command `pay`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from adapters.books.api_keys import Caller
from domain.errors import Invalid
from gateway import auth
from gateway.described import operation
from gateway.house import house_of
from gateway.invoices import SellerKey, give
from gateway.reading import json_body
from schemas.commands import EXAMPLES
from schemas.values import kind_of

router = APIRouter(prefix="/v1/payments", tags=["money"])


@router.post("", **operation("Book money received by hand", {200: "Answer", 202: "Answer"}, (404, 409), body="Payment",
                             example={**EXAMPLES["pay"], "invoice": "ORD-1042"}))  # fmt: skip
async def pay(
    request: Request, caller: Annotated[Caller, Depends(auth.needs("payments"))], seller: SellerKey = None
) -> Response:
    """Once under its `external_id`. `invoice`: workflow id, number or reference."""
    body = await json_body(request)
    if not isinstance(body, dict):
        raise Invalid.at("", f"must be one JSON object, not {kind_of(body)}")
    invoice = body.pop("invoice", None)
    if not isinstance(invoice, str) or not invoice:
        raise Invalid.at("invoice", "is required: a workflow id, a number or a reference")
    return await give(house_of(request), caller, invoice, "pay", body, seller)
