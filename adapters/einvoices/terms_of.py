"""The legal document as business terms of EN 16931: what each BT of its XML says, whichever syntax it is written in.
It computes nothing that was not frozen with the document, save the words for payment terms."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.einvoices import levels, payment
from adapters.einvoices.binding import Terms
from adapters.einvoices.lines_of import ALLOWANCE, CHARGE, adjustments, attachment, line_terms, subtotal
from adapters.einvoices.manner import Manner, day, present
from domain import money, registers, vat_ids
from domain.document import percent_base
from domain.einvoice import EInvoice
from domain.parts import Address, Party
from domain.profiles import PEPPOL, PROFILES
from domain.tax import Category


def terms_of(document: EInvoice, files: Mapping[str, bytes]) -> Terms:
    """The terms that the document's profile has a place for; `files` are the bytes of attachments by their key."""
    profile, manner = PROFILES[document.profile], Manner(document.currency, document.profile)
    terms = {
        "BT-24": profile.guideline,
        "BT-23": profile.process,
        **_references(document),
        **_seller(document, manner),
        **_buyer(document, manner),
        **_delivery(document),
        **_payment(document, manner),
        **_totals(document, manner),
        "BG-1": notes_of(document),
        "BG-3": [present({"BT-25": each.number, "BT-26": day(each.issued_on)}) for each in document.preceding],
        "BG-20": adjustments(document.adjustments, ALLOWANCE, percent_base(document.lines), manner),
        "BG-21": adjustments(document.adjustments, CHARGE, percent_base(document.lines), manner),
        "BG-23": [subtotal(row, manner) for row in document.breakdown],
        "BG-24": [attachment(each, files.get(each.file)) for each in document.attachments],
        "BG-25": [line_terms(line, manner) for line in document.lines],
    }
    return levels.fit(present(terms), profile.level)


def _references(document: EInvoice) -> Terms:
    period = document.period
    return {
        "BT-1": document.number,
        "BT-2": day(document.issued_on),
        "BT-3": document.type_code,
        "BT-5": document.currency,
        "BT-6": document.tax_currency.currency if document.tax_currency else None,
        "BT-10": document.buyer_reference,
        "BT-11": document.project,
        "BT-12": document.contract,
        "BT-13": document.purchase_order,
        "BT-14": document.sales_order,
        "BT-19": document.cost_center,
        "BT-73": day(period.start if period else None),
        "BT-74": day(period.end if period else None),
    }


def notes_of(document: EInvoice) -> list[Terms]:
    """Peppol allows one note (PEPPOL-EN16931-R002): there the texts are joined."""
    rows = [{"BT-22": document.notes}] if document.notes else []
    rows += [present({"BT-21": each.subject, "BT-22": each.text}) for each in document.legal_notes]
    if document.profile == PEPPOL and len(rows) > 1:
        return [{"BT-22": "\n\n".join(row["BT-22"] or "" for row in rows)}]
    return rows


def taxed(document: EInvoice) -> bool:
    """Whether VAT ids may stand there: not beside category O (BR-O-02)."""
    return all(row.category != Category.O for row in document.breakdown)


def _vat_id(party: Party, document: EInvoice) -> str | None:
    return vat_ids.plain(party.vat_id) if party.vat_id and taxed(document) else None


def electronic_address(party: Party, manner: Manner) -> tuple[str, str] | None:
    """BT-34, BT-49 as (scheme, id): XRechnung wants one, and takes the mail address."""
    if party.endpoint is not None:
        return party.endpoint.scheme, party.endpoint.id
    return ("EM", party.email) if party.email and manner.german else None


def _seller(document: EInvoice, manner: Manner) -> Terms:
    party = document.seller
    scheme, endpoint = electronic_address(party, manner) or (None, None)
    return {
        "BT-27": party.name,
        "BT-30": party.registration,
        "BT-30-1": registers.scheme(party.registration, party.country),
        "BT-31": _vat_id(party, document),
        "BT-32": party.tax_number,
        "BT-33": party.legal,
        "BT-34": endpoint,
        "BT-34-1": scheme,
        "BT-41": party.contact or (party.name if manner.strict else None),
        "BT-42": party.phone,
        "BT-43": party.email,
        **_address(party.address, party.country, "BT-35 BT-36 BT-38 BT-37 BT-39 BT-40"),
    }


def _buyer(document: EInvoice, manner: Manner) -> Terms:
    party = document.customer
    scheme, endpoint = electronic_address(party, manner) or (None, None)
    return {
        "BT-44": party.name,
        "BT-47": party.registration,
        "BT-47-1": registers.scheme(party.registration, party.country),
        "BT-48": _vat_id(party, document),
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
        "BT-72": day(supplied),
        **(_address(to, to.country or document.customer.country, "BT-75 BT-76 BT-78 BT-77 BT-79 BT-80") if to else {}),
    }


def _payment(document: EInvoice, manner: Manner) -> Terms:
    payee = document.payee
    banks = [
        present(
            {
                "BT-81": payment.means(each.iban, document),
                "BT-84": each.iban.replace(" ", ""),
                "BT-85": each.name,
                "BT-86": each.bic,
            }
        )
        for each in document.banks
    ]
    if not banks and (manner.strict or document.payment_reference):  # BR-DE-1, DE-R-001; UBL has BT-83 here
        banks = [{"BT-81": payment.unpaid(document.seller.country)}]
    return {
        "BT-9": day(document.dues[-1].due_on if document.dues else None),
        "BT-20": payment.words(document, skonto=manner.german),
        "BT-59": payee.name if payee else None,
        "BT-60": payee.id if payee else None,
        "BT-61": payee.registration if payee else None,
        "BT-83": document.payment_reference,
        "BG-16": banks,
    }


def _totals(document: EInvoice, manner: Manner) -> Terms:
    totals, other, show = document.totals, document.tax_currency, manner.show
    directions = {item.is_charge for item in document.adjustments}  # a sum stands there even when it is 0 (BR-CO-11)
    return {
        "BT-106": show(totals.line_net),
        "BT-107": show(totals.allowances) if False in directions else None,
        "BT-108": show(totals.charges) if True in directions else None,
        "BT-109": show(totals.taxable),
        "BT-110": show(totals.tax),
        "BT-111": money.show(document.converted_tax, other.currency)
        if other and document.converted_tax is not None
        else None,
        "BT-112": show(totals.total),
        "BT-114": show(totals.rounding) if totals.rounding else None,
        "BT-115": show(totals.payable),
    }
