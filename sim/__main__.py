"""`python -m sim`: plays many lives, shows what became of them, and exits with 1 when an invariant was broken; the plan
that broke it is made small, kept as a test, and can be played again."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sim import plan as plans
from sim import report
from sim.books import BOOKS
from sim.drawing import TOWN, plan_of
from sim.plan import Plan
from sim.play import Played, play
from sim.shrink import kept, shrunk

SHOWN = 10
TOLD = 10
"""How often a run that no terminal watches says how far it is."""
MIXED = "mixed"
ON_THE_DATABASE = 10
"""Of mixed towns every tenth keeps its books in the database: several times slower, and the real ones."""


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    logging.getLogger("temporalio").setLevel(logging.ERROR)
    played = _replayed(asked) if asked.plan else _played(asked, console)
    told = report.tables(played)
    report.show(console, told)
    if asked.keep:
        report.keep(told)
    _breaches(asked, played, console)
    console.print(f"sim: {played.lives} lives, {len(played.breaches)} breaches")
    return 1 if played.breaches else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sim", description="Plays lives of invoices in virtual time.")
    parser.add_argument("--lives", type=_positive, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="what chance begins with (default 1)")
    parser.add_argument("--books", choices=[MIXED, *sorted(BOOKS)], default=MIXED, help="where the books are kept")
    parser.add_argument("--processes", type=_positive, default=os.cpu_count() or 1, help="default: one a core")
    parser.add_argument("--life", type=int, help="only the town of this life")
    parser.add_argument("--plan", type=Path, help="only this kept plan")
    parser.add_argument("--keep", action="store_true", help="writes docs/results/sim.json")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _replayed(asked: argparse.Namespace) -> Played:
    try:
        plan = plans.read(asked.plan.read_bytes())
    except (OSError, ValueError) as error:
        sys.exit(f"{asked.plan} is no plan: {error}")
    return play(plan, _books(asked.books, 0))


def _played(asked: argparse.Namespace, console: Console) -> Played:
    """Town by town over the processes; the sum does not depend on their number."""
    towns = [asked.life // TOWN] if asked.life is not None else range(-(-asked.lives // TOWN))
    jobs = [(asked.seed, town, _size(asked.lives, town), _books(asked.books, town)) for town in towns]
    total = Played()
    bars = (TextColumn("lives"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[breaches]} breaches"))  # fmt: skip
    with Progress(*bars, console=console, transient=True) as progress:
        lives = sum(lives for _, _, lives, _ in jobs)
        task = progress.add_task("", total=lives, breaches=0)
        for played in _each(jobs, asked.processes):
            before = total.lives * TOLD // lives
            total.add(played)
            progress.update(task, completed=total.lives, breaches=len(total.breaches))
            if not console.is_terminal and total.lives * TOLD // lives > before:
                console.print(f"{total.lives} of {lives} lives, {len(total.breaches)} breaches")
    return total


def _books(asked: str, town: int) -> str:
    """Where that town keeps them."""
    if asked != MIXED:
        return asked
    return "memory" if town % ON_THE_DATABASE else "database"


def _size(lives: int, town: int) -> int:
    return max(1, min(TOWN, lives - town * TOWN)) if town * TOWN < lives else TOWN


def _each(jobs: list[tuple[int, int, int, str]], processes: int) -> Iterator[Played]:
    if processes == 1 or len(jobs) == 1:
        yield from map(_job, jobs)
        return
    with ProcessPoolExecutor(min(processes, len(jobs)), initializer=_quietly) as pool:
        yield from pool.map(_job, jobs)


def _quietly() -> None:
    logging.getLogger("temporalio").setLevel(logging.ERROR)


def _job(job: tuple[int, int, int, str]) -> Played:
    seed, town, lives, books = job
    return play(plan_of(seed, town, lives), books)


def _breaches(asked: argparse.Namespace, played: Played, console: Console) -> None:
    """Names each; the first of each invariant is made small and kept."""
    seen: set[str] = set()
    for town, breach in played.breaches[:SHOWN]:
        console.print(f"breach: {breach}")
        if asked.plan:
            continue
        life, books = breach.life if breach.life >= 0 else town * TOWN, _books(asked.books, town)
        where = f"--seed {asked.seed} --life {life} --lives {asked.lives} --books {books}"
        console.print(f"  again: python -m sim {where}")
        if breach.invariant not in seen:
            seen.add(breach.invariant)
            path = _kept(plan_of(asked.seed, town, _size(asked.lives, town)), breach.invariant, books)
            console.print(f"  smaller: python -m sim --plan {path} --books {books}")


def _kept(plan: Plan, invariant: str, books: str) -> Path:
    def fails(smaller: Plan) -> bool:
        return any(breach.invariant == invariant for _, breach in play(smaller, books).breaches)

    path = kept(shrunk(plan, fails), f"{invariant.lower()}-{plan.seed}-{plan.town}")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    gc.freeze()  # what was imported is no garbage, and each full collection would walk it
    sys.exit(main())
