"""`python -m bench`, `make bench`: every measure in some minutes, as a table, as JSON, and as a page with plots, under
var/bench. `--keep` writes docs/results/bench.json, of one part alone bench_PART.json. Ends with 1 only on a breach:
books that are not whole, invoices that are lost, a wrong match, a floor with other events. A number that is missed is
said in the table."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table as Shown

from bench import burst, floor_ratio, intake, recovery, standing, still
from bench.house import ROOT, House, opened
from bench.page import page
from bench.part import Options, Part, Say
from domain.errors import DuelyError
from rig import results
from rig.results import KEPT, Measure

SERVER = "Temporal dev server with files, books on SQLite"
RATIO = "rate of lives, null documents, to floor"

Served = Callable[[House, Options, Say], Awaitable[Part]]
PARTS: dict[str, Served] = {
    "lives": floor_ratio.run,
    "burst": burst.run,
    "recovery": recovery.run,
    "intake": intake.run,
    "open": standing.without_documents,
    "open_documents": standing.with_documents,
}
STILL = "still"


def main() -> int:
    given = _arguments()
    options, wanted = _options(given), given.only or [STILL, *PARTS]
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # workers and server end with it
    began = time.monotonic()
    try:
        with console.status("bench") as status:
            part = asyncio.run(_measured(options, wanted, console, status))
    except DuelyError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    said = _said(part, options, wanted, time.monotonic() - began)
    name = "_".join(["bench", *(given.only or [])])
    for path in [options.folder / "bench.json", *([KEPT / f"{name}.json"] if given.keep else [])]:
        results.write(path, said)
    (options.folder / "bench.html").write_text(page(said, part.measures), encoding="utf-8")
    _show(said, part, options)
    return 1 if part.breaches else 0


async def _measured(options: Options, wanted: list[str], console: Console, status: Status) -> Part:
    whole, say = Part(), _teller(console, status)
    if STILL in wanted:
        _add(whole, await still.run(options, say))
    if any(name in wanted for name in PARTS):
        async with opened(options.folder) as house:
            for name, run in PARTS.items():
                if name in wanted:
                    _add(whole, await run(house, options, say))
    return whole


def _teller(console: Console, status: Status) -> Say:
    """Moving where somebody looks on, a line at each new stage where not."""
    last = ""

    def say(text: str) -> None:
        nonlocal last
        if console.is_terminal:
            status.update(text)
        elif text != last:
            console.print(text)
        last = text

    return say


def _add(whole: Part, part: Part) -> None:
    whole.measures += part.measures
    whole.tables |= part.tables
    whole.breaches += part.breaches
    whole.raw |= part.raw


def _said(part: Part, options: Options, wanted: list[str], seconds: float) -> dict[str, Any]:
    tables = {"measures": results.measured(part.measures), **part.tables}
    values = {each.name: {"unit": each.unit, "values": list(each.values)} for each in part.measures}
    sizes = {field.name: getattr(options, field.name) for field in fields(options) if field.name != "folder"}
    found = {"parts": wanted, "sizes": sizes, "seconds": round(seconds), "breaches": part.breaches, "values": values}
    return results.results("bench", tables, SERVER, **found, **part.raw)


def _show(said: dict[str, Any], part: Part, options: Options) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    for name, table in said["tables"].items():
        shown = Shown(*map(str, table["columns"]), title=name, title_justify="left")
        for row in table["rows"]:
            missed = row[-1] == "missed"
            shown.add_row(*map(str, row), style="red" if missed else None)
        console.print(shown)
    for breach in part.breaches:
        console.print(f"breach: {breach}", markup=False)
    console.print(f"results and plots: {options.folder}/bench.json, bench.html; {said['seconds']} s")
    ratio = next((each for each in part.measures if each.name == RATIO), None)
    print(f"bench: ratio {_two(ratio)} of floor")


def _two(ratio: Measure | None) -> str:
    return "not measured" if ratio is None else f"{ratio.median:.2f}"


def _options(given: argparse.Namespace) -> Options:
    sizes = {field.name: getattr(given, field.name) for field in fields(Options) if field.name != "folder"}
    return Options(folder=given.folder, **sizes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    helps = {
        "runs": "runs of each measure", "lives": "lives in a run", "open": "invoices that stay open, in one run",
        "messages": "reminders of one burst", "requests": "requests at the gateway in a run",
        "receivables": "receivables of the cron loop in a run", "lines": "statement lines in a run",
    }  # fmt: skip
    for field in fields(Options):
        if field.name != "folder":
            parser.add_argument(f"--{field.name}", type=_count, default=field.default, help=helps[field.name])
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench", help="is emptied and filled")
    parser.add_argument("--only", nargs="+", choices=[STILL, *PARTS], help="only these parts")
    parser.add_argument("--keep", action="store_true", help="keep the result in docs/results")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
