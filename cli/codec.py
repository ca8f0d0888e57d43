"""The verb `codec key`: makes a key for DUELY_CODEC_KEYS. It is printed and kept nowhere."""

from __future__ import annotations

import secrets

import typer

from cli import output
from cli.operating import PANEL
from cli.session import Json

codec = typer.Typer(help="Keys that encrypt what Temporal keeps.", no_args_is_help=True)


@codec.callback()
def main() -> None:
    """Keeps `key` a verb of its own."""


def register(app: typer.Typer) -> None:
    codec.command()(key)
    app.add_typer(codec, name="codec", rich_help_panel=PANEL)


def key(json: Json = False) -> None:
    """Make an entry for DUELY_CODEC_KEYS. Put it in front of the others; never drop one that a history needs."""
    from domain import keyring

    made = keyring.entry(f"k{secrets.token_hex(3)}", secrets.token_bytes(keyring.KEY_BYTES))
    if json:
        output.as_json({"entry": made})
    else:
        print(made)
