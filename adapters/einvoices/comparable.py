"""What of a document its XML can tell: reading back what was written gives exactly this. Used to compare only.

No profile carries the language, our keys and references, the kind of customer, the look of paper, what drafting knew of
a line's tax, when which part of several is due, and at which rate a second currency was converted. A VAT id does not
stand beside category O, and is written without blanks. Lower levels of Factur-X carry less; `levels.py` says what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from adapters.einvoices import payment
from adapters.einvoices.lines_of import gross
from adapters.einvoices.manner import Manner
from adapters.einvoices.terms_of import electronic_address, notes_of, taxed
from domain import vat_ids
from domain.document import percent_base
from domain.einvoice import DueView, EInvoice
from domain.parts import (
    Address,
    AllowanceCharge,
    Attachment,
    Endpoint,
    Line,
    Note,
    Party,
    TaxCurrency,
    Totals,
)
from domain.profiles import PROFILES


def comparable(document: EInvoice) -> EInvoice:
    """The document as far as its profile carries it."""
    manner, level = Manner(document.currency, document.profile), PROFILES[document.profile].level
    supplied = document.delivery_date or (document.period.end if document.period else None)
    other = document.tax_currency
    notes, legal_notes = _notes(document, manner)
    said = replace(
        document,
        language="",
        reference=None,
        customer_kind="business",
        brand=None,
        seller=_seller(document, manner),
        customer=_party(document.customer, document, manner),
        lines=tuple(_line(line, manner) for line in document.lines),
        adjustments=_adjustments(document.adjustments, percent_base(document.lines), manner),
        dues=tuple(DueView(due.due_on, document.totals.payable) for due in document.dues[-1:]),
        banks=tuple(replace(bank, iban=bank.iban.replace(" ", "")) for bank in document.banks),
        delivery_date=supplied,
        delivery_address=_delivered(document),
        tax_currency=TaxCurrency(other.currency, Decimal(0), document.issued_on, "") if other else None,
        attachments=tuple(Attachment(each.name, "") for each in document.attachments),
        notes=notes,
        legal_notes=legal_notes,
    )
    return _at_level(said, level)


def _seller(document: EInvoice, manner: Manner) -> Party:
    party = _party(document.seller, document, manner)
    return replace(party, contact=party.contact or party.name) if manner.strict else party


def _party(party: Party, document: EInvoice, manner: Manner) -> Party:
    address = electronic_address(party, manner)
    return replace(
        party,
        key="",
        address=replace(party.address, country=party.country),
        vat_id=vat_ids.plain(party.vat_id) if party.vat_id and taxed(document) else None,
        endpoint=Endpoint(*address) if address else None,
    )


def _delivered(document: EInvoice) -> Address | None:
    to = document.delivery_address
    return replace(to, country=to.country or document.customer.country) if to else None


def _line(line: Line, manner: Manner) -> Line:
    base = gross(line, manner.currency)
    told = replace(line, reason=None, tax_name=None, tax_basis=None, revenue=None, deducts=False)
    return replace(told, adjustments=_adjustments(line.adjustments, base, manner))


def _adjustments(items: Iterable[AllowanceCharge], base: int, manner: Manner) -> tuple[AllowanceCharge, ...]:
    """Allowances before charges, and a percentage only where it may stand. Why there is no tax is told once, in the
    breakdown."""
    told = (
        item if item.percent is None or manner.agrees(item.amount, base, item.percent) else replace(item, percent=None)
        for item in (replace(each, exemption=None) for each in items)
    )
    return tuple(sorted(told, key=lambda item: item.is_charge))


def _notes(document: EInvoice, manner: Manner) -> tuple[str | None, tuple[Note, ...]]:
    """One order for all notes: the first without a subject, the others, the payment terms in words."""
    found = [Note(row["BT-22"], row.get("BT-21")) for row in notes_of(document)]
    own = next((note for note in found if note.subject is None), None)
    words = payment.discounts(payment.words(document, skonto=manner.german) or "", document.issued_on)[1]
    terms = [Note(words, payment.TERMS_OF_PAYMENT)] if words else []
    rest = (note for note in (*found, *terms) if note is not own)
    return own.text if own else None, tuple(rest)


def _at_level(document: EInvoice, level: str | None) -> EInvoice:
    if level not in {"BASIC", "BASIC WL", "MINIMUM"}:
        return document
    basic = replace(
        document,
        seller=replace(document.seller, contact=None, phone=None, email=None, legal=None),
        customer=replace(document.customer, contact=None, phone=None, email=None),
        lines=tuple(_basic_line(line) for line in document.lines) if level == "BASIC" else (),
        totals=replace(document.totals, rounding=0),
        banks=tuple(replace(bank, name=None, bic=None) for bank in document.banks),
        sales_order=None,
        project=None,
        attachments=(),
    )
    return _minimum(basic, document.totals) if level == "MINIMUM" else basic


def _basic_line(line: Line) -> Line:
    adjustments = tuple(replace(item, percent=None) for item in line.adjustments)
    return replace(line, item=None, order_line=None, cost_center=None, adjustments=adjustments)


def _minimum(document: EInvoice, totals: Totals) -> EInvoice:
    seller, customer = document.seller, document.customer
    return EInvoice(
        kind=document.kind,
        number=document.number,
        issued_on=document.issued_on,
        language="",
        currency=document.currency,
        seller=replace(seller, endpoint=None, address=Address(country=seller.country)),
        customer=Party("", customer.name, "", Address(), registration=customer.registration),
        lines=(),
        breakdown=(),
        totals=Totals(taxable=totals.taxable, tax=totals.tax, total=totals.total, rounding=totals.rounding),
        profile=document.profile,
        buyer_reference=document.buyer_reference,
        purchase_order=document.purchase_order,
    )
