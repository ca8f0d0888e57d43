"""The legal document as business terms of EN 16931: what each BT of its XML says, whichever syntax it is written in.
It computes nothing that was not frozen with the document, save the words for payment terms."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from adapters.einvoices import levels, payment
from adapters.einvoices.binding import Terms
from domain import money
from domain.einvoice import EInvoice
from domain.keys import plain_decimal
from domain.parts import Address, AllowanceCharge, Attachment, Line, Party, TaxSubtotal
from domain.profiles import PEPPOL, PROFILES, XRECHNUNG
from domain.tax import Category

Show = Callable[[int], str]

NAME_LENGTH = 100
"""A first line up to here is the name of the item (BT-153); the whole text goes to BT-154 where it says more."""
MIME_TYPES: Final = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}
"""BT-125-1 (BR-CL-24), by suffix. Files of another kind are named and not embedded."""


def terms_of(document: EInvoice, files: Mapping[str, bytes]) -> Terms:
    """The terms that the document's profile has a place for; `files` are the bytes of attachments by their key."""
    profile = PROFILES[document.profile]

    def show(minor: int) -> str:
        return money.show(minor, document.currency)

    terms = {
        "BT-24": profile.guideline,
        "BT-23": profile.process,
        **_references(document),
        **_seller(document),
        **_buyer(document),
        **_delivery(document),
        **_payment(document),
        **_totals(document, show),
        "BG-1": _notes(document),
        "BG-3": [_present({"BT-25": each.number, "BT-26": _day(each.issued_on)}) for each in document.preceding],
        "BG-20": _adjustments(document.adjustments, _ALLOWANCE, document.totals.line_net, show),
        "BG-21": _adjustments(document.adjustments, _CHARGE, document.totals.line_net, show),
        "BG-23": [_subtotal(row, show) for row in document.breakdown],
        "BG-24": [_attachment(each, files.get(each.file)) for each in document.attachments],
        "BG-25": [_line(line, document, show) for line in document.lines],
    }
    return levels.fit(_present(terms), profile.level)


def _present(terms: Mapping[str, object]) -> Terms:
    return {term: said for term, said in terms.items() if said}


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _references(document: EInvoice) -> Terms:
    period = document.period
    return {
        "BT-1": document.number,
        "BT-2": _day(document.issued_on),
        "BT-3": document.type_code,
        "BT-5": document.currency,
        "BT-6": document.tax_currency.currency if document.tax_currency else None,
        "BT-10": document.buyer_reference,
        "BT-11": document.project,
        "BT-12": document.contract,
        "BT-13": document.purchase_order,
        "BT-14": document.sales_order,
        "BT-19": document.cost_center,
        "BT-73": _day(period.start if period else None),
        "BT-74": _day(period.end if period else None),
    }


def _notes(document: EInvoice) -> list[Terms]:
    """Peppol allows one note (PEPPOL-EN16931-R002): there the texts are joined."""
    rows = [{"BT-22": document.notes}] if document.notes else []
    rows += [_present({"BT-21": each.subject, "BT-22": each.text}) for each in document.legal_notes]
    if document.profile == PEPPOL and len(rows) > 1:
        return [{"BT-22": "\n\n".join(row["BT-22"] or "" for row in rows)}]
    return rows


def german(profile: str) -> bool:
    """Whether XRechnung's own rules hold."""
    return profile.startswith(XRECHNUNG)


def taxed(document: EInvoice) -> bool:
    """Whether VAT ids may stand there: not beside category O (BR-O-02)."""
    return all(row.category != Category.O for row in document.breakdown)


def electronic_address(party: Party, profile: str) -> tuple[str, str] | None:
    """BT-34, BT-49 as (scheme, id): XRechnung wants one, and takes the mail address."""
    if party.endpoint is not None:
        return party.endpoint.scheme, party.endpoint.id
    return ("EM", party.email) if party.email and german(profile) else None


def _seller(document: EInvoice) -> Terms:
    party = document.seller
    scheme, endpoint = electronic_address(party, document.profile) or (None, None)
    return {
        "BT-27": party.name,
        "BT-30": party.registration,
        "BT-31": party.vat_id if taxed(document) else None,
        "BT-32": party.tax_number,
        "BT-33": party.legal,
        "BT-34": endpoint,
        "BT-34-1": scheme,
        "BT-41": party.contact or (party.name if german(document.profile) else None),
        "BT-42": party.phone,
        "BT-43": party.email,
        **_address(party.address, party.country, "BT-35 BT-36 BT-38 BT-37 BT-39 BT-40"),
    }


def _buyer(document: EInvoice) -> Terms:
    party = document.customer
    scheme, endpoint = electronic_address(party, document.profile) or (None, None)
    return {
        "BT-44": party.name,
        "BT-47": party.registration,
        "BT-48": party.vat_id if taxed(document) else None,
        "BT-49": endpoint,
        "BT-49-1": scheme,
        "BT-56": party.contact,
        "BT-57": party.phone,
        "BT-58": party.email,
        **_address(party.address, party.country, "BT-50 BT-51 BT-53 BT-52 BT-54 BT-55"),
    }


def _address(address: Address, country: str | None, terms: str) -> Terms:
    said = (address.street, address.street2, address.postcode, address.city, address.region, country)
    return dict(zip(terms.split(), said, strict=True))


