"""What a printed document says, and what sets it. Everything is given: a renderer computes no amount and no
date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from domain.parts import (
    Address,
    AllowanceCharge,
    Bank,
    Line,
    Party,
    Period,
    Preceding,
    TaxCurrency,
    TaxSubtotal,
    Totals,
)


@dataclass(frozen=True, slots=True)
class DueView:
    """BT-9: a date and its part of the total, minor units."""

    due_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class DiscountView:
    """Paid by `until`, `amount` (minor units) settles the whole document."""

    percent: Decimal
    until: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """`kind` is invoice, prepayment or credit_note; amounts are minor units of `currency`, positive for all
    kinds. `terms` is the payment text (BT-20) in the document's language, `converted_tax` the tax in BT-6's
    currency."""

    kind: str
    number: str
    issued_on: date
    language: str
    currency: str
    seller: Party
    customer: Party
    lines: tuple[Line, ...]
    breakdown: tuple[TaxSubtotal, ...]
    totals: Totals
    adjustments: tuple[AllowanceCharge, ...] = ()
    dues: tuple[DueView, ...] = ()
    discounts: tuple[DiscountView, ...] = ()
    bank: Bank | None = None
    payment_reference: str | None = None
    terms: str | None = None
    notes: str | None = None
    period: Period | None = None
    delivery_date: date | None = None
    delivery_address: Address | None = None
    preceding: tuple[Preceding, ...] = ()
    buyer_reference: str | None = None
    purchase_order: str | None = None
    contract: str | None = None
    project: str | None = None
    sales_order: str | None = None
    reference: str | None = None
    tax_currency: TaxCurrency | None = None
    converted_tax: int | None = None


class Documents(Protocol):
    def render(self, document: DocumentView) -> bytes:
        """The document as a file; equal input gives equal bytes."""
