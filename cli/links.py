"""The verbs around signed links: `link show` prints the customer's as it holds now, `link revoke` takes links back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli import output
from cli.session import By, Id, Json, Seller, books, settings
from domain.errors import Invalid

PANEL = "Decide"

link = typer.Typer(help="Signed links in mails: show a customer's, take links back.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    link.command()(show)
    link.command()(revoke)
    app.add_typer(link, name="link", rich_help_panel=PANEL)


def show(id: Id, seller: Seller = None, json: Json = False) -> None:
    """The customer's link to an invoice. Whoever has it sees the invoice: give it to nobody else."""
    from adapters.books import revoking, views
    from workers.wiring import page_of

    with books() as engine:
        workflow_id = views.find(engine, id, seller)
        url = page_of(settings(), workflow_id, revoking.generation(engine, workflow_id))
    if json:
        output.as_json({"id": workflow_id, "url": url})
    else:
        print(url)


def revoke(
    by: By,
    id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="A receivable: its customer's links; or the key of a message or sheet."),
    ] = None,
    person: Annotated[str | None, typer.Option(metavar="KEY", help="Every link of this person of ours.")] = None,
    seller: Seller = None,
    json: Json = False,
) -> None:
    """Take links back, at once. The customer's next mail carries a new one."""
    from adapters.books import revoking, views

    if (id is None) == (person is None):
        raise Invalid.at("", "give an ID, or --person")
    now, number = datetime.now(UTC), 1
    with books() as engine:
        if person is not None:
            number = revoking.revoke_persons(engine, person, by, now)
        elif "/" in (id or ""):
            revoking.revoke(engine, id or "", by, now)
        else:
            revoking.revoke_customers(engine, views.find(engine, id or "", seller), by, now)
    if json:
        output.as_json({"contract": 1, "result": "done", "revoked": number})
    else:
        print(f"{number} revoked" if person is not None else f"the links of {id} are revoked")
