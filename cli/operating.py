"""The verbs that run the house: init, seed, up, worker, verify, pause-all, resume-all."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.session import By, Json, books, client, client_if_any, run, settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from workers.devserver import Endpoint

PANEL = "Run"


def register(app: typer.Typer) -> None:
    for verb in (init, seed, up, worker, verify):
        app.command(rich_help_panel=PANEL)(verb)
    app.command("pause-all", rich_help_panel=PANEL)(pause_all)
    app.command("resume-all", rich_help_panel=PANEL)(resume_all)


def init(json: Json = False) -> None:
    """Prepare database, namespace and search attributes. May run again."""
    from workers import up as house

    done = run(house.init(settings(), output.fail))
    if json:
        output.as_json({"migrations": done.migrations, "namespace": done.namespace, "address": done.address})
        return
    applied = ", ".join(done.migrations) or "up to date"
    print(f"database: {applied}\nserver: {done.address}, namespace {done.namespace} is ready")


def seed(
    file: Annotated[Path | None, typer.Argument(help="TOML; default: the demo.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Load sellers, customers, people and policies. Adds and updates, never deletes."""
    from adapters.documents.archive import Archive
    from workers import up as house

    with books() as engine:
        report = house.seed(engine, Archive(settings().archive), file)
    counts = {"created": report.created, "changed": report.changed, "unchanged": report.unchanged}
    if json:
        output.as_json(counts)
        return
    for word, counter in counts.items():
        if counter:
            print(f"{word}: {', '.join(f'{number} {part}' for part, number in sorted(counter.items()))}")


def up(json: Json = False) -> None:
    """Server, worker, gateway and Web UI on this host, until Ctrl-C."""
    from gateway.serving import running
    from workers import telemetry
    from workers import up as house

    telemetry.begin(settings())
    run(house.up(settings(), output.fail, running, lambda server, url: _ready(server, url, json)))


def _ready(server: Endpoint, gateway: str, json: bool) -> None:
    from workers.connect import namespace

    chosen = settings()
    where = {
        "web_ui": f"{server.ui_url}/namespaces/{namespace()}/workflows" if server.ui_url else None,
        "gateway": gateway,
        "server": server.address,
        "database": _shown_database(),
        "outbox": str(chosen.outbox) if chosen.mail == "outbox" else None,
        "archive": str(chosen.archive),
    }
    if json:
        output.as_json(where)
        sys.stdout.flush()
        return
    rows = [(name.replace("_", " "), value) for name, value in where.items()]
    output.panel("duely is up, Ctrl-C stops it", output.facts(rows))


def _shown_database() -> str:
    """The database without its password."""
    from sqlalchemy.engine import make_url

    return make_url(settings().database_url.get_secret_value()).render_as_string(hide_password=True)


def worker(json: Json = False) -> None:
    """A worker of the queue `duely`, or of those by kind that DUELY_WORKER_SERVES names, until Ctrl-C or SIGTERM; it
    drains first."""
    from workers import run as hands
    from workers import telemetry

    async def work(engine: Engine) -> None:
        with hands.stopping() as stop:
            server = await client()
            await hands.check(server, engine)
            queue = ", ".join(hands.queues_of(settings()))
            where = {"queue": queue, "namespace": server.namespace, "pid": os.getpid()}
            if json:
                output.as_json(where)
            else:
                print(f"worker {os.getpid()} works on queue {queue} of namespace {server.namespace}")
            sys.stdout.flush()
            await hands.run(server, settings(), engine, stop)

    telemetry.begin(settings())
    with books() as engine:
        run(work(engine))


def verify(json: Json = False) -> None:
    """Check the books against the invariants: exit 0 whole, 1 breached."""
    from adapters.books.verify import verify as check

    with books() as engine:
        archive = settings().archive
        found = [
            {"invariant": breach.invariant, "row": breach.row, "text": breach.text}
            for breach in check(engine, archive if archive.exists() else None)
        ]
        agreed = run(_agreement(engine))
    found += agreed or []
    unchecked = [] if agreed is not None else ["I9 not checked: no Temporal server answers"]
    if json:
        output.as_json({"breaches": found, "not_checked": unchecked})
    else:
        for item in found:
            print(f"I{item['invariant']} {item['row']}: {item['text']}")
        print("\n".join([*unchecked, f"verify: {len(found)} breach{'' if len(found) == 1 else 'es'}"]))
    if found:
        raise typer.Exit(output.REFUSED)


async def _agreement(engine: Engine) -> list[dict[str, Any]] | None:
    """Breaches of invariant 9, or None when no server answers."""
    from workers.agreement import disagreements

    server = await client_if_any()
    if server is None:
        return None
    return [
        {"invariant": 9, "row": f"invoices {id_}", "text": text} async for id_, text in disagreements(server, engine)
    ]


def pause_all(
    by: By,
    reason: Annotated[str, typer.Option(help="Kept in the audit.", show_default=False)],
    json: Json = False,
) -> None:
    """Stop every reminder of every seller until resume-all."""
    from adapters.books import stops

    with books() as engine:
        stops.pause_all(engine, by, reason, datetime.now(UTC))
        _stopped(engine, "paused", json)


def resume_all(by: By, json: Json = False) -> None:
    """Lift pause-all."""
    from adapters.books import stops

    with books() as engine:
        stops.resume_all(engine, by, datetime.now(UTC))
        _stopped(engine, "resumed", json)


def _stopped(engine: Engine, word: str, json: bool) -> None:
    """The stop holds from its commit on: each last look reads it. The workflows only hear of it to show it."""
    from workers.agreement import tell_all

    async def tell() -> int | None:
        server = await client_if_any()
        return None if server is None else await tell_all(server)

    told = run(tell())
    if json:
        output.as_json({"contract": 1, "result": "done", "told": told})
    else:
        print(
            f"{word}; {told} workflows told"
            if told is not None
            else f"{word}; no server answers, workflows see it later"
        )
