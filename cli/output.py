"""How the command line prints: one JSON value for programs, tables and panels for people, one line for an error.
It reads nothing and knows no database."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rich.table import Table

REFUSED, WRONG_USAGE = 1, 2


WIDE = 160
"""Columns of output that no terminal limits."""


def console() -> Console:
    """Made anew, so that it writes to where standard output is now."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str) -> None:
    """One line on standard error."""
    print(" ".join(message.split()), file=sys.stderr)


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def as_json_array(items: Iterable[Any]) -> None:
    """An array item by item: a list of a hundred thousand is never held at once."""
    array = Array()
    for item in items:
        array.add(item)
    array.end()


class Array:
    """A JSON array printed while it grows."""

    def __init__(self) -> None:
        self._empty = True

    def add(self, item: Any) -> None:
        print("[\n  " if self._empty else ",\n  ", json.dumps(item, ensure_ascii=False), sep="", end="")
        self._empty = False

    def end(self) -> None:
        print("[]" if self._empty else "\n]")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """`balance>` is a column to the right, `reason~` one that may be wrapped. Texts come from customers too: nothing in
    them is markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.endswith(">") else "left"
        wraps = column.endswith("~")
        made.add_column(
            column.rstrip(">~"), justify=justify, no_wrap=not wraps, overflow="fold" if wraps else "ellipsis"
        )
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def facts(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values below each other; empty values are left out."""
    from rich.table import Table

    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim")
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value not in (None, "", [], ()):
            made.add_row(name, cell(value))
    return made


def panel(title: str, content: Any, width: int | None = None) -> None:
    from rich.panel import Panel

    console().print(Panel(content, title=escape(title), title_align="left", expand=False, width=width))


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], Any]]:
    """Counts files on standard error while a person watches; it is told how many more were done."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = errors()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed} files"))
    with Progress(
        *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda count: bar.advance(task, count)


def cell(value: Any) -> str:
    return "" if value is None else escape(str(value))


def when(text: str | datetime | None) -> str:
    """`2026-11-21T09:00:00Z` as `21 Nov 2026 09:00 UTC`."""
    if text is None:
        return ""
    at = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    return at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC").lstrip("0")


def age(since: str, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `3 d`, `5 h`, `12 min`."""
    minutes = max(0, int((now - datetime.fromisoformat(since)).total_seconds() // 60))
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
