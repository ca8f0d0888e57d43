"""The draft of an invoice: priced, summed, taxed and hashed after EN 16931. It never takes a number.

A draft is what people approve: `content_hash` covers everything that will be printed and owed, so an approval
holds for exactly this content. Recipients, policy and owner are not content; they live beside the draft.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from typing import Any

from domain import codec, keys, money, tax, wording
from domain.errors import Invalid, Problem
from domain.parts import (
    NO_TOTALS,
    Address,
    Adopted,
    AllowanceCharge,
    Attachment,
    Bank,
    Brand,
    Contact,
    CustomerFacts,
    Deduction,
    DraftWarning,
    Endpoint,
    Line,
    Note,
    Party,
    Payee,
    Period,
    Preceding,
    SellerFacts,
    TaxCurrency,
    TaxSubtotal,
    Totals,
)

__all__ = [
    "Address", "Adopted", "AllowanceCharge", "Attachment", "Bank", "Brand", "Contact", "CustomerFacts", "Deduction",
    "Draft", "DraftWarning", "Endpoint", "Line", "Note", "Party", "Payee", "Period", "Preceding", "SellerFacts",
    "TaxCurrency", "TaxSubtotal", "Totals",
    "compute", "content_hash", "from_json", "percent_base", "to_json",
]  # fmt: skip

FORMAT = 1
LARGEST = 10**15
"""Minor units; beyond it a line or total is a slip of the keyboard, and sums stay in the database's range."""

_EXACT_DIGITS = 80  # quantity × price has at most 50: only a division is ever cut, far below a cent
NOT_CONTENT = ("remarks",)
_AND = "; "  # between the reasons of one tax row; a deduction brings those of its prepayment together


@dataclass(frozen=True, slots=True)
class Draft:
    """One document before it is issued. `terms` is the raw value of the request's grammar, `profile` the e-invoice it
    becomes and `profile_rule` why, `banks` further accounts beside `bank`, `rounding_step` the minor units that what is
    payable is a multiple of.

    `remarks` are warnings found while drafting; they are no content and do not enter the hash.
    """

    seller_key: str
    reference: str
    kind: str
    currency: str
    language: str
    seller: Party
    customer: Party
    terms: str | dict[str, Any]
    lines: tuple[Line, ...]
    adjustments: tuple[AllowanceCharge, ...] = ()
    breakdown: tuple[TaxSubtotal, ...] = ()
    totals: Totals = NO_TOTALS
    bank: Bank | None = None
    payer: str | None = None
    period: Period | None = None
    delivery_date: date | None = None
    delivery_address: Address | None = None
    preceding: tuple[Preceding, ...] = ()
    buyer_reference: str | None = None
    purchase_order: str | None = None
    contract: str | None = None
    project: str | None = None
    sales_order: str | None = None
    cost_center: str | None = None
    notes: str | None = None
    tax_currency: TaxCurrency | None = None
    attachments: tuple[Attachment, ...] = ()
    adopted: Adopted | None = None
    remarks: tuple[DraftWarning, ...] = ()
    profile: str = codec.later("facturx")
    profile_rule: str = codec.later("")
    customer_kind: str = codec.later("business")
    payee: Payee | None = codec.later(None)
    banks: tuple[Bank, ...] = codec.later(())
    legal_notes: tuple[Note, ...] = codec.later(())
    rounding_step: int = codec.later(1)
    brand: Brand | None = codec.later(None)


def compute(draft: Draft) -> Draft:
    """The draft with line nets, percentages, tax breakdown and totals worked out; again gives the same.

    Sums follow BR-CO-10 to BR-CO-17: each line is rounded once (HALF_UP), totals are sums of rounded amounts,
    tax is rounded once per category and rate. Invalid lists every problem at the request's path.
    """
    problems: list[Problem] = []
    lines = tuple(_priced(line, draft.currency, f"lines[{i}]", problems) for i, line in enumerate(draft.lines))
    line_net = sum(line.net for line in lines)
    base = money.major(percent_base(lines), draft.currency)
    adjustments = tuple(_resolved(item, base, draft.currency) for item in draft.adjustments)
    problems += _tax_problems(lines, adjustments)
    if problems:
        raise Invalid(problems)
    breakdown = _breakdown(lines, adjustments, draft)
    totals = _totals(line_net, adjustments, breakdown, draft.rounding_step)
    problems = _total_problems(totals, draft)
    if problems:
        raise Invalid(problems)
    return replace(draft, lines=lines, adjustments=adjustments, breakdown=breakdown, totals=totals)


def percent_base(lines: Iterable[Line]) -> int:
    """BT-93, BT-100: what a percentage of the whole document is of, minor units. A prepayment taken off is left out:
    it was paid, not allowed."""
    return sum(line.net for line in lines if not line.deducts)


