"""The verbs of a whole customer and a whole seller: what is known of it, and stops of all its receivables at once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.session import Json, Seller, books, client_if_any, run
from domain.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

PANEL = "Look"

Key = Annotated[str, typer.Argument(metavar="KEY", show_default=False)]
Hold = Annotated[str | None, typer.Option("--hold", metavar="REASON", help="Stop it.", show_default=False)]
Kind = Annotated[
    str | None, typer.Option("--kind", help="Of the stop: hold | insolvent | no_contact.", show_default=False)
]
Until = Annotated[str | None, typer.Option("--until", metavar="DATE", help="End of the stop.", show_default=False)]
Release = Annotated[bool, typer.Option("--release", help="Lift its stops.")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Keep a remark.", show_default=False)]
By = Annotated[str | None, typer.Option("--by", help="Who says so, with one of these.", show_default=False)]


def register(app: typer.Typer) -> None:
    for verb in (customer, seller):
        app.command(rich_help_panel=PANEL)(verb)


def customer(
    key: Key,
    hold: Hold = None,
    kind: Kind = None,
    until: Until = None,
    release: Release = False,
    note: Note = None,
    by: By = None,
    seller: Seller = None,
    json: Json = False,
) -> None:
    """A stored customer with its stops, open items, credit and receipts; or stop it, let it go, note something.

    Example: duely customer globex --hold 'insolvency announced' --kind insolvent --by sam
    """
    from adapters.books import customers

    said = _said(hold, kind, until, release, note, by)
    with books() as engine:
        whose = customers.find(engine, key, seller)
        if said is not None:
            _do(engine, whose, key, said, json)
            return
        found = customers.overview(engine, whose, key, datetime.now(UTC))
    output.as_json({"contract": 1, **found}) if json else _show(key, found)


def seller(
    key: Key,
    hold: Hold = None,
    kind: Kind = None,
    until: Until = None,
    release: Release = False,
    note: Note = None,
    by: By = None,
    json: Json = False,
) -> None:
    """A seller with its stops; or stop everything of it, let it go, note something."""
    from adapters.books import customers

    said = _said(hold, kind, until, release, note, by)
    with books() as engine:
        if said is not None:
            _do(engine, key, None, said, json)
            return
        found = customers.overview_of_seller(engine, key, datetime.now(UTC))
    output.as_json({"contract": 1, **found}) if json else _show(key, found)


def _said(
    hold: str | None, kind: str | None, until: str | None, release: bool, note: str | None, by: str | None
) -> tuple[str, dict[str, Any]] | None:
    """The one command that the flags give; None when they only ask to look."""
    given = [
        (name, payload)
        for name, payload, on in (
            ("hold", {"reason": hold, "kind": kind, "until": until}, hold is not None),
            ("release", {}, release),
            ("note", {"text": note}, note is not None),
        )
        if on
    ]
    if len(given) > 1:
        raise Invalid.at("--hold", "give one of --hold, --release and --note")
    if hold is None and (kind or until):
        raise Invalid.at("--hold", "--kind and --until belong to --hold REASON")
    if bool(given) != (by is not None):
        raise Invalid.at("--by", "say who, together with --hold, --release or --note")
    if not given:
        return None
    name, payload = given[0]
    return name, {"by": by, **{field: value for field, value in payload.items() if value is not None}}


def _do(engine: Engine, whose: str, key: str | None, said: tuple[str, dict[str, Any]], json: bool) -> None:
    """The stop holds from its commit on: each last look reads it. The workflows only hear of it to show it."""
    from adapters.books import customers, stops
    from schemas.stops import parse_stop

    name, payload = said
    state = stops.command(engine, whose, key, parse_stop(name, payload), datetime.now(UTC))
    told = None if name == "note" else run(_tell(engine, customers.receivables(engine, whose, key)))
    if json:
        output.as_json({"contract": 1, "result": "done", "state": state, "told": told})
        return
    heard = "" if name == "note" else f"; {'no server answers' if told is None else f'{told} workflows told'}"
    print(f"{name}: done, {key or whose} is {state}{heard}")


async def _tell(engine: Engine, ids: Sequence[str]) -> int | None:
    from workers.client import tell

    server = await client_if_any()
    if server is None:
        return None
    for id_ in ids:
        await tell(server, engine, id_)
    return len(ids)


def _show(key: str, found: dict[str, Any]) -> None:
    from rich.console import Group

    facts = [(name, value) for name, value in found.items() if isinstance(value, str)]
    facts += [(name, f"{sum_} {unit}") for name in ("owed", "credit") for unit, sum_ in found.get(name, {}).items()]
    facts += [("stop", _stop(each)) for each in found["stops"]]
    facts += [(f"{each['role']} contact", each["email"]) for each in found.get("contacts", ())]
    parts: list[Any] = [output.facts(facts)]
    if found.get("open"):
        rows = (
            (o["reference"], o["number"], o["state"], f"{o['balance']} {o['currency']}", o["due_on"])
            for o in found["open"]
        )
        parts += ["", output.table(("reference", "number", "state", "balance>", "due"), rows)]
    if found.get("receipts"):
        columns = ("receipt>", "received", "from", "amount>", "left>", "pays, by allocation~")
        parts += ["", output.table(columns, map(_receipt, found["receipts"]))]
    output.panel(key, Group(*parts))


def _receipt(receipt: dict[str, Any]) -> tuple[Any, ...]:
    """The numbers are those that `duely apply` and `duely unapply` take."""
    unit = receipt["currency"]
    pays = ", ".join(f"{part['allocation']}: {part['amount']} of {part['invoice']}" for part in receipt["pays"])
    amount, left = f"{receipt['amount']} {unit}", f"{receipt['left']} {unit}"
    return receipt["receipt"], receipt["received_on"], receipt["source"], amount, left, pays


def _stop(stop: dict[str, Any]) -> str:
    until = f" until {stop['until']}" if stop["until"] else ""
    return f"{stop['kind'].replace('_', ' ')} of {stop['scope']} by {stop['by']}{until}: {stop['reason']}"
