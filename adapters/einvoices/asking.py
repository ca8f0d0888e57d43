"""A bill of ours that another system wrote, as what it asks of us: a request, or a credit of an earlier invoice. What
we would write ourselves is compared with the file, term by term, to the cent.

Not taken over, since the seller's own data and our numbers stand in their place: the seller's address and contacts, the
payment reference (BT-83), the codes of notes. All else either enters the request or is a problem at its term.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from adapters.einvoices import comparing
from domain import money, vat_ids
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.errors import Invalid, Problem
from domain.keys import plain_decimal
from domain.parts import Address, AllowanceCharge, Line, Period, SellerFacts

Reasons = Mapping[tuple[str, Decimal], str | None]
"""BT-120 by category and rate."""

_NOT_IN_A_REFERENCE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Credit:
    """The command `credit` on the invoice that the upstream system calls `reference`; `amount` is gross, as text."""

    reference: str
    amount: str
    reason: str

    @property
    def command(self) -> str:
        """What a person types, who has yet to give a name."""
        reason = self.reason.replace("'", "’")
        return f"duely credit {self.reference} --amount {self.amount} --reason '{reason}' --by …"


def asked(document: EInvoice, seller: SellerFacts, reference: str | None = None) -> dict[str, Any] | Credit:
    """What the file asks for. Invalid lists every difference and everything a request has no place for."""
    if document.kind == CREDIT_NOTE:
        return credit_of(document, seller)
    return request_of(document, seller, reference)


def request_of(document: EInvoice, seller: SellerFacts, reference: str | None = None) -> dict[str, Any]:
    """The JSON request (contract, section 2) of a bill by `seller`, under BT-1 as far as it fits unless `reference` is
    given. The same file gives the same request."""
    problems = [*_foreign(document, seller), *_inexpressible(document)]
    body = _request(document, seller.key, reference or reference_of(document.number))
    if not problems:
        problems = comparing.differences(body, document, seller)
    if problems:
        raise Invalid(problems)
    return body


def credit_of(document: EInvoice, seller: SellerFacts) -> Credit:
    """The credit of the one earlier invoice (BG-3). Its categories are those of that invoice, in proportion."""
    problems = [*_foreign(document, seller), *_inexpressible(document)]
    if len(document.preceding) != 1:
        problems.append(Problem("BG-3", f"names {len(document.preceding)} earlier invoices; a credit is for one"))
    if not problems:
        problems = comparing.differences(_request(document, seller.key, "credit"), document, seller)
    if problems:
        raise Invalid(problems)
    reason = " ".join((document.notes or f"Credit note {document.number}").split())
    amount = money.show(document.totals.payable, document.currency)
    return Credit(reference_of(document.preceding[0].number), amount, reason)


def reference_of(number: str) -> str:
    """The reference an invoice of another system is known by here: its number, with a dash for what cannot stand."""
    return _NOT_IN_A_REFERENCE.sub("-", number).strip("-")[:64] or "-"


def _foreign(document: EInvoice, seller: SellerFacts) -> list[Problem]:
    """Whether it is somebody else's bill: the VAT ids decide where both are known, else the names; and an account that
    is not the seller's is somebody else's, too."""
    found, theirs = [], document.seller
    if theirs.vat_id and seller.vat_id:
        if vat_ids.plain(theirs.vat_id) != vat_ids.plain(seller.vat_id):
            found.append(Problem("BT-31", f"is {theirs.vat_id}; the seller {seller.key} has {seller.vat_id}"))
    elif theirs.name.casefold() != seller.name.casefold():
        found.append(Problem("BT-27", f"is {theirs.name}; the seller {seller.key} is {seller.name}"))
    known = {bank.iban.replace(" ", "") for bank in (seller.bank, *seller.banks) if bank}
    for number, bank in enumerate(document.banks, 1):
        if bank.iban not in known:
            found.append(Problem(f"BG-16[{number}]/BT-84", f"{bank.iban} is no account of the seller {seller.key}"))
    if document.payee is not None and (seller.payee is None or document.payee.name != seller.payee.name):
        found.append(Problem("BT-59", f"{document.payee.name} is not the payee of the seller {seller.key}; seed it"))
    return found


def _inexpressible(document: EInvoice) -> list[Problem]:
    """What a request has no word for."""
    found = []
    if not document.lines:
        found.append(Problem("BG-25", "is missing: a bill without lines cannot be drawn up again; send EN 16931"))
    if document.discounts and not document.dues and document.kind != CREDIT_NOTE:
        found.append(Problem("BT-20", "grants a discount, and BT-9 is missing: give the day when the whole is due"))
    if document.tax_currency is not None:
        found.append(Problem("BT-6", "the rate of exchange is not in the file; send a request with `tax_currency`"))
    for number, each in enumerate(document.attachments, 1):
        fix = f"{each.name} is not taken over; send a request with `attachments`"
        found.append(Problem(f"BG-24[{number}]", fix))
    return found


def _request(document: EInvoice, seller: str, reference: str) -> dict[str, Any]:
    notes = [document.notes, *(note.text for note in document.legal_notes)]
    delivery = _filled({"date": _day(document.delivery_date), "address": _address(document.delivery_address)})
    reasons: Reasons = {(row.category, row.rate): row.reason for row in document.breakdown}
    kind = None if document.kind in {"invoice", CREDIT_NOTE} else document.kind
    return _filled(
        {
            "seller": seller,
            "reference": reference,
            "customer": _customer(document),
            "currency": document.currency,
            "kind": kind,
            "terms": _terms(document),
            "lines": [_line(line, document, reasons) for line in document.lines],
            "allowances": _adjustments(document.adjustments, False, document.currency, reasons),
            "charges": _adjustments(document.adjustments, True, document.currency, reasons),
            "delivery": delivery,
            "period": _period(document.period),
            "preceding": [] if document.kind == CREDIT_NOTE else [
                _filled({"number": each.number, "date": _day(each.issued_on)}) for each in document.preceding
            ],
            "notes": "\n".join(filter(None, notes)),
            **{
                name: getattr(document, name)
                for name in ("buyer_reference", "purchase_order", "contract", "project", "sales_order", "cost_center")
            },
        }
    )  # fmt: skip


def _customer(document: EInvoice) -> dict[str, Any]:
    party = document.customer
    contact = _filled({"role": "billing", "name": party.contact, "email": party.email, "phone": party.phone})
    endpoint = {"scheme": party.endpoint.scheme, "id": party.endpoint.id} if party.endpoint else None
    mail = endpoint is not None and endpoint["scheme"] == "EM"  # XRechnung's way to say the mail address once more
    return _filled(
        {
            "name": party.name,
            "country": party.country,
            "vat_id": party.vat_id,
            "registration": party.registration,
            "email": party.email or (endpoint["id"] if endpoint and mail else None),
            "address": _address(party.address),
            "contacts": [contact] if party.contact or party.phone else [],
            "endpoint": None if mail else endpoint,
            "format": document.profile,
        }
    )


def _address(address: Address | None) -> dict[str, Any]:
    names = ("street", "street2", "postcode", "city", "region", "country")
    return _filled({name: getattr(address, name) for name in names}) if address else {}


def _terms(document: EInvoice) -> str | None:
    """BT-9 as days after BT-2, with the discounts of XRechnung before them."""
    if not document.dues:
        return None
    steps = [f"{plain_decimal(step.percent)}/{(step.until - document.issued_on).days}" for step in document.discounts]
    return " ".join([*steps, f"net {max((document.dues[-1].due_on - document.issued_on).days, 0)}"])


def _tax(category: str, rate: Decimal, reasons: Reasons) -> dict[str, Any]:
    return _filled({"category": category, "rate": plain_decimal(rate), "reason": reasons.get((category, rate))})


def _line(line: Line, document: EInvoice, reasons: Reasons) -> dict[str, Any]:
    return _filled(
        {
            "id": reference_of(line.id),
            "description": line.description,
            "item": line.item,
            "quantity": plain_decimal(line.quantity),
            "unit": line.unit,
            "unit_price": plain_decimal(line.unit_price),
            "price_base": plain_decimal(line.price_base) if line.price_base != 1 else None,
            "period": _period(line.period),
            "allowances": _adjustments(line.adjustments, False, document.currency, reasons),
            "charges": _adjustments(line.adjustments, True, document.currency, reasons),
            "cost_center": line.cost_center,
            "order_line": line.order_line,
            "tax": _tax(line.category, line.rate, reasons),
        }
    )


def _adjustments(
    items: tuple[AllowanceCharge, ...], charges: bool, currency: str, reasons: Reasons
) -> list[dict[str, Any]]:
    """Amounts as the file has them; a negative one goes the other way."""
    found = []
    for item in items:
        if (item.is_charge is charges) is (item.amount < 0):
            continue
        tax = _tax(item.category, item.rate or Decimal(0), reasons) if item.category else None
        found.append(_filled({"amount": money.show(abs(item.amount), currency), "reason": item.reason, "tax": tax}))
    return found


def _period(period: Period | None) -> dict[str, str] | None:
    return {"from": period.start.isoformat(), "to": period.end.isoformat()} if period else None


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
