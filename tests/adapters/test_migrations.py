"""Migrations and models agree in every column, type, rule and index, on both databases; what only grows only grows."""

from __future__ import annotations

import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, Inspector, inspect, text
from sqlalchemy.exc import DBAPIError

from adapters.books.engine import open_engine, read, write
from adapters.books.migrate import upgrade
from adapters.books.recipients import reply_to
from adapters.books.seed import apply_seed, load_seed
from schemas import tables as t
from schemas.tables import metadata
from tests.conftest import DEMO, SEEDED_AT, Databases
from tests.story import Story, told_book

ROOT = Path(__file__).parents[2]
REVISIONS = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011"]
ONLY_GROW = ("audit", "legal_holds", "numbers", "postings")


def create_all(url: str) -> None:
    engine = open_engine(url)
    with write(engine, None) as session:
        metadata.create_all(session.connection())
    engine.dispose()


def shape(engine: Engine) -> dict[str, Any]:
    """All that the database itself knows of our tables."""
    seen = inspect(engine)
    return {name: _table(seen, name) for name in seen.get_table_names() if name != "alembic_version"}


def _table(seen: Inspector, name: str) -> dict[str, Any]:
    return {
        "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(name)},
        "primary key": seen.get_pk_constraint(name),
        "foreign keys": sorted(map(str, seen.get_foreign_keys(name))),
        "unique": sorted(map(str, seen.get_unique_constraints(name))),
        "checks": {c["name"]: c["sqltext"] for c in seen.get_check_constraints(name)},
        "indexes": sorted(str(_plain(index)) for index in seen.get_indexes(name)),
    }


def _plain(index: Any) -> dict[str, Any]:
    """With the condition of a partial index as its text."""
    return {**index, "dialect_options": {k: str(v) for k, v in (index.get("dialect_options") or {}).items()}}


def test_migrations_and_models_agree(databases: Databases, engine: Engine) -> None:
    url = databases.copy(create_all)
    wanted = open_engine(url)
    assert shape(engine) == shape(wanted)
    wanted.dispose()
    databases.remove(url)


def test_alembic_finds_nothing_to_generate(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_rule_of_the_models_has_a_name_in_the_database(engine: Engine) -> None:
    checks = sum(len(table["checks"]) for table in shape(engine).values())
    assert checks == sum(
        type(rule).__name__ == "CheckConstraint" for table in metadata.tables.values() for rule in table.constraints
    )
    assert checks > 20


def test_money_is_big_and_instants_know_their_zone_on_postgres(engine: Engine) -> None:
    columns = {
        f"{table}.{name}": kind
        for table, seen in shape(engine).items()
        for name, (kind, _, _) in seen["columns"].items()
    }
    assert columns["postings.amount"] == columns["invoices.total"] == "BIGINT"
    if engine.dialect.name == "postgresql":
        seconds = inspect(engine).get_columns("messages")
        assert next(c["type"] for c in seconds if c["name"] == "at").timezone is True  # type: ignore[attr-defined]


def test_upgrade_names_what_it_did_and_does_it_once(empty_url: str) -> None:
    assert upgrade(empty_url) == REVISIONS
    assert upgrade(empty_url) == []


def test_four_processes_that_start_at_once_migrate_once(empty_url: str) -> None:
    program = f"from adapters.books.migrate import upgrade; print(len(upgrade({empty_url!r})))"
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(
                lambda _: subprocess.run(
                    [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
                ),
                range(4),
            )
        )
    assert sorted(d.stdout.strip() for d in done) == ["0", "0", "0", str(len(REVISIONS))]
    assert {d.stderr for d in done} == {""}


def test_invoices_from_before_are_found_by_their_address_too(empty_url: str) -> None:
    upgrade(empty_url)
    engine = open_engine(empty_url)
    seed = load_seed(DEMO)
    apply_seed(engine, replace(seed, sellers={"demo": seed.sellers["demo"]}), SEEDED_AT)
    Story(engine, "demo", "OLD").start("globex", "100.00")
    with write(engine, None) as session:
        told = session.execute(text("SELECT reply_token FROM invoices")).scalar_one()
        session.execute(text("UPDATE invoices SET reply_token = NULL"))
    migration = runpy.run_path(str(ROOT / "migrations" / "versions" / "0009_people.py"))
    with write(engine, None) as session, Operations.context(MigrationContext.configure(session.connection())):
        migration["_tokens"]()
    with read(engine) as session:
        assert session.execute(text("SELECT reply_token FROM invoices")).scalar_one() == told
        seller = session.get_one(t.Seller, "demo")
        assert reply_to(seller, "invoice-demo-OLD") == f"ar-{told}@reply.demo.example"
    engine.dispose()


def test_a_failed_migration_leaves_nothing(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with write(engine, None) as session:
        session.execute(text("CREATE TABLE messages (key TEXT)"))  # in the way of the fourth
    with pytest.raises(DBAPIError):
        upgrade(empty_url)
    assert inspect(engine).get_table_names() == ["messages"]
    engine.dispose()


@pytest.mark.parametrize("table", ONLY_GROW)
@pytest.mark.parametrize("change", ["UPDATE {} SET seller = seller", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_what_only_grows_refuses_to_change(databases: Databases, table: str, change: str) -> None:
    url = databases.copy(told_book)
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        change = change.replace("TRUNCATE {} CASCADE", "DELETE FROM {}")  # it has no other
    with pytest.raises(DBAPIError, match=f"{table}: .*(only grows|stays taken)"), write(engine, None) as session:
        session.execute(text(change.format(table)))
    engine.dispose()
    databases.remove(url)
