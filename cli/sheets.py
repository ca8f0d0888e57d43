"""The verbs about what people are asked each morning, and what they thought of it: sheet, simulate. They write
nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.session import Json, books

if TYPE_CHECKING:
    from domain.sheets import Item, Sheet, Task
    from domain.trust import Evidence

PANEL = "Look"
DEFAULT_BOUND = "98"


def register(app: typer.Typer) -> None:
    for verb in (sheet, simulate):
        app.command(rich_help_panel=PANEL)(verb)


def sheet(
    seller: Annotated[str, typer.Option("--seller", metavar="KEY", help="Whose books.", show_default=False)],
    owner: Annotated[str, typer.Option("--owner", metavar="KEY", help="Whose sheet.", show_default=False)],
    day: Annotated[str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="Default: today.")] = None,
    json: Json = False,
) -> None:
    """The morning sheet: what waits, what is held and why, what to decide."""
    from adapters.books import facts, sheets
    from domain import calendar, codec

    with books() as engine:
        known = facts.seller_known(engine, seller)
        now = datetime.now(UTC)
        on = _day(day, "--day") or calendar.local_date(now, known.timezone)
        if on != calendar.local_date(now, known.timezone):
            now = calendar.at(on, time(7), known.timezone)
        found = sheets.build(engine, seller, owner, on, now)
    if json:
        output.as_json({"contract": 1, **codec.encode(found)})
    elif found.empty:
        print(f"nothing to say to {owner} on {on}" + (f"; {_held(found)}" if found.held else ""))
    else:
        _print(found)


def _print(found: Sheet) -> None:
    console = output.console()
    for title, items in (
        ("waits for your release", found.asks),
        ("would have been sent", found.would),
        ("comes today", found.planned),
    ):
        if items:
            console.print(output.cell(f"\n{title}: {len(items)}"))
            columns = ("number", "customer~", "message", "amount>", "due", "late>")
            console.print(output.table(columns, map(_item, items)))
    if found.held:
        console.print(output.cell(f"\n{_held(found)}"))
    tasks = (*found.disputes, *found.tasks)
    if tasks:
        console.print(output.cell(f"\nto decide: {len(tasks)}"))
        console.print(output.table(("id>", "kind", "invoice", "deadline", "open for>"), map(_task, tasks)))


def _item(item: Item) -> tuple[Any, ...]:
    from domain.money import show

    amount = f"{show(item.amount, item.currency)} {item.currency}"
    late = f"{item.days_late} d" if item.days_late else ""
    return item.number, item.customer, item.rung or item.kind, amount, item.due_on, late


def _held(found: Sheet) -> str:
    why = ", ".join(f"{each.count} {each.code} ({', '.join(each.numbers)})" for each in found.held)
    return f"holds {found.withheld}, because: {why}"


def _task(task: Task) -> tuple[Any, ...]:
    deadline = f"{task.deadline}{' overdue' if task.overdue else ''}" if task.deadline else ""
    return task.id, task.kind, task.number, deadline, f"{task.age} d"


def simulate(
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Rung by rung, how often people agreed with what was decided.")
    ] = False,
    seller: Annotated[str | None, typer.Option("--seller", metavar="KEY", help="Only this seller.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="Only since this day.")] = None,
    least: Annotated[int, typer.Option("--least", min=1, help="Decisions wanted before a rung is trusted.")] = 50,
    bound: Annotated[str, typer.Option("--bound", help="Lower 95 % bound wanted, in percent.")] = DEFAULT_BOUND,
    json: Json = False,
) -> None:
    """What a rung would do by itself, and whether people agree."""
    if not agreement:
        output.fail("the cadence simulator comes with the next version; --agreement is here")
        raise typer.Exit(output.WRONG_USAGE)
    from adapters.books import judgements

    wanted = _percent(bound)
    with books() as engine:
        found = judgements.agreement(engine, seller, _day(since, "--since"))
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


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise typer.BadParameter("must be a day such as 2026-03-10", param_hint=option) from None
