"""Documents keep the model they were frozen as, and their XML beside the PDF; those issued before have neither.
Uploaded files are known by their key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("documents", sa.Column("model", sa.JSON(), nullable=True))
    op.add_column("documents", sa.Column("xml_key", sa.String(), nullable=True))
    op.create_table(
        "files",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("suffix", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_files_size")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_files")),
    )
