"""What waits for a person: `queue` shows it with the commands that settle it, `decide` settles by a word what no
command settles, or gives it to somebody else."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.session import MOST, By, Json, among, books, client_if_any, run
from domain.errors import Invalid

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

    from domain.account import Person
    from domain.sheets import Pending

HIDDEN = frozenset("command commands currency proposals ready hints reply proof quiet_until text".split())
"""Parts of the evidence that are shown elsewhere, or beside their amount."""
SAID = frozenset({"amount", "instalments"})
"""Fields of a command that the evidence may hold."""


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Look")(queue)
    app.command(rich_help_panel="Decide")(decide)


def queue(
    owner: Annotated[str | None, typer.Option(metavar="KEY", help="Only what this person has.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind, such as dispute.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is past its deadline.")] = False,
    seller: Annotated[str | None, typer.Option(metavar="KEY", help="Only this seller.")] = None,
    json: Json = False,
) -> None:
    """What waits for a person, with the commands that settle it; and what waits for approval, which is no exception and
    so not among what --kind, --overdue and --json are about."""
    from adapters.books import pending, views
    from domain.exceptions import SETTLED_BY

    among("--kind", kind, SETTLED_BY)
    with books() as engine:
        people = views.people(engine)
        among("--owner", owner, [person.key for person in people])
        found = views.exceptions(engine, seller, datetime.now(UTC), owner=owner, kind=kind, overdue=overdue)
        asked = [] if json or kind or overdue else pending.waiting(engine, seller, owner)
    if json:
        output.as_json_array(found)
        return
    console = output.console()
    late = sum(item["overdue"] for item in found)
    console.print(output.cell(f"{len(found)} waiting, {late} overdue"))
    by_owner = sorted(found, key=lambda item: str(item["owner"]))  # stable: the nearest deadline stays first
    for whose, items in groupby(by_owner, key=lambda item: item["owner"]):
        theirs = list(items)
        console.print(output.cell(f"\n{whose}"))
        columns = ("id>", "kind", "deadline", "age>", "", "invoice~")
        console.print(output.table(columns, (_row(item) for item in theirs)))
        for item in theirs:
            for line in told(item, people):
                console.print(output.cell(line), soft_wrap=True)  # a command is copied as one line
    if asked:
        console.print(output.cell(f"\n{len(asked)} waiting for approval"))
        pending_lines(console, asked)


def pending_lines(console: Console, found: Sequence[Pending]) -> None:
    """What waits for approval, with the line that gives it; the mail that asks has a link as well."""
    from domain.money import show

    columns = ("invoice~", "customer~", "what", "amount>", "since", "may approve~")
    amounts = [f"{show(each.amount, each.currency)} {each.currency}" for each in found]
    console.print(
        output.table(
            columns,
            (
                (each.number, each.customer, each.subject, amount, each.opened_on, ", ".join(each.able))
                for each, amount in zip(found, amounts, strict=True)
            ),
        )
    )
    for each in found:
        if each.able and not each.by_link:
            line = shlex.join(["duely", "approve", each.invoice, "--by", each.able[0], "--subject", each.subject])
            console.print(output.cell(f"   {line}"), soft_wrap=True)


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    days, hours = divmod(item["age_hours"], 24)
    age = f"{days} d" if days else f"{hours} h"
    late = "overdue" if item["overdue"] else ""
    return item["id"], item["kind"], output.when(item["deadline"]), age, late, item["invoice"]


def told(item: dict[str, Any], people: Sequence[Person]) -> Iterator[str]:
    """The evidence in words, then the command lines that settle it."""
    evidence = item["evidence"]
    unit = f" {evidence['currency']}" if "currency" in evidence else ""
    about = [
        f"{name.replace('_', ' ')} {_said(value)}{unit if name in ('amount', 'balance') else ''}"
        for name, value in evidence.items()
        if name not in HIDDEN and value not in (None, "", [])
    ]
    yield f"{item['id']}: {', '.join(about)}"[:500]
    if evidence.get("text"):
        yield f'   "{evidence["text"]}"'
    ways = [_precise(line, item, people) for line in evidence.get("ready", ())] or proposed(item, people)
    ways = ways or list(filter(None, (paste(name, item, people) for name in item["commands"])))
    yield from (f"   {line}" for line in ways or [by_word(item, people)])


def decide(
    exception: Annotated[
        int, typer.Argument(metavar="EXCEPTION", min=1, max=MOST, help="Its number in the queue.", show_default=False)
    ],
    by: By,
    decision: Annotated[
        str | None, typer.Option(help="What was decided, in words; kept for good.", show_default=False)
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="KEY", help="Or: who is to decide it instead.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Settle an exception by a word, or give it to somebody else."""
    from adapters.books import queue as desk

    if (decision is None) == (owner is None):
        raise Invalid.at("--decision", "say what was decided, or with --owner who is to decide; not both")
    now = datetime.now(UTC)
    with books() as engine:
        if owner is not None:
            invoice = desk.assign(engine, exception, by, owner, now)
        else:
            invoice = desk.decide(engine, exception, by, _text(decision or ""), now)
        run(_tell(engine, invoice))
    output.as_json({"contract": 1, "result": "done"}) if json else print("done")


