"""The program `duely`: its verbs, and how its errors end. Heavy imports wait inside the verbs, so `--help` is quick."""

from __future__ import annotations

import importlib.util
import sys

import typer

from cli import commands, looking, operating, starting
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
starting.register(app)
looking.register(app)
commands.register(app)

if importlib.util.find_spec("cli.demo") is not None:
    app.command(rich_help_panel=operating.PANEL)(importlib.import_module("cli.demo").demo)


def run() -> None:
    """Exit 0 done or pending, 1 refused or breached, 2 wrong usage; an error is one line on standard error."""
    try:
        app()
    except Invalid as error:
        for problem in error.problems:
            fail(str(problem))
        sys.exit(WRONG_USAGE)
    except DuelyError as error:
        fail(str(error))
        sys.exit(REFUSED)


if __name__ == "__main__":
    run()
