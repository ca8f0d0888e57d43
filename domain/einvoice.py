"""The legal document in the words of EN 16931-1, frozen when its number is taken. PDF, XML, page and mail are
renditions of it: they choose and format, and compute nothing.

Amounts are minor units of `currency`, positive for every kind, as the standard wants it for credit notes, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from domain import codec, keys, money, terms
from domain.document import Draft
from domain.parts import (
    Address,
    AllowanceCharge,
    Attachment,
    Bank,
    Brand,
    Line,
    Note,
    Party,
    Payee,
    Period,
    Preceding,
    TaxCurrency,
    TaxSubtotal,
    Totals,
)

FORMAT = 1
CREDIT_NOTE = "credit_note"
TYPE_CODES = MappingProxyType({"invoice": "380", "corrected": "384", CREDIT_NOTE: "381", "prepayment": "386"})
"""BT-3 (UNTDID 1001) of each kind of document."""
_SUPPLIED_NOW = frozenset({"invoice", "corrected"})


@dataclass(frozen=True, slots=True)
class DueView:
    """BT-9: a date and its part of what is payable, minor units."""

    due_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class DiscountView:
    """Paid by `until`, `amount` (minor units) settles the whole document."""

    percent: Decimal
    until: date
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EInvoice:
    """BG numbers beside. `profile` is a key of `domain/profiles.py` and gives BT-23 and BT-24; `customer_kind` is
    business, public or consumer; `reference` is the upstream system's own key, printed and not in the XML;
    `converted_tax` (BT-111) is `totals.tax` in the minor units of `tax_currency`."""

    kind: str  # BT-3
    number: str  # BT-1
    issued_on: date  # BT-2
    language: str
    currency: str  # BT-5
    seller: Party  # BG-4
    customer: Party  # BG-7
    lines: tuple[Line, ...]  # BG-25
    breakdown: tuple[TaxSubtotal, ...]  # BG-23
    totals: Totals  # BG-22
    profile: str = "facturx"
    customer_kind: str = "business"
    adjustments: tuple[AllowanceCharge, ...] = ()  # BG-20, BG-21
    dues: tuple[DueView, ...] = ()  # BT-9
    discounts: tuple[DiscountView, ...] = ()
    banks: tuple[Bank, ...] = ()  # BG-17
    payee: Payee | None = None  # BG-10
    payment_reference: str | None = None  # BT-83
    notes: str | None = None  # BG-1, the sender's own
    legal_notes: tuple[Note, ...] = ()  # BG-1, what a law wants printed
    period: Period | None = None  # BG-14
    delivery_date: date | None = None  # BT-72
    delivery_address: Address | None = None  # BG-15
    preceding: tuple[Preceding, ...] = ()  # BG-3
    buyer_reference: str | None = None  # BT-10
    project: str | None = None  # BT-11
    contract: str | None = None  # BT-12
    purchase_order: str | None = None  # BT-13
    sales_order: str | None = None  # BT-14
    cost_center: str | None = None  # BT-19
    reference: str | None = None
    tax_currency: TaxCurrency | None = None  # BT-6
    converted_tax: int | None = None  # BT-111
    attachments: tuple[Attachment, ...] = ()  # BG-24
    brand: Brand | None = None

    @property
    def type_code(self) -> str:
        """BT-3."""
        return TYPE_CODES[self.kind]

    @property
    def bank(self) -> Bank | None:
        """The account to pay to first."""
        return self.banks[0] if self.banks else None


def freeze(draft: Draft, *, number: str, issued_on: date, preceding: tuple[Preceding, ...] = ()) -> EInvoice:
    """The document that `draft` becomes under its number. A credit note is paid to nobody: it has neither dues nor a
    payment reference, and `preceding` names what it credits.

    Where the draft names neither day nor period of supply, its lines' periods do, and for an invoice the day of issue.
    A prepayment is asked for before anything is supplied; what a credit note takes back was supplied on the day its
    draft names."""
    credit = draft.kind == CREDIT_NOTE
    payable = draft.totals.payable
    agreed = terms.parse_terms(draft.terms)
    dues = () if credit else terms.due_dates(agreed, issued_on)
    amounts = () if credit else terms.split(payable, dues)
    steps = () if credit else terms.discount_steps(agreed, issued_on)
    same = (
        "kind language currency seller customer lines breakdown totals profile customer_kind adjustments payee notes "
        "legal_notes delivery_address buyer_reference project contract purchase_order sales_order cost_center "
        "reference tax_currency attachments brand"
    )
    period = draft.period or (None if draft.delivery_date else _span(draft.lines))
    now = issued_on if period is None and draft.kind in _SUPPLIED_NOW else None
    return EInvoice(
        number=number,
        issued_on=issued_on,
        dues=tuple(DueView(due_on, amount) for (_, due_on), amount in zip(dues, amounts, strict=True)),
        discounts=tuple(DiscountView(percent, until, discounted(payable, percent)) for percent, until in steps),
        banks=() if credit else tuple(filter(None, (draft.bank, *draft.banks))),
        payment_reference=None if credit else keys.creditor_reference(f"{draft.seller_key}{number}"),
        period=period,
        delivery_date=draft.delivery_date or now,
        preceding=preceding or draft.preceding,
        converted_tax=_converted(draft),
        **{name: getattr(draft, name) for name in same.split()},
    )


def _span(lines: tuple[Line, ...]) -> Period | None:
    """The days from the first to the last of the lines' periods where each has one; what is taken off has none."""
    known = [line.period for line in lines if line.period is not None]
    if not known or any(line.period is None and line.quantity > 0 for line in lines):
        return None
    return Period(min(period.start for period in known), max(period.end for period in known))


def discounted(payable: int, percent: Decimal | str) -> int:
    """What settles the whole document within a discount's days, minor units; the discount itself is HALF_UP."""
    waived = (Decimal(payable) * Decimal(percent)).scaleb(-2).quantize(Decimal(1), ROUND_HALF_UP)
    return payable - int(waived)


def to_json(document: EInvoice) -> dict[str, Any]:
    """The stored form, `from_json` reads it back."""
    return {"format": FORMAT, **codec.encode(document)}


def from_json(data: dict[str, Any]) -> EInvoice:
    """The document of `to_json`. ValueError for another format."""
    if data.get("format") != FORMAT:
        raise ValueError(f"a document of format {data.get('format')!r} cannot be read, only {FORMAT}")
    return codec.decode(EInvoice, {name: value for name, value in data.items() if name != "format"})


def model_hash(data: dict[str, Any]) -> str:
    """`sha256:<hex>` of a stored document, as `to_json` gave it."""
    return keys.digest("duely/document/1", data)


def _converted(draft: Draft) -> int | None:
    """BT-111: the tax in BT-6's currency, HALF_UP to its minor unit (Directive 2006/112/EC Art. 230)."""
    other = draft.tax_currency
    if other is None:
        return None
    return money.rounded(money.major(draft.totals.tax, draft.currency) * other.rate, other.currency)
