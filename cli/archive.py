"""The verbs under `archive`: legal holds, the reading for rot, and what the law no longer wants kept. None deletes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from cli.session import By, Json, Seller, books, settings
from domain.errors import Invalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

PANEL = "Run"

app = typer.Typer(no_args_is_help=True, help="Keep documents: legal holds, rot, retention.")

Whose = Annotated[
    str | None,
    typer.Argument(metavar="ID", help="Workflow id, number or reference; none: all of --seller.", show_default=False),
]
Reason = Annotated[str, typer.Option(help="Kept in the audit.", show_default=False)]


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="archive", rich_help_panel=PANEL)


@app.command()
def hold(by: By, reason: Reason, id: Whose = None, seller: Seller = None, json: Json = False) -> None:
    """Legal hold: nothing of a receivable, or of a whole seller, may be deleted."""
    from adapters.books import legal_holds

    _decide(legal_holds.hold, "on legal hold", by, reason, id, seller, json)


@app.command()
def release(by: By, reason: Reason, id: Whose = None, seller: Seller = None, json: Json = False) -> None:
    """End a legal hold."""
    from adapters.books import legal_holds

    _decide(legal_holds.release, "released", by, reason, id, seller, json)


def _decide(
    change: Callable[..., int], word: str, by: str, reason: str, id: str | None, seller: str | None, json: bool
) -> None:
    with books() as engine:
        whose, invoice = _whose(engine, id, seller)
        change(engine, whose, invoice, by, reason, datetime.now(UTC))
    if json:
        output.as_json({"contract": 1, "result": "done", "seller": whose, "invoice": invoice})
    else:
        print(f"{invoice or f'all of {whose}'}: {word}")


def _whose(engine: Engine, id: str | None, seller: str | None) -> tuple[str, str | None]:
    from adapters.books import views
    from domain.keys import parse_workflow_id

    if id is None:
        if seller is None:
            raise Invalid.at("ID", "name a receivable, or a whole seller with --seller")
        return seller, None
    found = views.find(engine, id, seller)
    parsed = parse_workflow_id(found)
    assert parsed is not None
    return parsed[0], found


@app.command()
def check(json: Json = False) -> None:
    """Read every archived file again: exit 0 whole, 1 when one is missing or changed."""
    from adapters.books import rereading
    from adapters.documents.archive import Archive

    with books() as engine, output.counting("reading the archive") as step:
        report = rereading.reread(engine, Archive(settings().archive), datetime.now(UTC), None, step)
    rot = [
        {"row": each.reference.row, "what": each.reference.what, "file": each.reference.key, "state": each.state}
        for each in report.rot
    ]
    if json:
        output.as_json({"files": report.files, "rot": rot})
    else:
        for each in rot:
            print(f"{each['state']}: {each['what']} ({each['row']}), {each['file']}")
        print(f"archive: {report}")
    if rot:
        raise typer.Exit(output.REFUSED)


@app.command()
def due(
    on: Annotated[str | None, typer.Option(metavar="DATE", help="Default: today.", show_default=False)] = None,
    seller: Annotated[str | None, typer.Option(metavar="KEY", help="Only this seller.")] = None,
    json: Json = False,
) -> None:
    """What the law no longer wants kept and no legal hold keeps. Lists only."""
    from adapters.books import outlived

    with books() as engine:
        found = outlived.due(engine, _day(on), seller)
        if json:
            output.as_json_array(found)
            return
        columns = ("seller", "kind", "number", "dated", "kept until", "law~", "id~")
        names = ("seller", "kind", "number", "dated", "kept_until", "law", "id")
        output.console().print(output.table(columns, ([item[name] for name in names] for item in found)))


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid.at("--on", f"{text!r} is not a date, such as 2034-12-31") from None
