"""Reads the simpler rows that hang on a receivable, as the domain's values. It writes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session

from adapters.books import queries
from adapters.books.seen import ask
from domain import terms
from domain.account import DiscountStep, Dispute, Document, Due, Hold, OpenReceipt, Promise, Watermark
from domain.exceptions import Question
from domain.instalments import Instalment, Plan
from domain.policy import Policy
from schemas import tables as t

Named = dict[str, Any]
"""The values of `queries.parameters`."""


def dues(session: Session, named: Named) -> tuple[Due, ...]:
    rows = ask(session, queries.DUES, named)
    return tuple(Due(id=d.id, due_on=d.due_on, ladder_on=d.ladder_on, episode=d.episode, amount=d.amount) for d in rows)


def discounts(row: t.Invoice) -> tuple[DiscountStep, ...]:
    return () if row.issued_on is None else discount_steps(row.draft["terms"], row.issued_on)


def discount_steps(agreed: Any, issued_on: date) -> tuple[DiscountStep, ...]:
    """What the terms of a draft, as they stand there, let deduct and until when."""
    steps = terms.discount_steps(terms.parse_terms(agreed), issued_on)
    return tuple(DiscountStep(percent=str(percent), until=until) for percent, until in steps)


def disputes(session: Session, named: Named) -> tuple[Dispute, ...]:
    rows = ask(session, queries.DISPUTES, named)
    return tuple(
        Dispute(
            id=d.id,
            by=d.by,
            code=d.code,
            reason=d.reason,
            amount=d.amount,
            lines=tuple(d.lines),
            opened_at=d.opened_at,
            outcome=d.outcome,
            owner=d.owner or "",
            deadline=d.deadline,
            level=d.level,
        )
        for d in rows
    )


def plans(session: Session, named: Named) -> tuple[Plan, ...]:
    rows = ask(session, queries.PLANS, named)
    return tuple(
        Plan(
            id=p.id,
            by=p.by,
            made_at=p.made_at,
            outcome=p.outcome,
            instalments=tuple(_instalment(part) for part in p.instalments),
            missed=tuple(f"{part['due_id']}/{episode}" for part in p.instalments for episode in part["missed"]),
        )
        for p in rows
    )


def _instalment(part: dict[str, Any]) -> Instalment:
    return Instalment(due=part["due_id"], due_on=date.fromisoformat(part["due_on"]), amount=part["amount"])


def promises(session: Session, named: Named) -> tuple[Promise, ...]:
    rows = ask(session, queries.PROMISES, named)
    return tuple(
        Promise(id=p.id, by=p.by, amount=p.amount, promised_on=p.promised_on, made_at=p.made_at, outcome=p.outcome)
        for p in rows
    )


def holds(session: Session, named: Named, now: datetime) -> tuple[Hold, ...]:
    """Stops in force: of the invoice, its customer, its seller, and of everything."""
    own = ask(session, queries.HOLDS, named)
    holds = [Hold(scope="invoice", by=h.by, reason=h.reason, until=h.until) for h in own]
    wider = ask(session, queries.STOPS, named)
    for stop in wider:
        scope = "all" if stop.seller == "*" else "customer" if stop.customer else "seller"
        about = {"reason": stop.reason, "kind": stop.kind, "ref": str(stop.id)}
        holds.append(Hold(scope=scope, by=stop.by, until=stop.until, **about))
    return tuple(h for h in holds if h.until is None or now < h.until)


def documents(session: Session, named: Named) -> tuple[Document, ...]:
    rows = ask(session, queries.DOCUMENTS, named)
    return tuple(
        Document(
            id=d.id,
            kind=d.kind,
            number=d.number,
            issued_on=d.issued_on,
            total=d.total,
            object_key=d.object_key,
            xml_key=d.xml_key,
        )
        for d in rows
    )


def receipts(session: Session, query: Any, named: Named) -> tuple[OpenReceipt, ...]:
    """Those of `query` with something left."""
    found = ask(session, query, named)
    return tuple(OpenReceipt(id=id_, amount=int(left), currency=code) for id_, left, code in found if left > 0)


def pending(session: Session, named: Named) -> dict[str, Any]:
    """What a payment under way will settle, and until when it stops the ladder."""
    ((amount, until),) = ask(session, queries.PENDING, named)
    return {"pending_payment": int(amount or 0), "pending_until": until}


def watermarks(session: Session, named: Named, policy: Policy) -> tuple[Watermark, ...]:
    if not policy.sources:
        return ()
    rows = ask(session, queries.WATERMARKS, named)
    return tuple(Watermark(source=w.source, through=w.through, read_at=w.read_at) for w in rows)


def reminded(session: Session, named: Named) -> tuple[datetime, ...]:
    """When the same contact was reminded of its other invoices, over the last two days."""
    return tuple(at for (at,) in ask(session, queries.REMINDED, named))


def questions(session: Session, named: Named) -> dict[str, Any]:
    """What a person must decide: each with owner and deadline, the nearest first, and their kinds."""
    found = ask(session, queries.QUESTIONS, named)
    asked = [Question(kind=kind, owner=owner, deadline=deadline) for kind, owner, deadline in found]
    asked.sort(key=lambda question: (question.deadline or datetime.max.replace(tzinfo=UTC), question.kind))
    return {"questions": tuple(asked), "exceptions": tuple(sorted({question.kind for question in asked}))}
