"""Finished files before all their judges: a PDF, how its XML lies in it, and the XML itself. Never changes a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.judges import container
from adapters.judges.port import Judge, Part, Verdict

SUFFIXES = (".pdf", ".xml")
_STATEMENT, _HEAD = b"urn:iso:std:iso:20022:", 2_000


def files_in(paths: Sequence[Path]) -> list[Path]:
    """The files of `paths`, and in its folders those with a suffix we judge that are no bank statements, each once and
    in order."""
    found = {}
    for path in paths:
        inside = sorted(item for item in path.rglob("*") if _judged(item)) if path.is_dir() else [path]
        found.update(dict.fromkeys(inside))
    return list(found)


def _judged(path: Path) -> bool:
    """An archive also keeps bank statements (camt, ISO 20022), of which no judge here knows anything."""
    if path.suffix != ".xml":
        return path.suffix in SUFFIXES
    with path.open("rb") as file:
        return _STATEMENT not in file.read(_HEAD)


def verdicts(files: Sequence[Path], judges: Sequence[Judge]) -> list[Verdict]:
    """Every verdict on every file, in the order of the files."""
    with TemporaryDirectory(prefix="duely-judges-") as scratch:
        parts, found = [], []
        for number, path in enumerate(files):
            parts.append(Part(str(path), path.absolute()))
            if path.suffix != ".pdf":
                continue
            opened = container.opened(str(path), path.read_bytes())
            found.append(opened.verdict)
            if opened.xml is not None:
                taken_out = Path(scratch) / f"{number}.xml"
                taken_out.write_bytes(opened.xml)
                parts.append(Part(str(path), taken_out))
        for judge in judges:
            found += judge.judge(parts)
    order = {str(path): number for number, path in enumerate(files)}
    return sorted(found, key=lambda verdict: order[verdict.file])
