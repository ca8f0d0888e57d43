"""The payment part of the Swiss QR-bill: SIX, "Swiss Implementation Guidelines for the QR-bill", version 2.3. For an
account in Switzerland or Liechtenstein, in CHF or EUR, with the creditor reference of ISO 11649.

A QR-IBAN wants a reference of its own kind (27 digits), which no document of ours has: it gets none. Never made from
anything but what stands on the document.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import segno

from adapters import formats
from adapters.documents.codes import MASK, first_amount, holder
from adapters.documents.words import Words, load
from domain import money, statements
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.keys import valid_creditor_reference
from domain.parts import Address

MOST = 99_999_999_999
"""Minor units: the guidelines allow 0.01 to 999999999.99."""
LANGUAGES = ("en", "de", "fr", "it")
"""That the guidelines give words in."""
_COUNTRIES = ("CH", "LI")
_QR_IIDS = range(30000, 32000)  # institutions of QR-IBANs
_LETTERS = re.compile(r"[^\x20-\x7e\xa0-\u017f\u0218-\u021b\u20ac]")
_CROSS = (
    '<g transform="translate(%.4f %.4f) scale(%.6f)">'
    '<path fill="#fff" d="M-3.5-3.5h7v7h-7z"/><path d="M-3.11-3.11h6.22v6.22h-6.22z"/>'
    '<path fill="#fff" d="M-.583-1.944h1.166v3.888h-1.166zM-1.944-.583h3.888v1.166h-3.888z"/></g>'
)  # millimetres around its middle
_NUMBER = re.compile(r"(?P<street>.*\D)\s(?P<number>\d\S{0,7}(?: ?[A-Za-z])?)")


@dataclass(frozen=True, slots=True)
class Place:
    """A structured address: lengths are the guidelines' own."""

    name: str
    street: str
    number: str
    postcode: str
    city: str
    country: str

    def fields(self) -> tuple[str, ...]:
        return "S", self.name, self.street, self.number, self.postcode, self.city, self.country

    def lines(self) -> list[str]:
        place = f"{self.postcode} {self.city}"
        if self.country not in _COUNTRIES:
            place = f"{self.country}-{place}"
        return [line for line in (self.name, f"{self.street} {self.number}".strip(), place) if line.strip()]


@dataclass(frozen=True, slots=True)
class Slip:
    """`debtor` is None where the customer's address is not complete: then there is a field to write it in."""

    iban: str
    creditor: Place
    amount: int
    currency: str
    debtor: Place | None
    reference: str
    message: str

    def payload(self) -> str:
        """The text of the code."""
        debtor = self.debtor.fields() if self.debtor else ("",) * 7
        return "\n".join(
            (
                *("SPC", "0200", "1", self.iban, *self.creditor.fields(), *("",) * 7),
                *(money.show(self.amount, self.currency), self.currency, *debtor, "SCOR", self.reference),
                *(self.message, "EPD"),
            )
        )


def slip(document: EInvoice) -> Slip | None:
    """None where the guidelines do not allow one. In EUR only for customers whose banks read it."""
    bank, amount = document.bank, first_amount(document)
    reference = valid_creditor_reference(document.payment_reference or "")
    iban = statements.iban(bank.iban) if bank else ""
    if document.kind == CREDIT_NOTE or not iban or not reference or not 0 < amount <= MOST:
        return None
    if iban[:2] not in _COUNTRIES or int(iban[4:9]) in _QR_IIDS or document.currency not in {"CHF", "EUR"}:
        return None
    customer, seller = document.customer, document.seller
    if document.currency == "EUR" and (customer.address.country or customer.country) not in _COUNTRIES:
        return None
    creditor = _place(holder(document), seller.address, seller.country)
    if creditor is None:
        return None
    debtor = _place(customer.name, customer.address, customer.country)
    return Slip(iban, creditor, amount, document.currency, debtor, reference, _text(document.number, 140))


def content(slip: Slip, words: Words) -> dict[str, Any]:
    """What `swiss.typ` sets. The amount is written as the guidelines want it, in every language."""
    language = words.language if words.language in LANGUAGES else "en"
    labels = load("swiss")[language]
    amount = money.show(slip.amount, slip.currency)
    whole, _, cents = amount.partition(".")
    shown = f"{int(whole):,}".replace(",", "\u00a0") + f".{cents}"
    said = (f"{labels['amount']}: {slip.currency} {shown}", f"{labels['account']}: {formats.iban(slip.iban)}")
    return {
        "lang": language,
        "labels": labels,
        "svg": _svg(slip.payload()),
        "alt": "; ".join((labels["title"], *said, f"{labels['reference']}: {slip.reference}")),
        "account": [formats.iban(slip.iban), *slip.creditor.lines()],
        "reference": formats.iban(slip.reference),
        "message": slip.message,
        "debtor": slip.debtor.lines() if slip.debtor else [],
        "currency": slip.currency,
        "amount": shown,
    }


def _place(name: str, address: Address, country: str) -> Place | None:
    postcode, city = _text(address.postcode, 16), _text(address.city, 35)
    street, number = _text(address.street, 70), ""
    if match := _NUMBER.fullmatch(street):
        street, number = match["street"].rstrip(" ,"), match["number"]
    found = Place(_text(name, 70), street, number, postcode, city, (address.country or country).upper())
    return found if found.name and postcode and city and len(found.country) == 2 else None


def _text(value: str | None, length: int) -> str:
    """In the letters that the guidelines allow; others lose their marks or go."""
    text = unicodedata.normalize("NFC", formats.clean(value or ""))
    plain = _LETTERS.sub(lambda found: _LETTERS.sub("", unicodedata.normalize("NFKD", found[0])), text)
    return " ".join(plain.split())[:length].strip()


def _svg(text: str) -> str:
    """The code without its quiet zone, which the page has: 46 mm wide, with the Swiss cross in its middle."""
    code = segno.make_qr(text, error="m", boost_error=False, encoding="utf-8", mask=MASK)
    picture = BytesIO()
    code.save(picture, kind="svg", xmldecl=False, border=0, omitsize=True)
    side = code.symbol_size(border=0)[0]
    cross = _CROSS % (side / 2, side / 2, side / 46)
    return picture.getvalue().decode().replace("</svg>", f"{cross}</svg>")
