"""promise, extend, hold, release: what moves or stops the ladder by agreement."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlmodel import col, select

from adapters.books.commands.carry import doer
from adapters.books.commands.case import DONE, Case
from domain import calendar, offers, settlement
from domain.account import Phase
from domain.errors import Refused
from schemas import commands as c
from schemas import tables as t
from schemas.steps import Verdict


def promise(case: Case[c.Promise]) -> Verdict:
    """The customer says when it will pay. A new promise replaces the open one; too many are refused."""
    case.issued()
    account, said = case.account, case.said
    if said.date < case.today:
        raise Refused(f"date: {said.date} is in the past; promise a day from {case.today} on")
    # Anybody may promise; a longer silence is an extension, which a controller grants.
    if said.date > case.today + timedelta(days=case.policy.promise_days):
        raise Refused(f"date: {said.date} is more than {case.policy.promise_days} days ahead; ask for an extension")
    if not offers.promises_left(account, case.policy, said.date):
        raise Refused(f"policy {case.policy.name} takes {case.policy.max_promises} promises; ask the account owner")
    limit = offers.undisputed(account)
    amount = case.minor(said.amount) if said.amount is not None else limit
    case.within(amount, limit, "amount", "what is owed and undisputed")
    if amount <= 0:
        raise Refused("nothing is owed that could be promised")
    for earlier in account.promises:
        if earlier.outcome is None:
            row = case.tx.session.get_one(t.Promise, (case.row.id, earlier.id))
            row.outcome, row.ended_at = "replaced", case.tx.now
            case.tx.session.add(row)
            case.audit("promise.replaced", promise=earlier.id)
    id_ = f"p{len(account.promises) + 1}"
    case.tx.session.add(
        t.Promise(
            invoice=case.row.id,
            id=id_,
            by=case.by,
            amount=amount,
            promised_on=said.date,
            made_at=case.tx.now,
        )
    )
    case.audit("promise.created", promise=id_, amount=str(amount), date=said.date.isoformat())
    return DONE


def extend(case: Case[c.Extend]) -> Verdict:
    """Moves the oldest open due date; the ladder runs afresh from there."""
    case.issued()
    due = _due(case)
    days = (case.said.due - due.due_on).days
    return case.pending("extend", case.account.balance, extended_days=days, of=due.id) or move(case)


@doer("extend")
def move(case: Case[c.Extend]) -> Verdict:
    due = _due(case)
    due.due_on = due.ladder_on = case.said.due
    due.episode += 1
    case.tx.session.add(due)
    case.tx.session.flush()
    if case.row.phase == Phase.ESCALATED:
        case.row.phase = Phase.OPEN
    dues = case.tx.session.exec(select(t.Due).where(t.Due.invoice == case.row.id)).all()
    case.row.oldest_due_on = min(each.due_on for each in dues)
    case.tx.session.add(case.row)
    case.audit("invoice.extended", due=due.id, date=case.said.due.isoformat(), reason=case.tx.text(case.said.reason))
    return DONE


def _due(case: Case[c.Extend]) -> t.Due:
    due = case.tx.session.get_one(t.Due, (case.row.id, settlement.extendable(case.account, case.of).id))
    if case.said.due <= due.due_on or case.said.due < case.today:
        raise Refused(f"due: must be later than {max(due.due_on, case.today)}")
    return due


def hold(case: Case[c.Hold]) -> Verdict:
    case.issued()
    until: datetime | None = None
    if case.said.until is not None:
        if case.said.until <= case.today:
            raise Refused(f"until: {case.said.until} is not after today, {case.today}")
        until = calendar.at(case.said.until, time(0), case.account.customer_place.timezone)
    case.tx.session.add(
        t.InvoiceHold(invoice=case.row.id, by=case.by, reason=case.said.reason, since=case.tx.now, until=until)
    )
    case.audit("invoice.held", reason=case.tx.text(case.said.reason))
    return DONE


def release(case: Case[c.Release]) -> Verdict:
    case.issued()
    holds = case.tx.session.exec(
        select(t.InvoiceHold).where(t.InvoiceHold.invoice == case.row.id, col(t.InvoiceHold.lifted_at).is_(None))
    ).all()
    if not holds:
        raise Refused("the invoice is not on hold")
    for held in holds:
        held.lifted_at = case.tx.now
        case.tx.session.add(held)
    case.audit("invoice.released")
    return DONE
