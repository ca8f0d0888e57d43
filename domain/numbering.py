"""Document numbers: what a series is, how a number is written, which date it may carry.

It never takes a number: that happens inside the issuing transaction, so that numbers run 1…n without a gap
(Directive 2006/112/EC Art. 226(2): "a sequential number, based on one or more series").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from domain.errors import Invalid, Refused

KINDS = ("invoice", "credit_note")
MAX_CLAMP = timedelta(days=1)

_LITERAL = re.compile(r"[A-Za-z0-9./_-]*")
_FIELD = re.compile(r"\{(?:(?P<year>year|yy)|n(?::0(?P<width>[1-9])d)?)\}")


@dataclass(frozen=True, slots=True)
class Series:
    """One run of numbers. `year` is the year of the issue date, after `issue_date` has clamped it."""

    seller: str
    kind: str  # invoice | credit_note
    year: int


def check_pattern(pattern: str) -> None:
    """Raises `Invalid` unless the pattern gives every number of every year its own text.

    Fields: `{year}` 2026, `{yy}` 26, `{n}` 7, `{n:05d}` 00007; between them letters, digits and `. / _ -`.
    """
    if len(pattern) > 40:
        raise Invalid.at("pattern", "must be at most 40 characters")
    rest = _FIELD.sub("", pattern)
    if not _LITERAL.fullmatch(rest):
        raise Invalid.at(
            "pattern",
            f"{pattern!r} may hold {{year}}, {{yy}}, {{n}}, {{n:05d}}, letters, digits and . / _ - only",
        )
    fields = list(_FIELD.finditer(pattern))
    if sum(field["year"] is None for field in fields) != 1:
        raise Invalid.at("pattern", f"{pattern!r} must hold the running number once, as {{n}} or {{n:05d}}")
    if all(field["year"] is None for field in fields):
        raise Invalid.at("pattern", f"{pattern!r} must hold {{year}} or {{yy}}: numbers start again each year")


def format_number(pattern: str, year: int, n: int) -> str:
    """`format_number("{year}-{n:05d}", 2026, 7)` is `2026-00007`. A number wider than its field keeps all
    digits. Raises `Invalid` for a pattern that `check_pattern` refuses, n < 1 or a year that has not four
    digits."""
    check_pattern(pattern)
    if n < 1:
        raise Invalid.at("n", f"{n} must be 1 or more")
    if not 1000 <= year <= 9999:
        raise Invalid.at("year", f"{year} must have four digits")

    def value(field: re.Match[str]) -> str:
        if field["year"]:
            return str(year) if field["year"] == "year" else f"{year % 100:02d}"
        return str(n).rjust(int(field["width"] or 1), "0")

    return _FIELD.sub(value, pattern)


def own_number(pattern: str, number: str) -> tuple[int | None, int] | None:
    """(year, n) where `number` is one that the pattern writes, else None. `{yy}` leaves the century open: no year."""
    wanted = "".join(
        re.escape(part) if position % 2 == 0 else _readers(part)
        for position, part in enumerate(re.split(r"(\{[^}]*\})", pattern))
    )
    found = re.fullmatch(wanted, number, re.ASCII)
    if found is None:
        return None
    year = found.groupdict().get("year")
    return int(year) if year else None, int(found["n"])


def _readers(field: str) -> str:
    if field == "{year}":
        return r"(?P<year>\d{4})"
    return r"\d{2}" if field == "{yy}" else r"(?P<n>\d+)"


def issue_date(today: date, last: date | None) -> date:
    """The date a document issued now carries, so that a later number never has an earlier date.

    `today` is the seller's local date; `last` the latest date in any series of this seller and kind, over all
    years (None: none yet). At most one day is clamped forward, as after a change of timezone; more raises
    `Refused`.
    """
    if last is None or today >= last:
        return today
    if last - today <= MAX_CLAMP:
        return last
    raise Refused(
        f"today is {today}, but the last document of this series is dated {last}: a later number may not "
        f"carry an earlier date. Wait until {last - MAX_CLAMP}, or put the clock right"
    )
