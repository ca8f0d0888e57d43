"""E-invoices handed in over HTTP: a bill of ours from another system starts a receivable; whatever is off is told at
its term. No Temporal server answers here, so a good one gets as far as the start."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from adapters.books.facts import seller_known
from adapters.documents.typst import TypstDocuments
from adapters.einvoices import write
from domain.einvoice import EInvoice, freeze
from schemas.drafting import draft_of
from schemas.request import parse_request
from tests.gateway.conftest import Gateway

REQUEST = {
    "seller": "demo",
    "reference": "OLD-7",
    "customer": {
        "name": "Globex GmbH", "email": "ap@globex.example", "country": "DE", "vat_id": "DE136695976",
        "address": {"street": "Ring 1", "postcode": "10115", "city": "Berlin"},
    },
    "currency": "EUR",
    "lines": [{"description": "Work", "quantity": "2", "unit_price": "50.00", "tax": {"category": "S", "rate": "19"}}],
}  # fmt: skip


@pytest.fixture
def bill(offline: Gateway) -> EInvoice:
    facts = seller_known(offline.engine, "demo")
    draft = draft_of(parse_request(REQUEST), seller=facts, customer=None, today=date(2026, 11, 3))
    return freeze(draft, number="OLD/7", issued_on=date(2026, 11, 3))


async def handed_in(gateway: Gateway, data: bytes, media: str, **query: str) -> tuple[int, str]:
    said = await gateway.http.post(
        "/v1/invoices", content=data, params=query, headers={**gateway.as_("invoices:write"), "Content-Type": media}
    )
    return said.status_code, said.text


async def test_a_good_one_gets_as_far_as_the_start(offline: Gateway, bill: EInvoice) -> None:
    status, told = await handed_in(offline, write(bill), "application/xml", seller="demo")
    assert (status, "Temporal" in told) == (503, True)
    paper = TypstDocuments(write).render(bill).pdf
    assert (await handed_in(offline, paper, "application/pdf", seller="demo"))[0] == 503


async def test_a_cent_is_told_at_its_term(offline: Gateway, bill: EInvoice) -> None:
    totals = replace(bill.totals, tax=bill.totals.tax + 1, total=bill.totals.total + 1)
    status, told = await handed_in(offline, write(replace(bill, totals=totals)), "text/xml", seller="demo")
    assert status == 422
    assert "BT-110" in told
    assert "file says 19.01, lines and tax come to 19.00" in told


async def test_a_credit_note_starts_nothing(offline: Gateway, bill: EInvoice) -> None:
    note = replace(bill, kind="credit_note", preceding=(), dues=(), banks=(), payment_reference=None)
    status, told = await handed_in(offline, write(note), "application/xml", seller="demo")
    assert (status, "BG-3" in told) == (422, True)


@pytest.mark.parametrize(
    ("data", "media", "query", "status", "told"),
    [
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "application/xml", "demo", 422, "body"),
        (b"no xml", "application/xml", "demo", 422, "body"),
        (b"%PDF-1.7 broken", "application/pdf", "demo", 422, "body"),
        (b"<a/>", "application/xml", "nobody", 404, "there is no seller nobody"),
        (b"<a/>", "application/xml", "", 422, "seller"),
        (b"{", "application/json", "demo", 400, "not JSON"),
    ],
)
async def test_what_cannot_be_read_is_told(
    offline: Gateway, data: bytes, media: str, query: str, status: int, told: str
) -> None:
    found = await handed_in(offline, data, media, **({"seller": query} if query else {}))
    assert (found[0], told in found[1]) == (status, True)
