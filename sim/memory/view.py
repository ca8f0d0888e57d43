"""A receivable of the books in memory as every decision looks at it. It changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from domain import calendar, keys
from domain.account import Account, Hold, OpenReceipt
from domain.delivery import FAILED
from domain.exceptions import Question
from domain.instalments import Plan
from domain.messages import DISPUTE, NEWS, MessageState, Notice
from sim.memory.rows import House, Receivable
from sim.memory.tx import SYSTEM, Tx

LATE = datetime.max.replace(tzinfo=UTC)
HEARD = frozenset({MessageState.CLAIMED, MessageState.ACCEPTED, MessageState.SENT, MessageState.UNKNOWN})
REMEMBERED = timedelta(days=2)


def account(tx: Tx, row: Receivable) -> Account:
    """Everything these books know about one receivable at this instant."""
    sums: dict[str, Any] = dict(row.sums)
    open_disputes = any(d.outcome is None for d in row.disputes)
    if row.number is None:
        sums["total"] = row.total
    questions = _questions(tx, row)
    return Account(
        seller=row.seller.key,
        reference=row.reference,
        request_hash=row.request_hash,
        phase=row.phase,
        currency=row.content.currency,
        customer=row.customer.key,
        owner=row.owner,
        hash=row.hash,
        mode=row.policy.mode,
        seller_place=row.seller.place,
        customer_place=row.customer_place,
        consumer=row.customer.kind == "consumer",
        number=row.number,
        reopened=row.reopened,
        issue_on=row.issue_on,
        issued_on=row.issued_on,
        delivered_at=row.delivered_at,
        last_entry_at=row.updated_at,
        **sums,
        **_money(tx.house, row),
        dues=row.dues,
        discounts=row.discounts,
        disputes=row.disputes,
        promises=row.promises,
        plans=row.plans,
        holds=holds(tx, row),
        documents=row.documents,
        messages=row.messages(),
        notices=_notices(tx, row),
        subjects=tuple(sorted(row.subjects.values(), key=lambda each: (each.opened_at, each.id))),
        people=tx.books.parties.everybody if row.subjects or open_disputes else (),
        watermarks=tuple(tx.house.marks[name] for name in sorted(tx.house.marks)) if row.policy.sources else (),
        warnings=row.warnings,
        contact_reminded_at=_reminded(tx, row),
        older_debt_waits=_older_debt(tx, row),
        ladder_stopped_on=row.ladder_stopped_on,
        rejected_until=row.rejected_until,
        exceptions=tuple(sorted({question.kind for question in questions})),
        questions=questions,
        profile=row.content.profile,
        profile_rule=row.content.profile_rule,
    )


def _questions(tx: Tx, row: Receivable) -> tuple[Question, ...]:
    """What a person must decide, the nearest first. A contact that reported spam did so for all its receivables."""
    found = [*row.questions.values()]
    asked = tx.house.spam.get(row.contact)
    if asked is not None and asked is not row:
        found += [question for key, question in asked.questions.items() if key == ("spam_report", row.contact)]
    return tuple(sorted(found, key=_nearest)) if found else ()


def _nearest(question: Question) -> tuple[datetime, str]:
    return question.deadline or LATE, question.kind


def _money(house: House, row: Receivable) -> dict[str, Any]:
    customer = row.customer.key
    found: dict[str, Any] = {"customer_credit": house.credit.get((customer, row.content.currency), 0)}
    receipts = house.receipts.get(customer, ())
    if receipts and any(amount for (whose, _), amount in house.credit.items() if whose == customer):
        found["credit_receipts"] = tuple(
            OpenReceipt(id=each.id, amount=each.free, currency=each.currency) for each in receipts if each.free > 0
        )
    if house.unknown:
        found["unmatched_receipts"] = tuple(
            OpenReceipt(id=each.id, amount=each.amount - each.gone, currency=each.currency)
            for each in house.unknown.values()
            if customer in each.maybe and each.amount > each.gone
        )
    return found


def holds(tx: Tx, row: Receivable) -> tuple[Hold, ...]:
    """Stops in force: its own, and those of its customer, its seller, and of everything."""
    wider = [hold for whose, hold in tx.house.stops if whose in (None, row.customer.key)]
    found = sorted([*wider, *tx.books.stops], key=lambda hold: int(hold.ref))
    return tuple(h for h in (*row.holds, *found) if h.until is None or tx.now < h.until)


def _reminded(tx: Tx, row: Receivable) -> tuple[datetime, ...]:
    """When the same contact was reminded of its other receivables, over the last two days."""
    since, found = tx.now - REMEMBERED, list[datetime]()
    for key, (at, other) in tx.house.reminders.get(row.contact, {}).items():
        if at > since and other is not row:
            sent = other.letters[key].message
            if sent.state in HEARD and sent.delivery not in FAILED:
                found.append(at)
    return tuple(sorted(found))


def _older_debt(tx: Tx, row: Receivable) -> bool:
    """Whether an older debt of the same contact is to be chased on the same day, and not overdue by a day yet."""
    others = tx.house.by_contact.get(row.contact, ())
    if row.oldest_due_on is None or len(others) < 2:
        return False
    tomorrow = calendar.local_date(tx.now, row.customer_place.timezone) + timedelta(days=1)
    from_, until = tx.now - timedelta(days=1), calendar.at(tomorrow, time.min, row.customer_place.timezone)
    return any(
        other is not row
        and other.state == "collecting"
        and other.oldest_due_on is not None
        and other.oldest_due_on < row.oldest_due_on
        and other.next_at is not None
        and from_ < other.next_at < until
        for other in others
    )


def _notices(tx: Tx, row: Receivable) -> tuple[Notice, ...]:
    """What the customer is to be told and no mail has left about."""
    found = [*_of_money(row), *_of_disputes(tx, row), *(_of_plan(p) for p in row.plans if p.outcome in _TOLD_PLANS)]
    if not found:
        return ()
    told = {
        keys.first_attempt(m.subject or "")
        for m in row.messages()
        if m.kind in NEWS and m.state is not MessageState.RELEASED and not m.replaced
    }
    return tuple(notice for notice in found if notice.ref not in told)


_TOLD_PLANS = frozenset({None, "accelerated"})


def _of_money(row: Receivable) -> list[Notice]:
    received: dict[int, int] = {}
    for part in row.allocations:
        received[part.receipt.id] = received.get(part.receipt.id, 0) + part.amount
    days = {part.receipt.id: part.receipt.received_on for part in row.allocations}
    found = [
        Notice(kind="receipt", ref=f"receipt/{id_}", amount=amount, on=days[id_])
        for id_, amount in sorted(received.items())
    ]
    for back in row.given_back:
        kind = "refund" if back.kind == "refund" else "payment_returned"
        found.append(Notice(kind=kind, ref=f"{back.kind}/{back.ref}", amount=back.amount, on=back.on))
    return found


def _of_plan(plan: Plan) -> Notice:
    kind = "plan" if plan.outcome is None else "plan_accelerated"
    amount = sum(part.amount for part in plan.instalments)
    return Notice(kind=kind, ref=f"{kind}/{plan.id}", amount=amount, on=plan.instalments[0].due_on, mail="notice")


def _of_disputes(tx: Tx, row: Receivable) -> list[Notice]:
    found = []
    for each in row.disputes:
        ours, ended = tx.person(each.by) is not None, row.ended.get(each.id)
        on = calendar.local_date(ended.resolved_at if ended else each.opened_at, row.seller.facts.timezone)
        ref = f"dispute/{each.id}"
        if ended is None and not ours:
            found.append(Notice(kind="dispute_received", ref=ref, amount=each.amount, on=on, mail=DISPUTE))
        elif ended is not None and ended.resolved_by != SYSTEM and not (ours and each.outcome == "withdrawn"):
            amount = ended.credited or 0
            found.append(Notice(kind="dispute_outcome", ref=f"{ref}/outcome", amount=amount, on=on, mail=DISPUTE))
    return found
