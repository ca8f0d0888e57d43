"""What people and customers say and are asked: plans, replies, sheets, judgements, changes of contact, marks on links;
absences, who owns a dispute and until when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from domain.keys import reply_token

revision = "0009"
down_revision = "0008"

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("people") as people:
        people.add_column(sa.Column("absent_from", sa.Date(), nullable=True))
        people.add_column(sa.Column("absent_until", sa.Date(), nullable=True))
        people.add_column(sa.Column("delegate", sa.String(), nullable=True))
        people.create_check_constraint(op.f("ck_people_absence"), "(absent_from IS NULL) = (absent_until IS NULL)")
    op.add_column("invoices", sa.Column("quiet_until", AT, nullable=True))
    op.add_column("invoices", sa.Column("plans", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("invoices", sa.Column("link_generation", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("invoices", sa.Column("reply_token", sa.String(), nullable=True))
    op.create_index(op.f("ix_invoices_reply_token"), "invoices", ["reply_token"], unique=False)
    op.add_column("invoices", sa.Column("contact_changes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("disputes", sa.Column("owner", sa.String(), nullable=True))
    op.add_column("disputes", sa.Column("deadline", AT, nullable=True))
    op.add_column("disputes", sa.Column("level", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("disputes", sa.Column("credited", sa.BigInteger(), nullable=True))
    _of_receivables()
    _of_people()
    _tokens()


def _tokens() -> None:
    """Answers to mails that left before find their receivable as well."""
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT i.id, s.salt FROM invoices i JOIN sellers s ON s.key = i.seller")).all()
    rows = [{"id": id_, "token": reply_token(salt, id_)} for id_, salt in found]
    if rows:
        connection.execute(sa.text("UPDATE invoices SET reply_token = :token WHERE id = :id"), rows)


def _of_receivables() -> None:
    op.create_table(
        "payment_plans",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("instalments", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('kept','accelerated','replaced','ended')",
            name=op.f("ck_payment_plans_outcome"),
        ),
        sa.CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_payment_plans_ended")),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_payment_plans_invoice")),
        sa.PrimaryKeyConstraint("invoice", "id", name=op.f("pk_payment_plans")),
    )
    op.create_table(
        "draft_versions",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_draft_versions_invoice")),
        sa.PrimaryKeyConstraint("invoice", "hash", name=op.f("pk_draft_versions")),
    )
    op.create_table(
        "contact_changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("confirmed_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_contact_changes_invoice")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_contact_changes_seller")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_changes")),
    )
    op.create_table(
        "replies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("object_key", sa.String(), nullable=False),
        sa.Column("received_at", AT, nullable=False),
        sa.Column("quiet_until", AT, nullable=True),
        sa.ForeignKeyConstraint(["invoice"], ["invoices.id"], name=op.f("fk_replies_invoice")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_replies_seller")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
    )
    for table in ("contact_changes", "replies"):
        for column in ("invoice", "seller"):
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def _of_people() -> None:
    op.create_table(
        "sheets",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("confirmed_at", AT, nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('claimed','confirmed','released','unknown','refused')", name=op.f("ck_sheets_state")
        ),
        sa.ForeignKeyConstraint(["owner"], ["people.key"], name=op.f("fk_sheets_owner")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_sheets_seller")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sheets")),
        sa.UniqueConstraint("seller", "owner", "day", name=op.f("uq_sheets_seller_owner_day")),
    )
    op.create_table(
        "judgements",
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("seller", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint("verdict IN ('agree','veto')", name=op.f("ck_judgements_verdict")),
        sa.ForeignKeyConstraint(["by"], ["people.key"], name=op.f("fk_judgements_by")),
        sa.ForeignKeyConstraint(["message"], ["messages.key"], name=op.f("fk_judgements_message")),
        sa.ForeignKeyConstraint(["seller"], ["sellers.key"], name=op.f("fk_judgements_seller")),
        sa.PrimaryKeyConstraint("message", "by", name=op.f("pk_judgements")),
    )
    op.create_table(
        "link_marks",
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.CheckConstraint("mark IN ('used','revoked')", name=op.f("ck_link_marks_mark")),
        sa.PrimaryKeyConstraint("purpose", "subject", "mark", name=op.f("pk_link_marks")),
    )
    op.create_index(op.f("ix_sheets_seller"), "sheets", ["seller"], unique=False)
    op.create_index(op.f("ix_sheets_owner"), "sheets", ["owner"], unique=False)
    op.create_index(op.f("ix_judgements_seller"), "judgements", ["seller"], unique=False)
