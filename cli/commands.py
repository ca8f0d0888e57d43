"""One verb per command of the contract, made from the command models: a flag for every field. And `apply`, `unapply`.
Whether a command may be carried out is said by the receivable, never here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer

from cli import output
from cli.session import MOST, By, Id, Json, Seller, books, client, run
from domain.errors import Invalid, Problem
from schemas.commands import COMMANDS, EXAMPLES, Command, parse_command
from schemas.parsing import read_json

PANEL = "Decide"
Once = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="Repeated under the same key, it is carried out once."),
]
HELP = {
    "approve": "Approve a draft, or money going out.",
    "reject": "Send a draft back, or refuse money going out.",
    "amend": "Replace a draft's content; approvals given before are void.",
    "cancel": "End it before issue; afterwards credit all of it.",
    "dispute": "Contest all of it, some lines or an amount.",
    "resolve": "Close a dispute.",
    "promise": "Note when the customer will pay.",
    "plan": "Agree on instalments.",
    "accelerate": "Make all that a plan left open due at once.",
    "extend": "Move the due date.",
    "hold": "Stop reminders of this one.",
    "release": "Lift a hold.",
    "credit": "Issue a credit note.",
    "write_off": "Give up what is still owed.",
    "pay": "Book money received by hand, once under its external id.",
    "refund": "Give the customer's credit back.",
    "hand_over": "Hand it over to collections.",
    "send": "Release a message that waits for a person.",
    "skip": "Drop a message that waits for a person.",
    "resend": "Send the document again.",
    "assign": "Give it another owner.",
    "escalate": "Put it before a person.",
    "note": "Keep a remark.",
}
MANY = {"lines": ("ID",), "instalments": ("due", "amount"), "files": ("name", "file")}
"""Fields that hold several values: the flag is repeated. Of two parts one says DUE=AMOUNT."""


def register(app: typer.Typer) -> None:
    for name, model in COMMANDS.items():
        verb = made(name, model)
        app.command(name, rich_help_panel=PANEL)(verb)
        if "_" in name:
            app.command(name.replace("_", "-"), hidden=True)(verb)
    app.command(rich_help_panel=PANEL)(apply)
    app.command(rich_help_panel=PANEL)(unapply)


def made(name: str, model: type[Command]) -> Callable[..., None]:
    """The verb of a command, with the signature that typer reads its flags from."""

    def verb(**given: Any) -> None:
        payload = payload_of(model, given)
        with books() as engine:
            answer = run(_send(engine, given["id"], given["seller"], name, payload, given["idempotency_key"]))
        output.as_json(answer) if given["json"] else _say(answer, given["id"], name)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter("id", kind, annotation=Id)]
    parameters += [_parameter(field, model) for field in model.model_fields]
    parameters += [
        inspect.Parameter("seller", kind, annotation=Seller, default=None),
        inspect.Parameter("json", kind, annotation=Json, default=False),
        inspect.Parameter("idempotency_key", kind, annotation=Once, default=None),
    ]
    verb.__name__ = name
    verb.__doc__ = f"{HELP[name]}\n\nExample: {_example(name)}"
    verb.__signature__ = inspect.Signature(sorted(parameters, key=_needed))  # type: ignore[attr-defined]
    verb.__annotations__ = {}
    return verb


def flag(field: str) -> str:
    return f"--{field.replace('_', '-')}"


def payload_of(model: type[Command], given: dict[str, Any]) -> dict[str, Any]:
    """What the flags say, as the command's JSON. Invalid, with flags for paths, when it has not the command's form."""
    payload = {field: given[field] for field in model.model_fields if given[field] not in (None, [])}
    if "request" in payload:
        payload["request"] = _document(payload["request"])
    for field in MANY.keys() & payload.keys():
        payload[field] = [_parts(field, text) for text in payload[field]]
    try:
        parse_command(model.name, (payload,))
    except Invalid as error:
        raise Invalid([_flagged(problem) for problem in error.problems]) from None
    return payload


async def _send(
    engine: Any, id_: str, seller: str | None, name: str, payload: dict[str, Any], once: str | None
) -> dict[str, Any]:
    from workers.client import resolve_id, send_command

    workflow_id = resolve_id(engine, id_, seller)
    return await send_command(await client(), engine, workflow_id, name, payload, once)


def _say(answer: dict[str, Any], id_: str, name: str) -> None:
    state = answer["state"]
    if answer["result"] == "pending":
        subject = answer.get("subject", "")
        print(f"{name}: pending, {subject} waits for approval: duely approve {id_} --subject {subject} --by …")
    else:
        dispute = f" {answer['dispute']}" if "dispute" in answer else ""
        print(f"{name}: done{dispute}, {state}")


def _parameter(field: str, model: type[Command]) -> inspect.Parameter:
    info = model.model_fields[field]
    required = info.is_required()
    default = inspect.Parameter.empty if required else None
    words = _words(info.annotation)
    about = " | ".join(words)
    if field == "request":
        option = typer.Option(flag(field), metavar="FILE", help="JSON file with the new request.")
        kind: Any = Path
    elif field in MANY:
        repeated = "=".join(MANY[field]).upper()
        flags = (flag(field), flag(field).removesuffix("s"))
        option = typer.Option(*flags, metavar=repeated, help="Repeat for several.")
        kind = list[str]
    else:
        option = typer.Option(flag(field), metavar=_metavar(field), help=about, show_default=False)
        kind = str
    annotation = Annotated[kind, option] if required else Annotated[kind | None, option]
    return inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _metavar(field: str) -> str:
    if field in ("amount", "credit"):
        return "AMOUNT"
    return "DATE" if field in ("date", "due", "received_on", "until") else field.upper()


def _words(annotation: Any) -> tuple[str, ...]:
    """The words a Literal allows, wherever it stands in the annotation."""
    if get_origin(annotation) is Literal:
        return tuple(str(word) for word in get_args(annotation))
    return next((found for part in get_args(annotation) if (found := _words(part))), ())


def _needed(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty


def _example(name: str) -> str:
    parts = [f"duely {name} ORD-1042"]
    for field, value in EXAMPLES[name].items():
        if field == "request":
            parts.append("--request amended.json")
        elif field == "instalments":
            parts += [f"{flag(field)} {each['due']}={each['amount']}" for each in value]
        else:
            parts.append(f"{flag(field)} '{value}'" if " " in str(value) else f"{flag(field)} {value}")
    return " ".join(parts)


def _document(path: Path) -> Any:
    try:
        return read_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid.at("--request", f"{path} cannot be read as JSON: {error}") from None


def _parts(field: str, text: str) -> str | dict[str, str]:
    """One value of a flag that is repeated."""
    names = MANY[field]
    if len(names) == 1:
        return text
    first, equals, second = text.rpartition("=")
    if not equals:
        example = ", such as 2026-12-01=50.00" if field == "instalments" else ", such as photo.jpeg=sha256:…"
        raise Invalid.at(flag(field), f"{text!r} is not {'='.join(names).upper()}{example}")
    return dict(zip(names, (first, second), strict=True))


def _flagged(problem: Problem) -> Problem:
    head, dot, rest = problem.path.partition(".")
    name, bracket, index = head.partition("[")
    return Problem(f"{flag(name)}{bracket}{index}{dot}{rest}" if head else "", problem.message)


def apply(
    receipt: Annotated[str, typer.Argument(help="Receipt number, or key of a bank line.", show_default=False)],
    by: By,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID…", help="What it pays.", show_default=False)] = None,
    amount: Annotated[
        str | None,
        typer.Option(
            help="Default: what is free and owed; of a bank line all, else the rest is a fee.", show_default=False
        ),
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It is no customer's.")] = False,
    reason: Annotated[str, typer.Option(help="Why it is nobody's, or another's; audited.", show_default=False)] = "",
    seller: Seller = None,
    json: Json = False,
) -> None:
    """Say what a receipt pays: one or several receivables of one customer, or nobody's. Of a bank line that took money
    back, say which receipt it returns."""
    if none == bool(ids) or (none and not reason):
        raise Invalid.at("ID", "name what it pays, or give --none with --reason")
    with books() as engine:
        if (number := _number(receipt)) is not None:
            told = _applied(engine, number, ids or [], amount, by, reason, seller)
        else:
            told = _explained(engine, receipt, ids or [], amount, by, reason)
        _told(engine, told, json)


def _number(text: str) -> int | None:
    """The number of a receipt; None for what cannot be one, such as the digits of a bank's reference."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(MOST))
    return int(text) if digits and int(text) <= MOST else None


