"""Shows what was played: tables at the end, the same as a result file. It judges nothing."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sim.play import Played

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "results" / "sim.json"
Rows = list[list[Any]]


def tables(played: Played) -> dict[str, tuple[list[str], Rows]]:
    """Name -> columns and rows."""
    fates = Counter[str]()
    ends: dict[str, Counter[str]] = {}
    for (fate, state), count in played.fates.items():
        fates[fate] += count
        ends.setdefault(fate, Counter())[state] += count
    lives: Rows = [[fate, count, _listed(ends[fate])] for fate, count in fates.most_common()]
    rates: Rows = [
        [books, count, breaches, round(count / seconds, 1)] for books, (count, breaches, seconds) in played.kept.items()
    ]
    return {
        "lives": (["fate", "lives", "ended as"], lives),
        "sent": (["message", "times"], _rows(played.counts, "sent: ")),
        "withheld": (["reason", "times"], _rows(played.counts, "withheld: ", "skipped: ", "held: ", "moved: ")),
        "faults": (["fault", "injected"], _rows(played.counts, "fault: ")),
        "rate": (["books", "lives", "breaches", "lives per CPU second"], rates),
    }  # fmt: skip


def show(console: Console, told: dict[str, tuple[list[str], Rows]]) -> None:
    for name, (columns, rows) in told.items():
        table = Table(title=name, title_justify="left", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, justify="left" if column in {columns[0], "ended as"} else "right")
        for row in rows:
            table.add_row(*map(str, row))
        console.print(table, "")


def keep(told: dict[str, tuple[list[str], Rows]], path: Path = RESULTS) -> None:
    made = {"at": datetime.now(UTC).date().isoformat(), "commit": _commit(), "machine": _machine()}
    shapes = {name: {"columns": columns, "rows": rows} for name, (columns, rows) in told.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": "sim", "made": made, "tables": shapes}, indent=1) + "\n", encoding="utf-8")


def _rows(counts: Counter[str], *heads: str) -> Rows:
    """Those that begin so, the most frequent first; the first head is not repeated in each row."""
    found = [(name.removeprefix(heads[0]), count) for name, count in counts.most_common() if name.startswith(heads)]
    return [[name, count] for name, count in found]


def _listed(counts: Iterable[Any]) -> str:
    assert isinstance(counts, Counter)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _commit() -> str:
    asked = ["git", "describe", "--always", "--exclude=*", "--dirty=+"]
    done = subprocess.run(asked, cwd=RESULTS.parents[2], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
