"""A dispute that ended because nothing was owed any more is `settled`: nobody withdrew it."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

OUTCOME = "outcome IS NULL OR outcome IN ('withdrawn','rejected','accepted','partly','settled')"


def upgrade() -> None:
    name = op.f("ck_disputes_outcome")
    with op.batch_alter_table("disputes") as disputes:
        disputes.drop_constraint(name, type_="check")
        disputes.create_check_constraint(name, OUTCOME)
