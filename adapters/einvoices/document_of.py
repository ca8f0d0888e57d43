"""Business terms of EN 16931 as our legal document: the reverse of `terms_of.py`, also for files that others wrote.

A term for which the document has no place is a problem with its number, never dropped; only those in `SAID_ELSEWHERE`
are let go, for they change neither what is owed nor by whom.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from adapters.einvoices import parts_of, payment
from adapters.einvoices.binding import Terms
from adapters.einvoices.heard import Heard
from domain import money
from domain.currencies import EXPONENTS
from domain.einvoice import TYPE_CODES, DiscountView, DueView, EInvoice, discounted
from domain.errors import Invalid, Problem
from domain.parts import Note, Preceding, TaxCurrency, Totals
from domain.profiles import FACTURX, PROFILES, XRECHNUNG

SAID_ELSEWHERE: Final = frozenset(
    "BT-23 BT-28 BT-29 BT-29-0 BT-29-1 BT-30-1 BT-45 BT-46 BT-46-0 BT-46-1 BT-47-1 BT-60-0 BT-60-1 BT-61-1 "
    "BT-71 BT-71-0 BT-71-1 BT-81 BT-82 BT-98 BT-105 BT-121 BT-125 BT-125-1 BT-125-2 BT-140 BT-145 BT-147 BT-148 "
    "BT-157-1".split()
)
"""Trading names, further identifiers of parties, codes beside their texts, the price before a discount. The bytes of
attachments are asked for apart."""
NAMES: Final = {
    "BT-7": "the tax point date", "BT-8": "the code of the tax point date", "BT-15": "the receiving advice",
    "BT-16": "the despatch advice", "BT-17": "the tender", "BT-18": "the invoiced object",
    "BT-62": "a tax representative", "BT-63": "a tax representative", "BT-70": "the name at the place of delivery",
    "BT-84-0": "an account without IBAN", "BT-87": "a card", "BT-89": "a direct debit", "BT-90": "a direct debit",
    "BT-91": "a direct debit", "BT-113": "an amount already paid", "BT-128": "the object of a line",
    "BT-156": "the buyer's item number", "BT-157": "the standard item number",
    "BT-158": "the classification of an item", "BT-159": "the country of origin",
}  # fmt: skip
_SELLER: Final = (
    "BT-27 BT-30 BT-31 BT-32 BT-33 BT-34 BT-41 BT-42 BT-43", "BT-35 BT-36 BT-162 BT-38 BT-37 BT-39 BT-40",
)  # fmt: skip
_BUYER: Final = (
    "BT-44 BT-47 BT-48 - - BT-49 BT-56 BT-57 BT-58", "BT-50 BT-51 BT-163 BT-53 BT-52 BT-54 BT-55",
)  # fmt: skip
_KINDS: Final = {code: kind for kind, code in TYPE_CODES.items()}
_CORE: Final = "urn:cen.eu:en16931:2017"


def document_of(terms: Terms, syntax: str) -> EInvoice:
    """`syntax` is cii or ubl. Invalid with every problem at its term."""
    problems: list[Problem] = []
    currency = str(terms.get("BT-5", ""))
    if currency not in EXPONENTS:
        raise Invalid.at("BT-5", "is missing, or no currency of ISO 4217")
    heard = Heard(terms, currency, problems, asked={"BT-5"})
    document = _document(heard, syntax)
    _left(heard)
    if problems:
        raise Invalid(problems)
    return document


def _document(heard: Heard, syntax: str) -> EInvoice:
    profile, kind = _profile(heard, syntax), _KINDS.get(heard.needed("BT-3"))
    if kind is None:
        heard.wrong("BT-3", f"{heard.text('BT-3')} is not read; only {', '.join(_KINDS)} are")
    issued_on = heard.day("BT-2") if heard.needed("BT-2") else None
    least = PROFILES[profile].level == "MINIMUM"
    totals, due = _totals(heard, least), heard.day("BT-9")
    plain, legal = _notes(heard)
    discounts, words = _terms(heard, issued_on or date.min, totals.payable)
    other, converted = _tax_currency(heard, issued_on or date.min)
    return EInvoice(
        kind=kind or "invoice",
        number=heard.needed("BT-1"),
        issued_on=issued_on or date.min,
        language="",
        currency=heard.currency,
        seller=parts_of.party(heard, *_SELLER),
        customer=parts_of.party(heard, *_BUYER, placed=not least),
        lines=tuple(parts_of.line(row) for row in heard.rows("BG-25")),
        breakdown=tuple(parts_of.subtotal(row) for row in heard.rows("BG-23")),
        totals=totals,
        profile=profile,
        adjustments=(*parts_of.adjustments(heard, "BG-20", False), *parts_of.adjustments(heard, "BG-21", True)),
        dues=(DueView(due, totals.payable),) if due else (),
        discounts=discounts,
        banks=parts_of.banks(heard),
        payee=parts_of.payee(heard),
        payment_reference=heard.text("BT-83"),
        notes=plain,
        legal_notes=(*legal, *words),
        period=parts_of.period(heard, "BT-73", "BT-74"),
        delivery_date=heard.day("BT-72"),
        delivery_address=parts_of.address(heard, "BT-75 BT-76 BT-165 BT-78 BT-77 BT-79 BT-80"),
        preceding=tuple(Preceding(row.needed("BT-25"), row.day("BT-26")) for row in heard.rows("BG-3")),
        buyer_reference=heard.text("BT-10"),
        project=heard.text("BT-11"),
        contract=heard.text("BT-12"),
        purchase_order=heard.text("BT-13"),
        sales_order=heard.text("BT-14"),
        cost_center=heard.text("BT-19"),
        tax_currency=other,
        converted_tax=converted,
        attachments=tuple(parts_of.attachment(row) for row in heard.rows("BG-24")),
    )


def _profile(heard: Heard, syntax: str) -> str:
    """The profile of BT-24; others that comply with EN 16931 count as the plain one of the syntax."""
    guideline = heard.needed("BT-24")
    for profile in PROFILES.values():
        if (profile.syntax, profile.guideline) == (syntax, guideline):
            return profile.key
    if guideline.partition("#")[0] != _CORE:
        heard.wrong("BT-24", f"{guideline[:80]} is no specification that follows EN 16931")
    if "xrechnung" in guideline:  # an earlier version, for the same authorities
        return XRECHNUNG if syntax == "cii" else f"{XRECHNUNG}-ubl"
    return FACTURX if syntax == "cii" else "en16931-ubl"


def _totals(heard: Heard, least: bool) -> Totals:
    """`least`: of MINIMUM, whose totals say nothing of a rounding but its sum."""
    said = {term: heard.amount(term) or 0 for term in ("BT-106", "BT-107", "BT-108", "BT-110", "BT-114")}
    totals = Totals(
        line_net=said["BT-106"],
        allowances=said["BT-107"],
        charges=said["BT-108"],
        taxable=heard.needed_amount("BT-109"),
        tax=said["BT-110"],
        total=heard.needed_amount("BT-112"),
        rounding=said["BT-114"],
    )
    payable, paid = heard.needed_amount("BT-115"), heard.terms.get("BT-113")
    if least:
        return replace(totals, rounding=payable - totals.total)
    if payable != totals.payable and paid is None:
        shown = money.show(totals.payable, heard.currency)
        heard.wrong("BT-115", f"file says {money.show(payable, heard.currency)}, BT-112 and BT-114 come to {shown}")
    return totals


def _notes(heard: Heard) -> tuple[str | None, tuple[Note, ...]]:
    """The first text without a subject is the sender's own."""
    found = [Note(row.needed("BT-22"), row.text("BT-21")) for row in heard.rows("BG-1")]
    own = next((note for note in found if note.subject is None), None)
    return own.text if own else None, tuple(note for note in found if note is not own)


