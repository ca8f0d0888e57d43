"""`duely demo`: whole lives of invoices on a real server, each on its own virtual clock, side by side.

Books, documents and mails are those of the settings, with sellers that nobody else uses. Every mail goes to the outbox,
whatever DUELY_MAIL says, and every payment through a Stripe of our own, whatever DUELY_PAYMENT says: a demo writes to
nobody and charges nobody.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import REFUSED
from cli.session import run

if TYPE_CHECKING:
    from cli.stories.story import Story


def demo(
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", dir_okay=False, help="Write everything here.", show_default=False),
    ] = None,
    exit_: Annotated[bool, typer.Option("--exit", help="End at once: do not keep the Web UI open.")] = False,
) -> None:
    """Play whole invoices on a real server: exit 0 as expected, 1 breached."""
    code = play(json_file, exit_)
    if code:
        raise typer.Exit(code)


def stories() -> list[Story]:
    from cli.stories import money, people, told

    return [*told.STORIES, *money.STORIES, *people.STORIES]


def play(json_file: Path | None, exit_: bool) -> int:
    """0 when every story went as it should, 1 after a breach. Refused, Unavailable or Invalid when it cannot begin.
    In a terminal the Web UI stays open until Ctrl-C unless `exit_`."""
    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"{json_file.parent} is not a folder", param_hint="--json")
    return run(_play(json_file, stay=not exit_ and sys.stdout.isatty()))


async def _play(json_file: Path | None, stay: bool) -> int:
    """Ctrl-C or SIGTERM ends it at any point, and the server and worker with it."""
    from workers.run import stopping

    code: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with stopping() as stop:
        told = asyncio.create_task(stop.wait())
        work = asyncio.create_task(_perform(json_file, stay, code))
        await asyncio.wait({work, told}, return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait({work})
    if not code.done():
        print("demo: stopped before its end")
    return code.result() if code.done() else REFUSED


async def _perform(json_file: Path | None, stay: bool, code: asyncio.Future[int]) -> int:
    from time import monotonic

    from cli.stories import playing, report
    from cli.stories.dossier import dossier
    from cli.stories.stage import stage
    from settings import current

    began, told = monotonic(), stories()
    screen = report.Screen()
    print("starting a server", flush=True)
    async with stage(current(), lambda line: print(line, flush=True)) as here:
        scenes = screen.stories = playing.scenes(here, told, screen.told)
        with screen.playing():
            await playing.play(told, scenes)
        wrong = await playing.books(here, scenes)
        packed = await asyncio.to_thread(dossier, here, playing.every(scenes))
        result = playing.Result(scenes, wrong, monotonic() - began, packed)
        report.show(here, result)
        if json_file is not None:
            report.write(json_file, report.as_json(here, result))
        if stay:
            print("The Web UI stays open; Ctrl-C ends it.")
        print(f"demo: {len(told)} stories, {result.breaches} breaches", flush=True)
        code.set_result(REFUSED if result.breaches else 0)
        if stay:
            await asyncio.Event().wait()
    return code.result()


if __name__ == "__main__":
    typer.run(demo)
