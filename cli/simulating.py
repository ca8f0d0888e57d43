"""The verb `simulate`: how often people agree with what a rung would do by itself, and what another policy would have
done with last year's receivables. It writes nothing but the page it is asked for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import cadence, output
from cli.session import Json, books
from cli.sheets import day_of

if TYPE_CHECKING:
    from domain.trust import Evidence

PANEL = "Look"
DEFAULT_BOUND = "98"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(simulate)


def simulate(
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Rung by rung, how often people agreed with what was decided.")
    ] = False,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="NAME|FILE", help="Play the ledger under it. Repeat; the first recorded it."),
    ] = None,
    ledger: Annotated[Path | None, typer.Option("--ledger", metavar="CSV", help="Last year's receivables.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="HTML", help="Write a page with a picture.")] = None,
    seller: Annotated[str | None, typer.Option("--seller", metavar="KEY", help="Only this seller.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="Only since this day.")] = None,
    least: Annotated[int, typer.Option("--least", min=1, help="Decisions wanted before a rung is trusted.")] = 50,
    bound: Annotated[str, typer.Option("--bound", help="Lower 95 % bound wanted, in percent.")] = DEFAULT_BOUND,
    json: Json = False,
) -> None:
    """What a rung would do by itself and whether people agree; what other policies would have done with a ledger."""
    if agreement:
        _agreement(seller, day_of(since, "--since"), least, _percent(bound), json)
        return
    if not policy or ledger is None:
        output.fail("say --agreement, or --policy NAME (once for each) with --ledger past.csv")
        raise typer.Exit(output.WRONG_USAGE)
    cadence.play(policy, ledger, plot, seller, json)


def _agreement(seller: str | None, since: date | None, least: int, wanted: Decimal, json: bool) -> None:
    from adapters.books import judgements

    with books() as engine:
        found = judgements.agreement(engine, seller, since)
    if json:
        output.as_json_array(_as_json(each, least, wanted) for each in found)
        return
    if not found:
        print("nothing was put before a person and nothing recorded in shadow yet")
        return
    columns = ("policy", "rung", "template", "decided>", "agreed>", "vetoed>", "share>", "at least>", "to trust it~")
    output.console().print(output.table(columns, (_row(each, least, wanted) for each in found)))
    print(
        f"wanted: {least} decisions and a lower 95 % bound of {wanted} % (--least, --bound); `at least` is that bound."
    )
    print('To let a rung go by itself: mode = "auto" on it in a new policy version; see the runbook.')


def _row(found: Evidence, least: int, bound: Decimal) -> tuple[Any, ...]:
    from domain.trust import missing

    share = f"{found.share} %" if found.share is not None else ""
    told = missing(found, least, bound) or "enough"
    counts = (found.decided, found.agreed, found.vetoed)
    return found.policy, found.rung, found.template, *counts, share, f"{found.lower} %", told


def _as_json(found: Evidence, least: int, bound: Decimal) -> dict[str, Any]:
    from domain.trust import missing

    return {
        "policy": found.policy,
        "rung": found.rung,
        "template": found.template,
        "decided": found.decided,
        "agreed": found.agreed,
        "vetoed": found.vetoed,
        "share": str(found.share) if found.share is not None else None,
        "lower": str(found.lower),
        "missing": missing(found, least, bound),
    }


def _percent(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(0)
    if not 0 < found < 100:
        raise typer.BadParameter("must be a percentage above 0 and below 100, such as 98", param_hint="--bound")
    return found
