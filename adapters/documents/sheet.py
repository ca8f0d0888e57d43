"""A document as the strings that stand on paper: labels, amounts, dates in its language. Never sets type,
and never computes: it chooses what is shown and in which order."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from adapters import formats
from adapters.documents import epc, letters
from domain.einvoice import EInvoice
from domain.parts import Address, AllowanceCharge, Line, Period

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "typst"


@cache
def _labels(language: str) -> Mapping[str, Any]:
    return tomllib.loads((FOLDER / f"labels_{language}.toml").read_text("utf-8"))


class Sheet:
    """One document in one language."""

    def __init__(self, document: EInvoice):
        self.document = document
        self.language = formats.language_of(document.language)
        self.labels = _labels(self.language)

    def content(self) -> dict[str, Any]:
        """What `document.typ` sets: JSON of cleaned strings and lists of them."""
        document, seller = self.document, self.document.seller
        lines = self._address(seller.address, seller.country)
        return {
            "lang": self.language,
            "fonts": letters.FAMILIES,
            "xml": "Factur-X",
            "date": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
            "kind": self.labels[document.kind],
            "number": formats.clean(document.number),
            "seller": {
                "name": formats.clean(seller.name),
                "sender": ", ".join((formats.clean(seller.name), *lines)),
                "contact": self._texts(seller.email, seller.phone),
            },
            "recipient": [formats.clean(document.customer.name), *self._recipient()],
            "meta": self._meta(),
            "preceding": self._preceding(),
            "head": self._head(),
            "lines": [self._line(line) for line in document.lines],
            "sums": self._sums(),
            "total": self._total(),
            "remarks": self._remarks(),
            "payment": self._payment(),
            "notes": self._texts(document.notes),
            "notes_label": self.labels["notes"],
            "footer": self._footer(lines),
            "page": self.labels["page"].split("%s"),
        }

    def _recipient(self) -> tuple[str, ...]:
        return self._address(self.document.customer.address, self.document.customer.country)

    def _address(self, address: Address, country: str) -> tuple[str, ...]:
        parts = asdict(address) | {"country": address.country or country}
        home = self.document.seller.country
        return tuple(map(formats.clean, formats.address_lines(parts, self.language, home)))

    def _meta(self) -> list[tuple[str, str]]:
        document = self.document
        rows: list[tuple[str, str | None]] = [("issued_on", self._day(document.issued_on)), *self._supply()]
        if len(document.dues) == 1:
            rows.append(("due_on", self._day(document.dues[0].due_on)))
        rows += [
            ("customer_key", document.customer.key),
            ("customer_vat", document.customer.vat_id),
            ("purchase_order", document.purchase_order),
            ("buyer_reference", document.buyer_reference),
            ("contract", document.contract),
            ("project", document.project),
            ("sales_order", document.sales_order),
            ("reference", document.reference),
        ]
        return [(self.labels[key], formats.clean(value)) for key, value in rows if value]

    def _supply(self) -> list[tuple[str, str | None]]:
        document = self.document
        rows: list[tuple[str, str | None]] = []
        if document.period:
            rows.append(("period", self._span(document.period)))
        elif document.delivery_date:
            rows.append(("supplied_on", self._day(document.delivery_date)))
        elif document.kind == "invoice":
            # § 14 (4) no. 6 UStG wants the date of supply also where it is the date of issue.
            rows.append(("supplied_on", self._day(document.issued_on)))
        if document.delivery_address:
            rows.append(
                (
                    "delivered_to",
                    ", ".join(self._address(document.delivery_address, document.customer.country)),
                )
            )
        return rows

    def _preceding(self) -> str:
        if not self.document.preceding:
            return ""
        named = (
            self.labels["of"] % (formats.clean(item.number), self._day(item.issued_on))
            if item.issued_on
            else formats.clean(item.number)
            for item in self.document.preceding
        )
        label = "credits" if self.document.kind == "credit_note" else "follows"
        return f"{self.labels[label]} {', '.join(named)}."

    def _head(self) -> list[str]:
        labels = [self.labels[key] for key in ("position", "description", "quantity", "price", "tax")]
        return [*labels, self.labels["net"] % self.document.currency]

    def _line(self, line: Line) -> dict[str, Any]:
        price = formats.price(line.unit_price, self.document.currency, self.language)
        unit = formats.clean(self.labels["unit"].get(line.unit, line.unit))
        base = formats.decimal(line.price_base, self.language)
        return {
            "id": formats.clean(line.id),
            "description": formats.clean(line.description),
            "details": self._details(line),
            "quantity": f"{formats.decimal(line.quantity, self.language)}\u00a0{unit}",
            "price": price,
            "base": self.labels["per"] % f"{base}\u00a0{unit}" if line.price_base != 1 else "",
            "tax": formats.percent(line.rate, self.language) if line.category == "S" else line.category,
            "net": self._amount(line.net),
        }

    def _details(self, line: Line) -> list[str]:
        details = [self.labels["item"] % line.item] if line.item else []
        if line.order_line:
            details.append(self.labels["order_line"] % line.order_line)
        if line.period:
            details.append(self._span(line.period))
        details += [
            self.labels["charge" if item.is_charge else "allowance"] % (self._reason(item), self._amount(item.amount))
            for item in line.adjustments
        ]
        return list(map(formats.clean, details))

    def _reason(self, item: AllowanceCharge) -> str:
        if item.percent is None:
            return formats.clean(item.reason)
        return f"{formats.clean(item.reason)} ({formats.percent(item.percent, self.language)})"

    def _sums(self) -> list[tuple[str, str]]:
        document, rows = self.document, []
        if document.adjustments:
            rows.append((self.labels["line_net"], self._amount(document.totals.line_net)))
            for item in document.adjustments:
                sign = "+" if item.is_charge else "−"
                rows.append((self._reason(item), f"{sign}{self._amount(item.amount)}"))
        rows.append((self.labels["taxable"], self._amount(document.totals.taxable)))
        for row in document.breakdown:
            base = self._amount(row.taxable)
            if row.category == "S":
                label = self.labels["tax_row"] % (formats.percent(row.rate, self.language), base)
            else:
                label = self.labels["tax_row"] % (
                    formats.percent("0", self.language),
                    f"{base} ({row.category})",
                )
            rows.append((label, self._amount(row.tax)))
        return rows

    def _total(self) -> tuple[str, str]:
        label = self.labels["credited" if self.document.kind == "credit_note" else "total"]
        return label % self.document.currency, self._amount(self.document.totals.total)

    def _remarks(self) -> list[str]:
        """Why a category bears no tax (BT-120), and the tax in the seller's own currency (BT-111)."""
        document = self.document
        remarks = [
            f"{row.category}: {row.reason or self.labels['category'][row.category]}"
            for row in document.breakdown
            if row.category != "S"
        ]
        if document.tax_currency and document.converted_tax is not None:
            other = document.tax_currency
            rate = formats.decimal(other.rate, self.language)
            source = (document.currency, rate, other.currency, self._day(other.as_of), other.source)
            label = self.labels["converted_tax"] % (other.currency, *source)
            remarks.append(f"{label}: {formats.amount(document.converted_tax, other.currency, self.language)}")
        return list(map(formats.clean, remarks))

    def _payment(self) -> dict[str, Any]:
        document = self.document
        asks = document.kind != "credit_note"
        discounts = [
            self.labels["discount"]
            % (formats.percent(step.percent, self.language), self._day(step.until), self._money(step.amount))
            for step in document.discounts
        ]
        dues = [(self._day(due.due_on), self._money(due.amount)) for due in document.dues]
        return {
            "label": self.labels["payment"] if asks else "",
            "texts": discounts if asks else [],
            "rows": self._bank() if asks else [],
            "code": self._code(),
            "dues": dues if asks and len(dues) > 1 else [],
            "dues_label": self.labels["schedule"],
        }

    def _bank(self) -> list[tuple[str, str]]:
        bank, reference = self.document.bank, self.document.payment_reference
        rows: list[tuple[str, str | None]] = []
        if bank:
            rows += [("payee", formats.clean(bank.name or self.document.seller.name))]
            rows += [("iban", formats.iban(bank.iban)), ("bic", bank.bic)]
        rows.append(("payment_reference", reference and formats.clean(reference)))
        return [(self.labels[key], value) for key, value in rows if value]

    def _code(self) -> dict[str, str] | None:
        """The picture to pay with, what stands below it, and what is read out instead of it."""
        text = epc.payload(self.document)
        if text is None:
            return None
        amount = self._money(epc.first_amount(self.document))
        said = "; ".join(f"{label}: {value}" for label, value in self._bank())
        return {
            "svg": epc.svg(text),
            "label": self.labels["code"] % amount,
            "alt": self.labels["code_alt"] % (amount, said),
        }

    def _footer(self, address: tuple[str, ...]) -> list[list[str]]:
        seller = self.document.seller
        vat = f"{self.labels['vat_id']} {seller.vat_id}" if seller.vat_id else None
        columns = [
            [formats.clean(seller.name), *address],
            self._texts(seller.email, seller.phone),
            self._texts(vat, seller.registration),
        ]
        return [column for column in columns if column]

    def _texts(self, *values: str | None) -> list[str]:
        return [formats.clean(value) for value in values if value]

    def _span(self, period: Period) -> str:
        first, last = (formats.short_day(day, self.language) for day in (period.start, period.end))
        return str(self.labels["span"] % (first, last))

    def _day(self, value: date) -> str:
        return formats.day(value, self.language)

    def _amount(self, minor: int) -> str:
        return formats.amount(minor, self.document.currency, self.language)

    def _money(self, minor: int) -> str:
        return formats.money(minor, self.document.currency, self.language)
