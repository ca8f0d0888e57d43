"""Alembic's entry. `adapters/books/migrate.py` passes a connection whose transaction holds the lock; a developer's
`alembic -x url=sqlite:///FILE revision --autogenerate` opens its own."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from adapters.books.engine import open_engine
from schemas.tables import metadata


def run(connection: Connection) -> None:
    # SQLite can undo a CREATE TABLE like everybody else; Alembic assumes it cannot.
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with open_engine(context.get_x_argument(as_dictionary=True)["url"]).connect() as connection:
        run(connection.execution_options(duely_writes=True))
        connection.commit()
