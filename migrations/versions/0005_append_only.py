"""The ledger, the numbers and the audit chain only grow: the database itself refuses to change or delete a row.

Whoever owns the database can drop these triggers; what was changed then is what `duely verify` finds.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

TABLES = {
    "audit": "the audit chain only grows",
    "numbers": "a number once taken stays taken",
    "postings": "the ledger only grows; correct it with a reversing posting",
}

FUNCTION = """
CREATE FUNCTION duely_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0]; END $$
"""


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        op.execute(FUNCTION)
    for table, reason in TABLES.items():
        for event in ("UPDATE", "DELETE", "TRUNCATE") if postgres else ("UPDATE", "DELETE"):
            op.execute(_trigger(table, event, reason, postgres))


def _trigger(table: str, event: str, reason: str, postgres: bool) -> str:
    name = f"{table}_no_{event.lower()}"
    if postgres:
        return (
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION duely_append_only('{reason}')"
        )
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{table}: {reason}'); END"
