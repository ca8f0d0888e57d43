"""What a verb works with: settings, the books, a client of the server. Opened for one verb and closed after it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from temporalio.client import Client

    from settings import Settings

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print JSON only.")]
Seller = Annotated[str | None, typer.Option("--seller", metavar="KEY", help="Whose, where a name is ambiguous.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Workflow id, number or reference.", show_default=False)]
MOST = 2**31 - 1
"""The largest number that the books give to anything."""
By = Annotated[str, typer.Option("--by", help="Who says so.", show_default=False)]


def settings() -> Settings:
    from settings import current

    return current()


@contextmanager
def books() -> Iterator[Engine]:
    """The database of the settings."""
    from adapters.books.engine import open_engine

    engine = open_engine(settings().database_url.get_secret_value())
    try:
        yield engine
    finally:
        engine.dispose()


async def client() -> Client:
    """The server that `TEMPORAL_*` names or that `duely up` started. Unavailable when neither answers."""
    from workers.client import open_client

    return await open_client(settings())


async def client_if_any() -> Client | None:
    """The same; None when nobody answers."""
    from domain.errors import Unavailable

    try:
        return await client()
    except Unavailable:
        return None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Until it ends, and its last traces have left: the process waits for nothing afterwards."""
    from workers import tracing

    try:
        return asyncio.run(work)
    finally:
        tracing.flush()


def among(option: str, given: str | None, known: Iterable[str]) -> None:
    """Wrong usage for a word that there is not, as its answer would be an empty list that says nothing."""
    words = sorted(known)
    if given is not None and given not in words:
        raise typer.BadParameter(f"there is no {given}; there are {', '.join(words) or 'none'}", param_hint=option)