def _delivery(document: EInvoice) -> Terms:
    """BT-72 stands beside a billing period, too: some readers know only the one."""
    supplied = document.delivery_date or (document.period.end if document.period else None)
    to = document.delivery_address
    return {
        "BT-72": _day(supplied),
        **(_address(to, to.country or document.customer.country, "BT-75 BT-76 BT-78 BT-77 BT-79 BT-80") if to else {}),
    }


def _payment(document: EInvoice) -> Terms:
    payee, german_rules = document.payee, german(document.profile)
    banks = [
        _present(
            {
                "BT-81": payment.means(each, document.currency),
                "BT-84": each.iban.replace(" ", ""),
                "BT-85": each.name,
                "BT-86": each.bic,
            }
        )
        for each in document.banks
    ]
    if not banks and (german_rules or document.payment_reference):  # BR-DE-1; in UBL BT-83 has no other place
        banks = [{"BT-81": payment.means(None, document.currency)}]
    return {
        "BT-9": _day(document.dues[-1].due_on if document.dues else None),
        "BT-20": payment.words(document, skonto=german_rules),
        "BT-59": payee.name if payee else None,
        "BT-60": payee.id if payee else None,
        "BT-61": payee.registration if payee else None,
        "BT-83": document.payment_reference,
        "BG-16": banks,
    }


def _totals(document: EInvoice, show: Show) -> Terms:
    totals, other = document.totals, document.tax_currency
    return {
        "BT-106": show(totals.line_net),
        "BT-107": show(totals.allowances) if totals.allowances else None,
        "BT-108": show(totals.charges) if totals.charges else None,
        "BT-109": show(totals.taxable),
        "BT-110": show(totals.tax),
        "BT-111": money.show(document.converted_tax, other.currency)
        if other and document.converted_tax is not None
        else None,
        "BT-112": show(totals.total),
        "BT-114": show(totals.rounding) if totals.rounding else None,
        "BT-115": show(totals.payable),
    }


_ALLOWANCE = (False, "BT-92 BT-93 BT-94 BT-97 BT-95 BT-96".split())
_CHARGE = (True, "BT-99 BT-100 BT-101 BT-104 BT-102 BT-103".split())
_LINE_ALLOWANCE = (False, "BT-136 BT-137 BT-138 BT-139".split())
_LINE_CHARGE = (True, "BT-141 BT-142 BT-143 BT-144".split())


def _adjustments(
    adjustments: Iterable[AllowanceCharge], of: tuple[bool, list[str]], base: int, show: Show
) -> list[Terms]:
    """BG-20, BG-21, BG-27, BG-28: amount, base, percent, reason, and of the document's category and rate."""
    is_charge, terms = of
    rows = []
    for item in adjustments:
        if item.is_charge is not is_charge:
            continue
        percent = item.percent
        said = (
            show(item.amount),
            show(base) if percent is not None else None,
            plain_decimal(percent) if percent is not None else None,
            item.reason,
            item.category,
            _rate(item.category, item.rate),
        )
        rows.append(_present(dict(zip(terms, said, strict=False))))
    return rows


def _rate(category: str | None, rate: Decimal | None) -> str | None:
    """O has no rate (BR-O-05)."""
    return plain_decimal(rate) if rate is not None and category != Category.O else None


def _subtotal(row: TaxSubtotal, show: Show) -> Terms:
    category = Category(row.category)
    return _present(
        {
            "BT-116": show(row.taxable),
            "BT-117": show(row.tax),
            "BT-118": row.category,
            "BT-119": _rate(row.category, row.rate),
            "BT-120": row.reason if category.needs_reason else None,
            "BT-121": category.vatex,
        }
    )


def _attachment(attachment: Attachment, data: bytes | None) -> Terms:
    """BT-122 is its name. Without its bytes, or of a kind that BR-CL-24 has no word for, it is only named."""
    kind = MIME_TYPES.get(attachment.name.rpartition(".")[2].lower())
    if data is None or kind is None:
        return {"BT-122": attachment.name}
    return {
        "BT-122": attachment.name,
        "BT-125": base64.b64encode(data).decode("ascii"),
        "BT-125-1": kind,
        "BT-125-2": attachment.name,
    }


def _line(line: Line, document: EInvoice, show: Show) -> Terms:
    name = item_name(line.description) if PROFILES[document.profile].level != "BASIC" else line.description
    base = money.rounded(line.quantity * line.unit_price / line.price_base, document.currency)
    priced_by = plain_decimal(line.price_base) if line.price_base != 1 else None
    return _present(
        {
            "BT-126": line.id,
            "BT-129": plain_decimal(line.quantity),
            "BT-130": line.unit,
            "BT-131": show(line.net),
            "BT-132": line.order_line,
            "BT-133": line.cost_center,
            "BT-134": _day(line.period.start if line.period else None),
            "BT-135": _day(line.period.end if line.period else None),
            "BT-146": plain_decimal(line.unit_price),
            "BT-149": priced_by,
            "BT-150": line.unit if priced_by else None,
            "BT-151": line.category,
            "BT-152": _rate(line.category, line.rate),
            "BT-153": name,
            "BT-154": line.description if name != line.description else None,
            "BT-155": line.item,
            "BG-27": _adjustments(line.adjustments, _LINE_ALLOWANCE, base, show),
            "BG-28": _adjustments(line.adjustments, _LINE_CHARGE, base, show),
        }
    )


def item_name(description: str) -> str:
    """BT-153: the first line, cut between words where it is long."""
    first = description.partition("\n")[0].strip()
    if len(first) <= NAME_LENGTH:
        return first
    cut = first[: NAME_LENGTH - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip() + "…"
