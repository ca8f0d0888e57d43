"""The verbs around the HTTP interface: `gateway` runs it, `key` hands out, lists and takes back what programs show."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from cli.operating import PANEL
from cli.session import Json, books, run, settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

SCOPE_HELP = (
    "What it opens: invoices:write, invoices:read, commands, payments, bank_files, customers, files, exceptions:read, "
    "events:read, codec. Repeat for several."
)

keys = typer.Typer(help="Keys of programs that use the HTTP interface.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(gateway)
    keys.command()(add)
    keys.command("list")(list_)
    keys.command()(revoke)
    app.add_typer(keys, name="key", rich_help_panel=PANEL)


def gateway(
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 inside a container.")] = "127.0.0.1",
    json: Json = False,
) -> None:
    """The HTTP interface at DUELY_GATEWAY_PORT, until Ctrl-C or SIGTERM."""
    from gateway.serving import running
    from workers import logs, telemetry
    from workers.run import stopping

    async def serve(engine: Engine) -> None:
        with stopping() as stop:
            async with running(settings(), engine, host) as url:
                if json:
                    output.as_json({"gateway": url, "pid": os.getpid()})
                else:
                    print(f"gateway {os.getpid()} listens at {url}")
                sys.stdout.flush()
                await stop.wait()

    if not host.strip():  # a socket takes it for every address
        raise typer.BadParameter("name an address, such as 127.0.0.1", param_hint="--host")
    telemetry.begin(settings(), logs.ACCESS, metrics=False)
    with books() as engine:
        run(serve(engine))


def add(
    by: Annotated[str, typer.Option(help="The person or machine it acts as.", show_default=False)],
    scope: Annotated[list[str], typer.Option(help=SCOPE_HELP, show_default=False)],
    seller: Annotated[str | None, typer.Option(metavar="KEY", help="The only seller it may touch.")] = None,
    json: Json = False,
) -> None:
    """Make a key. It is printed once and cannot be shown again."""
    from adapters.books import api_keys

    with books() as engine:
        key = api_keys.add(engine, by, scope, seller, datetime.now(UTC))
    if json:
        output.as_json({"key": key})
    else:
        print(key)


def list_(json: Json = False) -> None:
    """Every key, without its secret."""
    from adapters.books import api_keys

    with books() as engine:
        found = api_keys.listed(engine)
    if json:
        output.as_json_array(found)
        return
    rows = (
        (k["id"], k["by"], k["seller"] or "all", ", ".join(k["scopes"]), output.when(k["made_at"]),
         output.when(k["revoked_at"])) for k in found
    )  # fmt: skip
    output.console().print(output.table(("id", "by", "seller", "scopes~", "made", "revoked"), rows))


def revoke(
    id: Annotated[str, typer.Argument(help="As `duely key list` names it.", show_default=False)], json: Json = False
) -> None:
    """Take a key back, at once."""
    from adapters.books import api_keys

    with books() as engine:
        api_keys.revoke(engine, id, datetime.now(UTC))
    if json:
        output.as_json({"contract": 1, "result": "done"})
    else:
        print(f"key {id} is revoked")
