"""The verb `absent`: who is away is not asked to approve, somebody else is."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from cli.operating import PANEL
from cli.session import By, Json, books, client_if_any, run

if TYPE_CHECKING:
    from sqlalchemy import Engine


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(absent)


def absent(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Whose absence.", show_default=False)],
    by: By,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day away. Default: today.", show_default=False)
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Last day away.", show_default=False)
    ] = None,
    delegate: Annotated[
        str | None, typer.Option("--delegate", help="Who is asked instead, where they may.", show_default=False)
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Here again: ask them as before.")] = False,
    json: Json = False,
) -> None:
    """Say that an approver is away, or back."""
    from adapters.books import absences
    from domain.errors import Invalid

    now = datetime.now(UTC)
    if back and (first or until or delegate):
        raise Invalid.at("--back", "goes with no days and no delegate")
    start = _day("--from", first) if first else now.date()
    end = start if back else _day("--until", until)
    with books() as engine:
        if back:
            waiting = absences.back(engine, person, by, now)
        else:
            waiting = absences.leave(engine, person, start, end, delegate, by, now)
        told = run(_tell(engine, waiting))
    if json:
        output.as_json({"contract": 1, "result": "done", "person": person, "absent": not back, "told": told})
        return
    shown = "" if told is None else f"; {told} that wait for an approval were told"
    print(f"{person} is back{shown}" if back else f"{person} is away until {end}{shown}")


def _day(flag: str, text: str | None) -> date:
    from domain.errors import Invalid
    from schemas.values import date_of

    if text is None:
        raise Invalid.at(flag, "is needed, or --back")
    try:
        return date_of(text)
    except ValueError as error:
        raise Invalid.at(flag, str(error)) from None


async def _tell(engine: Engine, ids: tuple[str, ...]) -> int | None:
    """The workflows look again; None when no server answers: then each sees it at its next step."""
    from workers.client import tell

    server = await client_if_any()
    if server is None:
        return None
    await asyncio.gather(*(tell(server, engine, id_) for id_ in ids))
    return len(ids)
