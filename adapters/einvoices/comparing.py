"""Recomputes a bill that was read, with our own rules, and says every term that differs. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain import money
from domain.document import Draft
from domain.einvoice import EInvoice
from domain.errors import Invalid, Problem
from domain.parts import SellerFacts
from domain.profiles import PDF
from schemas.drafting import draft_of
from schemas.request import parse_request


def differences(body: dict[str, Any], document: EInvoice, seller: SellerFacts) -> list[Problem]:
    """Of the request made of `document`: what is wrong with its form, else each sum that we would write otherwise."""
    # how it is sent, and as what, is no matter of sums; drafting asks for what that takes, with the stored customer
    on_paper = {**body, "customer": {**body["customer"], "channel": "post", "format": PDF}}
    try:
        draft = draft_of(parse_request(on_paper), seller=seller, customer=None, today=document.issued_on)
    except Invalid as error:
        return list(error.problems)
    return [
        Problem(term, f"file says {_shown(theirs, document)}, {how} {_shown(ours, document)}")
        for term, theirs, how, ours in _sums(document, draft)
        if theirs != ours
    ]


def _sums(document: EInvoice, draft: Draft) -> Iterator[tuple[str, int, str, int]]:
    """(term, in the file, in words where ours comes from, ours)."""
    for line, again in zip(document.lines, draft.lines, strict=True):
        yield f"BG-25 {line.id}/BT-131", line.net, "quantity × price and its allowances come to", again.net
    theirs, ours, both = document.totals, draft.totals, "lines and tax come to"
    yield "BT-106", theirs.line_net, "the lines come to", ours.line_net
    yield "BT-107", theirs.allowances, "the allowances come to", ours.allowances
    yield "BT-108", theirs.charges, "the charges come to", ours.charges
    yield "BT-109", theirs.taxable, "lines, allowances and charges come to", ours.taxable
    rows = {(row.category, row.rate): row for row in document.breakdown}
    for row in draft.breakdown:
        name, said = f"BG-23 {row.category} {row.rate}", rows.pop((row.category, row.rate), None)
        yield f"{name}/BT-116", said.taxable if said else 0, both, row.taxable
        yield f"{name}/BT-117", said.tax if said else 0, both, row.tax
    for row in rows.values():
        yield f"BG-23 {row.category} {row.rate}/BT-116", row.taxable, both, 0
    yield "BT-110", theirs.tax, both, ours.tax
    yield "BT-112", theirs.total, both, ours.total
    yield "BT-114", theirs.rounding, "the seller rounds by", ours.rounding
    yield "BT-115", theirs.payable, both, ours.payable


def _shown(minor: int, document: EInvoice) -> str:
    return money.show(minor, document.currency)
