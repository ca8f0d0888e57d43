"""How the command line prints: one JSON value for programs, tables and panels for people, one line for an error.
It reads nothing and knows no database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rich.table import Table

REFUSED, WRONG_USAGE = 1, 2


def console() -> Console:
    """Made anew, so that it writes to where standard output is now."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str) -> None:
    """One line on standard error."""
    print(" ".join(message.split()), file=sys.stderr)


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def as_json_array(items: Iterable[Any]) -> None:
    """An array item by item: a list of a hundred thousand is never held at once."""
    opened = False
    for item in items:
        print("," if opened else "[", json.dumps(item, ensure_ascii=False), sep="\n ")
        opened = True
    print("\n]" if opened else "[]")


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """Texts come from customers too: nothing in them is markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(
            column.removesuffix(">"), justify="right" if column.endswith(">") else "left", overflow="fold"
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


def cell(value: Any) -> str:
    return "" if value is None else escape(str(value))


def when(text: str | datetime | None) -> str:
    """`2026-11-21T09:00:00Z` as `21 Nov 2026 09:00 UTC`."""
    if text is None:
        return ""
    at = text if isinstance(text, datetime) else datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at.astimezone(UTC).strftime("%d %b %Y %H:%M UTC").lstrip("0")


def age(since: str, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `3 d`, `5 h`, `12 min`."""
    minutes = max(0, int((now - datetime.fromisoformat(since.replace("Z", "+00:00"))).total_seconds() // 60))
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes >= size:
            return f"{minutes // size} {unit}"
    return f"{minutes} min"