def _applied(
    engine: Any, receipt: int, ids: list[str], amount: str | None, by: str, reason: str, seller: str | None
) -> list[str]:
    from adapters.books import by_hand, views

    now = datetime.now(UTC)
    if not ids:
        by_hand.dismiss(engine, receipt, by, reason, now)
        return []
    found = [views.find(engine, id_, seller) for id_ in ids]
    by_hand.apply(engine, receipt, found, _minor(engine, receipt, amount), by, now, reason)
    return found


def _explained(engine: Any, key: str, ids: list[str], amount: str | None, by: str, reason: str) -> list[str]:
    from adapters.books import by_hand

    receipt = _number(ids[0]) if ids else None
    if len(ids) > 1 or (ids and receipt is None):
        raise Invalid.at("ID", "of a bank line, name the number of the one receipt it returns")
    minor = None if receipt is None or amount is None else _minor(engine, receipt, amount)
    return list(by_hand.explain(engine, key, receipt, by, reason, datetime.now(UTC), minor))


def _minor(engine: Any, receipt: int, amount: str | None) -> int | None:
    from adapters.books import views
    from domain import money

    currency = views.receipt_currency(engine, receipt)
    return None if amount is None else money.parse(amount, currency, "--amount")


def unapply(
    allocation: Annotated[int, typer.Argument(min=1, max=MOST, help="Number of the assignment.", show_default=False)],
    by: By,
    reason: Annotated[str, typer.Option(help="Kept in the audit.", show_default=False)],
    json: Json = False,
) -> None:
    """Take an assignment back; the money stays the customer's credit."""
    from adapters.books import by_hand

    with books() as engine:
        workflow_id = by_hand.unapply(engine, allocation, by, reason, datetime.now(UTC))
        _told(engine, [workflow_id], json)


def _told(engine: Any, ids: list[str], json: bool) -> None:
    """The books have changed already; the workflows hear of it, and `status` says what came of it."""
    from workers.client import status_of, tell

    async def tell_and_ask() -> list[dict[str, Any]]:
        server = await client() if ids else None
        for id_ in ids:
            if server is not None:
                await tell(server, engine, id_)
        return [await status_of(None, engine, id_) for id_ in ids]  # the books know already, a fresh run may not

    found = run(tell_and_ask())
    each = [{"id": said["id"], "state": said["state"], "balance": said["balance"]} for said in found]
    if json:
        output.as_json({"contract": 1, "result": "done", **(each[0] if len(each) == 1 else {"receivables": each})})
        return
    for said in found:
        print(f"done: {said['id']} is {said['state']}, balance {said['balance']} {said['currency']}")
    if not found:
        print("done")
