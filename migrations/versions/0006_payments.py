"""Payments at providers and banks, delivery of mails, keys for programs. References of invoices already issued are
written down, so that a payer may quote them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain import keys

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _providers()
    _statements()
    _payers()
    _mail_and_keys()
    _references()


def _providers() -> None:
    op.create_table(
        "provider_events",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "id", name=op.f("pk_provider_events")),
    )
    op.create_table(
        "payment_sessions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("payment_id", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("minted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pending_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('claimed','open','processing','stalled','paid','expired','failed')",
            name=op.f("ck_payment_sessions_state"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_sessions_amount")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_payment_sessions_invoice")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_payment_sessions_seller")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_sessions")),
        sa.UniqueConstraint("provider", "provider_id", name=op.f("uq_payment_sessions_provider_provider_id")),
    )
    op.create_index(op.f("ix_payment_sessions_invoice"), "payment_sessions", ["invoice"], unique=False)
    op.create_index(
        "ix_payment_sessions_live",
        "payment_sessions",
        ["invoice"],
        unique=True,
        sqlite_where=sa.text("state IN ('claimed','open','processing')"),
        postgresql_where=sa.text("state IN ('claimed','open','processing')"),
    )
    op.create_index(op.f("ix_payment_sessions_payment_id"), "payment_sessions", ["payment_id"], unique=False)
    op.create_index(op.f("ix_payment_sessions_seller"), "payment_sessions", ["seller"], unique=False)
    op.create_table(
        "reversals",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("receipt", sa.Integer(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("due_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('refund','chargeback','returned')", name=op.f("ck_reversals_kind")),
        sa.CheckConstraint(
            "state IN ('requested','claimed','booked','unexplained','won','failed')", name=op.f("ck_reversals_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_reversals_amount")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_reversals_invoice")),
        sa.ForeignKeyConstraint(["receipt"], ["receipts.id"], name=op.f("fk_reversals_receipt")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_reversals_seller")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_reversals")),
        sa.UniqueConstraint("seller", "source", "external_id", name=op.f("uq_reversals_seller_source_external_id")),
    )
    op.create_index(op.f("ix_reversals_invoice"), "reversals", ["invoice"], unique=False)
    op.create_index(op.f("ix_reversals_receipt"), "reversals", ["receipt"], unique=False)
    op.create_index(op.f("ix_reversals_seller"), "reversals", ["seller"], unique=False)
    op.create_table(
        "payouts",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=False),
        sa.Column("trace", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=True),
        sa.Column("line", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "id", name=op.f("pk_payouts")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_payouts_seller")),
        sa.UniqueConstraint("seller", "line", name=op.f("uq_payouts_seller_line")),
    )


def _statements() -> None:
    op.create_table(
        "bank_files",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("statements", sa.JSON(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('received','booked')", name=op.f("ck_bank_files_state")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_bank_files_seller")),
        sa.PrimaryKeyConstraint("seller", "id", name=op.f("pk_bank_files")),
    )
    op.create_table(
        "bank_lines",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("charges", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("iban", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("end_to_end", sa.String(), nullable=False),
        sa.Column("bank_reference", sa.String(), nullable=False),
        sa.Column("return_code", sa.String(), nullable=False),
        sa.Column("reversal", sa.Boolean(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("receipt", sa.Integer(), nullable=True),
        sa.CheckConstraint("state IN ('new','booked','unclear','ignored')", name=op.f("ck_bank_lines_state")),
        sa.ForeignKeyConstraint(["receipt"], ["receipts.id"], name=op.f("fk_bank_lines_receipt")),
        sa.ForeignKeyConstraint(
            ["seller", "file"], ["bank_files.seller", "bank_files.id"], name=op.f("fk_bank_lines_seller_file")
        ),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_bank_lines_seller")),
        sa.PrimaryKeyConstraint("seller", "key", name=op.f("pk_bank_lines")),
    )
    op.create_index("ix_bank_lines_batch", "bank_lines", ["seller", "batch"], unique=False)
    op.create_index("ix_bank_lines_file", "bank_lines", ["seller", "file", "position"], unique=False)
    op.create_index(op.f("ix_bank_lines_receipt"), "bank_lines", ["receipt"], unique=False)


def _payers() -> None:
    op.create_table(
        "learned_ibans",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("iban", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_learned_ibans_seller")),
        sa.PrimaryKeyConstraint("seller", "iban", name=op.f("pk_learned_ibans")),
    )
    op.create_table(
        "payment_references",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('creditor_reference','number')", name=op.f("ck_payment_references_kind")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_payment_references_seller")),
        sa.PrimaryKeyConstraint("seller", "reference", name=op.f("pk_payment_references")),
    )
    op.create_table(
        "receipt_candidates",
        sa.Column("receipt", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["receipt"], ["receipts.id"], name=op.f("fk_receipt_candidates_receipt")),
        sa.PrimaryKeyConstraint("receipt", "customer", name=op.f("pk_receipt_candidates")),
    )
    op.create_table(
        "reference_targets",
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_reference_targets_invoice")),
        sa.ForeignKeyConstraint(
            ["seller", "reference"],
            ["payment_references.seller", "payment_references.reference"],
            name=op.f("fk_reference_targets_seller_reference"),
        ),
        sa.PrimaryKeyConstraint("seller", "reference", "invoice", name=op.f("pk_reference_targets")),
    )
    op.create_index(op.f("ix_reference_targets_invoice"), "reference_targets", ["invoice"], unique=False)


def _mail_and_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("seller", sa.String(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["people.key"], name=op.f("fk_api_keys_by")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_api_keys_seller")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_table(
        "mail_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message"], ["messages.key"], name=op.f("fk_mail_events_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_events")),
    )
    op.create_index(op.f("ix_mail_events_message"), "mail_events", ["message"], unique=False)
    op.add_column("effects", sa.Column("delivery", sa.String(), nullable=True))
    op.add_column("effects", sa.Column("delivery_at", sa.DateTime(timezone=True), nullable=True))


def _references() -> None:
    """What `adapters/books/issuing.py` writes for a new invoice."""
    connection = op.get_bind()
    issued = connection.execute(sa.text("SELECT id, seller, number FROM invoices WHERE number IS NOT NULL")).all()
    for invoice, seller, number in issued:
        for kind, reference in (
            ("number", number),
            ("creditor_reference", keys.creditor_reference(f"{seller}{number}")),
        ):
            named = {"seller": seller, "reference": reference, "kind": kind, "invoice": invoice}
            connection.execute(
                sa.text("INSERT INTO payment_references (seller, reference, kind) VALUES (:seller, :reference, :kind)"),
                named,
            )
            connection.execute(
                sa.text(
                    "INSERT INTO reference_targets (seller, reference, invoice) VALUES (:seller, :reference, :invoice)"
                ),
                named,
            )
