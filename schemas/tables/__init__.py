"""The database, one class a table. CHECK and UNIQUE repeat what the domain asserts, so that no other program can
break a book either. Workflows never import this package: one SQLModel import costs 840 ms in the sandbox."""

from schemas.tables.columns import metadata
from schemas.tables.money import Allocation, Posting, Receipt, SourceWatermark
from schemas.tables.parties import Contact, Customer, Person, Policy, Seller, Stop
from schemas.tables.proof import AuditEntry, AuditText, Effect, Message, MessageItem, OpenException, Why
from schemas.tables.receivables import (
    ApprovalSubject,
    ApprovalVote,
    CommandDone,
    Dispute,
    Document,
    Due,
    Intake,
    Invoice,
    InvoiceHold,
    InvoiceLine,
    NumberSeries,
    NumberTaken,
    Promise,
)

__all__ = [
    "Allocation",
    "ApprovalSubject",
    "ApprovalVote",
    "AuditEntry",
    "AuditText",
    "CommandDone",
    "Contact",
    "Customer",
    "Dispute",
    "Document",
    "Due",
    "Effect",
    "Intake",
    "Invoice",
    "InvoiceHold",
    "InvoiceLine",
    "Message",
    "MessageItem",
    "NumberSeries",
    "NumberTaken",
    "OpenException",
    "Person",
    "Policy",
    "Posting",
    "Promise",
    "Receipt",
    "Seller",
    "SourceWatermark",
    "Stop",
    "Why",
    "metadata",
]
