"""What SQLAlchemy compiled is kept once a process. It keeps it for each engine and each mapper by the engine's dialect,
and nearly every test opens a database of its own: half of the run's time went into compiling the same statements, and
a million objects into keeping them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine, event

from adapters.books import engine as books

Kept = tuple[Any, Any]


def share(patch: pytest.MonkeyPatch) -> None:
    """From here on engines of one driver have one dialect and one cache: those of the first that connected, for a
    dialect learns from its first connection what the database can do."""
    created, kept = sqlalchemy.create_engine, dict[str, Kept]()

    def create_engine(*arguments: Any, **options: Any) -> Engine:
        engine: Engine = created(*arguments, **options)
        driver, own = engine.driver, (engine.dialect, engine._compiled_cache)
        if driver in kept:
            engine.dialect, engine._compiled_cache = kept[driver]
            engine.pool._dialect = engine.dialect
        else:
            event.listen(engine, "connect", lambda *_: kept.setdefault(driver, own))
        return engine

    patch.setattr(books, "create_engine", create_engine)
