"""The request that starts a receivable: one JSON object, every field of the contract's section 2.

It checks form, not facts: whether the seller, the customer or the policy exists, drafting finds out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from domain import keys, tax
from domain.errors import Invalid, Problem
from schemas.customer import Address, Customer, TermsValue
from schemas.parsing import Listed, Strict, below, not_yet, parse, problems_at, shape_problem
from schemas.values import (
    Amount,
    CurrencyCode,
    DateString,
    DecimalString,
    Name,
    NotNegative,
    Percent,
    Positive,
    Reference,
    SellerKey,
    Text,
    UnitCode,
)

MAX_LINES = 10_000


def _bare_key(value: Any) -> Any:
    return {"key": value} if isinstance(value, str) else value


Kind = Annotated[
    Literal["invoice", "prepayment", "corrected"],
    not_yet("credit_note", "credit an issued invoice with the command `credit`"),
]


class Period(Strict):
    """Invoicing period (BG-14, BG-26), both days included."""

    start: DateString = Field(alias="from")
    end: DateString = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if self.end < self.start:
            raise ValueError(f"ends on {self.end}, before it begins on {self.start}")
        return self


class Tax(Strict):
    """VAT category (BT-151) and rate in percent (BT-152). Only category S needs a rate; the others are 0."""

    category: Literal["S", "Z", "E", "AE", "K", "G", "O"]
    rate: Percent | None = None
    reason: Text | None = None
    name: Name | None = None

    @model_validator(mode="after")
    def _allowed(self) -> Tax:
        if self.rate is None and self.category == "S":
            raise ValueError("needs `rate` for category S, such as '19'")
        found = tax.check(tax.Category(self.category), self.percent, "tax")
        if found:
            raise problems_at(below("tax", found))
        return self

    @property
    def percent(self) -> Decimal:
        return self.rate or Decimal(0)


class LineAdjustment(Strict):
    """An allowance or charge of a line (BG-27, BG-28): an amount, or a percentage of quantity × price."""

    amount: Amount | None = None
    percent: Percent | None = None
    reason: Text

    @model_validator(mode="after")
    def _one_measure(self) -> LineAdjustment:
        if (self.amount is None) == (self.percent is None):
            raise ValueError("needs either `amount` or `percent`, not both")
        return self


class Adjustment(LineAdjustment):
    """An allowance or charge of the document (BG-20, BG-21): a percentage is of the sum of the lines."""

    tax: Tax | None = None


class Line(Strict):
    """An invoice line (BG-25)."""

    id: Reference | None = None
    description: Text
    item: Name | None = None
    quantity: DecimalString
    unit: UnitCode = "C62"
    unit_price: NotNegative
    price_base: Positive | None = None
    period: Period | None = None
    allowances: Listed[LineAdjustment] = ()
    charges: Listed[LineAdjustment] = ()
    cost_center: Name | None = None
    order_line: Name | None = None
    revenue: Reference | None = None
    tax: Tax | None = None


class Delivery(Strict):
    date: DateString | None = None
    address: Address | None = None


class Preceding(Strict):
    """A preceding invoice (BG-3)."""

    number: Name
    date: DateString | None = None


class TaxCurrency(Strict):
    """VAT accounting currency (BT-6) with the rate it is converted at and where that rate is from."""

    currency: CurrencyCode
    rate: Positive
    date: DateString
    source: Name


class Attachment(Strict):
    name: Name
    file: Name


class Adopt(Strict):
    """An invoice issued elsewhere that is taken over as it stands. `document`: the key of its PDF, as `POST /v1/files`
    answered it; `last_message_on`: when the customer was last reminded of it."""

    number: Name
    issued_on: DateString
    due_on: DateString
    total: Amount
    paid: Amount = Decimal(0)
    document: Name | None = None
    last_message_on: DateString | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Adopt:
        if self.due_on < self.issued_on:
            raise ValueError(f"is due on {self.due_on}, before it was issued on {self.issued_on}")
        if self.paid > self.total:
            raise ValueError("has more `paid` than `total`")
        if self.last_message_on is not None and self.last_message_on < self.issued_on:
            raise ValueError(f"was reminded of on {self.last_message_on}, before it was issued on {self.issued_on}")
        return self


def _own_ids(lines: tuple[Line, ...], said: ValidationInfo) -> tuple[Line, ...]:
    if not lines and said.data.get("adopt", ...) is None:  # min_length would also count lines that are wrong
        raise ValueError("is required: needs at least one line")
    seen: set[str] = set()
    for position, line in enumerate(lines, 1):
        id_ = line.id or str(position)
        if id_ in seen:
            raise ValueError(f"has two lines with the id {id_}; a line without `id` takes its position")
        seen.add(id_)
    return lines


class Request(Strict):
    """Everything upstream says about one receivable. `as_json()` is what travels to activities."""

    seller: SellerKey
    reference: Reference
    customer: Annotated[Customer, BeforeValidator(_bare_key, json_schema_input_type=Reference | Customer)]
    currency: CurrencyCode
    adopt: Adopt | None = None  # before `lines`, which it can do without
    lines: Annotated[
        tuple[Line, ...],
        Field(strict=False, max_length=MAX_LINES, validate_default=True),
        AfterValidator(_own_ids),
    ] = ()
    kind: Kind = "invoice"
    preceding: Listed[Preceding] = ()
    created_by: Name | None = None
    issue_on: DateString | None = None
    policy: Reference | None = None
    owner: Name | None = None
    terms: TermsValue | None = None
    delivery: Delivery | None = None
    period: Period | None = None
    buyer_reference: Name | None = None
    purchase_order: Name | None = None
    contract: Name | None = None
    project: Name | None = None
    sales_order: Name | None = None
    cost_center: Name | None = None
    notes: Text | None = None
    allowances: Listed[Adjustment] = ()
    charges: Listed[Adjustment] = ()
    tax_currency: TaxCurrency | None = None
    attachments: Listed[Attachment] = ()
    metadata: dict[Name, Text] = Field(default={}, max_length=20)

    @model_validator(mode="after")
    def _corrects_something(self) -> Request:
        if self.kind == "corrected" and not self.preceding:
            raise problems_at([Problem("preceding", "is required: name the invoice that this one corrects")])
        return self


def parse_request(body: Any, known: bool = False) -> Request:
    """The request in `body`, or `Invalid` with every problem at its path (`lines[0].tax.rate`). `known`: read by a
    workflow, now and again on each replay."""
    currency = body.get("currency") if isinstance(body, dict) else None
    return parse(Request, body, {"currency": currency, "known": known})


def canonical_hash(request: Request) -> str:
    """`sha256:<hex>` of what was asked for, by whomever: the gateway signs what `duely start` sends unsigned. "1.50",
    "1.5" and a default spelled out are the same content."""
    return _hash(request, {"created_by"})


def is_content(request: Request, kept: str) -> bool:
    """Whether `kept` is the hash of this content. Earlier ones were of who asked for it as well."""
    return kept in (canonical_hash(request), _hash(request, set()))


def _hash(request: Request, without: set[str]) -> str:
    content = request.model_dump(mode="python", by_alias=True, exclude_defaults=True, exclude=without)
    return keys.digest("duely/request/1", content)


def request_hash_of(body: Any) -> str:
    """The hash of any start input, also of one that is no request: then of the JSON as it came."""
    try:
        return canonical_hash(parse_request(body))
    except Invalid:
        shape = shape_problem(body)
        return keys.digest("duely/body/1", str(shape) if shape else body)
