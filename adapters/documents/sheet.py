"""A document as the strings that stand on paper: labels, amounts, dates in its language. Never sets type,
and never computes: it chooses what is shown and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.documents import brand, glyphs
from adapters.documents.payment import payment
from adapters.documents.port import NO_FILES
from adapters.documents.words import Words
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.parts import Line

_LONG_WORD = 27
"""Letters; a longer word may not fit its column and is broken anywhere."""
_LONG_ROW = 1500
"""Letters; a row with more of them may be higher than a page and is broken between pages."""

_FOOT_LETTERS = 32
"""In a row of the footer."""


class Sheet:
    """One document in one language. `files`: content by archive key, for the logo."""

    def __init__(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES):
        self.document = document
        self.files = files
        self.words = Words(document.language, document.currency)

    def content(self) -> dict[str, Any]:
        """What `document.typ` sets: JSON of strings that the fonts have, and lists of them."""
        texts: dict[str, Any] = glyphs.settable(self._texts())
        long = any(len(word) >= _LONG_WORD for text in _strings(texts) for word in text.split())
        room = {"foot": _foot(texts["footer"]), "lines_size": _lines_size(texts["lines"])}
        return texts | {"style": self._style() | room | {"long_words": long}}

    def _style(self) -> dict[str, Any]:
        """What is not read: language, fonts, colours, the logo."""
        document = self.document
        name = glyphs.plain(document.seller.name)
        return {
            "lang": self.words.language,
            "fonts": glyphs.FAMILIES,
            "date": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
            "author": name,
            "title": glyphs.plain(f"{self.words[document.kind]} {document.number}"),
            "data": self.words["data"],
            "accent": brand.ink(document.brand.colour if document.brand else None),
            "logo": brand.logo(document.brand, self.files, self.words["logo"] % name),
        }

    def _texts(self) -> dict[str, Any]:
        document, words = self.document, self.words
        seller = document.seller
        lines = words.address(seller.address, seller.country, seller.country)
        return {
            "kind": words[document.kind],
            "number": document.number,
            "seller": {
                "name": seller.name,
                "sender": [seller.name, *lines],
                "contact": _given(seller.email, seller.phone),
            },
            "recipient": self._recipient(),
            "meta": self._meta(),
            "preceding": self._preceding(),
            "head": [
                *(words[key] for key in ("position", "description", "quantity", "price", "tax")),
                self._net_head(),
            ],
            "lines": [self._line(line) for line in document.lines],
            "sums": self._sums(),
            "total": self._total(),
            "after_total": self._after_total(),
            "remarks": self._remarks(),
            "payment": payment(document, words),
            "notes": [*self._legal(), *(document.notes or "").splitlines()],
            "notes_label": words["notes"],
            "attachments": [each.name for each in document.attachments],
            "attachments_label": words["attachments"],
            "footer": self._footer(lines),
            "page": words["page"].split("%s"),
        }

    def _recipient(self) -> list[str]:
        customer = self.document.customer
        address = self.words.address(customer.address, customer.country, self.document.seller.country)
        return [customer.name, *_given(customer.contact), *address]

    def _meta(self) -> list[tuple[str, str]]:
        document, words = self.document, self.words
        only = document.dues[0] if len(document.dues) == 1 else None
        return words.rows(
            ("issued_on", words.day(document.issued_on)),
            *self._supply(),
            ("due_on", words.day(only.due_on) if only else None),
            ("customer_key", document.customer.key),
            ("customer_vat", document.customer.vat_id),
            ("purchase_order", document.purchase_order),
            ("buyer_reference", document.buyer_reference),
            ("contract", document.contract),
            ("project", document.project),
            ("cost_center", document.cost_center),
            ("sales_order", document.sales_order),
            ("reference", document.reference),
        )

    def _supply(self) -> list[tuple[str, str | None]]:
        document, words = self.document, self.words
        rows: list[tuple[str, str | None]] = []
        if document.period:
            rows.append(("period", words.span(document.period)))
        if document.delivery_date:
            rows.append(("supplied_on", words.day(document.delivery_date)))
        if document.delivery_address:
            address = words.address(document.delivery_address, document.customer.country, document.seller.country)
            rows.append(("delivered_to", ", ".join(address)))
        return rows

    def _preceding(self) -> str:
        if not self.document.preceding:
            return ""
        named = (
            self.words["of"] % (item.number, self.words.day(item.issued_on)) if item.issued_on else item.number
            for item in self.document.preceding
        )
        label = {CREDIT_NOTE: "credits", "corrected": "corrects"}.get(self.document.kind, "follows")
        return f"{self.words[label]} {', '.join(named)}."

    def _net_head(self) -> str:
        return str(self.words["net"] % self.document.currency)

    def _line(self, line: Line) -> dict[str, Any]:
        words = self.words
        unit = words["unit"].get(line.unit, line.unit)
        details = self._details(line)
        return {
            "id": line.id,
            "description": line.description,
            "details": details,
            "quantity": f"{words.decimal(line.quantity)}\u00a0{unit}",
            "price": words.price(line.unit_price),
            "base": words["per"] % f"{words.decimal(line.price_base)}\u00a0{unit}" if line.price_base != 1 else "",
            "tax": words.percent(line.rate) if line.category == "S" else line.category,
            "net": words.amount(line.net),
            "long": len(line.description) + sum(map(len, details)) > _LONG_ROW,
        }

    def _details(self, line: Line) -> list[str]:
        words = self.words
        return [
            *([words["item"] % line.item] if line.item else ()),
            *([words["order_line"] % line.order_line] if line.order_line else ()),
            *([f"{words['cost_center']}: {line.cost_center}"] if line.cost_center else ()),
            *([words.span(line.period)] if line.period else ()),
            *(
                words["charge" if item.is_charge else "allowance"] % (words.reason(item), words.amount(item.amount))
                for item in line.adjustments
            ),
        ]

    def _sums(self) -> list[tuple[str, str]]:
        document, words, rows = self.document, self.words, []
        if document.adjustments:
            rows.append((words["line_net"], words.amount(document.totals.line_net)))
            rows += [
                (words.reason(item), f"{'+' if item.is_charge else '−'}{words.amount(item.amount)}")
                for item in document.adjustments
            ]
        rows.append((words["taxable"], words.amount(document.totals.taxable)))
        for row in document.breakdown:
            base = words.amount(row.taxable)
            of = base if row.category == "S" else f"{base} ({row.category})"
            rows.append((words["tax_row"] % (words.percent(row.rate), of), words.amount(row.tax)))
        return rows

    def _total(self) -> tuple[str, str]:
        totals = self.document.totals
        label = "credited" if self.document.kind == CREDIT_NOTE and not totals.rounding else "total"
        return self.words[label] % self.document.currency, self.words.amount(totals.total)

    def _after_total(self) -> list[tuple[str, str]]:
        """The rounding of cash (BT-114) and what it leaves to pay (BT-115), where there is any."""
        totals, words = self.document.totals, self.words
        if not totals.rounding:
            return []
        label = words["credited" if self.document.kind == CREDIT_NOTE else "payable"] % self.document.currency
        return [(words["rounding"], words.amount(totals.rounding)), (label, words.amount(totals.payable))]

    def _remarks(self) -> list[str]:
        """Why a category bears no tax (BT-120), and the tax in the seller's own currency (BT-111)."""
        document, words = self.document, self.words
        remarks = [
            f"{row.category}: {row.reason or words['category'][row.category]}"
            for row in document.breakdown
            if row.category != "S"
        ]
        if document.tax_currency and document.converted_tax is not None:
            other = document.tax_currency
            rate = (document.currency, words.decimal(other.rate), other.currency, words.day(other.as_of), other.source)
            label = words["converted_tax"] % (other.currency, *rate)
            remarks.append(f"{label}: {Words(document.language, other.currency).amount(document.converted_tax)}")
        return remarks

    def _legal(self) -> list[str]:
        return [line for note in self.document.legal_notes for line in note.text.splitlines()]

    def _footer(self, address: tuple[str, ...]) -> list[list[str]]:
        seller, words = self.document.seller, self.words
        numbers = words.rows(("vat_id", seller.vat_id), ("tax_number", seller.tax_number))
        columns = [
            [seller.name, *address],
            _given(seller.contact, seller.email, seller.phone),
            [*(f"{label} {value}" for label, value in numbers), *_given(seller.registration, seller.legal)],
        ]
        return [column for column in columns if column]


def _foot(columns: list[list[str]]) -> int:
    """Millimetres below the text that the footer takes: at least as much as five rows."""
    rows = (sum(1 + glyphs.width(text) // _FOOT_LETTERS for text in column) for column in columns)
    return 20 + 3 * max(5, *rows)


def _lines_size(rows: list[dict[str, Any]]) -> float:
    """Points: large numbers are set smaller before they crowd out the descriptions."""
    columns = ("id", "quantity", "price", "net")
    widest = sum(max((len(row[name]) for row in rows), default=0) for name in columns)
    return 9.0 if widest <= 48 else 8.0 if widest <= 66 else 7.0


def _given(*values: str | None) -> list[str]:
    return [value for value in values if value]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from () if key == glyphs.PICTURE else _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
