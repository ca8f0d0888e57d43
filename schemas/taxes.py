"""The tax of lines that name none: the default on the day that each was supplied. What was given is never changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache

from domain import keys, tax
from domain.document import CustomerFacts, Draft, DraftWarning, Party, Period, SellerFacts
from domain.errors import Invalid
from schemas import request as asked
from schemas.items import TaxChoice, by_default
from schemas.request import Request

DefaultTax = Callable[[str, bool, str, str | None, str, date], TaxChoice]
"""The signature of `domain.tax.default_tax`: Invalid where no rate is known."""

Expected = Callable[[date], TaxChoice | Invalid]
"""The default on a day of supply."""


def expecting(
    seller: SellerFacts | Party, customer: CustomerFacts | Party, kind: str, default_tax: DefaultTax = tax.default_tax
) -> Expected:
    """The defaults between these two; `kind` is the customer's."""

    @cache
    def expected(on: date) -> TaxChoice | Invalid:
        try:
            return default_tax(seller.country, seller.vat_id is not None, customer.country, customer.vat_id, kind, on)
        except Invalid as unknown:
            return unknown

    return expected


def supplied(line: asked.Line, request: Request, period: Period | None, day: date | None, today: date) -> date:
    """A line's tax point: the end of its own period, else the document's `day` of delivery or the end of its `period`,
    else the day of issue as far as it is known."""
    if line.period:
        return line.period.end
    if day:
        return day
    if period:
        return period.end
    if request.adopt:
        return request.adopt.issued_on
    return max(today, request.issue_on or today)


def mismatches(request: Request, expected: Sequence[TaxChoice | Invalid]) -> list[DraftWarning]:
    """One warning for each kind of difference between the tax given and the line's default; upstream's tax stays."""
    found: dict[str, str] = {}
    for i, (line, default) in enumerate(zip(request.lines, expected, strict=True)):
        if line.tax is None or isinstance(default, Invalid):
            continue
        category, rate, why = default
        if (line.tax.category, line.tax.percent) == (category, rate):
            continue
        if line.tax.category == "K" and category == "AE":
            continue  # the default is a service's; the same customer's goods are an intra-Community supply
        given = f"given {_shown(line.tax.category, line.tax.percent)}"
        found.setdefault(f"{given}, expected {_shown(category, rate)} ({why})", f"lines[{i}].tax")
    return [DraftWarning("tax_mismatch", f"{path}: {text}") for text, path in found.items()]


def outdated(draft: Draft, on: date) -> str:
    """Why the default tax of a line is another one when it is issued `on` that day; empty when it is the same. What
    names its supply is taxed as on that day whenever it is issued."""
    if draft.delivery_date or draft.period:
        return ""
    default = expecting(draft.seller, draft.customer, draft.customer_kind)(on)
    if isinstance(default, Invalid):
        return ""
    category, rate, why = default
    for i, line in enumerate(draft.lines):
        if by_default(line) and line.period is None and (line.category, line.rate) != (category, rate):
            was = _shown(line.category, line.rate)
            return f"lines[{i}].tax: drafted with {was}, but due is {_shown(category, rate)} ({why}): amend it"
    return ""


def _shown(category: str, rate: Decimal) -> str:
    return f"{category} {keys.plain_decimal(rate)} %"
