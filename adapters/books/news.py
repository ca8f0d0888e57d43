"""What of a receivable the customer is to be told and was not told yet: money, disputes, instalments, contacts. It
reads only; each piece of news has a stable name, so that it leaves once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from adapters.books import queries
from adapters.books.mailed import tail
from adapters.books.rows import Named
from adapters.books.seen import ask
from adapters.books.tx import SYSTEM
from domain import calendar, keys
from domain.instalments import Plan
from domain.messages import CONTACT_CHANGE, CONTACT_CHANGED, DISPUTE, NEWS, Message, MessageState, Notice
from schemas import tables as t


@dataclass(frozen=True, slots=True)
class Sources:
    """Where news may come from, so that nothing is read in vain. `paid`: money was ever assigned, or went back;
    `changed`: somebody named another contact; `disputed`: there is a dispute."""

    plans: Sequence[Plan]
    paid: bool
    changed: bool
    disputed: bool = False


def notices(session: Session, named: Named, sent: Sequence[Message], where: Sources, zone: str) -> tuple[Notice, ...]:
    """What no mail has left about. Days are those of `zone`, the seller's."""
    told = {keys.first_attempt(m.subject or "") for m in sent if m.kind in NEWS and not _may_leave(m)}
    found = _of_money(session, named) if where.paid else []
    found += _of_disputes(session, named, zone) if where.disputed else []
    found += [_of_plan(plan) for plan in where.plans if plan.outcome in {None, "accelerated"}]
    found += _of_contacts(session, named, zone) if where.changed else []
    return tuple(notice for notice in found if notice.ref not in told)


def _of_money(session: Session, named: Named) -> list[Notice]:
    """Money in that is still assigned here, and money of ours or of the bank that went back."""
    found = [
        Notice(kind="receipt", ref=f"receipt/{receipt}", amount=int(amount), on=on)
        for receipt, amount, on in ask(session, queries.RECEIVED, named)
    ]
    for back in ask(session, queries.GIVEN_BACK, named):
        refund = back.kind == "refund"
        ref = f"{back.kind}/{tail(back)}"
        kind = "refund" if refund else "payment_returned"
        found.append(Notice(kind=kind, ref=ref, amount=back.amount, on=back.occurred_on))
    return found


def _of_plan(plan: Plan) -> Notice:
    """That it runs, or that all of it is due at once."""
    kind = "plan" if plan.outcome is None else "plan_accelerated"
    amount = sum(part.amount for part in plan.instalments)
    return Notice(kind=kind, ref=f"{kind}/{plan.id}", amount=amount, on=plan.instalments[0].due_on, mail="notice")


def _of_disputes(session: Session, named: Named, zone: str) -> list[Notice]:
    """That a dispute of the customer's was taken, while it is open, and how each ended. What one of ours opened and
    took back, and what ended because nothing was owed any more, is not told; nor are those of before deadlines."""
    found: list[Notice] = []
    for row in ask(session, queries.TOLD_DISPUTES, named):
        ours = row.ours is not None
        ref, on = f"dispute/{row.id}", calendar.local_date(row.resolved_at or row.opened_at, zone)
        if row.outcome is None and not ours:
            found.append(Notice(kind="dispute_received", ref=ref, amount=row.amount, on=on, mail=DISPUTE))
        elif row.outcome is not None and row.resolved_by != SYSTEM and not (ours and row.outcome == "withdrawn"):
            ended = f"{ref}/outcome"
            found.append(Notice(kind="dispute_outcome", ref=ended, amount=row.credited or 0, on=on, mail=DISPUTE))
    return found


def _of_contacts(session: Session, named: Named, zone: str) -> list[Notice]:
    """That another contact for invoices is to be confirmed, and that it was."""
    found = []
    own, now = named["invoice"], named["now"]
    query = select(t.ContactChange).where(t.ContactChange.invoice == own)
    for change in session.exec(query.order_by(col(t.ContactChange.requested_at))):
        key, kind = change.id, CONTACT_CHANGE
        if change.confirmed_at is not None:
            key, kind = changed_key(change), CONTACT_CHANGED
        elif change.expires_at <= now:
            continue
        ref, on = key.removeprefix(f"{own}/"), calendar.local_date(change.requested_at, zone)
        found.append(Notice(kind=kind, ref=ref, amount=0, on=on, mail="notice"))
    return found


def changed_key(change: t.ContactChange) -> str:
    """The message that tells the old contact; `change.id` is the one that asks it."""
    return f"{change.id}/done"


def _may_leave(message: Message) -> bool:
    return message.state is MessageState.RELEASED or message.replaced
