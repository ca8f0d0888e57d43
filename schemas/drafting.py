"""A request and the facts it refers to become a priced draft. Nothing is read here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain import document, keys, money, profiles, tax
from domain.document import (
    Adopted,
    AllowanceCharge,
    Attachment,
    CustomerFacts,
    Draft,
    DraftWarning,
    Line,
    Party,
    Period,
    Preceding,
    SellerFacts,
    TaxCurrency,
)
from domain.errors import Invalid, Problem
from schemas import request as asked
from schemas.merging import address_of, customer_of, differences
from schemas.parsing import under
from schemas.request import Request

TaxChoice = tuple[tax.Category, Decimal, str]
DefaultTax = Callable[[str, bool, str, str | None, str, date], TaxChoice]
"""The signature of `domain.tax.default_tax`: Invalid where no rate is known."""


def draft_of(
    request: Request,
    *,
    seller: SellerFacts,
    customer: CustomerFacts | None,
    today: date,
    default_tax: DefaultTax = tax.default_tax,
) -> Draft:
    """The priced draft of a request. `customer` is the one stored under `merging.customer_key_of`, if any.

    `today` is the day in the seller's timezone. Invalid lists every problem at the request's path.
    """
    merged, problems = customer_of(request, customer), _missing(request, customer, today)
    if problems:
        raise Invalid(problems)
    expected = _expected(seller, merged, _supplied(request, today), default_tax)
    lines = tuple(_line(request, i, expected, problems) for i in range(len(request.lines)))
    if problems:
        raise Invalid(problems)
    remarks = (*_mismatches(request, expected), *differences(request, customer))
    return document.compute(_draft(request, seller, merged, lines, remarks))


def _missing(request: Request, stored: CustomerFacts | None, today: date) -> list[Problem]:
    """What the request needs beside its form, seen with the stored customer."""
    merged, key = customer_of(request, stored), request.customer.key
    if not merged.name or not merged.country:
        fix = "give `name` and `country` inline, or store the customer first"
        return [Problem("customer.key", f"names no stored customer: {key}; {fix}")]
    found = [
        Problem(name, f"is required by the customer {merged.name}")
        for name in merged.requires
        if getattr(request, name) is None
    ]
    if merged.channel == "email" and not (merged.email or any(contact.email for contact in merged.contacts)):
        found.append(Problem("customer.email", "is required to send by email; or set `channel` to portal or post"))
    if request.adopt and request.adopt.issued_on > today:
        found.append(Problem("adopt.issued_on", f"must not be after today, {today}"))
    return found


def _supplied(request: Request, today: date) -> date:
    """The tax point: delivery, else the end of the period, else the day of issue as far as it is known."""
    if request.delivery and request.delivery.date:
        return request.delivery.date
    if request.period:
        return request.period.end
    if request.adopt:
        return request.adopt.issued_on
    return max(today, request.issue_on or today)


def _expected(seller: SellerFacts, customer: CustomerFacts, on: date, default_tax: DefaultTax) -> TaxChoice | Invalid:
    registered = seller.vat_id is not None
    try:
        return default_tax(seller.country, registered, customer.country, customer.vat_id, customer.kind, on)
    except Invalid as unknown:
        return unknown


def _line(request: Request, index: int, expected: TaxChoice | Invalid, problems: list[Problem]) -> Line:
    line, path = request.lines[index], f"lines[{index}]"
    category: str
    if line.tax is not None:
        category, rate, reason = line.tax.category, line.tax.percent, line.tax.reason
        name, basis = line.tax.name, "given"
    elif not isinstance(expected, Invalid):
        category, rate, basis = expected
        reason, name = None, None
    else:
        problems += under(f"{path}.tax", expected.problems)
        category, rate, reason, name, basis = "", Decimal(0), None, None, ""
    return Line(
        id=line.id or str(index + 1),
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        category=category,
        rate=rate,
        price_base=line.price_base or Decimal(1),
        item=line.item,
        reason=reason,
        tax_name=name,
        tax_basis=basis,
        period=_period(line.period),
        adjustments=_adjustments(line, request.currency, f"{path}."),
        order_line=line.order_line,
        cost_center=line.cost_center,
        revenue=line.revenue,
    )


def _draft(
    request: Request,
    seller: SellerFacts,
    customer: CustomerFacts,
    lines: tuple[Line, ...],
    remarks: tuple[DraftWarning, ...],
) -> Draft:
    delivery = request.delivery or asked.Delivery()
    reachable = customer.endpoint is not None
    chosen = profiles.choose(
        seller.country, customer.country, customer.kind, request.currency, customer.format, reachable
    )
    same = ("purchase_order", "contract", "project", "sales_order", "cost_center", "notes")
    return Draft(
        seller_key=seller.key,
        reference=request.reference,
        kind=request.kind,
        currency=request.currency,
        language=customer.language or seller.language,
        buyer_reference=request.buyer_reference or customer.buyer_reference,
        seller=_party(seller),
        customer=_party(customer),
        terms=request.terms or customer.terms or seller.terms,
        lines=lines,
        adjustments=_taxed(request, lines),
        bank=seller.bank,
        banks=seller.banks,
        payee=seller.payee,
        brand=seller.brand,
        rounding_step=dict(seller.rounding).get(request.currency, 1),
        customer_kind=customer.kind,
        profile=chosen.profile,
        profile_rule=chosen.rule,
        payer=customer.payer,
        period=_period(request.period),
        delivery_date=delivery.date,
        delivery_address=address_of(delivery.address),
        preceding=tuple(Preceding(item.number, item.date) for item in request.preceding),
        tax_currency=_tax_currency(request.tax_currency),
        attachments=tuple(Attachment(item.name, item.file) for item in request.attachments),
        adopted=_adopted(request),
        remarks=remarks,
        **{name: getattr(request, name) for name in same},
    )


def _party(facts: SellerFacts | CustomerFacts) -> Party:
    ours = facts if isinstance(facts, SellerFacts) else None
    return Party(
        key=facts.key,
        name=facts.name,
        country=facts.country,
        address=facts.address,
        vat_id=facts.vat_id,
        registration=facts.registration,
        email=facts.email,
        phone=ours.phone if ours else None,
        endpoint=facts.endpoint,
        contact=ours.contact if ours else None,
        tax_number=ours.tax_number if ours else None,
        legal=ours.legal if ours else None,
    )


def _adjustments(of: asked.Line | Request, currency: str, path: str) -> tuple[AllowanceCharge, ...]:
    return tuple(
        AllowanceCharge(
            reason=item.reason,
            is_charge=is_charge,
            amount=_minor(item.amount, currency, f"{path}{name}[{i}].amount"),
            percent=item.percent,
        )
        for name, is_charge in (("allowances", False), ("charges", True))
        for i, item in enumerate(getattr(of, name))
    )


def _taxed(request: Request, lines: Sequence[Line]) -> tuple[AllowanceCharge, ...]:
    """The document's adjustments; one without a tax takes that of the lines when they all have the same."""
    taxes = {(line.category, line.rate) for line in lines}
    common = next(iter(taxes)) if len(taxes) == 1 else (None, None)
    given = [item.tax for item in (*request.allowances, *request.charges)]
    return tuple(
        replace(item, category=own.category if own else common[0], rate=own.percent if own else common[1])
        for item, own in zip(_adjustments(request, request.currency, ""), given, strict=True)
    )


