"""The verb `bank`: hands a statement file to the books and says what became of it. What a file means they decide."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.session import Json, books, client, run, settings
from domain.errors import Invalid, NotFound, Refused, Unavailable
from schemas.parsing import read_json

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from temporalio.client import Client

    from schemas.incoming import FileHint

PANEL = "Decide"
FORMATS = {"camt": "camt.053", "mt940": "mt940", "csv": "csv"}
SUFFIXES = {"camt": "xml", "mt940": "sta", "csv": "csv"}
POLL_SECONDS, WORKER_SECONDS = 0.25, 30
ENDED = ("done", "refused")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(bank)


def bank(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="camt.053, MT940 or CSV.", show_default=False)],
    seller: Annotated[
        str | None, typer.Option("--seller", metavar="KEY", help="Default: whose account it is.", show_default=False)
    ] = None,
    format: Annotated[
        str | None, typer.Option("--format", help="camt.053 | mt940 | csv; default: by content.", show_default=False)
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="JSON", help="Column map of a CSV.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Book a bank statement. Safe to repeat: a movement that is known is booked once."""
    data, named = _content(file), _columns(columns)
    with books() as engine:
        hint = _hint(engine, data, seller, _format(data, format), named)
        status = run(_booked(hint))
    if json:
        output.as_json(status)
    else:
        _print(status)
    if status["state"] == "refused":
        raise typer.Exit(output.REFUSED)


def _content(path: Path) -> bytes:
    from adapters.statements.limits import MAX_BYTES

    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Refused(f"{path} is larger than {MAX_BYTES // 1024**2} MiB; split it by statement")
        if size == 0:
            raise Refused(f"{path} is empty; fetch it from the bank again")
        return path.read_bytes()
    except OSError as error:
        raise Invalid.at(str(path), f"cannot be read: {error.strerror}") from None


def _columns(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        named = read_json(text)
    except ValueError as error:
        raise Invalid.at("--columns", f"is not JSON: {error}") from None
    if not isinstance(named, dict) or not all(isinstance(value, str) for value in named.values()):
        raise Invalid.at("--columns", 'must be an object of texts, such as {"amount": "Betrag", "account": "DE89…"}')
    return named


def _format(data: bytes, given: str | None) -> str:
    """As the reader of files calls it."""
    from adapters import statements

    if given is None:
        try:
            return statements.guess(data[:4096])
        except Invalid as error:
            raise Refused(str(error)) from None
    known = {told: name for name, told in FORMATS.items()} | {name: name for name in FORMATS}
    if given not in known:
        raise Invalid.at("--format", f"{given!r} must be one of {', '.join(FORMATS.values())}")
    return known[given]


def _hint(engine: Engine, data: bytes, seller: str | None, kind: str, columns: dict[str, str]) -> FileHint:
    """The file in the archive, for the seller whose account it is of."""
    from adapters.books import views
    from adapters.documents.archive import Archive
    from schemas.incoming import FileHint

    accounts = views.accounts(engine)
    if seller is not None and seller not in accounts:
        raise NotFound(f"there is no seller {seller} with a bank account")
    owner = seller or _owner(accounts, data, kind, columns)
    if kind == "csv" and "account" not in columns:
        columns = {**columns, "account": accounts[owner][0]}  # a CSV does not say whose it is
    key = Archive(settings().archive).put(data, SUFFIXES[kind])
    return FileHint(seller=owner, object=key, format=FORMATS[kind], columns=columns)


def _owner(accounts: dict[str, tuple[str, ...]], data: bytes, kind: str, columns: dict[str, str]) -> str:
    """The one seller of whose account a statement of the file is."""
    from adapters import statements
    from adapters.statements.columns import ColumnMap
    from domain.statements import own_of

    if kind == "csv" and "account" not in columns:
        raise Refused("a CSV does not say whose it is: give --seller")
    try:
        found = statements.read(data, kind, ColumnMap.parse(columns) if columns else None)
    except Invalid as error:
        raise Refused("; ".join(map(str, error.problems))) from None
    told = {statement.account for statement in found}
    owners = [seller for seller, own in accounts.items() if any(own_of(account, own) for account in told)]
    if len(owners) != 1:
        fits = f"{len(owners)} sellers have" if owners else "no seller has"
        raise Refused(f"{fits} the account of this file: give --seller")
    return owners[0]


async def _booked(hint: FileHint) -> dict[str, Any]:
    """Starts the workflow, or finds the one at the same file, and waits for its end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from schemas.incoming import file_workflow_id
    from workers import incoming

    server = await client()
    await incoming.file(server, hint)
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = output.errors()
    with Progress(*bars, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("booking", total=None)
        while True:
            status = await _status(server, file_workflow_id(hint))
            fresh = status["lines"] - status["known"]
            progress.update(task, total=fresh or None, completed=fresh - status["left"])
            if status["state"] in ENDED:
                return status
            await asyncio.sleep(POLL_SECONDS)


async def _status(server: Client, id_: str) -> dict[str, Any]:
    """What the workflow says. A worker that is just being started is waited for."""
    from workers import incoming

    for _ in range(WORKER_SECONDS // int(incoming.PATIENCE.total_seconds())):
        try:
            return await incoming.file_status(server, id_)
        except Unavailable:
            await asyncio.sleep(POLL_SECONDS)
    raise Unavailable(f"no worker answers for {id_}: the file is taken, and is booked once one runs")


def _print(status: dict[str, Any]) -> None:
    if status["state"] == "refused":
        for problem in status["problems"]:
            output.fail(": ".join(filter(None, (problem["path"], problem["message"]))))
        return
    console = output.console()
    print(status["outcome"])
    rows = [(rule.replace("_", " "), count) for rule, count in sorted(status["counts"].items())]
    if rows:
        console.print(output.table(("rule", "lines>"), rows))
    if status["exceptions"]:
        asked = [(each["text"], each["command"]) for each in status["exceptions"]]
        console.print(output.table(("to decide~", "command~"), asked))
