"""Invariant 6: the audit chain is whole, every state change has its entry, and amounts are those it was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, String, cast, exists, inspect
from sqlmodel import Session, SQLModel, col

from adapters.books.checks.finding import Breach, pick, row, stream
from domain import audit, document, einvoice
from schemas import tables as t

ISSUED = ("invoice.issued", "invoice.adopted")
SENT = ("invoice.sent", "message.sent")
FROZEN = (*ISSUED, "credit.issued")
STORED = ("document.stored",)
HELD = ("archive.held", "archive.released")
MOOT_DRAFT = ("draft", "void")
"""A draft that nobody needs to approve any more; `invoice.cancelled` or `invoice.amended` says why."""
FEW = 50
"""Contents read at once: one may have ten thousand lines."""
_PLAN = (t.PaymentPlan.invoice, t.PaymentPlan.id, t.PaymentPlan.instalments)
CLAIMED = ("message.claimed", "message.held", "message.would_send")
ENDING = ((t.Dispute, "dispute"), (t.Promise, "promise"), (t.PaymentPlan, "plan"), (t.ApprovalSubject, "subject"))

BEGUN = (
    ("invoice.disputed", "dispute", t.Dispute),
    ("promise.created", "promise", t.Promise),
    ("plan.agreed", "plan", t.PaymentPlan),
    ("approval.requested", "subject", t.ApprovalSubject),
    ("payment.initiated", "session", t.PaymentSession),
    ("payment.allocated", "allocation", t.Allocation),
    ("credit.issued", "document", t.Document),
)
"""What begins in an entry, under which of its keys, and whose rows nobody ever takes away."""


def chains_are_whole(session: Session) -> Iterator[Breach]:
    ends = session.execute(pick(t.Seller.key, t.Seller.audit_seq, t.Seller.audit_head)).all()
    for seller, seq, digest in ends:
        end = audit.Head(seq=seq, digest=digest if seq else audit.START)
        found: list[Breach] = []
        for told in audit.verify(_entries(session, seller, end, found), end):
            yield Breach(6, row(t.AuditEntry, seller), told)
        yield from found


def _entries(session: Session, seller: str, end: audit.Head, found: list[Breach]) -> Iterator[audit.Entry]:
    """The chain of a seller. What its digests do not cover is added to `found`."""
    before: t.AuditEntry | None = None
    query = pick(t.AuditEntry).where(col(t.AuditEntry.seller) == seller).order_by(col(t.AuditEntry.seq))
    for (kept,) in stream(session, query):
        if before is not None and before.digest != kept.previous:
            found.append(Breach(6, row(t.AuditEntry, seller, before.seq), "was changed: its digest is not its own"))
        if kept.invoice != kept.keys.get("invoice"):
            told = f"was changed: it is filed under {kept.invoice}"
            found.append(Breach(6, row(t.AuditEntry, seller, kept.seq), told))
        before = kept
        yield audit.Entry(
            seller=kept.seller,
            seq=kept.seq,
            at=kept.at,
            type=kept.type,
            actor=kept.actor,
            actor_kind=kept.actor_kind,
            keys=kept.keys,
            previous=kept.previous,
        )
    if before is not None and before.digest != end.digest:
        found.append(Breach(6, row(t.AuditEntry, seller, before.seq), "was changed: its digest is not the head's"))


def contents_are_as_hashed(session: Session) -> Iterator[Breach]:
    """What people approved and what was printed is what it was."""
    invoices = pick(t.Invoice.id, t.Invoice.draft, t.Invoice.hash)
    documents = pick(t.Document.id, t.Document.content, t.Document.content_hash)
    for key, content, hash_ in stream(session, invoices, FEW):
        if _hash(content) != hash_:
            yield Breach(6, row(t.Invoice, key), "its draft is not what was hashed")
    for key, content, hash_ in stream(session, documents, FEW):
        if _hash(content) != hash_:
            yield Breach(6, row(t.Document, key), "its content is not what was hashed")


def _hash(content: dict[str, Any]) -> str | None:
    try:
        return document.content_hash(document.from_json(content))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return None


def issues_are_told(session: Session) -> Iterator[Breach]:
    about = (_told(t.Invoice.id, ISSUED, wanted, number=t.Invoice.number) for wanted in ("total", "hash"))
    query = pick(t.Invoice.id, t.Invoice.number, t.Invoice.hash, *about, t.Invoice.total).where(
        col(t.Invoice.number).is_not(None)
    )
    for invoice, number, hash_, told, told_hash, total in stream(session, query):
        if told is None:
            yield Breach(6, row(t.Invoice, invoice), f"the audit does not know that {number} was issued")
        elif (told, told_hash) != (str(total), hash_):
            yield Breach(6, row(t.Invoice, invoice), f"was issued over {told} as {told_hash}, now {total} as {hash_}")


def sendings_are_told(session: Session) -> Iterator[Breach]:
    told = _told(t.Effect.invoice, SENT, "message", message=t.Effect.key)
    query = pick(t.Effect.key).where(col(t.Effect.state) == "confirmed", told.is_(None))
    for (key,) in stream(session, query):
        yield Breach(6, row(t.Effect, key), "the audit does not know that it was sent")


def disputes_are_told(session: Session) -> Iterator[Breach]:
    told = _told(t.Dispute.invoice, ("invoice.disputed",), dispute=t.Dispute.id)
    yield from _differing(session, t.Dispute, (t.Dispute.invoice, t.Dispute.id), told)
    ended = _told(t.Dispute.invoice, ("dispute.resolved",), "credited", dispute=t.Dispute.id)
    for invoice, id_, here, there in stream(session, pick(t.Dispute.invoice, t.Dispute.id, t.Dispute.credited, ended)):
        if here != _number(there):
            yield Breach(6, row(t.Dispute, invoice, id_), f"was credited {here}, the audit was told {there}")


def none_is_missing(session: Session) -> Iterator[Breach]:
    """Whatever the audit saw begin is still there."""
    for type_, name, table in BEGUN:
        said = col(t.AuditEntry.keys)[name].as_string()
        here = exists().where(col(table.invoice) == col(t.AuditEntry.invoice), cast(col(table.id), String) == said)
        query = pick(t.AuditEntry.seq, t.AuditEntry.invoice, said).where(col(t.AuditEntry.type) == type_, ~here)
        for seq, invoice, id_ in stream(session, query):
            key = (invoice, id_) if len(inspect(table).primary_key) > 1 else (id_,)
            yield Breach(6, row(table, *key), f"is missing; the audit was told of it (entry {seq})")


def promises_are_told(session: Session) -> Iterator[Breach]:
    told = _told(t.Promise.invoice, ("promise.created",), promise=t.Promise.id)
    yield from _differing(session, t.Promise, (t.Promise.invoice, t.Promise.id), told)


def ends_are_told(session: Session) -> Iterator[Breach]:
    """Whether a dispute, promise, plan or approval ended, and how, is what the audit was told last."""
    for table, name in ENDING:
        types, about = tuple(audit.ENDS[name]), {name: table.id}
        told = _latest(t.AuditEntry.type, table.invoice, types, **about)
        said = _told(table.invoice, types, "outcome", **about)
        for invoice, id_, here, *last in stream(session, pick(table.invoice, table.id, table.outcome, told, said)):
            there = audit.ended(name, *last)
            if here != there and (id_, here) != MOOT_DRAFT:
                yield Breach(6, row(table, invoice, id_), f"outcome is {here}, the audit was told {there}")


def plans_are_told(session: Session) -> Iterator[Breach]:
    """The instalments sum to what was agreed, and each plan that a receivable counts is there."""
    told = _told(t.PaymentPlan.invoice, ("plan.agreed",), plan=t.PaymentPlan.id)
    counted: Counter[str] = Counter()
    for invoice, id_, parts, there in stream(session, pick(*_PLAN, told)):
        counted[invoice] += 1
        here = str(sum(part["amount"] for part in parts))
        if here != there:
            yield Breach(6, row(t.PaymentPlan, invoice, id_), f"amount is {here}, the audit was told {there}")
    for invoice, plans in stream(session, pick(t.Invoice.id, t.Invoice.plans)):
        if plans != counted[invoice]:
            yield Breach(6, row(t.Invoice, invoice), f"counts {plans} instalment plans, there are {counted[invoice]}")


def approvals_are_told(session: Session) -> Iterator[Breach]:
    told = _told(t.ApprovalSubject.invoice, ("approval.requested",), subject=t.ApprovalSubject.id)
    yield from _differing(session, t.ApprovalSubject, (t.ApprovalSubject.invoice, t.ApprovalSubject.id), told)


def sessions_are_told(session: Session) -> Iterator[Breach]:
    key = col(t.PaymentSession.id)
    for name, column in (("amount", t.PaymentSession.amount), ("discount", t.PaymentSession.discount)):
        told = _told(t.PaymentSession.invoice, ("payment.initiated",), name, session=key)
        yield from _differing(session, t.PaymentSession, (key,), told, amount=column)


def allocations_are_told(session: Session) -> Iterator[Breach]:
    told = _told(t.Allocation.invoice, ("payment.allocated",), allocation=cast(col(t.Allocation.id), String))
    yield from _differing(session, t.Allocation, (t.Allocation.id,), told)


def credits_are_told(session: Session) -> Iterator[Breach]:
    told = _told(t.Document.invoice, ("credit.issued",), document=t.Document.id)
    only = col(t.Document.kind) == "credit_note"
    yield from _differing(session, t.Document, (t.Document.id,), told, only, amount=t.Document.total)


def messages_are_told(session: Session) -> Iterator[Breach]:
    """The amount of a letter is one it was held or claimed with. A rung that was only skipped has none."""
    key, amount = col(t.MessageItem.message), cast(col(t.MessageItem.amount), String)
    same = _told(t.MessageItem.invoice, CLAIMED, message=key, amount=amount)
    any_ = _told(t.MessageItem.invoice, CLAIMED, message=key)
    query = (
        pick(key, t.MessageItem.invoice, t.MessageItem.amount, t.Message.template, t.Effect.state, any_)
        .join(t.Message, col(t.Message.key) == key)
        .join(t.Effect, col(t.Effect.key) == key, isouter=True)
        .where(same.is_(None))
    )
    for message, invoice, found, template, effect, told in stream(session, query):
        unwritten = not template and found == 0
        waiting = template and told is None and effect in (None, "released")
        if not unwritten and not waiting:
            yield Breach(6, row(t.MessageItem, message, invoice), f"amount is {found}, the audit was told {told}")


def models_are_told(session: Session) -> Iterator[Breach]:
    """What was frozen of a document is what the audit was told when its number was taken."""
    told = _told(t.Document.invoice, FROZEN, "model", document=t.Document.id)
    for id_, model, there in stream(session, pick(t.Document.id, t.Document.model, told), FEW):
        here = None if model is None else einvoice.model_hash(model)
        if here != there:
            yield Breach(6, row(t.Document, id_), f"its model is {here}, the audit was told {there}")


def files_are_told(session: Session) -> Iterator[Breach]:
    """The renditions of a document are those that were stored last."""
    about = (_told(t.Document.invoice, STORED, wanted, document=t.Document.id) for wanted in ("object", "xml"))
    query = pick(t.Document.id, t.Document.object_key, t.Document.xml_key, *about)
    for id_, pdf, xml, told_pdf, told_xml in stream(session, query):
        for what, here, there in (("PDF", pdf, told_pdf), ("XML", xml, told_xml)):
            if here != there:
                yield Breach(6, row(t.Document, id_), f"its {what} is {here}, the audit was told {there}")


def holds_are_told(session: Session) -> Iterator[Breach]:
    """A legal hold and its release are told with their reason, and none was taken away."""
    entries = pick(t.AuditEntry).where(col(t.AuditEntry.type).in_(HELD))
    told = {(e.seller, e.keys.get("hold")): e for (e,) in stream(session, entries)}
    salts = {row_.key: row_.salt for (row_,) in session.execute(pick(t.Seller))}
    for (hold,) in stream(session, pick(t.LegalHold).order_by(col(t.LegalHold.id))):
        entry = told.pop((hold.seller, str(hold.id)), None)
        here = (hold.invoice, hold.by, audit.salted(hold.reason, salts[hold.seller]), hold.releases)
        if entry is None:
            yield Breach(6, row(t.LegalHold, hold.id), "the audit does not know of it")
        elif here != (entry.invoice, entry.actor, entry.keys.get("reason"), _number(entry.keys.get("releases"))):
            yield Breach(6, row(t.LegalHold, hold.id), "is not what the audit was told")
    for seller, id_ in sorted(told, key=str):
        yield Breach(6, row(t.LegalHold, id_), f"is missing; the audit of {seller} was told of it")


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _differing(
    session: Session,
    table: type[SQLModel],
    key: tuple[Any, ...],
    told: ScalarSelect[Any],
    *where: ColumnElement[bool],
    amount: Any = None,
) -> Iterator[Breach]:
    column = col(amount if amount is not None else getattr(table, "amount"))  # noqa: B009
    query = pick(*key, column, told).where(told.is_(None) | (told != cast(column, String)), *where)
    for *found, here, there in stream(session, query):
        yield Breach(6, row(table, *found), f"amount is {here}, the audit was told {there}")


def _told(invoice: Any, types: tuple[str, ...], wanted: str = "amount", **about: Any) -> ScalarSelect[Any]:
    """What the latest entry of these types about `about` says under `wanted`; NULL when there is none."""
    return _latest(col(t.AuditEntry.keys)[wanted].as_string(), invoice, types, **about)


def _latest(wanted: Any, invoice: Any, types: tuple[str, ...], **about: Any) -> ScalarSelect[Any]:
    keys = col(t.AuditEntry.keys)
    return (
        pick(wanted)
        .where(
            t.AuditEntry.invoice == invoice,
            col(t.AuditEntry.type).in_(types),
            *(keys[name].as_string() == value for name, value in about.items()),
        )
        .order_by(col(t.AuditEntry.seq).desc())
        .limit(1)
        .scalar_subquery()
    )
