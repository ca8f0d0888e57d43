"""What a part of the benchmark is given and what it hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rig.results import Measure, Table

Say = Callable[[str], None]
"""One line of progress."""


@dataclass(frozen=True, slots=True)
class Options:
    """`lives` of one run; `open`: receivables that stay open; `messages` of one burst; `requests` at the gateway."""

    folder: Path
    runs: int = 5
    lives: int = 60
    open: int = 300
    messages: int = 150
    requests: int = 300
    receivables: int = 1_000
    lines: int = 20_000


@dataclass(slots=True)
class Part:
    """`breaches`: what must never be; any makes the whole run fail. `raw` goes into the results as it is."""

    measures: list[Measure] = field(default_factory=list)
    tables: dict[str, Table] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
