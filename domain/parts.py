"""What a document is made of, in the words of EN 16931 (BT/BG numbers beside). Plain values, no behaviour.

Amounts are int minor units of the document's currency; quantities, prices and percentages are Decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from domain.codec import later


@dataclass(frozen=True, slots=True)
class Address:
    """BG-5, BG-8, BG-15."""

    street: str | None = None
    street2: str | None = None
    postcode: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None


NO_ADDRESS = Address()


@dataclass(frozen=True, slots=True)
class Bank:
    """BG-17: where to pay. IBAN BT-84, BIC BT-86."""

    iban: str
    bic: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """BT-34, BT-49: electronic address and its EAS scheme."""

    scheme: str
    id: str


@dataclass(frozen=True, slots=True)
class Party:
    """Seller (BG-4) or buyer (BG-7) as printed. `country` is BT-40/BT-55, `vat_id` BT-31/BT-48, `registration`
    BT-30/BT-47, `contact` a person or department (BT-41/BT-56), `tax_number` BT-32, `legal` BT-33."""

    key: str
    name: str
    country: str
    address: Address
    vat_id: str | None = None
    registration: str | None = None
    email: str | None = None
    phone: str | None = None
    endpoint: Endpoint | None = None
    contact: str | None = later(None)
    tax_number: str | None = later(None)
    legal: str | None = later(None)


@dataclass(frozen=True, slots=True)
class Payee:
    """BG-10: who is paid, where that is not the seller. `id` is BT-60, `registration` BT-61."""

    name: str
    id: str | None = None
    registration: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """BG-1: a text (BT-22) and what it is about (BT-21, UNTDID 4451)."""

    text: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Brand:
    """How a seller's paper looks: the archive key of a logo (PNG or SVG) and a colour as `#1f4e79`."""

    logo: str | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at the customer. `role` is billing, escalation or dispute."""

    role: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class SellerFacts:
    """What is known of the seller at drafting. `terms` holds where nobody nearer says otherwise; `rounding` are
    (currency, minor units) to which amounts payable are rounded."""

    key: str
    name: str
    country: str
    timezone: str
    language: str
    address: Address = NO_ADDRESS
    region: str | None = None
    vat_id: str | None = None
    registration: str | None = None
    email: str | None = None
    phone: str | None = None
    bank: Bank | None = None
    terms: str | dict[str, Any] = "net 30"
    policy: str | None = None
    contact: str | None = None
    tax_number: str | None = None
    legal: str | None = None
    endpoint: Endpoint | None = None
    payee: Payee | None = None
    banks: tuple[Bank, ...] = ()
    rounding: tuple[tuple[str, int], ...] = ()
    brand: Brand | None = None


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """What is known of the customer: stored, or merged with what a request says inline. `format` is the e-invoice it
    asked for (`domain/profiles.py`), `buyer_reference` the one that holds unless an invoice names its own."""

    key: str
    name: str
    country: str
    kind: str = "business"
    address: Address = NO_ADDRESS
    region: str | None = None
    language: str | None = None
    timezone: str | None = None
    vat_id: str | None = None
    registration: str | None = None
    email: str | None = None
    contacts: tuple[Contact, ...] = ()
    channel: str = "email"
    endpoint: Endpoint | None = None
    group: str | None = None
    payer: str | None = None
    requires: tuple[str, ...] = ()
    policy: str | None = None
    terms: str | dict[str, Any] | None = None
    format: str | None = later(None)
    buyer_reference: str | None = later(None)


@dataclass(frozen=True, slots=True)
class Period:
    """BG-14, BG-26: both days included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class AllowanceCharge:
    """BG-20/21 of a document, BG-27/28 of a line; `is_charge` gives the direction of `amount`.

    With `percent` (BT-94/101) the amount follows from the base, and is negative when the base is. Category
    and rate are set on a document's only, as is `exemption`, why that category bears no tax."""

    reason: str
    is_charge: bool
    amount: int = 0
    percent: Decimal | None = None
    category: str | None = None
    rate: Decimal | None = None
    exemption: str | None = later(None)


@dataclass(frozen=True, slots=True)
class Line:
    """BG-25. `net` (BT-131) = quantity × unit_price ÷ price_base + charges − allowances, rounded once.

    `tax_basis` says where category and rate come from; `revenue` is the account key, never printed; `deducts` marks
    a prepayment taken off, which no allowance or charge of the document is of."""

    id: str
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    category: str
    rate: Decimal
    price_base: Decimal = Decimal(1)
    item: str | None = None
    reason: str | None = None
    tax_name: str | None = None
    tax_basis: str | None = None
    period: Period | None = None
    adjustments: tuple[AllowanceCharge, ...] = ()
    order_line: str | None = None
    cost_center: str | None = None
    revenue: str | None = None
    net: int = 0
    deducts: bool = later(False)


@dataclass(frozen=True, slots=True)
class TaxSubtotal:
    """BG-23: one category and rate. `reason` is BT-120."""

    category: str
    rate: Decimal
    taxable: int
    tax: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22: BT-106, 107, 108, 109, 110 and 112; `rounding` is BT-114, what is owed BT-115."""

    line_net: int = 0
    allowances: int = 0
    charges: int = 0
    taxable: int = 0
    tax: int = 0
    total: int = 0
    rounding: int = later(0)

    @property
    def payable(self) -> int:
        return self.total + self.rounding


NO_TOTALS = Totals()


@dataclass(frozen=True, slots=True)
class Preceding:
    """BG-3: an earlier invoice this one refers to."""

    number: str
    issued_on: date | None = None


@dataclass(frozen=True, slots=True)
class Deduction:
    """A prepayment that was paid: what the final invoice takes off again, by tax row."""

    number: str
    issued_on: date
    rows: tuple[TaxSubtotal, ...]


@dataclass(frozen=True, slots=True)
class TaxCurrency:
    """BT-6 and the rate that converts into it, with its date and source."""

    currency: str
    rate: Decimal
    as_of: date
    source: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """BG-24: `file` is the key of an uploaded file."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """An invoice issued elsewhere, taken over: number, dates and amounts are facts, not ours to decide."""

    number: str
    issued_on: date
    due_on: date
    total: int
    paid: int = 0
    document: str | None = None
    last_message_on: date | None = None


@dataclass(frozen=True, slots=True)
class DraftWarning:
    """Something a person should look at before the draft is approved. `code` is stable: duplicate, first_invoice,
    unusual_amount, bank_changed, contact_changed, price_changed, line_repeated, tax_mismatch,
    tax_currency, customer_address, old_supply, supply_assumed, customer_differs, mandate, vat_id, recomputed."""

    code: str
    text: str
