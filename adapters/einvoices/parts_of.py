"""Groups of business terms as the parts of our document: the reverse of `lines_of.py` and of the parties."""

from __future__ import annotations

from decimal import Decimal

from adapters.einvoices.heard import Heard
from domain.parts import (
    Address,
    AllowanceCharge,
    Attachment,
    Bank,
    Endpoint,
    Line,
    Party,
    Payee,
    Period,
    TaxSubtotal,
)
from domain.tax import Category


def party(heard: Heard, terms: str, address_terms: str, placed: bool = True) -> Party:
    """BG-4, BG-7. `terms`: name, registration, VAT id, tax number, legal, endpoint, contact, phone, mail; `placed`:
    whether a country must be there."""
    name, registration, vat_id, tax_number, legal, endpoint, contact, phone, email = terms.split()
    at = address_terms.rsplit(maxsplit=1)[-1]
    country = heard.needed(at) if placed else heard.text(at) or ""
    scheme, id_ = heard.text(f"{endpoint}-1"), heard.text(endpoint)
    return Party(
        key="",
        name=heard.needed(name),
        country=country,
        address=address(heard, address_terms) or Address(),
        vat_id=heard.text(vat_id),
        registration=heard.text(registration),
        email=heard.text(email),
        phone=heard.text(phone),
        endpoint=Endpoint(scheme or "", id_) if id_ else None,
        contact=heard.text(contact),
        tax_number=heard.text(tax_number),
        legal=heard.text(legal),
    )


def address(heard: Heard, terms: str) -> Address | None:
    """BG-5, BG-8, BG-15. A third line joins the second."""
    street, street2, street3, postcode, city, region, country = (heard.text(term) for term in terms.split())
    found = Address(street, ", ".join(filter(None, (street2, street3))) or None, postcode, city, region, country)
    return found if found != Address() else None


def payee(heard: Heard) -> Payee | None:
    """BG-10."""
    id_, registration, name = heard.text("BT-60"), heard.text("BT-61"), heard.text("BT-59")
    return Payee(name, id_, registration) if name else None


def banks(heard: Heard) -> tuple[Bank, ...]:
    """BG-17."""
    found = [(row.text("BT-84"), row.text("BT-86"), row.text("BT-85")) for row in heard.rows("BG-16")]
    return tuple(Bank(iban.replace(" ", ""), bic, name) for iban, bic, name in found if iban)


def period(heard: Heard, start: str, end: str) -> Period | None:
    """BG-14, BG-26: an end that is missing is the other one."""
    first, last = heard.day(start), heard.day(end)
    if first and last and last < first:
        heard.wrong(end, f"ends on {last}, before it begins on {first}")
    either = first or last
    return Period(first or either, last or either) if either else None


def attachment(heard: Heard) -> Attachment:
    """BG-24. The file's key is not in an XML; its bytes are `files.attached`'s work."""
    name = heard.needed("BT-122")
    heard.text("BT-123")
    if (where := heard.text("BT-124")) is not None:
        return Attachment(name, where)
    return Attachment(name, "")


def adjustments(heard: Heard, group: str, is_charge: bool) -> tuple[AllowanceCharge, ...]:
    """BG-20, BG-21 with their tax, BG-27, BG-28 without."""
    base, percent, amount, reason, code, category, rate = _ADJUSTMENT[group].split()
    found = []
    for row in heard.rows(group):
        row.amount(base)
        named = row.text(category) if category != "-" else None
        found.append(
            AllowanceCharge(
                reason=row.text(reason) or f"UNTDID {row.text(code) or 'ZZZ'}",
                is_charge=is_charge,
                amount=row.needed_amount(amount),
                percent=row.decimal(percent),
                category=named,
                rate=(row.decimal(rate) or Decimal(0)) if named else None,
            )
        )
        _known(row, category, named)
    return tuple(found)


_ADJUSTMENT = {
    "BG-20": "BT-93 BT-94 BT-92 BT-97 BT-98 BT-95 BT-96",
    "BG-21": "BT-100 BT-101 BT-99 BT-104 BT-105 BT-102 BT-103",
    "BG-27": "BT-137 BT-138 BT-136 BT-139 BT-140 - -",
    "BG-28": "BT-142 BT-143 BT-141 BT-144 BT-145 - -",
}


def subtotal(row: Heard) -> TaxSubtotal:
    """A row of BG-23."""
    category = row.needed("BT-118")
    _known(row, "BT-118", category)
    taxable, tax = row.needed_amount("BT-116"), row.needed_amount("BT-117")
    reason, code = row.text("BT-120"), row.text("BT-121")
    if code and reason is None and category in Category.__members__ and code != Category(category).vatex:
        row.wrong("BT-121", f"{code} alone is not taken over; give the reason in words, too (BT-120)")
    return TaxSubtotal(category, row.decimal("BT-119") or Decimal(0), taxable, tax, reason)


def line(row: Heard) -> Line:
    """A row of BG-25. What else is said of an item joins its description."""
    category, unit, base = row.needed("BT-151"), row.text("BT-130") or "C62", row.decimal("BT-149")
    _known(row, "BT-151", category)
    if row.text("BT-150") not in {None, unit}:
        row.wrong("BT-150", f"the price is for {row.text('BT-150')}, the quantity in {unit}; give both in one unit")
    if base == 0:
        row.wrong("BT-149", "is 0; a price is for some quantity")
    return Line(
        id=row.needed("BT-126"),
        description=_description(row),
        quantity=row.needed_decimal("BT-129"),
        unit=unit,
        unit_price=row.needed_decimal("BT-146"),
        category=category,
        rate=row.decimal("BT-152") or Decimal(0),
        price_base=base or Decimal(1),
        item=row.text("BT-155"),
        period=period(row, "BT-134", "BT-135"),
        adjustments=(*adjustments(row, "BG-27", False), *adjustments(row, "BG-28", True)),
        order_line=row.text("BT-132"),
        cost_center=row.text("BT-133"),
        net=row.needed_amount("BT-131"),
    )


def _description(row: Heard) -> str:
    """BT-153 and BT-154 as one text, in which the first is not repeated, with BT-127 and BG-32 on lines below."""
    name, more = row.needed("BT-153"), row.text("BT-154")
    text = name if more is None else more if more.startswith(name.removesuffix("…")) else f"{name}\n{more}"
    details = [f"{each.needed('BT-160')}: {each.needed('BT-161')}" for each in row.rows("BG-32")]
    return "\n".join(filter(None, (text, row.text("BT-127"), *details)))


def _known(row: Heard, term: str, category: str | None) -> None:
    if category is not None and category not in Category.__members__:
        row.wrong(term, f"{category} is a tax category we do not bill; only {', '.join(Category)} are")
