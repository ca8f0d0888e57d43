"""The verb `sheet`: what people are asked each morning. It writes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.queueing import pending_lines
from cli.session import Json, books

if TYPE_CHECKING:
    from domain.sheets import Item, Sheet, Task

PANEL = "Look"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(sheet)


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
        on = day_of(day, "--day") or calendar.local_date(now, known.timezone)
        if on.year not in calendar.YEARS:  # at the ends of what Python calls a date, no timezone and no calendar works
            raise typer.BadParameter(
                f"must be a day between {calendar.YEARS[0]} and {calendar.YEARS[-1]}", param_hint="--day"
            )
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
    if found.pending:
        console.print(output.cell(f"\nwaits for approval: {len(found.pending)}"))
        pending_lines(console, found.pending)
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


def day_of(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise typer.BadParameter("must be a day such as 2026-03-10", param_hint=option) from None
