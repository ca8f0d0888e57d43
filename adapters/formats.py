"""Amounts, dates, quantities and addresses as a reader of a language writes them. For mails and documents
alike. Never rounds: what comes in is exact, what goes out shows all of it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from domain.money import exponent, major, parse

_LOCALES = {
    "en": Locale("en", "GB"),
    "de": Locale("de", "DE"),
    "fr": Locale("fr", "FR"),
    "es": Locale("es", "ES"),
    "nl": Locale("nl", "NL"),
    "it": Locale("it", "IT"),
    "pl": Locale("pl", "PL"),
}
_DAYS = {
    "en": ("d MMMM y", "d MMM y"),
    "de": ("d. MMMM y", "dd.MM.y"),
    "fr": ("d MMMM y", "dd/MM/y"),
    "es": ("d 'de' MMMM 'de' y", "dd/MM/y"),
    "nl": ("d MMMM y", "dd-MM-y"),
    "it": ("d MMMM y", "dd/MM/y"),
    "pl": ("d MMMM y", "dd.MM.y"),
}
LANGUAGES = tuple(_LOCALES)
"""That documents are printed in."""
CORRESPONDENCE = ("en", "de")
"""That mails and pages have words in. Another language gets English as a whole: words and numbers agree."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]+")
_TYPED = re.compile(r"[0-9]{1,15}(?:[.,][0-9]{1,3}){0,5}")
_CITY_FIRST = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})


def clean(text: str) -> str:
    """One line without control characters or direction overrides: no header can be continued, no text turned
    round."""
    return " ".join(_CONTROL.sub(" ", text).split())


def language_of(tag: str | None, among: Sequence[str] = LANGUAGES) -> str:
    """The language we have words in: `de-AT` and `DE` are `de`; what is not `among` them is `en`."""
    primary = re.split(r"[-_]", (tag or "").lower())[0]
    return primary if primary in among else "en"


def money(minor: int, currency: str, language: str) -> str:
    """`€1,234.50` or `1.234,50 €`, with the currency's own number of decimals (ISO 4217, not CLDR's cash
    usage)."""
    locale = _LOCALES[language_of(language)]
    pattern = locale.currency_formats["standard"].pattern.replace("0.00", _decimals(currency))
    return format_currency(major(minor, currency), currency, pattern, locale=locale, currency_digits=False)


def amount(minor: int, currency: str, language: str) -> str:
    """`1,234.50` or `1.234,50`: for a column whose head names the currency."""
    pattern = "#,##" + _decimals(currency)
    return format_decimal(major(minor, currency), pattern, locale=_LOCALES[language_of(language)])


def read_amount(text: str, currency: str, language: str) -> int:
    """Minor units of an amount as people type it: `1.234,50`, `1,234.50`, `1234.5`, with or without the currency. The
    last point or comma is the decimal one where as many digits follow as the currency has, or one; for a currency with
    three only where the language writes it so. ValueError for what may mean two things, or none."""
    digits, point = exponent(currency), "," if language_of(language) == "de" else "."
    plain = re.sub(r"[\s'\u2019]", "", text).upper()
    for sign in (currency, get_currency_symbol(currency, _LOCALES[language_of(language)]).upper()):
        plain = plain.removeprefix(sign).removesuffix(sign)
    if not _TYPED.fullmatch(plain):
        raise ValueError("is not an amount")
    cut = max(plain.rfind("."), plain.rfind(","))
    after, mark = len(plain) - cut - 1, plain[cut : cut + 1]
    decimal_mark = (cut >= 0 and 0 < after <= min(digits, 2)) or (digits > 2 and mark == point and 0 < after <= digits)
    whole, fraction = (plain[:cut], plain[cut + 1 :]) if decimal_mark else (plain, "")
    groups = re.split(r"[.,]", whole)
    marks = set(re.findall(r"[.,]", whole)) | ({mark} if decimal_mark else set())
    grouped = len(groups) > 1
    if grouped and (any(len(g) != 3 for g in groups[1:]) or not 0 < len(groups[0]) <= 3):
        raise ValueError("is not an amount")
    if len(marks) != grouped + decimal_mark:
        raise ValueError("is not an amount")
    return parse(f"{''.join(groups)}.{fraction}" if fraction else "".join(groups), currency)


def decimal(value: str | Decimal, language: str, least: int = 0) -> str:
    """A quantity or price with every decimal it has, and at least `least` of them."""
    number = Decimal(value)
    digits = max(least, -int(number.normalize().as_tuple().exponent))
    pattern = "#,##0" + ("." + "0" * digits if digits > 0 else "")
    return format_decimal(number, pattern, locale=_LOCALES[language_of(language)])


def price(value: str | Decimal, currency: str, language: str) -> str:
    """A unit price (BT-146): may be finer than the currency."""
    return decimal(value, language, exponent(currency))


def percent(value: str | Decimal, language: str) -> str:
    """`19%` or `19\u00a0%`."""
    return decimal(value, language) + str(_LOCALES[language_of(language)].percent_formats[None].suffix[0])


def day(value: date, language: str) -> str:
    """`5 January 2026`, `5. Januar 2026`: no reader takes the month for the day."""
    spoken = language_of(language)
    text = format_date(value, _DAYS[spoken][0], _LOCALES[spoken])
    return text.replace("1", "1er", 1) if spoken == "fr" and value.day == 1 else text


def short_day(value: date, language: str) -> str:
    """`5 Jan 2026`, `05.01.2026`."""
    return format_date(value, _DAYS[language_of(language)][1], _LOCALES[language_of(language)])


def iban(value: str) -> str:
    """Groups of four (ISO 13616), held together on one line."""
    return "\u00a0".join(textwrap.wrap(re.sub(r"\s", "", value), 4))


def address_lines(address: Mapping[str, str | None], language: str, home: str | None = None) -> tuple[str, ...]:
    """The lines of a letter for `{street, street2, postcode, city, region, country}`, each part optional.
    The country (ISO 3166-1 alpha-2) is written out unless it is `home`."""
    part = {key: (value or "").strip() for key, value in address.items()}
    country = part.get("country", "").upper()
    place = ("city", "region", "postcode") if country in _CITY_FIRST else ("postcode", "city")
    lines = [part.get("street", ""), part.get("street2", ""), " ".join(filter(None, map(part.get, place)))]
    if country and country != (home or "").upper():
        lines.append(_LOCALES[language_of(language)].territories.get(country, country))
    return tuple(line for line in lines if line)


def _decimals(currency: str) -> str:
    digits = exponent(currency)
    return "0." + "0" * digits if digits else "0"
