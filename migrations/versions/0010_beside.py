"""What is read of the receivables beside one comes by an index: a customer's last ones, with which each new draft is
compared, what a contact was sent since when, who is open, and what is undecided. What nobody reads by goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

UNREAD = (
    ("ix_invoices_contact", "invoices"),
    ("ix_messages_contact", "messages"),
    ("ix_effects_seller", "effects"),
    ("ix_exceptions_seller", "exceptions"),
)
"""No statement looks by it, or another index begins with it."""


def upgrade() -> None:
    op.create_index("ix_invoices_customer_created", "invoices", ["seller", "customer", "created_at"], unique=False)
    op.drop_index("ix_effects_contact", "effects")
    op.create_index("ix_effects_contact", "effects", ["seller", "contact", "claimed_at"], unique=False)
    op.drop_index("ix_invoices_seller", "invoices")
    op.create_index("ix_invoices_phase", "invoices", ["seller", "phase", "id"], unique=False)
    for index, table in UNREAD:
        op.drop_index(index, table)
    undecided = sa.text("decided_at IS NULL")
    op.create_index(
        "ix_exceptions_undecided", "exceptions", ["seller", "id"], sqlite_where=undecided, postgresql_where=undecided
    )
