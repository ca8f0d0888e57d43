"""The one place where the gateway is put together: routes, limits, errors, counters, and the document that describes
them. It starts no server (`gateway/serving.py`) and decides nothing."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from sqlalchemy import Engine

from adapters.documents.archive import Archive
from gateway import (
    approver,
    codec,
    contact_page,
    customers,
    described,
    desk,
    events,
    exceptions,
    files,
    health,
    inbound,
    invoices,
    mail_events,
    pages,
    payments,
    problems,
    refusals,
    saying,
    sheets,
    webhooks,
)
from gateway.guarded import Guarded
from gateway.house import ClientFactory, House, Link
from gateway.limits import Limits
from gateway.pace import Paced
from gateway.reading import once
from gateway.watch import Watch
from settings import Settings
from workers.tracing import tracer_of

DESCRIPTION = (
    "Accounts receivable that runs itself. Errors are RFC 9457 problem+json; amounts are decimal strings, dates "
    "YYYY-MM-DD, instants RFC 3339."
)


def make_app(settings: Settings, engine: Engine, client_factory: ClientFactory) -> FastAPI:
    """The gateway on these books. `client_factory` is asked for a Temporal client when the first request needs one, and
    again until one answers."""
    app = FastAPI(
        title="Duely",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(once)],
    )
    secret = settings.signing_secret().get_secret_value()
    house = House(settings, engine, Link(client_factory), Archive(settings.archive), secret)
    app.state.house = house
    app.state.told = refusals.Told()
    for_programs = (invoices, customers, payments, files, exceptions, events, webhooks, mail_events, inbound, codec)
    for_people = (pages, saying, contact_page, approver, desk, sheets)
    parts = (*for_programs, *for_people, health)
    app.state.routes = [route for part in parts for route in part.router.routes]
    for part in parts:
        app.include_router(part.router)
    problems.register(app)
    described.describe(app)
    app.add_middleware(Limits)
    app.add_middleware(Paced)
    app.add_middleware(Watch, metrics=house.metrics, tracer=tracer_of(settings))
    app.add_middleware(Guarded, https=settings.public_url.startswith("https://"))
    return app
