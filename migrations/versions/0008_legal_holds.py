"""Legal holds. Like the audit chain they only grow: a release is a row of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

REASON = "the list of legal holds only grows"


def upgrade() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("releases", sa.Integer(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_legal_holds_invoice")),
        sa.ForeignKeyConstraint(["releases"], ["legal_holds.id"], name=op.f("fk_legal_holds_releases")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_legal_holds_seller")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
        sa.UniqueConstraint("releases", name=op.f("uq_legal_holds_releases")),
    )
    op.create_index(op.f("ix_legal_holds_invoice"), "legal_holds", ["invoice"], unique=False)
    op.create_index(op.f("ix_legal_holds_seller"), "legal_holds", ["seller"], unique=False)
    postgres = op.get_bind().dialect.name == "postgresql"
    for event in ("UPDATE", "DELETE", "TRUNCATE") if postgres else ("UPDATE", "DELETE"):
        op.execute(_trigger(event, postgres))


def _trigger(event: str, postgres: bool) -> str:
    """As in 0005, whose function it uses."""
    head = f"CREATE TRIGGER legal_holds_no_{event.lower()} BEFORE {event} ON legal_holds"
    if postgres:
        return f"{head} FOR EACH STATEMENT EXECUTE FUNCTION duely_append_only('{REASON}')"
    return f"{head} BEGIN SELECT RAISE(ABORT, 'legal_holds: {REASON}'); END"
