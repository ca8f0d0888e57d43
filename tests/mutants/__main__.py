"""Plants each fault of `mutants.toml` in a copy of the tree and runs the check that must catch it:

    .venv/bin/python -m tests.mutants [NAME…]

Ends with 1 when one survives, or is caught without its invariant being named. The tree itself is never touched.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
LIMIT, SILENT = 300, 124
"""Seconds after which a check counts as having failed to say anything: a mutant that hangs is not caught."""
MOMENTS = itertools.count(int(time.time()) + 1)


@dataclass(frozen=True)
class Mutant:
    """`old` stands once in `file`. `check`: what pytest runs; its test is one that docs/invariants.md names."""

    name: str
    invariant: str
    file: str
    old: str
    new: str
    check: str

    def __str__(self) -> str:
        return f"{self.name} ({self.invariant})"

    def planted(self, source: str) -> str:
        """LookupError when the text to change is not there, once: the list is to be kept up to date with the code."""
        if (count := source.count(self.old)) != 1:
            raise LookupError(f"{self.name}: {self.file} has its old text {count} times; mend it in {LIST.name}")
        return source.replace(self.old, self.new)


@dataclass(frozen=True)
class Verdict:
    caught: bool
    seconds: float
    said: str


def mutants() -> list[Mutant]:
    return [Mutant(name=name, **told) for name, told in tomllib.loads(LIST.read_text("utf-8")).items()]


def copied(to: Path) -> None:
    """What git knows of the tree, as it lies there now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def tested(tree: Path, *checks: str) -> tuple[int, str]:
    """Pytest on the copy: its exit code, 0 when all is well, and its words."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "DUELY_TEST_GOLDEN": ""}
    command = [sys.executable, "-m", "pytest", "-x", "--tb=short", "-p", "no:cacheprovider", *checks]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return SILENT, f"no answer within {LIMIT} s"
    return done.returncode, done.stdout + done.stderr


def written(path: Path, text: str) -> None:
    """With a time of its own: bytecode is fresh by the second and the size, and a mutant may change neither."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, times=(moment := next(MOMENTS), moment))


def tried(mutant: Mutant, tree: Path) -> Verdict:
    path = tree / mutant.file
    whole = path.read_text("utf-8")
    start = time.monotonic()
    try:
        written(path, mutant.planted(whole))
        code, said = tested(tree, mutant.check)
    finally:
        written(path, whole)
    took = time.monotonic() - start
    if code != 1:
        return Verdict(False, took, "survives" if code == 0 else f"pytest ended with {code}:\n{said[-1500:]}")
    if f"{mutant.invariant} " not in said or "reproduce" not in said.lower():
        return Verdict(False, took, f"is caught, but nobody is told that it breaks {mutant.invariant}:\n{said[-1500:]}")
    return Verdict(True, took, next(line for line in said.splitlines() if f"{mutant.invariant} " in line).strip("- "))


def judged(chosen: Sequence[Mutant], console: Console) -> Iterator[tuple[Mutant, Verdict]]:
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copied(tree)
        code, said = tested(tree, *sorted({mutant.check for mutant in chosen}))
        if code != 0:
            raise SystemExit(f"a check fails without any mutant:\n{said[-3000:]}")
        for mutant in track(chosen, "mutants", console=console):
            yield mutant, tried(mutant, tree)


def main(names: Sequence[str]) -> int:
    console = Console(stderr=True)
    every = {mutant.name: mutant for mutant in mutants()}
    if unknown := set(names) - set(every):
        console.print(f"no mutant is called {', '.join(sorted(unknown))}; there are {', '.join(every)}")
        return 2
    table = Table("mutant", "breaks", "caught by", "seconds")
    survived = []
    for mutant, verdict in judged([every[name] for name in names or every], console):
        caught = mutant.check.rpartition("/")[2] if verdict.caught else "nobody"
        table.add_row(mutant.name, mutant.invariant, caught, f"{verdict.seconds:.1f}")
        if verdict.caught:
            console.print(f"{mutant.name}: {verdict.said}", markup=False, highlight=False, soft_wrap=True)
        else:
            survived.append(mutant.name)
            again = f"  repeat: python -m tests.mutants {mutant.name}"
            console.print(f"{mutant} {verdict.said}\n{again}", markup=False, highlight=False, soft_wrap=True)
    Console().print(table)
    print(f"mutants: {table.row_count}, {len(survived)} survived{': ' if survived else ''}{', '.join(survived)}")  # noqa: T201
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
