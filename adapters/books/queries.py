"""The statements that read one receivable, built once: building one costs more than running it. Names in `bindparam`
are those of `parameters`."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, Text, bindparam, cast, func, not_, or_
from sqlmodel import col, select

from adapters.books.checks.finding import pick
from domain import calendar
from domain.delivery import FAILED
from schemas import tables as t

BORNE = ("requested", "claimed", "booked")
"""States of a reversal that what is free of its receipt has borne, or is reserved to bear."""

GONE = (*BORNE, "unexplained")
"""States of a reversal whose money can no longer be assigned: it left, whether or not somebody says why."""

ADOPTED = "adopted"
"""The source of a receipt that stands for what was paid before a receivable was taken over: nobody is told of it."""

OWN: BindParameter[Any] = bindparam("invoice")
SELLER: BindParameter[Any] = bindparam("seller")
CUSTOMER: BindParameter[Any] = bindparam("customer")
CONTACT: BindParameter[Any] = bindparam("contact")


def among(column: Any, *values: str) -> ColumnElement[bool]:
    """`column IN values`, which SQLAlchemy writes anew at each execution."""
    return or_(*(column == value for value in sorted(values)))


def parameters(row: t.Invoice, now: datetime) -> dict[str, Any]:
    zone = row.customer_data["timezone"]
    tomorrow = calendar.local_date(now, zone) + timedelta(days=1)
    return {
        "now": now,
        "invoice": row.id,
        "seller": row.seller,
        "customer": row.customer,
        "contact": row.contact,
        "currency": row.currency,
        "since": now - timedelta(days=2),
        "due_on": row.oldest_due_on,
        "from_": now - timedelta(days=1),
        "until": calendar.at(tomorrow, time(0), zone),
    }


DUES = select(t.Due).where(col(t.Due.invoice) == OWN).order_by(col(t.Due.due_on), col(t.Due.id))

DISPUTES = select(t.Dispute).where(col(t.Dispute.invoice) == OWN).order_by(col(t.Dispute.opened_at), col(t.Dispute.id))

TOLD_DISPUTES: Any = (
    select(t.Dispute, col(t.Person.key).label("ours"))
    .join(t.Person, col(t.Person.key) == col(t.Dispute.by), isouter=True)
    .where(col(t.Dispute.invoice) == OWN, col(t.Dispute.deadline).is_not(None))
    .order_by(col(t.Dispute.opened_at), col(t.Dispute.id))
)
"""With the key of whoever opened it when that is one of ours."""

PROMISES = select(t.Promise).where(col(t.Promise.invoice) == OWN).order_by(col(t.Promise.made_at), col(t.Promise.id))

PLANS = (
    select(t.PaymentPlan)
    .where(col(t.PaymentPlan.invoice) == OWN)
    .order_by(col(t.PaymentPlan.made_at), col(t.PaymentPlan.id))
)

HOLDS = select(t.InvoiceHold).where(col(t.InvoiceHold.invoice) == OWN, col(t.InvoiceHold.lifted_at).is_(None))

STOPS = select(t.Stop).where(
    or_(
        col(t.Stop.seller) == "*",
        (col(t.Stop.seller) == SELLER) & (col(t.Stop.customer).is_(None) | (col(t.Stop.customer) == CUSTOMER)),
    ),
    col(t.Stop.lifted_at).is_(None),
)

DOCUMENTS = (
    pick(
        t.Document.id,
        t.Document.kind,
        t.Document.number,
        t.Document.issued_on,
        t.Document.total,
        t.Document.object_key,
        t.Document.xml_key,
    )
    .where(col(t.Document.invoice) == OWN)
    .order_by(col(t.Document.issued_at), col(t.Document.id))
)
"""Without their contents, which are read when one is set."""
WATERMARKS = select(t.SourceWatermark).where(col(t.SourceWatermark.seller) == SELLER)

REMINDED = select(t.Effect.claimed_at).where(
    col(t.Effect.seller) == SELLER,
    col(t.Effect.contact) == CONTACT,
    col(t.Effect.kind) == "reminder",
    col(t.Effect.invoice) != OWN,
    among(t.Effect.state, "claimed", "confirmed", "unknown"),
    col(t.Effect.claimed_at) > bindparam("since"),
    or_(col(t.Effect.delivery).is_(None), not_(among(t.Effect.delivery, *FAILED))),
)

_OLDER_DEBT = select(t.Invoice.id).where(
    col(t.Invoice.seller) == SELLER,
    col(t.Invoice.contact) == CONTACT,
    col(t.Invoice.id) != OWN,
    col(t.Invoice.state) == "collecting",
    col(t.Invoice.oldest_due_on) < bindparam("due_on"),
    col(t.Invoice.next_at) > bindparam("from_"),
    col(t.Invoice.next_at) < bindparam("until"),
)
"""Of the same contact, to be chased on the same day and not yet overdue by a day: one that is stuck must not starve the
younger ones."""

QUESTIONS = select(t.OpenException.kind, t.OpenException.owner, t.OpenException.deadline).where(
    or_(
        col(t.OpenException.invoice) == OWN,
        # A contact that reported spam did so for all its receivables.
        (col(t.OpenException.seller) == SELLER)
        & (col(t.OpenException.kind) == "spam_report")
        & (col(t.OpenException.key) == CONTACT),
    ),
    col(t.OpenException.decided_at).is_(None),
)

SUMS = (
    select(t.Posting.kind, t.Posting.note, func.sum(t.Posting.amount))
    .where(col(t.Posting.invoice) == OWN, col(t.Posting.account) == "receivable")
    .group_by(col(t.Posting.kind), col(t.Posting.note))
)

_CREDIT = (
    col(t.Posting.seller) == SELLER,
    col(t.Posting.customer) == CUSTOMER,
    col(t.Posting.account) == "customer_credit",
)
CUSTOMER_CREDIT = (
    select(t.Posting.currency, func.sum(t.Posting.amount)).where(*_CREDIT).group_by(col(t.Posting.currency))
)

POLICY: Select[Any] = pick(cast(t.Policy.content, Text)).where(
    col(t.Policy.name) == bindparam("policy"), col(t.Policy.version) == bindparam("version")
)
"""As it was written, so that one that was read before need not be read again."""

_BACK = (
    select(func.coalesce(func.sum(t.Reversal.amount), 0))
    .where(col(t.Reversal.receipt) == col(t.Receipt.id), among(t.Reversal.state, *GONE))
    .scalar_subquery()
)
_ASSIGNED = (
    select(func.coalesce(func.sum(t.Allocation.amount), 0))
    .where(col(t.Allocation.receipt) == col(t.Receipt.id), col(t.Allocation.released_at).is_(None))
    .scalar_subquery()
)

LEFT = col(t.Receipt.amount) - _BACK - _ASSIGNED
"""What of a receipt can be assigned or paid back, as `receipts.free`: for a statement that answers those with something
left. All that a customer ever paid may be thousands."""

UNMATCHED = (
    select(t.Receipt.id, col(t.Receipt.amount) - _BACK, t.Receipt.currency)
    .join(t.ReceiptCandidate, col(t.ReceiptCandidate.receipt) == col(t.Receipt.id))
    .where(
        col(t.Receipt.seller) == SELLER,
        col(t.ReceiptCandidate.customer) == CUSTOMER,
        col(t.Receipt.customer).is_(None),
    )
    .order_by(col(t.Receipt.id))
)

CREDIT_RECEIPTS = (
    select(t.Receipt.id, LEFT, t.Receipt.currency)
    .where(col(t.Receipt.seller) == SELLER, col(t.Receipt.customer) == CUSTOMER, LEFT > 0)
    .order_by(col(t.Receipt.id))
)

MESSAGES = (
    pick(
        t.Message.key,
        t.Message.kind,
        t.Message.state,
        t.Message.at,
        t.Message.person,
        t.Message.contact,
        t.Message.approved_by,
        t.MessageItem.due,
        t.MessageItem.episode,
        t.MessageItem.rung,
        t.MessageItem.ref,
        col(t.Effect.state).label("effect"),
        t.Effect.attempts,
        t.Effect.retry_at,
        t.Effect.confirmed_at,
        t.Effect.delivery,
        t.Effect.delivery_at,
    )
    .join(t.MessageItem, col(t.MessageItem.message) == col(t.Message.key))
    .join(t.Effect, col(t.Effect.key) == col(t.Message.key), isouter=True)
    .where(col(t.MessageItem.invoice) == OWN)
    .order_by(col(t.Message.at), col(t.Message.key))
)
"""`effect` is empty where nothing was ever claimed."""

RECEIVED = (
    select(col(t.Receipt.id), func.sum(t.Allocation.amount), col(t.Receipt.received_on))
    .join(t.Allocation, col(t.Allocation.receipt) == col(t.Receipt.id))
    .where(col(t.Allocation.invoice) == OWN, col(t.Allocation.released_at).is_(None))
    .where(col(t.Receipt.source) != ADOPTED)
    .group_by(col(t.Receipt.id), col(t.Receipt.received_on))
    .order_by(col(t.Receipt.id))
)

GIVEN_BACK = (
    select(t.Reversal)
    .where(
        col(t.Reversal.invoice) == OWN,
        col(t.Reversal.state) == "booked",
        among(t.Reversal.kind, "refund", "returned"),
    )
    .order_by(col(t.Reversal.at), col(t.Reversal.key))
)

SUBJECTS = (
    select(t.ApprovalSubject)
    .where(col(t.ApprovalSubject.invoice) == OWN, col(t.ApprovalSubject.outcome).is_(None))
    .order_by(col(t.ApprovalSubject.opened_at), col(t.ApprovalSubject.id))
)

REFUNDS = (
    select(t.Reversal)
    .where(
        col(t.Reversal.invoice) == OWN,
        col(t.Reversal.kind) == "refund",
        among(t.Reversal.state, "requested", "claimed"),
    )
    .order_by(col(t.Reversal.key))
)

_PROCESSING = (col(t.PaymentSession.invoice) == OWN, col(t.PaymentSession.state) == "processing")
PENDING = select(
    func.sum(t.PaymentSession.amount + t.PaymentSession.discount), func.min(t.PaymentSession.pending_until)
).where(*_PROCESSING)

VOTES = (
    select(t.ApprovalVote)
    .where(
        col(t.ApprovalVote.invoice) == OWN,
        col(t.ApprovalVote.subject) == bindparam("subject"),
        col(t.ApprovalVote.hash) == bindparam("hash"),
    )
    .order_by(col(t.ApprovalVote.at))
)

_SELDOM: dict[str, Any] = {
    "disputes": DISPUTES,
    "promises": PROMISES,
    "holds": HOLDS,
    "stops": STOPS,
    "subjects": SUBJECTS,
    "repayments": REFUNDS,
    "given_back": GIVEN_BACK,
    "pending": select(t.PaymentSession).where(*_PROCESSING),
    "unmatched": UNMATCHED,
    "questions": QUESTIONS,
    "credit": pick(t.Posting.seller).where(*_CREDIT),
    "reminded": REMINDED,
    "older_debt": _OLDER_DEBT,
}
WAITING = pick(*(query.exists().label(name) for name, query in _SELDOM.items()))
"""What most receivables have nothing of, asked all at once: only what there is is read."""
