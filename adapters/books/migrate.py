"""Brings the tables up to date. Several processes may call it at once; the second finds nothing left to do.
It never goes back: books are repaired forwards, or restored from a backup."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from adapters.books.engine import open_engine, write

_MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def upgrade(url: str) -> list[str]:
    """Applies what is missing in one transaction and names it, oldest first; empty when all was there.
    Unavailable when the database does not answer or another process holds it for too long."""
    engine = open_engine(url)
    try:
        return upgrade_opened(engine)
    finally:
        engine.dispose()


def upgrade_opened(engine: Engine) -> list[str]:
    """The same for books that are open already, such as those in memory."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with write(engine, None) as session:
        connection = session.connection()
        before = MigrationContext.configure(connection).get_current_heads()
        head = scripts.get_current_head()
        if before == (head,):
            return []
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        missing = scripts.iterate_revisions(head, before[0] if before else "base")
        return [revision.revision for revision in missing][::-1]
