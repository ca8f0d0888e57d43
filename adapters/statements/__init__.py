"""Bank files: camt.053 (`camt`), MT940 (`mt940`), CSV with a column map (`csv_map`), and what all of them go through
(`limits`). Reads and refuses; books nothing and knows no seller."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.statements import limits
from adapters.statements.columns import ColumnMap
from domain.errors import Invalid
from domain.statements import Statement, check, keyed

FORMATS = ("camt", "mt940", "csv")
_HEAD = 4096
_MT940 = re.compile(rb"(?:\A|[\r\n])(?:\{1:|:20:|:25:|:60[FM]:)")
_STRANGERS = (
    (re.compile(rb"\A(?:<!doctype\s+html|<html|<head|<body)", re.IGNORECASE), "a web page, perhaps a login"),
    (re.compile(rb"\APK\x03\x04"), "a ZIP archive or a spreadsheet; unpack it, or save the sheet as CSV"),
    (re.compile(rb"\A%PDF"), "a PDF; banks offer the same statement as camt.053 or MT940"),
    (re.compile(rb"\A\x1f\x8b"), "a gzip archive; unpack it"),
)


def read(data: bytes | Path, format: str | None = None, columns: ColumnMap | None = None) -> list[Statement]:  # noqa: A002
    """The statements of one file, their lines keyed, each checked to add up. `format` is one of FORMATS; None decides
    by content. `columns` is needed for CSV only. Raises `Invalid`, and nothing else, for whatever the bytes are; a
    file is refused whole."""
    with limits.opened(data) as handle:
        head = handle.read(_HEAD)
        handle.seek(0)
        chosen = format or guess(head)
        # imported late: a program that reads one format does not pay for the others
        if chosen == "camt":
            from adapters.statements import camt

            told = camt.read(handle)
        elif chosen == "mt940":
            from adapters.statements import mt940

            told = mt940.read(handle)
        elif chosen == "csv":
            from adapters.statements import csv_map

            told = [csv_map.read(handle, columns)]
        else:
            raise Invalid.at("format", f"must be one of {', '.join(FORMATS)}, not {chosen[:20]!a}")
    statements = keyed(told)
    for statement in statements:
        check(statement)
    return statements


def guess(head: bytes) -> str:
    """The format that the first bytes look like; `Invalid` for what is plainly something else."""
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, what in _STRANGERS:
        if pattern.match(plain):
            raise Invalid.at("file", f"is {what}; send a camt.053, an MT940 or a CSV file")
    if plain.startswith((b"<", b"\xff\xfe<", b"\xfe\xff\x00<")):
        return "camt"
    return "mt940" if _MT940.search(plain) else "csv"
