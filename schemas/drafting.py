"""A request and the facts it refers to become a priced draft. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from domain import demands, document, mandates, profiles, tax, wording
from domain.document import (
    Address,
    Adopted,
    Attachment,
    CustomerFacts,
    Deduction,
    Draft,
    DraftWarning,
    Line,
    Party,
    Period,
    Preceding,
    SellerFacts,
    TaxCurrency,
)
from domain.einvoice import EInvoice
from domain.errors import Invalid, Problem
from domain.terms import LONGEST, agreed
from schemas import items, taxes
from schemas import request as asked
from schemas.merging import address_of, customer_of, differences
from schemas.request import Request


def draft_of(
    request: Request,
    *,
    seller: SellerFacts,
    customer: CustomerFacts | None,
    today: date,
    deductions: Sequence[Deduction] = (),
    corrected: EInvoice | None = None,
    default_tax: taxes.DefaultTax = tax.default_tax,
) -> Draft:
    """The priced draft of a request. `customer` is the one stored under `merging.customer_key_of`, if any; `deductions`
    are the paid prepayments that it settles, `corrected` is the invoice of ours that it stands in for.

    `today` is the day in the seller's timezone. Invalid lists every problem at the request's path.
    """
    merged, problems = customer_of(request, customer), _missing(request, customer, today)
    if problems:
        raise Invalid(problems)
    period, day = _supply(request, corrected)
    default = taxes.expecting(seller, merged, merged.kind, default_tax)
    expected = [default(taxes.supplied(line, request, period, day, today)) for line in request.lines]
    language = merged.language or seller.language
    lines = tuple(items.line(request, i, seller, choice, problems) for i, choice in enumerate(expected))
    if request.adopt and not lines:
        lines = (items.adopted(request.adopt, language),)
    if problems:
        raise Invalid(problems)
    lines += items.deducted(deductions, request, language)
    remarks = (
        *taxes.mismatches(request, expected),
        *differences(request, customer),
        *_passed_over(request),
        *_assumed(request, period, day),
    )
    priced = _draft(request, seller, merged, lines, remarks)
    draft = document.compute(replace(priced, period=period, delivery_date=day))
    return draft if draft.adopted else _deliverable(draft, merged.channel, max(today, request.issue_on or today))


def _deliverable(draft: Draft, channel: str, on: date) -> Draft:
    """The draft, with a warning where a mail should not be its delivery. Invalid where it may not be, where the
    document would lack what the law or its profile demands, or where the seller may not issue it that day."""
    if problems := demands.demands(draft):
        raise Invalid(problems)
    if stops := mandates.clearance(draft.seller.country, on):
        raise Invalid.at("seller", stops)
    found = mandates.mail_alone(draft.seller.country, draft.customer.country, draft.customer_kind, draft.profile, on)
    if found is None or channel != "email":
        return draft
    refused, text = found
    if refused:
        raise Invalid.at("customer.channel", f"{text}: set it to portal and hand the document in there")
    return replace(draft, remarks=(*draft.remarks, DraftWarning("mandate", text)))


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
    return [*found, *_not_adoptable(request, today)]


def _not_adoptable(request: Request, today: date) -> Iterator[Problem]:
    """What does not go with an invoice issued elsewhere."""
    adopt = request.adopt
    if adopt is None:
        return
    if adopt.issued_on > today:
        yield Problem("adopt.issued_on", f"must not be after today, {today}")
    if (adopt.last_message_on or today) > today:
        yield Problem("adopt.last_message_on", f"must not be after today, {today}")
    if (adopt.due_on - adopt.issued_on).days > LONGEST:
        yield Problem("adopt.due_on", f"must be at most {LONGEST} days after `issued_on`")
    if request.kind != "invoice":
        yield Problem("kind", "must be invoice: nothing else can be taken over")


def _supply(request: Request, corrected: EInvoice | None) -> tuple[Period | None, date | None]:
    """Period and day of supply as the request names them, else as on the invoice that it corrects."""
    if corrected is not None and not _names_supply(request):
        return corrected.period, corrected.delivery_date
    return items.period(request.period), request.delivery.date if request.delivery else None


def _names_supply(request: Request) -> bool:
    """Whether it says when was supplied what it bills."""
    named = request.period or (request.delivery and request.delivery.date)
    return bool(named) or all(line.period for line in request.lines)


def _draft(
    request: Request,
    seller: SellerFacts,
    customer: CustomerFacts,
    lines: tuple[Line, ...],
    remarks: tuple[DraftWarning, ...],
) -> Draft:
    delivery = request.delivery or asked.Delivery()
    language = customer.language or seller.language
    terms = request.terms or customer.terms or seller.terms
    if request.adopt:
        terms = f"net {(request.adopt.due_on - request.adopt.issued_on).days}"
    found = agreed(terms)
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
        language=language,
        buyer_reference=request.buyer_reference or customer.buyer_reference,
        seller=_party(seller),
        customer=_party(customer),
        terms=terms,
        lines=lines,
        adjustments=items.taxed(request, lines),
        bank=seller.bank,
        banks=seller.banks,
        payee=seller.payee,
        legal_notes=wording.notes(seller.country, customer.kind, language, bool(found.discounts)),
        brand=seller.brand,
        rounding_step=dict(seller.rounding).get(request.currency, 1),
        customer_kind=customer.kind,
        profile=chosen.profile,
        profile_rule=chosen.rule,
        payer=customer.payer,
        delivery_address=address_of(delivery.address) or _shipped(customer, lines),
        preceding=tuple(Preceding(item.number, item.date) for item in request.preceding),
        tax_currency=_tax_currency(request.tax_currency),
        attachments=tuple(Attachment(item.name, item.file) for item in request.attachments),
        adopted=_adopted(request),
        remarks=remarks,
        **{name: getattr(request, name) for name in same},
    )


def _shipped(customer: CustomerFacts, lines: tuple[Line, ...]) -> Address | None:
    """Where goods for another member state went unless somebody says otherwise: to the customer (BR-IC-12)."""
    if all(line.category != tax.Category.K for line in lines):
        return None
    return replace(customer.address, country=customer.address.country or customer.country)


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


def _passed_over(request: Request) -> list[DraftWarning]:
    """What was agreed elsewhere has become a date there."""
    if request.adopt is None or request.terms is None:
        return []
    return [DraftWarning("terms_passed_over", "terms: `adopt.due_on` says when it is due; no discount is offered")]


def _assumed(request: Request, period: Period | None, day: date | None) -> list[DraftWarning]:
    """A corrected invoice seldom bills what is supplied on the day it is issued."""
    if request.kind != "corrected" or period or day or _names_supply(request):
        return []
    return [
        DraftWarning("supply_assumed", "delivery.date: is not given; the day of issue is printed as date of supply")
    ]


def _tax_currency(value: asked.TaxCurrency | None) -> TaxCurrency | None:
    return TaxCurrency(value.currency, value.rate, value.date, value.source) if value else None


def _adopted(request: Request) -> Adopted | None:
    if (adopt := request.adopt) is None:
        return None
    return Adopted(
        number=adopt.number,
        issued_on=adopt.issued_on,
        due_on=adopt.due_on,
        total=items.minor(adopt.total, request.currency, "adopt.total"),
        paid=items.minor(adopt.paid, request.currency, "adopt.paid"),
        document=adopt.document,
        last_message_on=adopt.last_message_on,
    )
