"""Which test holds which invariant: read from docs/invariants.md, the one place that says it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "invariants.md"


def named() -> Iterator[tuple[str, str, str]]:
    """(invariant as `I4 Numbers 1…n`, file below tests/, test). `::test` alone belongs to the file before it."""
    title, file = "", ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        for path, test in re.findall(r"`([\w/.]*)::([\w:]+)`", line):
            file = path or file
            yield title, file, test


def held_by(nodeid: str) -> list[str]:
    """The invariants that a test holds, by pytest's name for it."""
    path, _, test = nodeid.partition("[")[0].partition("::")
    found = (title for title, file, name in named() if f"tests/{file}" == path and f"::{test}".endswith(f"::{name}"))
    return list(dict.fromkeys(title for title in found if re.match(r"I\d+ ", title)))
