"""What a measurement leaves behind: one JSON file of one shape, and tables made of nothing but it. `bench`, `chaos`
and `scale` write it, `bench.tables` puts its tables into the docs. It measures nothing itself.

    {"name": …, "made": {"at", "commit", "machine": {"cores", "python", "server"}},
     "tables": {NAME: {"columns": [text, …], "rows": [[text or number, …], …]}}, …whatever else was found}
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs" / "results"

Cell = str | int | float
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity over several runs. `least` and `most` are what is wanted of the median."""

    name: str
    unit: str
    values: tuple[float, ...]
    least: float | None = None
    most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def median_text(self) -> str:
        return number(self.median)

    @property
    def wanted(self) -> str:
        if self.least is not None:
            return f"≥ {number(self.least)}"
        return f"≤ {number(self.most)}" if self.most is not None else ""

    @property
    def verdict(self) -> str:
        """`reached` or `missed`; empty where nothing was asked for. A number is never rounded over the line."""
        if self.least is None and self.most is None:
            return ""
        low = self.least is None or self.median >= self.least
        high = self.most is None or self.median <= self.most
        return "reached" if low and high else "missed"

    @property
    def range(self) -> str:
        if len(self.values) == 1:
            return "one run"
        return f"{number(min(self.values))} – {number(max(self.values))}"

    def row(self) -> list[Cell]:
        return [self.name, self.unit, self.median_text, self.range, self.wanted, self.verdict]


COLUMNS = ("measure", "unit", "median", "range", "wanted", "")


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Table:
    assert all(len(row) == len(columns) for row in rows), "each row has a cell for each column"
    return {"columns": list(columns), "rows": [list(row) for row in rows]}


def measured(measures: Sequence[Measure]) -> Table:
    return table(COLUMNS, [each.row() for each in measures])


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - len(str(int(abs(value)))) + 1) if abs(value) >= 1 else 3
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def results(name: str, tables: Mapping[str, Table], server: str, **found: Any) -> dict[str, Any]:
    """`server`: which Temporal server, and which database, in words."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "server": server}
    made = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "commit": commit(), "machine": machine}
    return {"name": name, "made": made, "tables": dict(tables), **found}


def write(path: Path, said: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def commit() -> str:
    """The short hash of what ran, with a plus when files differ from it; empty outside a checkout."""
    asked = ["git", "describe", "--always", "--abbrev=7", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
