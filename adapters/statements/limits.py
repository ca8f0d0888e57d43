"""What every bank file goes through: its size before it is read, its texts, amounts and dates. Raises `Invalid` with
the path inside the file; no error repeats what a file says about people."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from adapters.formats import clean
from domain import calendar, money
from domain.currencies import EXPONENTS
from domain.errors import Invalid
from domain.statements import LONGEST_NAME, LONGEST_TEXT, NO_CURRENCY

MAX_BYTES = 64 * 1024 * 1024
UNSPECIFIED = "MS03"
"""ISO 20022: the reason for a return is not told. Stands where a file says returned, and no code."""
_LONGEST_REFERENCE = 70
_LONGEST_AMOUNT = 40
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@contextmanager
def opened(data: bytes | Path) -> Iterator[BinaryIO]:
    """The file at its first byte. `Invalid` when it is no file, empty, or larger than MAX_BYTES, before any is read."""
    if isinstance(data, bytes):
        _sized(len(data))
        yield BytesIO(data)
        return
    try:
        regular = stat.S_ISREG(data.stat().st_mode)  # asked before it is opened: a pipe would wait for its writer
        handle = data.open("rb") if regular else None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise Invalid.at("file", f"cannot be opened ({reason}); name a file that can be read") from None
    if handle is None:
        raise Invalid.at("file", "is not a regular file; name a file that can be read")
    with handle:
        _sized(os.fstat(handle.fileno()).st_size)
        yield handle


def decoded(handle: BinaryIO, encodings: tuple[str, ...]) -> str:
    """All of the file as text in the first encoding that fits, without a byte order mark, lines ended by \\n."""
    raw = handle.read(MAX_BYTES + 1)
    _sized(len(raw))
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except (UnicodeDecodeError, UnicodeError):
            continue
        if "\0" in text:
            raise Invalid.at("file", "contains NUL characters; it is damaged, or in UTF-16: ask for UTF-8")
        return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    raise Invalid.at("file", f"is not text in {' or '.join(encodings)}; save or ask for it in one of these")


def name(text: str) -> str:
    return clean(text)[:LONGEST_NAME].rstrip()


def text(*parts: str) -> str:
    """Clean lines: where one ended may be the middle of a number, and matching must know."""
    lines = map(clean, " ".join(parts).split("\n"))
    return "\n".join(filter(None, lines))[:LONGEST_TEXT].rstrip()


def reference(value: str) -> str:
    """A reference in one line; "" for the words that say there is none."""
    plain = clean(value)[:_LONGEST_REFERENCE]
    return "" if plain.replace(" ", "").upper() in {"NOTPROVIDED", "NOTAVAILABLE", "NONREF"} else plain


def amount(value: str, currency: str, path: str) -> int:
    """A decimal with a point to minor units. Zeros beyond the currency's decimals say nothing and are let through."""
    known_currency(currency, path)
    plain = value.strip()[: _LONGEST_AMOUNT + 1].removeprefix("+")
    if len(plain) > _LONGEST_AMOUNT:
        raise Invalid.at(path, "is too long for an amount")
    whole, point, fraction = plain.partition(".")
    digits = money.exponent(currency)
    if point and len(fraction) > digits and not fraction[digits:].strip("0"):
        plain = f"{whole}.{fraction[:digits]}".rstrip(".")
    return money.parse(plain.removesuffix("."), currency, path)


def known_currency(code: str, path: str) -> str:
    if code not in EXPONENTS or code == NO_CURRENCY:
        raise Invalid.at(path, f"{code[:10]!a} is not a currency of ISO 4217; ask the bank for a correct file")
    return code


def day(value: str, path: str) -> date:
    """The day as written, of an ISO date with or without a time or a zone."""
    found = _DAY.match(value.strip())
    try:
        return plausible(date.fromisoformat(found[0] if found else ""), path)
    except ValueError:
        raise Invalid.at(path, "must be a date, such as 2026-01-31") from None


def plausible(value: date, path: str) -> date:
    if value.year not in calendar.YEARS:
        raise Invalid.at(path, f"{value.isoformat()} is not a plausible date")
    return value


def instant(value: str, path: str) -> datetime:
    """An ISO date and time in UTC; without a zone it is taken as UTC, since the file does not say more."""
    try:
        found = datetime.fromisoformat(value.strip())
        plausible(found.date(), path)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except ValueError:
        raise Invalid.at(path, "must be a date and time, such as 2026-01-31T18:00:00+01:00") from None


def end_of(value: date) -> datetime:
    return datetime.combine(value, time(23, 59, 59), UTC)


def _sized(size: int) -> None:
    if size == 0:
        raise Invalid.at("file", "is empty; fetch it from the bank again")
    if size > MAX_BYTES:
        most = MAX_BYTES // 1024 // 1024
        raise Invalid.at(
            "file", f"has {size // 1024 // 1024} MiB, at most {most} MiB are read; ask for shorter periods, or split it"
        )
