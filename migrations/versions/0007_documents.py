"""Documents keep the model they were frozen as, and their XML beside the PDF. Those issued before have neither."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("documents", sa.Column("model", sa.JSON(), nullable=True))
    op.add_column("documents", sa.Column("xml_key", sa.String(), nullable=True))