def _terms(heard: Heard, issued_on: date, payable: int) -> tuple[tuple[DiscountView, ...], tuple[Note, ...]]:
    """BT-20: discounts as such, any other words as a note about terms of payment. A discount that is only printed would
    be promised and not granted."""
    found, words = payment.discounts(heard.text("BT-20") or "", issued_on)
    if payment.promises(words):
        shown = " ".join(words.split())[:80]
        heard.wrong("BT-20", f"is not read: {shown}; give discounts as #SKONTO#TAGE=10#PROZENT=2.00#, a line for each")
    steps = tuple(DiscountView(percent, until, discounted(payable, percent)) for percent, until in found)
    return steps, (Note(words, payment.TERMS_OF_PAYMENT),) if words else ()


def _tax_currency(heard: Heard, issued_on: date) -> tuple[TaxCurrency | None, int | None]:
    """BT-6 and BT-111. No file tells the rate: it is 0 here."""
    code, said = heard.text("BT-6"), heard.text("BT-111")
    if code is None:
        return None, None
    if code not in EXPONENTS or said is None:
        heard.wrong("BT-6", "needs a currency of ISO 4217 and the tax in it (BT-111)")
        return None, None
    return TaxCurrency(code, Decimal(0), issued_on, ""), heard.minor("BT-111", said, code)


def _left(heard: Heard) -> None:
    """Whatever nobody asked for."""
    for term in heard.terms:
        if term in heard.asked or term in SAID_ELSEWHERE:
            continue
        heard.wrong(
            term,
            f"({NAMES.get(term, 'a term')}) has no place in our documents; leave it out, or enter this one by hand",
        )
    for row in heard.inner:
        _left(row)
