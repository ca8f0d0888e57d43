"""The repeated parts of the legal document as business terms: lines, allowances and charges, taxes, attachments."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from adapters.einvoices.binding import Terms
from domain import money
from domain.einvoice import EInvoice
from domain.keys import plain_decimal
from domain.parts import AllowanceCharge, Attachment, Line, TaxSubtotal
from domain.profiles import PROFILES
from domain.tax import Category

Show = Callable[[int], str]
"""How a document writes minor units."""

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


def present(terms: Mapping[str, object]) -> Terms:
    return {term: said for term, said in terms.items() if said}


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None


ALLOWANCE = (False, "BT-92 BT-93 BT-94 BT-97 BT-95 BT-96".split())
CHARGE = (True, "BT-99 BT-100 BT-101 BT-104 BT-102 BT-103".split())
_LINE_ALLOWANCE = (False, "BT-136 BT-137 BT-138 BT-139".split())
_LINE_CHARGE = (True, "BT-141 BT-142 BT-143 BT-144".split())


def adjustments(items: Iterable[AllowanceCharge], of: tuple[bool, list[str]], base: int, show: Show) -> list[Terms]:
    """BG-20, BG-21, BG-27, BG-28: amount, base, percent, reason, and of the document's category and rate."""
    is_charge, terms = of
    rows = []
    for item in items:
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
        rows.append(present(dict(zip(terms, said, strict=False))))
    return rows


def _rate(category: str | None, rate: Decimal | None) -> str | None:
    """O has no rate (BR-O-05)."""
    return plain_decimal(rate) if rate is not None and category != Category.O else None


def subtotal(row: TaxSubtotal, show: Show) -> Terms:
    category = Category(row.category)
    return present(
        {
            "BT-116": show(row.taxable),
            "BT-117": show(row.tax),
            "BT-118": row.category,
            "BT-119": _rate(row.category, row.rate),
            "BT-120": row.reason if category.needs_reason else None,
            "BT-121": category.vatex,
        }
    )


def attachment(of: Attachment, data: bytes | None) -> Terms:
    """BT-122 is its name. Without its bytes, or of a kind that BR-CL-24 has no word for, it is only named."""
    kind = MIME_TYPES.get(of.name.rpartition(".")[2].lower())
    if data is None or kind is None:
        return {"BT-122": of.name}
    return {
        "BT-122": of.name,
        "BT-125": base64.b64encode(data).decode("ascii"),
        "BT-125-1": kind,
        "BT-125-2": of.name,
    }


def line_terms(line: Line, document: EInvoice, show: Show) -> Terms:
    name = item_name(line.description) if PROFILES[document.profile].level != "BASIC" else line.description
    base = money.rounded(line.quantity * line.unit_price / line.price_base, document.currency)
    priced_by = plain_decimal(line.price_base) if line.price_base != 1 else None
    return present(
        {
            "BT-126": line.id,
            "BT-129": plain_decimal(line.quantity),
            "BT-130": line.unit,
            "BT-131": show(line.net),
            "BT-132": line.order_line,
            "BT-133": line.cost_center,
            "BT-134": day(line.period.start if line.period else None),
            "BT-135": day(line.period.end if line.period else None),
            "BT-146": plain_decimal(line.unit_price),
            "BT-149": priced_by,
            "BT-150": line.unit if priced_by else None,
            "BT-151": line.category,
            "BT-152": _rate(line.category, line.rate),
            "BT-153": name,
            "BT-154": line.description if name != line.description else None,
            "BT-155": line.item,
            "BG-27": adjustments(line.adjustments, _LINE_ALLOWANCE, base, show),
            "BG-28": adjustments(line.adjustments, _LINE_CHARGE, base, show),
        }
    )


def item_name(description: str) -> str:
    """BT-153: the first line, cut between words where it is long."""
    first = description.partition("\n")[0].strip()
    if len(first) <= NAME_LENGTH:
        return first
    cut = first[: NAME_LENGTH - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip() + "…"
