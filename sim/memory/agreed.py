"""Commands in memory that move or stop the ladder by agreement: promises, plans, extensions, holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

from domain import calendar, offers, plans, roles, settlement
from domain.account import Due, Hold, Phase, Promise
from domain.errors import Invalid, Refused
from schemas import commands as c
from schemas.steps import Verdict
from sim.memory import issuing, settle
from sim.memory.case import DONE, Case


def promise(case: Case[c.Promise]) -> Verdict:
    """The customer says when it will pay. A new promise replaces the open one; too many are refused."""
    case.issued()
    account, said, policy = case.account, case.said, case.row.policy
    if said.date < case.today:
        raise Refused(f"date: {said.date} is in the past; promise a day from {case.today} on")
    if said.date > case.today + timedelta(days=policy.promise_days):
        raise Refused(f"date: {said.date} is more than {policy.promise_days} days ahead; ask for an extension")
    if not offers.promises_left(account, policy, said.date):
        raise Refused(f"policy {policy.name} takes {policy.max_promises} promises; ask the account owner")
    limit = offers.undisputed(account)
    amount = case.minor(said.amount) if said.amount is not None else limit
    case.within(amount, limit, "amount", "what is owed and undisputed")
    if amount <= 0:
        raise Refused("nothing is owed that could be promised")
    for earlier in account.promises:
        if earlier.outcome is None:
            settle.end_promise(case.tx, case.row, earlier.id, "replaced", case.by)
    id_ = f"p{len(account.promises) + 1}"
    made = Promise(id=id_, by=case.by, amount=amount, promised_on=said.date, made_at=case.tx.now)
    case.row.promises = (*case.row.promises, made)
    case.audit("promise.created", promise=id_, amount=str(amount), date=said.date.isoformat())
    return DONE


def plan(case: Case[c.Plan]) -> Verdict:
    """Everything open becomes instalments."""
    case.issued()
    account, policy = case.account, case.row.policy
    if account.phase is Phase.IN_COLLECTIONS:
        raise Refused("it is in collections; the collector agrees on instalments")
    if any(each.outcome is None for each in account.disputes):
        raise Refused("a dispute is open: resolve it first, then agree on instalments for what is left")
    if account.balance <= 0:
        raise Refused("nothing is open that could be paid in parts")
    person = case.person
    decides = person is not None and person.active and roles.CONTROLLER in roles.roles_of(person)
    if not decides and (account.plans or account.phase is not Phase.OPEN):
        raise Refused("a customer agrees on instalments once, and while reminders run; ask the account owner")
    said = enumerate(case.said.instalments)
    parts = [(part.due, case.minor(part.amount, f"instalments[{at}].amount")) for at, part in said]
    found = plans.problems(parts, account.balance, account.currency, policy, case.today)
    if found:
        raise Invalid(found)
    settle.agree(case.tx, case.row, account, parts, case.by)
    return DONE


def accelerate(case: Case[c.Accelerate]) -> Verdict:
    """Only after an instalment was missed: what a plan left open is due today."""
    case.issued()
    if plans.running(case.account) is None:
        raise Refused("no instalment plan is running")
    if not plans.missed(case.account, case.row.policy, case.tx.now):
        until = plans.not_missed(case.account, case.row.policy, case.tx.now)
        raise Refused(f"no instalment was missed: {until}")
    settle.accelerate(case.tx, case.row, case.account, case.by, case.said.reason)
    return DONE


def extend(case: Case[c.Extend]) -> Verdict:
    """Moves the oldest open due date; the ladder runs afresh from there."""
    case.issued()
    due = _due(case)
    days = (case.said.due - due.due_on).days
    return case.pending("extend", case.account.balance, days, due.id) or move(case)


def move(case: Case[c.Extend]) -> Verdict:
    due, day, row = _due(case), case.said.due, case.row
    moved = replace(due, due_on=day, ladder_on=day, episode=due.episode + 1)
    row.dues = issuing.ordered(moved if each.id == due.id else each for each in row.dues)
    row.phase = Phase.OPEN if row.phase is Phase.ESCALATED else row.phase
    row.oldest_due_on = row.dues[0].due_on
    case.audit("invoice.extended", due=due.id, date=day.isoformat(), reason=case.tx.text(case.said.reason))
    return DONE


def _due(case: Case[c.Extend]) -> Due:
    due = settlement.extendable(case.account, case.of)
    if case.said.due <= due.due_on or case.said.due < case.today:
        raise Refused(f"due: must be later than {max(due.due_on, case.today)}")
    return due


def hold(case: Case[c.Hold]) -> Verdict:
    case.issued()
    until = None
    if case.said.until is not None:
        if case.said.until <= case.today:
            raise Refused(f"until: {case.said.until} is not after today, {case.today}")
        until = calendar.at(case.said.until, time(0), case.account.customer_place.timezone)
    own = Hold(scope="invoice", by=case.by, reason=case.said.reason, until=until)
    case.row.holds = (*case.row.holds, own)
    case.audit("invoice.held", reason=case.tx.text(case.said.reason))
    return DONE


def release(case: Case[c.Release]) -> Verdict:
    case.issued()
    if not case.row.holds:
        raise Refused("the invoice is not on hold")
    case.row.holds = ()
    case.audit("invoice.released")
    return DONE


HANDLERS: dict[str, Callable[[Case[Any]], Verdict]] = {
    "promise": promise, "plan": plan, "accelerate": accelerate, "extend": extend, "hold": hold, "release": release
}  # fmt: skip
DOERS: dict[str, Callable[[Case[Any]], Verdict]] = {"extend": move}
