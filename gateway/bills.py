"""E-invoices as the body of a start: bills of ours that another system wrote, in CII or UBL, alone or inside a PDF.
They become the same request that JSON would be; a credit note starts nothing, and the answer says what to ask for."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request

from adapters.books.facts import seller_known
from adapters.einvoices import read
from adapters.einvoices.asking import Credit, asked
from domain.errors import Invalid
from gateway.house import House

MEDIA = ("application/xml", "text/xml", "application/pdf")


def is_bill(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() in MEDIA


async def request_in(request: Request, house: House, seller: str, reference: str | None) -> dict[str, Any]:
    """The request that the file makes of `seller`, under the file's own number unless `reference` is given. Invalid
    with every term that is missing, or differs from what lines and tax come to."""
    data = await request.body()
    body = await asyncio.to_thread(_asked, house, data, seller, reference)
    if isinstance(body, Credit):
        where = f"POST /v1/invoices/{body.reference}/commands/credit"
        raise Invalid.at("BT-3", f"is a credit note, which a person decides on: {where} with amount {body.amount}")
    return body


def _asked(house: House, data: bytes, seller: str, reference: str | None) -> dict[str, Any] | Credit:
    facts = seller_known(house.engine, seller)
    return asked(read(data, "body"), facts, reference)
