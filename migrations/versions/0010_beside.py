"""What is read of the receivables beside one comes by an index: a customer's last ones, with which each new draft is
compared, what a contact was sent since when, and who is open."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_index("ix_invoices_customer_created", "invoices", ["seller", "customer", "created_at"], unique=False)
    op.drop_index("ix_effects_contact", "effects")
    op.create_index("ix_effects_contact", "effects", ["seller", "contact", "claimed_at"], unique=False)
    op.drop_index("ix_invoices_seller", "invoices")
    op.create_index("ix_invoices_phase", "invoices", ["seller", "phase", "id"], unique=False)
