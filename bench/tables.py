"""Puts the tables of the kept results into the docs: `python -m bench.tables`. A block of any docs page between
`<!-- table: RESULT.NAME -->` and `<!-- end -->` is the table NAME of docs/results/RESULT.json, with a line that says on
which machine it was made; nothing in it is typed by hand. A test fails when a block is another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rig.results import KEPT, ROOT

DOCS = ROOT / "docs"
BLOCK = re.compile(r"(<!-- table: (\w+)\.([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    for path in pages():
        old = path.read_text("utf-8")
        new = written(old)
        if new != old:
            path.write_text(new, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: tables written")


def pages() -> Iterator[Path]:
    """The docs that hold a block."""
    for path in sorted([*DOCS.rglob("*.md"), ROOT / "README.md"]):
        if BLOCK.search(path.read_text("utf-8")):
            yield path


def written(text: str, kept: Path = KEPT) -> str:
    """The page with each block as the results say. KeyError for a table that its result does not have."""
    return BLOCK.sub(lambda found: f"{found[1]}{block(kept / f'{found[2]}.json', found[3])}{found[4]}", text)


def block(path: Path, name: str) -> str:
    """Empty before any result is kept."""
    if not path.exists():
        return ""
    said = json.loads(path.read_text("utf-8"))
    table = said["tables"][name]
    rows = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
    return "".join(f"| {' | '.join(_cell(cell) for cell in row)} |\n" for row in rows) + f"\n{made(said)}\n"


def made(said: dict[str, Any]) -> str:
    """`machine` is in words, or as `rig.results` has it."""
    when, machine = said["made"], said["made"]["machine"]
    if not isinstance(machine, str):
        machine = f"{machine['cores']} cores, Python {machine['python']}, {machine['server']}"
    return f"Made {when['at'][:10]} from commit `{when['commit']}`, {machine}."


def _cell(cell: object) -> str:
    return str(cell).replace("|", "\\|")


if __name__ == "__main__":
    main()