def _mismatches(request: Request, expected: TaxChoice | Invalid) -> list[DraftWarning]:
    """One warning for each kind of difference between the tax given and the default; upstream's tax stays."""
    if isinstance(expected, Invalid):
        return []
    category, rate, why = expected
    found: dict[str, str] = {}
    for i, line in enumerate(request.lines):
        if line.tax is None or (line.tax.category, line.tax.percent) == (category, rate):
            continue
        if line.tax.category == "K" and category == "AE":
            continue  # the default is a service's; the same customer's goods are an intra-Community supply
        given = f"given {line.tax.category} {keys.plain_decimal(line.tax.percent)} %"
        found.setdefault(f"{given}, expected {category} {keys.plain_decimal(rate)} % ({why})", f"lines[{i}].tax")
    return [DraftWarning("tax_mismatch", f"{path}: {text}") for text, path in found.items()]


def _period(period: asked.Period | None) -> Period | None:
    return Period(period.start, period.end) if period else None


def _tax_currency(value: asked.TaxCurrency | None) -> TaxCurrency | None:
    return TaxCurrency(value.currency, value.rate, value.date, value.source) if value else None


def _adopted(request: Request) -> Adopted | None:
    if (adopt := request.adopt) is None:
        return None
    return Adopted(
        number=adopt.number,
        issued_on=adopt.issued_on,
        due_on=adopt.due_on,
        total=_minor(adopt.total, request.currency, "adopt.total"),
        paid=_minor(adopt.paid, request.currency, "adopt.paid"),
        document=adopt.document,
        last_message_on=adopt.last_message_on,
    )


def _minor(amount: Decimal | None, currency: str, path: str) -> int:
    return 0 if amount is None else money.parse(keys.plain_decimal(amount), currency, path)
