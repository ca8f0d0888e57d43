"""The ledger and the receipts it books."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_receipts_amount")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_receipts_seller"),
        sa.UniqueConstraint("seller", "source", "external_id", name="uq_receipts_seller_source_external_id"),
    )
    op.create_index("ix_receipts_customer", "receipts", ["customer"])
    op.create_table(
        "source_watermarks",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seller", "source", name="pk_source_watermarks"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_source_watermarks_seller"),
    )
    op.create_table(
        "allocations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.Integer(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_allocations"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_allocations_amount")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_allocations_invoice"),
        sa.ForeignKeyConstraint(["receipt"], ["receipts.id"], name="fk_allocations_receipt"),
    )
    op.create_index("ix_allocations_invoice", "allocations", ["invoice"])
    op.create_index("ix_allocations_receipt", "allocations", ["receipt"])
    op.create_table(
        "postings",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("document_on", sa.Date(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "transaction", "position", name="pk_postings"),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_postings_amount")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_postings_invoice"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_postings_seller"),
    )
    op.create_index("ix_postings_customer", "postings", ["seller", "customer", "account"])
    op.create_index("ix_postings_invoice_account", "postings", ["invoice", "account"])
