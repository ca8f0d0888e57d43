"""BT-20 and BG-16: how a document says in XML how, and until when, it is paid; and what such words say when read."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

from domain import money
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.keys import plain_decimal
from domain.profiles import PEPPOL

SEPA_TRANSFER, TRANSFER, STANDING_AGREEMENT, UNDEFINED = "58", "30", "57", "1"
"""BT-81 (UNTDID 4461)."""
TERMS_OF_PAYMENT = "AAB"
"""BT-21 (UNTDID 4451)."""
_SEPA: Final = frozenset(
    "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT "
    "RO RS SE SI SK SM VA".split()
)
"""Countries whose accounts SEPA reaches, by the first letters of the IBAN (European Payments Council, 2025)."""

_WORDS: Final = {
    "en": ("Credit note: nothing is to be paid", "{amount} until {day}", "{percent} % discount until {day}: {amount}"),
    "de": ("Gutschrift: nichts zu zahlen", "{amount} bis {day}", "{percent} % Skonto bis {day}: {amount}"),
    "fr": ("Avoir : rien à payer", "{amount} jusqu’au {day}", "{percent} % d’escompte jusqu’au {day} : {amount}"),
    "es": ("Abono: nada que pagar", "{amount} hasta el {day}", "{percent} % de descuento hasta el {day}: {amount}"),
    "nl": ("Creditnota: niets te betalen", "{amount} tot {day}", "{percent} % korting tot {day}: {amount}"),
    "it": (
        "Nota di credito: nulla da pagare",
        "{amount} entro il {day}",
        "{percent} % di sconto entro il {day}: {amount}",
    ),
    "pl": ("Faktura korygująca: nic do zapłaty", "{amount} do {day}", "{percent} % skonta do {day}: {amount}"),
}
_SKONTO: Final = re.compile(r"#SKONTO#TAGE=([0-9]{1,3})#PROZENT=([0-9]{1,2}\.[0-9]{2})#")
"""XRechnung 3.0, BR-DE-18: one line for each discount, ended by a line feed. One with a base amount is not read."""


def means(iban: str, document: EInvoice) -> str:
    """BT-81 of an account. Peppol in Denmark knows no plain transfer (DK-R-005)."""
    if document.currency == "EUR" and iban[:2] in _SEPA:
        return SEPA_TRANSFER
    danish = document.profile == PEPPOL and document.seller.country == document.customer.country == "DK"
    return UNDEFINED if danish else TRANSFER


def unpaid(country: str) -> str:
    """BT-81 where no account is named, as in a credit note. The Netherlands know few (NL-R-008)."""
    return STANDING_AGREEMENT if country == "NL" else UNDEFINED


def words(document: EInvoice, skonto: bool) -> str | None:
    """BT-20, where BT-9 does not say it all; `skonto`: discounts in the lines of XRechnung."""
    language = document.language[:2]
    credit, due, discount = _WORDS.get(language, _WORDS["en"])
    if document.kind == CREDIT_NOTE:
        return credit
    lines = []
    for step in document.discounts:
        if skonto:
            days = (step.until - document.issued_on) // timedelta(days=1)
            lines.append(f"#SKONTO#TAGE={days}#PROZENT={step.percent:.2f}#")
        else:
            amount = f"{money.show(step.amount, document.currency)} {document.currency}"
            lines.append(discount.format(percent=plain_decimal(step.percent), day=step.until, amount=amount))
    if len(document.dues) > 1:
        for each in document.dues:
            amount = f"{money.show(each.amount, document.currency)} {document.currency}"
            lines.append(due.format(amount=amount, day=each.due_on))
    # BR-DE-18 wants a line feed after each discount, the last one, too
    return "\n".join(lines) + ("\n" if skonto and document.discounts else "") if lines else None


def skonto(text: str) -> tuple[tuple[tuple[int, Decimal], ...], str]:
    """The (days, percent) of BR-DE-18 in a BT-20, and what else stands there."""
    found = tuple((int(days), Decimal(percent)) for days, percent in _SKONTO.findall(text))
    return found, _SKONTO.sub("", text).strip()
