"""What a receivable costs does not grow with the receivables beside it: no step reads a whole table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, event

from adapters.books.engine import open_engine
from tests.conftest import Databases, seed_demo
from tests.story import tell

FEW = ("people", "sellers", "payouts")
"""Tables with a handful of rows: the house's own, and what a provider pays out once a day."""


def plans_of(engine: Engine, do: Callable[[], object]) -> dict[str, list[str]]:
    """How SQLite goes about each statement that `do` asks."""
    asked: dict[str, Any] = {}

    def ask(_: Connection, __: object, statement: str, parameters: Any, ___: object, many: bool) -> None:
        asked.setdefault(statement, parameters[0] if many else parameters)

    event.listen(engine, "before_cursor_execute", ask)
    do()
    event.remove(engine, "before_cursor_execute", ask)
    with engine.connect() as connection:
        return {
            statement: [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            for statement, parameters in asked.items()
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
        }


def unbounded(statement: str, plan: list[str]) -> list[str]:
    """The tables that it reads from end to end; or that it sorts before it takes the first few."""
    scans = [step.removeprefix("SCAN ").split()[0] for step in plan if step.startswith("SCAN ")]
    sorts = ["its order"] if " LIMIT " in statement and any("TEMP B-TREE FOR ORDER" in step for step in plan) else []
    return [each for each in scans if each not in FEW and each != "CONSTANT" and "subquery" not in each] + sorts


def test_no_step_reads_a_whole_table(sqlite_databases: Databases) -> None:
    engine = open_engine(sqlite_databases.copy(seed_demo))
    plans = plans_of(engine, lambda: tell(engine))
    assert len(plans) > 100
    found = {statement: plan for statement, plan in plans.items() if unbounded(statement, plan)}
    assert found == {}
    engine.dispose()
