"""BT-20 and BG-16: how a document says in XML how, and until when, it is paid; and what such words say when read."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, timedelta
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
_SKONTO: Final = re.compile(r"#SKONTO#TAGE=(?P<days>[0-9]{1,3})#PROZENT=(?P<percent>[0-9]{1,2}\.[0-9]{2})#")
"""XRechnung 3.0, BR-DE-18: one line for each discount, ended by a line feed. One with a base amount is not read."""
_IN_WORDS: Final = tuple(
    re.compile(
        re.escape(discount)
        .replace(re.escape("{percent}"), r"(?P<percent>[0-9]{1,2}(?:\.[0-9]{1,3})?)")
        .replace(re.escape("{day}"), r"(?P<until>[0-9]{4}-[0-9]{2}-[0-9]{2})")
        .replace(re.escape("{amount}"), r"[0-9.]+ [A-Z]{3}")
    )
    for _, _, discount in _WORDS.values()
)
"""A discount as `words` tells it outside XRechnung, in each language."""

_DISCOUNT: Final = r"(?:skonto|skonta|discount|escompte|descuento|korting|sconto)"
_PERCENT: Final = r"(?<![\d.,])(?!0+(?:[.,]0+)?\s*%)\d+(?:[.,]\d+)?\s*%"
_PROMISE: Final = re.compile(
    rf"^#|{_DISCOUNT}[^%\n]{{0,100}}?{_PERCENT}|{_PERCENT}\s+(?:[^\s%.;]+\s+){{0,2}}?{_DISCOUNT}",
    re.IGNORECASE | re.MULTILINE,
)


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


def discounts(text: str, issued_on: date) -> tuple[tuple[tuple[Decimal, date], ...], str]:
    """The (percent, until) of a BT-20 in the lines of BR-DE-18 or in words of ours, and what else stands there."""
    found, rest = [], []
    for line in text.splitlines():
        said = line.strip()
        if match := _SKONTO.fullmatch(said):
            found.append((Decimal(match["percent"]), issued_on + timedelta(days=int(match["days"]))))
        elif told := _in_words(said):
            found.append(told)
        else:
            rest.append(line)
    return tuple(found), "\n".join(rest).strip()


def promises(words: str) -> bool:
    """Whether what `discounts` left over seems to grant one all the same; interest, or that there is none, does not."""
    return _PROMISE.search(words) is not None


def _in_words(line: str) -> tuple[Decimal, date] | None:
    for each in _IN_WORDS:
        if match := each.fullmatch(line):
            with suppress(ValueError):  # the 31st of February
                return Decimal(match["percent"]), date.fromisoformat(match["until"])
    return None
