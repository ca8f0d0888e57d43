"""Who bills, who owes, who decides, and by which rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("machine", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_people"),
    )
    op.create_table(
        "policies",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_policies"),
        sa.CheckConstraint("version >= 1", name=op.f("ck_policies_version")),
        sa.UniqueConstraint("name", "digest", name="uq_policies_name_digest"),
    )
    op.create_table(
        "sellers",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("locked_until", sa.Date(), nullable=True),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("audit_seq", sa.Integer(), nullable=False),
        sa.Column("audit_head", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sellers"),
        sa.CheckConstraint("mode IS NULL OR mode IN ('shadow','ask','auto')", name=op.f("ck_sellers_mode")),
    )
    op.create_table(
        "stops",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stops"),
        sa.CheckConstraint("kind IN ('hold','insolvent','no_contact')", name=op.f("ck_stops_kind")),
    )
    op.create_index("ix_stops_customer", "stops", ["customer"])
    op.create_index("ix_stops_seller", "stops", ["seller"])
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.CheckConstraint("role IN ('billing','escalation','dispute')", name=op.f("ck_contacts_role")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_contacts_seller"),
        sa.UniqueConstraint("seller", "customer", "role", "email", name="uq_contacts_seller_customer_role_email"),
    )
    op.create_index("ix_contacts_customer", "contacts", ["customer"])
    op.create_index("ix_contacts_seller", "contacts", ["seller"])
    op.create_table(
        "customers",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("vat_id", sa.String(), nullable=True),
        sa.Column("policy", sa.String(), nullable=True),
        sa.Column("terms", sa.JSON(), nullable=True),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "key", name="pk_customers"),
        sa.CheckConstraint("kind IN ('business','public','consumer')", name=op.f("ck_customers_kind")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_customers_seller"),
    )
