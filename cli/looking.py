"""The verbs that only look: list, show, why. They write nothing, and all but `show` need no server."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from cli import output
from cli.session import Id, Json, Seller, among, books, client_if_any, run

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
    for verb in (show, why):
        app.command(rich_help_panel=PANEL)(verb)


def list_(
    state: Annotated[str | None, typer.Option(help="Only this state, such as disputed.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="KEY", help="Only this customer.")] = None,
    seller: Annotated[str | None, typer.Option(metavar="KEY", help="Only this seller.")] = None,
    json: Json = False,
) -> None:
    """Receivables, the latest first. Requests that could not be read never reach the books: Temporal lists them, by
    InvoiceState="invalid"."""
    from adapters.books import views
    from domain.watched import STATES

    among("--state", state, (*STATES, "invalid"))
    if state == "invalid":
        print("""not in the books: temporal workflow list --query 'InvoiceState="invalid"'""", file=sys.stderr)
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
            _panel(status, views.recipients(engine, status["id"]), views.assigned(engine, status["id"]))
    if json:
        output.as_json(status)


def _panel(status: dict[str, Any], recipients: Mapping[str, str], assigned: Sequence[str]) -> None:
    """`recipients`: message key -> name and address of who it went to; `assigned`: what pays it."""
    from rich.console import Group

    currency = status["currency"]
    amounts = [
        (name.replace("_", " "), f"{status[name]} {currency}")
        for name in ("total", "charges", "paid", "credited", "discounted", "written_off", "withheld")
        if currency and (name == "total" or status[name].strip("0."))
    ]
    coming = status["next"]
    following = " · ".join(filter(None, (coming["what"], output.when(coming["at"]), coming["why"])))
    parts: list[Any] = [
        output.facts(
            [
                ("state", " · ".join([status["state"], *status["flags"]])),
                ("customer", status["customer"]),
                ("owner", status["owner"]),
                *amounts,
                *(("assigned", each) for each in assigned),
                ("balance", f"{status['balance']} {currency}" if currency else None),
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
                ("e-invoice", _einvoice(status["einvoice"])),
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
    title = " · ".join(filter(None, (status["number"], status["id"])))
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
