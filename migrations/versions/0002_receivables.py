"""The receivable with its dues, documents, numbers, disputes, promises and approvals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seller", "reference", name="pk_intake"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("request_hash", sa.String(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("contact", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("customer_data", sa.JSON(), nullable=False),
        sa.Column("creators", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("policy", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.Column("reopened", sa.Boolean(), nullable=False),
        sa.Column("issue_on", sa.Date(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("oldest_due_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ladder_stopped_on", sa.Date(), nullable=True),
        sa.Column("rejected_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("freed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
        sa.CheckConstraint("(issued_on IS NULL) = (number IS NULL)", name=op.f("ck_invoices_issued_has_number")),
        sa.CheckConstraint("NOT freed OR number IS NULL", name=op.f("ck_invoices_numbered_is_never_free")),
        sa.CheckConstraint(
            "phase IN ('draft', 'awaiting_approval', 'rejected', 'scheduled', 'open', 'escalated', "
            "'in_collections', 'paid', 'credited', 'written_off', 'cancelled')",
            name=op.f("ck_invoices_phase"),
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_invoices_total")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_invoices_seller"),
        sa.UniqueConstraint("seller", "number", name="uq_invoices_seller_number"),
        sa.UniqueConstraint("seller", "reference", name="uq_invoices_seller_reference"),
    )
    op.create_index("ix_invoices_contact", "invoices", ["contact"])
    op.create_index("ix_invoices_contact_next", "invoices", ["seller", "contact", "next_at"])
    op.create_index("ix_invoices_customer", "invoices", ["customer"])
    op.create_index("ix_invoices_number", "invoices", ["number"])
    op.create_index("ix_invoices_seller", "invoices", ["seller"])
    op.create_index("ix_invoices_state", "invoices", ["state"])
    op.create_table(
        "number_series",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("seller", "kind", "year", name="pk_number_series"),
        sa.CheckConstraint("last >= first - 1", name=op.f("ck_number_series_last")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name="fk_number_series_seller"),
    )
    op.create_table(
        "commands_done",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_commands_done_invoice"),
        sa.PrimaryKeyConstraint("invoice", "id", name="pk_commands_done"),
    )
    op.create_table(
        "approval_subjects",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("approvers", sa.Integer(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("creators", sa.JSON(), nullable=False),
        sa.Column("command", sa.JSON(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("invoice", "id", name="pk_approval_subjects"),
        sa.CheckConstraint("approvers >= 1", name=op.f("ck_approval_subjects_approvers")),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('granted','rejected','void')",
            name=op.f("ck_approval_subjects_outcome"),
        ),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_approval_subjects_invoice"),
    )
    op.create_table(
        "disputes",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("invoice", "id", name="pk_disputes"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_disputes_amount")),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('withdrawn','rejected','accepted','partly')",
            name=op.f("ck_disputes_outcome"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (resolved_at IS NULL)", name=op.f("ck_disputes_resolved")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_disputes_invoice"),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.CheckConstraint("kind IN ('invoice','credit_note')", name=op.f("ck_documents_kind")),
        sa.CheckConstraint("total >= 0", name=op.f("ck_documents_total")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_documents_invoice"),
    )
    op.create_index("ix_documents_invoice", "documents", ["invoice"])
    op.create_table(
        "dues",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("ladder_on", sa.Date(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("invoice", "id", name="pk_dues"),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_dues_amount")),
        sa.CheckConstraint("episode >= 1", name=op.f("ck_dues_episode")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_dues_invoice"),
    )
    op.create_table(
        "invoice_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_holds"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_invoice_holds_invoice"),
    )
    op.create_index("ix_invoice_holds_invoice", "invoice_holds", ["invoice"])
    op.create_table(
        "invoice_lines",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("quantity", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("unit_price", sa.String(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax_category", sa.String(), nullable=False),
        sa.Column("tax_rate", sa.String(), nullable=False),
        sa.Column("revenue", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("invoice", "position", name="pk_invoice_lines"),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_invoice_lines_invoice"),
        sa.UniqueConstraint("invoice", "line_id", name="uq_invoice_lines_invoice_line_id"),
    )
    op.create_table(
        "promises",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("promised_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("invoice", "id", name="pk_promises"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promises_amount")),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('kept','broken','replaced')", name=op.f("ck_promises_outcome")
        ),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name="fk_promises_invoice"),
    )
    op.create_table(
        "approval_votes",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("invoice", "subject", "hash", "by", name="pk_approval_votes"),
        sa.ForeignKeyConstraint(
            ["invoice", "subject"],
            ["approval_subjects.invoice", "approval_subjects.id"],
            name="fk_approval_votes_invoice_subject",
        ),
    )
    op.create_table(
        "numbers",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "kind", "year", "n", name="pk_numbers"),
        sa.CheckConstraint("n >= 1", name=op.f("ck_numbers_n")),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_numbers_document"),
        sa.ForeignKeyConstraint(
            ["seller", "kind", "year"],
            ["number_series.seller", "number_series.kind", "number_series.year"],
            name="fk_numbers_seller_kind_year",
        ),
        sa.UniqueConstraint("document", name="uq_numbers_document"),
        sa.UniqueConstraint("seller", "number", name="uq_numbers_seller_number"),
    )