def _text(decision: str) -> str:
    if not decision.strip() or len(decision) > 2000:
        raise Invalid.at("--decision", "takes 1 to 2000 characters")
    return decision.strip()


async def _tell(engine: Engine, invoice: str | None) -> None:
    """The books have it already; a workflow that cannot be told reads it later."""
    from workers.client import tell

    server = await client_if_any() if invoice is not None else None
    if server is not None and invoice is not None:
        await tell(server, engine, invoice)


def _said(value: Any) -> str:
    """A part of the evidence in words: of several each, of named parts their values."""
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return " ".join(map(str, value.values())) if isinstance(value, dict) else str(value)


def by_word(item: dict[str, Any], people: Sequence[Person], words: str = "…") -> str:
    """The line that settles this very entry, whatever else is open."""
    by = who_decides(item["owner"], people)
    return shlex.join(["duely", "decide", str(item["id"]), "--by", by, "--decision", words])


def _precise(line: str, item: dict[str, Any], people: Sequence[Person]) -> str:
    """A line that was prepared when the entry was opened. A remark would not say which entry it answers."""
    parts = shlex.split(line)
    return by_word(item, people, parts[-1]) if parts[1] == "note" else line


def who_decides(owner: str, people: Sequence[Person]) -> str:
    """The owner, else the first person who may decide by a word."""
    from domain import roles

    able = [p.key for p in people if p.active and roles.roles_of(p) & roles.DECIDERS]
    return owner if owner in able or not able else able[0]


def proposed(item: dict[str, Any], people: Sequence[Person]) -> list[str]:
    """For a receipt nobody could place: what it may pay, the likeliest first, with the command that says so."""
    by = who_may("pay", item["owner"], people)
    return [
        f"{each['confidence']:3} %  {each['command'].replace('--by …', f'--by {by}')}   {each['evidence']}"
        for each in item["evidence"].get("proposals", ())
    ]


def paste(name: str, item: dict[str, Any], people: Sequence[Person]) -> str:
    """A command line ready to paste: given by somebody who may, with what the evidence says, else as in the contract's
    own example. A remark is the word that settles this entry. Empty for a command to no receivable."""
    from cli.commands import flag
    from domain.exceptions import BY_WORD
    from schemas.commands import EXAMPLES

    if name == "note" and item["kind"] in BY_WORD:
        return by_word(item, people)
    if name == "apply":
        by = who_may("pay", item["owner"], people)
        return shlex.join(["duely", name, str(item["evidence"].get("receipt", item["key"])), "ID", "--by", by])
    if name == "unapply":
        by = who_may("pay", item["owner"], people)
        number = str(item["evidence"].get("allocation", "NUMBER"))
        return shlex.join(["duely", name, number, "--by", by, "--reason", "paid back"])
    if name == "archive check":
        return f"duely {name}"
    if not item["invoice"]:
        return ""
    parts = ["duely", name, item["invoice"], "--by", who_may(name, item["owner"], people)]
    for field, example in EXAMPLES[name].items():
        value = item["evidence"].get(field, example) if field in SAID else example
        if field == "instalments":
            parts += [each for part in value for each in (flag(field), f"{part['due']}={part['amount']}")]
        elif field != "by":
            parts += [flag(field), "request.json" if isinstance(value, dict) else str(value)]
    if name in ("approve", "reject") and item["kind"] == "approval_stuck":
        parts += ["--subject", item["key"]]
    if name == "resolve":
        parts += ["--dispute", item["key"].rpartition("/")[2]]
    return shlex.join(parts)


def who_may(name: str, owner: str, people: Sequence[Person]) -> str:
    """The exception's owner, else the first person with the role; else the owner, who is told what is missing."""
    from domain import roles

    able = [
        p.key for p in people if p.active and roles.roles_of(p) & roles.ROLES.get(name, frozenset(roles.roles_of(p)))
    ]
    return owner if owner in able or not able else able[0]
