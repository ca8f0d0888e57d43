"""Days and amounts of money in what people write, in English and German. It never guesses: `03/04/2026` is no day,
because nobody can tell which."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner",
            "february feb februar",
            "march mar märz mrz maerz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sep sept",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday montag",
            "tuesday tue dienstag",
            "wednesday wed mittwoch",
            "thursday thu donnerstag",
            "friday fri freitag",
            "saturday samstag sonnabend",
            "sunday sonntag",
        )
    )
    for name in names.split()
}
_COUNTS = {"one": 1, "a": 1, "two": 2, "three": 3, "four": 4, "ten": 10, "einem": 1, "einer": 1, "zwei": 2, "drei": 3,
           "vier": 4, "zehn": 10}  # fmt: skip
_NAMED = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:[,.]?\s*(?P<year>20\d\d))?"

_ISO = re.compile(r"\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b")
_DOTS = re.compile(r"(?<![\d.,])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>20\d\d|\d\d(?!\d))?(?![\d,])")
_SLASHES = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(20\d\d|\d\d)(?![\d/])")
_DAY_FIRST = re.compile(
    rf"(?<!\d)(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?\s*(?:of\s+)?(?P<name>{_NAMED})\b\.?{_YEAR}", re.IGNORECASE
)
_MONTH_FIRST = re.compile(rf"\b(?P<name>{_NAMED})\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d){_YEAR}", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b({'|'.join(sorted(_WEEKDAYS, key=len, reverse=True))})s?\b", re.IGNORECASE)
_IN = re.compile(
    rf"\b(?:in|within|innerhalb(?: von)?|binnen)\s+(?:the next\s+|den nächsten\s+)?(\d{{1,2}}|{'|'.join(_COUNTS)})\s+"
    r"(?:working |business |werk|arbeits)?(day|week|tag|woche)\w*",
    re.IGNORECASE,
)
_WORDS: tuple[tuple[re.Pattern[str], Callable[[date], date]], ...] = (
    (re.compile(r"\b(?:day after tomorrow|übermorgen)\b", re.IGNORECASE), lambda today: today + timedelta(days=2)),
    (re.compile(r"(?<!day after )(?<!guten )\b(?:tomorrow|morgen)\b", re.IGNORECASE),
     lambda today: today + timedelta(days=1)),
    (re.compile(r"\b(?:today|heute)\b", re.IGNORECASE), lambda today: today),
    (re.compile(r"\b(?:end of (?:the |this )?month|month[- ]end|ende (?:des|dieses) monats|monatsende|ultimo)\b",
                re.IGNORECASE), lambda today: today.replace(day=calendar.monthrange(today.year, today.month)[1])),
    (re.compile(r"\b(?:end of (?:the |this )?week|ende (?:der|dieser) woche|this week|diese woche)\b", re.IGNORECASE),
     lambda today: today + timedelta(days=(4 - today.weekday()) % 7)),
    (re.compile(r"\b(?:next week|nächste[rn]? woche|kommende[rn]? woche)\b", re.IGNORECASE),
     lambda today: today + timedelta(days=11 - today.weekday())),
)  # fmt: skip
_OF_THE_MONTH = re.compile(
    rf"\b(?:am|zum) (\d{{1,2}})\.(?!\s?(?:\d|{_NAMED}))|"
    rf"\b(?:by|on) the (\d{{1,2}})(?:st|nd|rd|th)\b(?!\s(?:of|{_NAMED}))",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(?:€|\bEUR|\bEuro|\$|\bUSD|£|\bGBP|\bCHF)\s?(\d[\d.,']{0,18}\d|\d)(?![\d.,']*\d)"
    r"|(?<![\d.,'])(\d[\d.,']{0,18}\d|\d)\s?(?:€|\$|£|(?:EUR|Euro|USD|GBP|CHF)\b)",
    re.IGNORECASE,
)
NEAR = timedelta(days=400)


def days(text: str, today: date) -> tuple[date, ...]:
    """Every day that is named, the earliest first. One without a year is the nearest such day to `today`; one further
    off than a year is left out."""
    return tuple(sorted({*written(text, today), *_relative(text, today)}))


def written(text: str, today: date) -> tuple[date, ...]:
    """Those of them that stand there as a day and month."""
    return tuple(sorted(day for day in _written(text, today) if abs(day - today) <= NEAR))


def amounts(text: str) -> tuple[str, ...]:
    """Every amount beside a currency, as a decimal string: `1.234,50 EUR` and `€1,234.50` are both `1234.50`."""
    return tuple(plain for found in _AMOUNT.finditer(text) if (plain := _plain(found[1] or found[2])))


def _written(text: str, today: date) -> Iterator[date]:
    for pattern in (_ISO, _DOTS, _DAY_FIRST, _MONTH_FIRST):
        for found in pattern.finditer(text):
            part = found.groupdict()
            month = _MONTHS[part["name"].lower()] if "name" in part else int(part["month"])
            yield from _day(part["year"], month, int(part["day"]), today)
    for found in _SLASHES.finditer(text):
        first, second = int(found[1]), int(found[2])
        if first > 12 or first == second:
            yield from _day(found[3], second, first, today)
        elif second > 12:
            yield from _day(found[3], first, second, today)


def _relative(text: str, today: date) -> Iterator[date]:
    for pattern, day_of in _WORDS:
        if pattern.search(text):
            yield day_of(today)
    for found in _WEEKDAY.finditer(text):
        yield today + timedelta(days=(_WEEKDAYS[found[1].lower()] - today.weekday() - 1) % 7 + 1)
    for found in _OF_THE_MONTH.finditer(text):
        coming = (today + timedelta(days=ahead) for ahead in range(62))
        yield from [day for day in coming if day.day == int(found[1] or found[2])][:1]
    for found in _IN.finditer(text):
        count = _COUNTS.get(found[1].lower()) or int(found[1])
        yield today + timedelta(days=count * (7 if found[2].lower() in {"week", "woche"} else 1))


def _day(year: str | None, month: int, day: int, today: date) -> Iterator[date]:
    """The day, when there is such a day; of the years that may be meant the nearest."""
    years = (today.year - 1, today.year, today.year + 1) if year is None else (int(year) % 100 + 2000,)
    real = [date(y, month, day) for y in years if 1 <= month <= 12 and 1 <= day <= calendar.monthrange(y, month)[1]]
    yield from sorted(real, key=lambda each: abs(each - today))[:1]


def _plain(written: str) -> str:
    """The last mark before one or two final digits is the decimal one; every other groups thousands."""
    digits = re.sub(r"[' ]", "", written)
    whole, mark, cents = re.fullmatch(r"(.*?)(?:([.,])(\d{1,2}))?", digits).groups()  # type: ignore[union-attr]
    whole = re.sub(r"[.,]", "", whole)
    return f"{whole or '0'}.{cents.ljust(2, '0')}" if mark else whole
