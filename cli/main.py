"""The program `duely`: its verbs, and how its errors end. Heavy imports wait inside the verbs, so `--help` is quick."""

from __future__ import annotations

import contextlib
import os
import sys

import typer

from cli import (
    absences,
    archive,
    bank,
    codec,
    commands,
    exporting,
    gateway,
    links,
    looking,
    operating,
    parties,
    queueing,
    sheets,
    simulating,
    starting,
    validating,
)
from cli.demo import demo
from cli.output import REFUSED, WRONG_USAGE, fail
from domain.errors import DuelyError, Invalid

app = typer.Typer(
    name="duely",
    help="Accounts receivable that runs itself: every invoice is one workflow on Temporal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

operating.register(app)
validating.register(app)
gateway.register(app)
codec.register(app)
starting.register(app)
looking.register(app)
sheets.register(app)
simulating.register(app)
parties.register(app)
queueing.register(app)
commands.register(app)
links.register(app)
bank.register(app)
archive.register(app)
exporting.register(app)
absences.register(app)

app.command(rich_help_panel=operating.PANEL)(demo)


def main() -> int:
    """Exit code 0 done or pending, 1 refused or breached, 2 wrong usage; an error is one line on standard error."""
    for argument in sys.argv[1:]:
        if any("\ud800" <= letter <= "\udfff" for letter in argument):  # what Python makes of bytes that are no text
            fail(f"{argument!a}: is not UTF-8")
            return WRONG_USAGE
    try:
        app()
    except Invalid as error:
        for problem in error.problems:
            fail(str(problem))
        return WRONG_USAGE
    except DuelyError as error:
        fail(str(error))
        return REFUSED
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return REFUSED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def run() -> None:
    """Ends the process at once: a call to Temporal that was given up leaves a thread of the SDK behind, and with it the
    interpreter's own end may wait for ever."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
