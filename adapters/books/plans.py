"""Instalment plans in the books: agreed, missed, made due at once, over. It writes the dues as `domain/plans.py` makes
them; whether a plan may be is decided by the command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlmodel import select

from adapters.books import messages
from adapters.books.tx import SYSTEM, Tx
from domain import calendar, keys, plans
from domain.account import Account, Phase
from domain.messages import MessageState
from domain.policy import Policy
from schemas import tables as t


def agree(tx: Tx, row: t.Invoice, account: Account, parts: Sequence[plans.Part], by: str) -> None:
    """Makes what is open due in `parts`. An earlier plan is replaced, as is an open promise; the ladder goes on."""
    row.plans += 1
    plan = f"i{row.plans}"
    made = [(f"{plan}-{at}", day, amount) for at, (day, amount) in enumerate(parts, 1)]
    _end(tx, row, account, "replaced", by)
    for promise in (p for p in account.promises if p.outcome is None):
        kept = tx.session.get_one(t.Promise, (row.id, promise.id))
        kept.outcome, kept.ended_at = "replaced", tx.now
        tx.session.add(kept)
        tx.audit("promise.replaced", SYSTEM, invoice=row.id, promise=promise.id)
    tx.session.add(
        t.PaymentPlan(
            invoice=row.id,
            id=plan,
            by=by,
            made_at=tx.now,
            instalments=[
                {"due_id": id_, "due_on": day.isoformat(), "amount": amount, "missed": []} for id_, day, amount in made
            ],
        )
    )
    _write(tx, row, account, made)
    about = {"plan": plan, "amount": str(account.balance), "instalments": str(len(made))}
    tx.audit("plan.agreed", tx.actor(by), tx.actor_kind(by), row.id, **about)


def accelerate(tx: Tx, row: t.Invoice, account: Account, by: str, reason: str) -> None:
    """Makes everything that is open due today, on a fresh ladder."""
    plan = _end(tx, row, account, "accelerated", by, reason=tx.text(reason))
    _write(tx, row, account, [(f"{plan}-all", tx.today, account.balance)])


def pass_time(tx: Tx, row: t.Invoice, account: Account, policy: Policy) -> set[str]:
    """What became of the running plan by itself: it is over, or an instalment was missed, which is put before a person
    once, or makes everything due at once where the policy says so."""
    plan = plans.running(account)
    over = plans.outcome(account)
    if over is not None:
        _end(tx, row, account, over, SYSTEM)
        return {over}
    missed = plans.news(account, policy, tx.now)
    if plan is None or not missed:
        return set()
    for each in missed:
        tx.audit("plan.missed", SYSTEM, invoice=row.id, plan=plan.id, due=each.due.id, amount=str(each.amount))
    if policy.plan_acceleration == "auto":
        accelerate(tx, row, account, SYSTEM, f"{missed[0].due.id} was missed")
        return {"accelerated"}
    _remember(tx, row, plan.id, missed)
    for each in missed:
        day = each.due.due_on.isoformat()
        about: dict[str, Any] = {"plan": plan.id, "due": each.due.id, "due_on": day, "amount": each.amount}
        tx.open_exception("plan_broken", f"{row.id}/{each.ref}", row.owner, row.id, **about)
    return {"missed"}


def _remember(tx: Tx, row: t.Invoice, plan: str, missed: Sequence[plans.Missed]) -> None:
    episodes = {each.due.id: each.due.episode for each in missed}
    kept = tx.session.get_one(t.PaymentPlan, (row.id, plan))
    kept.instalments = [
        {**part, "missed": [*part["missed"], episodes[part["due_id"]]]} if part["due_id"] in episodes else part
        for part in kept.instalments
    ]
    tx.session.add(kept)


def _end(tx: Tx, row: t.Invoice, account: Account, outcome: str, by: str, **about: str) -> str:
    """Ends the running plan, if there is one, and answers its id. A mail about it that has not left never will."""
    plan = plans.running(account)
    if plan is None:
        return ""
    kept = tx.session.get_one(t.PaymentPlan, (row.id, plan.id))
    kept.outcome, kept.ended_at = outcome, tx.now
    tx.session.add(kept)
    _drop(tx, account, [m.key for m in account.messages if keys.first_attempt(m.subject or "") == f"plan/{plan.id}"])
    tx.audit(f"plan.{outcome}", tx.actor(by), tx.actor_kind(by), row.id, plan=plan.id, **about)
    if outcome != "replaced":
        tx.settle_exceptions(by, f"plan {outcome}", kind="plan_broken", invoice=row.id)
    return plan.id


def _write(tx: Tx, row: t.Invoice, account: Account, parts: Sequence[tuple[str, date, int]]) -> None:
    """The dues as `parts` make them. A reminder that waits for a person about what is no longer due is dropped."""
    stored = {due.id: due for due in tx.session.exec(select(t.Due).where(t.Due.invoice == row.id))}
    for due in plans.replaced(account, parts):
        found = stored.get(due.id) or t.Due(invoice=row.id, id=due.id, due_on=due.due_on, ladder_on=due.ladder_on)
        found.due_on, found.ladder_on, found.amount = due.due_on, due.ladder_on, due.amount
        tx.session.add(found)
    _drop(tx, account, [m.key for m in account.messages if m.due in stored])
    row.oldest_due_on = parts[0][1]
    if row.phase == Phase.ESCALATED:
        row.phase = Phase.OPEN
    if row.ladder_stopped_on is not None:  # what was due before the stop is not any more
        row.ladder_stopped_on = calendar.local_date(tx.now, account.customer_place.timezone)
    tx.session.add(row)


def _drop(tx: Tx, account: Account, keys_: Sequence[str]) -> None:
    waits = {MessageState.HELD, MessageState.RELEASED}
    for message in account.messages:
        if message.key in keys_ and message.state in waits:
            letter = tx.session.get_one(t.Message, message.key)
            messages.drop(tx, letter, SYSTEM, "the dues have changed")
