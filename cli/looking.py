"""The verbs that only look: list, show, why, queue. They write nothing, and all but `show` need no server."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.session import Id, Json, Seller, books, client_if_any, run

if TYPE_CHECKING:
    from domain.account import Person

PANEL = "Look"
OUTCOMES = {
    "held": "waits for send or skip",
    "released": "to be sent",
    "claimed": "being sent",
    "accepted": "accepted by the mail provider, delivery not reported yet",
    "sent": "accepted by the mail server (delivery is not reported)",
    "bounced": "came back",
    "unknown": "nobody can tell whether it left",
    "refused": "refused by the recipient's server",
    "would_send": "would have been sent",
}
"""How far a message got, as `show` says it."""


def register(app: typer.Typer) -> None:
    app.command("list", rich_help_panel=PANEL)(list_)
    for verb in (show, why, queue):
        app.command(rich_help_panel=PANEL)(verb)


def list_(
    state: Annotated[str | None, typer.Option(help="Only this state, such as disputed.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="KEY", help="Only this customer.")] = None,
    seller: Annotated[str | None, typer.Option(metavar="KEY", help="Only this seller.")] = None,
    json: Json = False,
) -> None:
    """Receivables, the latest first."""
    from adapters.books import views

    with books() as engine:
        found = views.invoices(engine, state=state, customer=customer, seller=seller)
        if json:
            output.as_json_array(found)
            return
        columns = ("reference", "number", "customer~", "state", "balance>", "due", "next", "seller")
        output.console().print(output.table(columns, (_row(item) for item in found)))


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    balance = f"{item['balance']} {item['currency']}"
    due, coming = item["due_on"], output.when(item["next_at"])
    return item["reference"], item["number"], item["name"], item["state"], balance, due, coming, item["seller"]


def show(id: Id, seller: Seller = None, json: Json = False) -> None:
    """Where a receivable stands, what is next and why."""
    from adapters.books import views
    from workers.client import resolve_id, status_of

    async def ask() -> dict[str, Any]:
        return await status_of(await client_if_any(), engine, resolve_id(engine, id, seller))

    with books() as engine:
        status = run(ask())
        if not json:
            _panel(status, views.recipients(engine, status["id"]))
    if json:
        output.as_json(status)


def _panel(status: dict[str, Any], recipients: Mapping[str, str]) -> None:
    """`recipients`: message key -> name and address of who it went to."""
    from rich.console import Group

    currency = status.get("currency", "")
    amounts = [
        (name.replace("_", " "), f"{status[name]} {currency}")
        for name in ("total", "charges", "paid", "credited", "discounted", "written_off", "withheld")
        if name == "total" or status.get(name, "0").strip("0.")
        if name in status
    ]
    coming = status["next"]
    following = " · ".join(filter(None, (coming["what"], output.when(coming["at"]), coming["why"])))
    parts: list[Any] = [
        output.facts(
            [
                ("state", " · ".join([status["state"], *status.get("flags", [])])),
                ("customer", status.get("customer")),
                ("owner", status.get("owner")),
                *amounts,
                ("balance", f"{status['balance']} {currency}" if "balance" in status else None),
                *(
                    (f"due {d['due_on']}", f"{d['open']} of {d['amount']} {currency} open")
                    for d in _list(status, "dues")
                ),
                *(("pause", _pause(p, currency)) for p in _list(status, "pauses")),
                *(("waits for approval", _subject(s, currency)) for s in _list(status, "pending")),
                *(
                    ("document", f"{d['number']} · {d['kind']} · {d['date']} · {d['hash'] or 'no file yet'}")
                    for d in _list(status, "documents")
                ),
                ("e-invoice", _einvoice(status.get("einvoice"))),
                *(_mail(m, recipients) for m in _list(status, "messages")),
                *(("warning", w["text"]) for w in _list(status, "warnings")),
                *(("problem", f"{p['path']}: {p['message']}") for p in _list(status, "problems")),
                ("next", following),
            ]
        )
    ]
    names = [command["name"] for command in _list(status, "commands")]
    if names:
        parts.append(f"\n[dim]commands[/]  {', '.join(names)}")
    title = " · ".join(filter(None, (status.get("number"), status["id"])))
    output.panel(title, Group(*parts))


def _list(status: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status.get(name, [])
    return found


def _einvoice(found: dict[str, str] | None) -> str | None:
    return None if found is None else "; ".join(filter(None, (found["name"], found["rule"], found.get("note"))))


def _pause(pause: dict[str, Any], currency: str) -> str:
    until = f" until {pause['until']}" if pause["until"] else ""
    return f"{pause['kind']} {pause['amount']} {currency}{until}"


def _subject(subject: dict[str, Any], currency: str) -> str:
    given = f", given by {', '.join(subject['approved_by'])}" if subject["approved_by"] else ""
    return f"{subject['subject']} {subject['amount']} {currency}: {subject['approvers']} approver(s){given}"


def _mail(message: dict[str, Any], recipients: Mapping[str, str]) -> tuple[str, str]:
    """Who got what, when, and how sure that is."""
    title = " ".join(filter(None, (message["kind"].replace("_", " "), message["rung"])))
    told = OUTCOMES.get(message["state"], message["state"].replace("_", " "))
    if message["state"] == "sent" and message["delivery"] in ("delivered", "spam_report"):
        told = "delivered, reported as spam" if message["delivery"] == "spam_report" else "delivered"
    elif message["state"] in ("accepted", "bounced") and message["delivery"] != "accepted":
        told = f"{told} ({message['delivery']})"
    to = recipients.get(message["key"])
    return title, " · ".join(filter(None, (told, output.when(message["at"]), f"to {to}" if to else "")))


def why(id: Id, seller: Seller = None, json: Json = False) -> None:
    """Why each message was sent, withheld or moved."""
    from adapters.books import views

    with books() as engine:
        found = views.reasons(engine, views.find(engine, id, seller))
    if json:
        output.as_json_array(found)
        return
    columns = ("at", "verdict", "message", "reason~", "policy", "balance>", "clock~")
    output.console().print(output.table(columns, (_reason(item) for item in found)))


def _reason(item: dict[str, Any]) -> tuple[Any, ...]:
    clock = item["clock"]
    sources = f"sources {', '.join(clock['sources']) or 'none'}" if "sources" in clock else ""
    return (
        output.when(item["at"]),
        item["verdict"],
        " ".join(filter(None, (item["kind"], item["rung"]))),
        item["reason"],
        f"{item['policy']['name']} v{item['policy']['version']}",
        f"{item['balance']} {item['currency']}",
        " · ".join(filter(None, (clock.get("timezone"), clock.get("country"), sources))),
    )


def queue(
    seller: Annotated[str | None, typer.Option(metavar="KEY", help="Only this seller.")] = None,
    json: Json = False,
) -> None:
    """What waits for a person, with the commands that settle it."""
    from adapters.books import views

    with books() as engine:
        found = views.exceptions(engine, seller)
        people = views.people(engine)
    if json:
        output.as_json_array(found)
        return
    now = datetime.now(UTC)
    console = output.console()
    columns = ("id>", "kind", "owner", "deadline", "age>", "invoice~")
    rows = (
        (i["id"], i["kind"], i["owner"], output.when(i["deadline"]), output.age(i["opened_at"], now), i["invoice"])
        for i in found
    )
    console.print(output.table(columns, rows))
    for item in found:
        about = [
            f"{item['evidence'][name]}"
            for name in ("amount", "currency", "why", "reason", "end_to_end", "difference")
            if name in item["evidence"]
        ]
        told = filter(None, (paste(name, item, people) for name in item["commands"]))
        console.print(output.cell(f"{item['id']}: {' '.join(about)}"))
        if item["evidence"].get("text"):
            console.print(output.cell(f'   "{item["evidence"]["text"]}"'))
        for line in item["evidence"].get("ready") or proposed(item, people) or told:
            console.print(output.cell(f"   {line}"), soft_wrap=True)  # to be copied as one line


def proposed(item: dict[str, Any], people: Sequence[Person]) -> list[str]:
    """For a receipt nobody could place: what it may pay, the likeliest first, with the command that says so."""
    by = who_may("pay", item["owner"], people)
    return [
        f"{each['confidence']:3} %  {each['command'].replace('--by …', f'--by {by}')}   {each['evidence']}"
        for each in item["evidence"].get("proposals", ())
    ]


def paste(name: str, item: dict[str, Any], people: Sequence[Person]) -> str:
    """A command line ready to paste: given by somebody who may, with what it needs, from the contract's own example.
    Empty for a command to a receivable where there is none."""
    from schemas.commands import COMMANDS, EXAMPLES

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
        value = item["evidence"].get(field, example) if field == "amount" else example
        if field != "by" and COMMANDS[name].model_fields[field].is_required():
            parts += [f"--{field.replace('_', '-')}", "request.json" if isinstance(value, dict) else str(value)]
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
