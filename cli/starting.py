"""The verb `start`: reads files, says per line what is wrong, and starts receivables with a bounded number in flight.
Unless told to skip the bad ones it starts nothing as long as one is bad."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from cli import einvoices, output
from cli.reading import Found, read
from cli.session import Json, books, client, run
from domain.errors import DuelyError, Invalid, Problem, Unavailable

if TYPE_CHECKING:
    from rich.progress import Progress
    from sqlalchemy import Engine
    from temporalio.client import Client

    from workers.client import Started

IN_FLIGHT = 32
SHOWN = 10
MAX_SAID = 100
PAUSES = (0.5, 1, 2, 4)
"""Seconds between attempts to start one."""

Source = tuple[str, TextIO | Path]
"""A text to read one after the other, or the path of an e-invoice."""
T = TypeVar("T")


def register(app: typer.Typer) -> None:
    app.command()(start)


@dataclass
class Tally:
    """What became of the requests so far."""

    created: int = 0
    known: int = 0
    refused: int = 0
    ids: list[str] = field(default_factory=list)

    def count(self, started: Started | None) -> None:
        """None: it was refused."""
        if started is None:
            self.refused += 1
            return
        self.created, self.known = self.created + started.created, self.known + (not started.created)
        if len(self.ids) <= SHOWN:
            self.ids.append(started.workflow_id)

    def __str__(self) -> str:
        return f"{self.created} created, {self.known} known, {self.refused} refused"


def start(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", help="JSON, JSON Lines, CSV or e-invoices; - reads standard input.", show_default=False
        ),
    ],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Start the good ones, whatever is wrong.")] = False,
    seller: Annotated[str | None, typer.Option("--seller", metavar="KEY", help="Whose e-invoices they are.")] = None,
    reference: Annotated[str | None, typer.Option("--reference", help="Of the one e-invoice; else its number.")] = None,
    json: Json = False,
) -> None:
    """Start receivables. Safe to repeat: what is known stays as it is. Of XML and PDF it reads our own e-invoices."""
    if reference is not None and len(files) > 1:
        raise Invalid.at("--reference", "is for one file; leave it out, and each e-invoice goes by its own number")
    with ExitStack() as stack:
        sources = [stack.enter_context(_opened(path)) for path in files]
        engine = stack.enter_context(books())
        progress = stack.enter_context(_progress())
        bills = einvoices.reader(engine, seller, reference)
        total = None if skip_bad else _checked(requests(sources, bills), engine, progress)
        tally = run(_start(requests(sources, bills), engine, progress, total, json))
    if not json:
        for id_ in tally.ids if len(tally.ids) <= SHOWN else ():
            print(id_)
        print(tally)
    if tally.refused:
        raise typer.Exit(output.REFUSED)


@contextmanager
def _opened(path: Path) -> Iterator[Source]:
    """The file, readable twice: standard input goes through a temporary one."""
    if str(path) == "-":
        with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as copy:
            sys.stdin.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
            try:
                shutil.copyfileobj(sys.stdin, copy)
            except UnicodeDecodeError:
                raise Invalid.at("-", "is not UTF-8 text") from None
            copy.seek(0)
            yield "-", copy
        return
    if path.suffix.lower() in einvoices.SUFFIXES:
        yield str(path), path
        return
    try:
        file = path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise Invalid.at(str(path), f"cannot be read: {error.strerror}") from None
    with file:
        yield str(path), file


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = output.errors()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield progress


def requests(sources: list[Source], bill: Callable[[Path], Found]) -> Iterator[Found]:
    """Every request of every file, from their beginnings, one at a time."""
    for name, file in sources:
        if isinstance(file, Path):
            yield bill(file)
            continue
        file.seek(0)
        yield from read(file, name)


def problems_of(found: Found, judge: Callable[[Any], None]) -> tuple[Problem, ...]:
    """What keeps this request from being started; `judge` looks at its content."""
    if found.problems:
        return found.problems
    try:
        judge(found.body)
    except Invalid as error:
        return error.problems
    except Unavailable:
        raise
    except DuelyError as error:
        return (Problem("", str(error)),)
    return ()


def _checked(found_in: Iterator[Found], engine: Engine, progress: Progress) -> int:
    """How many requests there are. Says everything that is wrong and exits when anything is."""
    judge = _judge(engine)
    task = progress.add_task("checking", total=None)
    said = Said(progress)
    good = bad = 0
    for found in found_in:
        problems = problems_of(found, judge)
        said.all_of(found, problems)
        good, bad = good + (not problems), bad + bool(problems)
        progress.advance(task)
    progress.remove_task(task)
    if bad:
        said.end()
        progress.stop()
        output.fail(f"nothing was started: {bad} of {good + bad} are bad; repair them or give --skip-bad")
        raise typer.Exit(output.REFUSED)
    return good


def _judge(engine: Engine) -> Callable[[Any], None]:
    from adapters.books import intake, views
    from schemas.request import parse_request

    known = views.sellers(engine)

    def judge(body: Any) -> None:
        request = parse_request(body)
        if request.seller not in known:
            raise Invalid.at("seller", f"there is no seller {request.seller}; `duely seed FILE` loads one")
        intake.check(engine, request)

    return judge


class Said:
    """Tells what is wrong, one line each, and stops telling after a hundred."""

    def __init__(self, progress: Progress):
        self._progress, self._count = progress, 0

    def all_of(self, found: Found, problems: tuple[Problem, ...]) -> None:
        for problem in problems:
            self._count += 1
            if self._count <= MAX_SAID:
                self._progress.console.print(found.place(problem), markup=False)

    def end(self) -> None:
        if self._count > MAX_SAID:
            self._progress.console.print(f"and {self._count - MAX_SAID} more problems")


async def bounded(items: Iterable[T], work: Callable[[T], Awaitable[None]], at_once: int = IN_FLIGHT) -> None:
    """`work` for each item, at most `at_once` at a time, and no item read ahead of that. After an error no other one
    begins; those in flight end first."""
    running: set[asyncio.Future[None]] = set()
    try:
        for item in items:
            running.add(asyncio.ensure_future(work(item)))
            if len(running) >= at_once:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        await asyncio.gather(*running)
    finally:
        await asyncio.gather(*running, return_exceptions=True)


class _Starting:
    """One run of `start`: what is told about each request, and the sum of it."""

    def __init__(self, server: Client, engine: Engine, progress: Progress, total: int | None, json: bool):
        self._server, self._engine, self._progress, self._json = server, engine, progress, json
        self._task = progress.add_task("starting", total=total)
        self._said = Said(progress)
        self._array = output.Array()
        self.tally = Tally()

    async def one(self, found: Found) -> None:
        problems, started = found.problems, None
        if not problems:
            try:
                started = await self._started(found.body)
            except Invalid as error:
                problems = error.problems
            except Unavailable as error:
                raise Unavailable(f"{error}; {self.tally} so far, the same command goes on from there") from None
            except DuelyError as error:
                problems = (Problem("", str(error)),)
        self.tally.count(started)
        self._said.all_of(found, problems)
        self._progress.advance(self._task)
        if self._json:
            self._print(found, started, problems)

    def end(self) -> None:
        self._said.end()
        if self._json:
            self._array.end()

    async def _started(self, body: Any) -> Started:
        """Again after a pause while the outside is busy: a worker beside it writes the same books."""
        from workers.client import start as start_one

        for pause in PAUSES:
            try:
                return await start_one(self._server, self._engine, body)
            except Unavailable:
                await asyncio.sleep(pause)
        return await start_one(self._server, self._engine, body)

    def _print(self, found: Found, started: Started | None, problems: tuple[Problem, ...]) -> None:
        """An array grows while it runs: a hundred thousand answers are never held."""
        result = "refused" if started is None else "created" if started.created else "known"
        said: dict[str, Any] = {"id": started.workflow_id if started else None, "result": result}
        if problems:
            said["problems"] = [found.place(problem) for problem in problems]
        self._array.add(said)


async def _start(found: Iterator[Found], engine: Engine, progress: Progress, total: int | None, json: bool) -> Tally:
    starting = _Starting(await client(), engine, progress, total, json)
    try:
        await bounded(found, starting.one)
    finally:
        starting.end()
    return starting.tally
