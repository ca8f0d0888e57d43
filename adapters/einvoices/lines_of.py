"""The repeated parts of the legal document as business terms: lines, allowances and charges, taxes, attachments."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Final

from adapters.einvoices.binding import Terms
from adapters.einvoices.manner import Manner, day, present
from domain import money
from domain.keys import plain_decimal
from domain.parts import AllowanceCharge, Attachment, Line, TaxSubtotal
from domain.tax import Category

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
ALLOWANCE: Final = (False, "BT-92 BT-93 BT-94 BT-97 BT-95 BT-96".split())
CHARGE: Final = (True, "BT-99 BT-100 BT-101 BT-104 BT-102 BT-103".split())
_LINE_ALLOWANCE: Final = (False, "BT-136 BT-137 BT-138 BT-139".split())
_LINE_CHARGE: Final = (True, "BT-141 BT-142 BT-143 BT-144".split())


def adjustments(items: Iterable[AllowanceCharge], of: tuple[bool, list[str]], base: int, manner: Manner) -> list[Terms]:
    """BG-20, BG-21, BG-27, BG-28: amount, base, percent, reason, and of the document's category and rate."""
    is_charge, terms = of
    rows = []
    for item in items:
        if item.is_charge is not is_charge:
            continue
        percent = item.percent
        if percent is not None and not manner.agrees(item.amount, base, percent):
            percent = None
        said = (
            manner.show(item.amount),
            manner.show(base) if percent is not None else None,
            plain_decimal(percent) if percent is not None else None,
            item.reason,
            item.category,
            manner.rate(item.category, item.rate),
        )
        rows.append(present(dict(zip(terms, said, strict=False))))
    return rows


def subtotal(row: TaxSubtotal, manner: Manner) -> Terms:
    """A row of BG-23. Germany wants a rate of O, too (BR-DE-14, DE-R-014)."""
    category = Category(row.category)
    return present(
        {
            "BT-116": manner.show(row.taxable),
            "BT-117": manner.show(row.tax),
            "BT-118": row.category,
            "BT-119": plain_decimal(row.rate) if manner.strict else manner.rate(row.category, row.rate),
            "BT-120": row.reason if category.needs_reason else None,
            "BT-121": category.vatex,
        }
    )


def attachment(of: Attachment, data: bytes | None) -> Terms:
    """BT-122 is its name. Without its bytes, or of a kind that BR-CL-24 has no word for, it is only named."""
    kind = MIME_TYPES.get(of.name.rpartition(".")[2].lower())
    if data is None or kind is None:
        return {"BT-122": of.name}
    encoded = base64.b64encode(data).decode("ascii")
    return {"BT-122": of.name, "BT-125": encoded, "BT-125-1": kind, "BT-125-2": of.name}


def gross(line: Line, currency: str) -> int:
    """Quantity × price before allowances and charges (BT-137, BT-142), minor units."""
    return money.rounded(line.quantity * line.unit_price / line.price_base, currency)


def line_terms(line: Line, manner: Manner) -> Terms:
    """A row of BG-25. BASIC has no BT-154, so there the whole text is the name."""
    name = line.description if manner.level == "BASIC" else item_name(line.description)
    base = gross(line, manner.currency)
    priced_by = plain_decimal(line.price_base) if line.price_base != 1 else None
    return present(
        {
            "BT-126": line.id,
            "BT-129": plain_decimal(line.quantity),
            "BT-130": line.unit,
            "BT-131": manner.show(line.net),
            "BT-132": line.order_line,
            "BT-133": line.cost_center,
            "BT-134": day(line.period.start if line.period else None),
            "BT-135": day(line.period.end if line.period else None),
            "BT-146": plain_decimal(line.unit_price),
            "BT-149": priced_by,
            "BT-150": line.unit if priced_by else None,
            "BT-151": line.category,
            "BT-152": manner.rate(line.category, line.rate),
            "BT-153": name,
            "BT-154": line.description if name != line.description else None,
            "BT-155": line.item,
            "BG-27": adjustments(line.adjustments, _LINE_ALLOWANCE, base, manner),
            "BG-28": adjustments(line.adjustments, _LINE_CHARGE, base, manner),
        }
    )


def item_name(description: str) -> str:
    """BT-153: the first line, cut between words where it is long."""
    first = description.partition("\n")[0].strip()
    if len(first) <= NAME_LENGTH:
        return first
    cut = first[: NAME_LENGTH - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip() + "…"