def content_hash(draft: Draft) -> str:
    """`sha256:<hex>` over all content, regardless of the order of keys and of how a number was written."""
    content = {name: value for name, value in codec.encode(draft).items() if name not in NOT_CONTENT}
    return keys.digest(f"duely/draft/{FORMAT}", content)


def to_json(draft: Draft) -> dict[str, Any]:
    """The stored form, `from_json` reads it back."""
    return {"format": FORMAT, **codec.encode(draft)}


def from_json(data: dict[str, Any]) -> Draft:
    """The draft of `to_json`. ValueError for another format."""
    if data.get("format") != FORMAT:
        raise ValueError(f"a draft of format {data.get('format')!r} cannot be read, only {FORMAT}")
    return codec.decode(Draft, {name: value for name, value in data.items() if name != "format"})


def _priced(line: Line, currency: str, path: str, problems: list[Problem]) -> Line:
    with localcontext(prec=_EXACT_DIGITS):
        gross = line.quantity * line.unit_price / line.price_base
        if abs(gross) > LARGEST:
            problems.append(Problem(path, "is too large: quantity × unit_price has more than 15 digits"))
            return line
        adjustments = tuple(_resolved(item, gross, currency) for item in line.adjustments)
        net = money.rounded(gross + money.major(_signed(adjustments), currency), currency)
    return replace(line, adjustments=adjustments, net=net)


def _resolved(item: AllowanceCharge, base: Decimal, currency: str) -> AllowanceCharge:
    """A percentage as an amount of `base` (major units); of a negative base it is negative too."""
    if item.percent is None:
        return item
    with localcontext(prec=_EXACT_DIGITS):
        return replace(item, amount=money.rounded(base * item.percent / 100, currency))


def _signed(adjustments: Iterable[AllowanceCharge]) -> int:
    return sum(item.amount if item.is_charge else -item.amount for item in adjustments)


def _tax_problems(lines: Sequence[Line], adjustments: Sequence[AllowanceCharge]) -> list[Problem]:
    found = [
        problem
        for position, line in enumerate(lines)
        for problem in tax.check(tax.Category(line.category), line.rate, f"lines[{position}].tax")
    ]
    for is_charge, name in ((False, "allowances"), (True, "charges")):
        for position, item in enumerate(a for a in adjustments if a.is_charge is is_charge):
            path = f"{name}[{position}].tax"
            if item.category is None or item.rate is None:
                found.append(Problem(path, "is required: the lines have several taxes"))
            else:
                found += tax.check(tax.Category(item.category), item.rate, path)
    return found


def _breakdown(lines: Sequence[Line], adjustments: Sequence[AllowanceCharge], draft: Draft) -> tuple[TaxSubtotal, ...]:
    """BG-23. The reasons that the sender gave, each once, come before the standard one; S and Z have none (BR-S-10,
    BR-Z-10)."""
    parts = [tax.TaxLine(tax.Category(line.category), line.rate, line.net) for line in lines]
    parts += [
        tax.TaxLine(tax.Category(item.category), item.rate, _signed([item]))
        for item in adjustments
        if item.category is not None and item.rate is not None
    ]
    given = [(line.category, line.rate, line.reason) for line in lines]
    given += [
        (item.category, item.rate, item.exemption) for item in adjustments if item.category and item.rate is not None
    ]
    reasons: dict[tuple[str, Decimal], dict[str, None]] = {}
    for category, rate, reason in given:
        reasons.setdefault((category, rate), {}).update(dict.fromkeys(reason.split(_AND) if reason else ()))
    return tuple(
        TaxSubtotal(
            str(part.category),
            part.rate,
            part.taxable,
            part.tax,
            (_AND.join(reasons[str(part.category), part.rate]) or wording.exemption(part.category, draft.language))
            if part.category.needs_reason
            else None,
        )
        for part in tax.breakdown(parts, draft.currency)
    )


def _totals(
    line_net: int, adjustments: Sequence[AllowanceCharge], breakdown: Sequence[TaxSubtotal], step: int
) -> Totals:
    allowances = sum(item.amount for item in adjustments if not item.is_charge)
    charges = sum(item.amount for item in adjustments if item.is_charge)
    taxable, due_tax = line_net - allowances + charges, sum(part.tax for part in breakdown)
    total = taxable + due_tax
    rounding = (2 * total + step) // (2 * step) * step - total
    return Totals(line_net, allowances, charges, taxable, due_tax, total, rounding)


def _total_problems(totals: Totals, draft: Draft) -> list[Problem]:
    shown = money.show(totals.total, draft.currency)
    if totals.total < 0:
        return [Problem("lines", f"come to {shown}; an invoice cannot be negative, credit the earlier one")]
    if totals.total > LARGEST:
        return [Problem("lines", "come to a total of more than 15 digits")]
    if draft.adopted and draft.adopted.total != totals.payable:
        adopted = money.show(draft.adopted.total, draft.currency)
        return [Problem("adopt.total", f"is {adopted}, but lines and tax come to {shown}; correct one of them")]
    return []
