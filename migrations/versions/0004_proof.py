"""Messages and their effects, reasons, the audit chain, exceptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "seq", name="pk_audit"),
        sa.CheckConstraint("actor_kind IN ('person','machine','customer')", name=op.f("ck_audit_actor_kind")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_audit_seq")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_audit_seller"),
        sa.UniqueConstraint("seller", "digest", name="uq_audit_seller_digest"),
    )
    op.create_index("ix_audit_invoice", "audit", ["invoice"])
    op.create_table(
        "audit_texts",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "ref", name="pk_audit_texts"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_audit_texts_seller"),
    )
    op.create_table(
        "effects",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_effects"),
        sa.CheckConstraint("(state = 'confirmed') = (confirmed_at IS NOT NULL)", name=op.f("ck_effects_confirmed")),
        sa.CheckConstraint(
            "state IN ('claimed','confirmed','released','unknown','refused')", name=op.f("ck_effects_state")
        ),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_effects_invoice"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_effects_seller"),
        sa.UniqueConstraint("provider_id", name="uq_effects_provider_id"),
    )
    op.create_index("ix_effects_contact", "effects", ["seller", "contact", "confirmed_at"])
    op.create_index("ix_effects_invoice", "effects", ["invoice"])
    op.create_index("ix_effects_seller", "effects", ["seller"])
    op.create_table(
        "exceptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exceptions"),
        sa.CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name=op.f("ck_exceptions_decided")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_exceptions_invoice"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_exceptions_seller"),
    )
    op.create_index("ix_exceptions_invoice", "exceptions", ["invoice"])
    op.create_index("ix_exceptions_open", "exceptions", ["seller", "kind", "key"])
    op.create_index("ix_exceptions_seller", "exceptions", ["seller"])
    op.create_table(
        "messages",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_messages"),
        sa.CheckConstraint(
            "state IN ('held','released','acting','skipped','would_send')", name=op.f("ck_messages_state")
        ),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_messages_invoice"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_messages_seller"),
    )
    op.create_index("ix_messages_contact", "messages", ["contact"])
    op.create_index("ix_messages_invoice", "messages", ["invoice"])
    op.create_index("ix_messages_seller", "messages", ["seller"])
    op.create_table(
        "whys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=True),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("clock", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_whys"),
        sa.CheckConstraint(
            "verdict IN ('sent','withheld','moved','skipped','held','would_send','unknown','refused')",
            name=op.f("ck_whys_verdict"),
        ),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_whys_invoice"),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_whys_seller"),
    )
    op.create_index("ix_whys_invoice", "whys", ["invoice"])
    op.create_table(
        "message_items",
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("rung", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message", "invoice", "due", name="pk_message_items"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_message_items_invoice"),
        sa.ForeignKeyConstraint(["message"], ["messages.key"], name="fk_message_items_message"),
        sa.UniqueConstraint(
            "invoice",
            "due",
            "episode",
            "kind",
            "rung",
            "ref",
            name="uq_message_items_invoice_due_episode_kind_rung_ref",
        ),
    )
