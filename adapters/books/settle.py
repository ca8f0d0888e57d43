"""The end of every step: what time alone has changed is settled, a receivable that owes nothing is closed, and the
invoice's row shows what the account says. Nobody else writes `state`, `next_at` or a final phase."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import col, select

from adapters.books import load
from adapters.books.tx import SYSTEM, Tx
from domain import calendar, dunning, ladder, lifecycle
from domain.account import CLOSED, Account, Phase, Promise
from domain.actions import Wait
from domain.policy import Policy
from schemas import tables as t


def read(tx: Tx, row: t.Invoice) -> tuple[Account, Policy]:
    """The receivable as this transaction sees it, with what it has changed itself."""
    tx.session.flush()
    policy = load.policy_of(tx.session, tx.seller, row.policy, row.policy_version)
    return load.account_of(tx.session, tx.seller, row, policy, tx.now), policy


def settle(tx: Tx, row: t.Invoice) -> tuple[Account, Policy]:
    """Brings the row to rest and answers what it then says."""
    account, policy = read(tx, row)
    changed = _promises(tx, row, account, policy)
    if changed:
        account, policy = read(tx, row)
    if _ladder(tx, row, account, policy, broken="broken" in changed):
        account, policy = read(tx, row)
    phase = lifecycle.closing(account, tx.now)
    if phase is not None:
        _close(tx, row, phase)
        account, policy = read(tx, row)
    action = lifecycle.next_action(account, policy, tx.now)
    row.state = lifecycle.state(account, tx.now)
    row.next_at = action.until if isinstance(action, Wait) else tx.now
    row.updated_at = max(row.updated_at, tx.now)
    tx.session.add(row)
    tx.session.flush()
    return account, policy


def _promises(tx: Tx, row: t.Invoice, account: Account, policy: Policy) -> set[str]:
    """A promise is kept when what was promised is no longer owed, broken when its grace has run out."""
    changed = set()
    for promise in account.promises:
        if promise.outcome is not None:
            continue
        outcome = None
        if account.balance == 0 or _kept(tx, row, promise):
            outcome = "kept"
        elif dunning.promise_ends(account, policy, promise.promised_on) <= tx.now:
            outcome = "broken"
        if outcome is not None:
            kept = tx.session.get_one(t.Promise, (row.id, promise.id))
            kept.outcome, kept.ended_at = outcome, tx.now
            tx.session.add(kept)
            tx.audit(f"promise.{outcome}", SYSTEM, invoice=row.id, promise=promise.id)
            changed.add(outcome)
    return changed


def _kept(tx: Tx, row: t.Invoice, promise: Promise) -> bool:
    paid = tx.session.exec(
        select(t.Allocation.amount).where(
            t.Allocation.invoice == row.id,
            col(t.Allocation.released_at).is_(None),
            t.Allocation.at >= promise.made_at,
        )
    )
    return sum(paid) >= promise.amount


def _ladder(tx: Tx, row: t.Invoice, account: Account, policy: Policy, broken: bool) -> bool:
    """Notes when the whole ladder stops; when it goes on, the remaining rungs keep the distance they had left. After a
    broken promise the next rung comes at once."""
    if account.phase not in {Phase.OPEN, Phase.ESCALATED}:
        return False
    today = calendar.local_date(tx.now, account.customer_place.timezone)
    stopped = dunning.stopped(account, tx.now) is not None and account.balance > 0
    if stopped and row.ladder_stopped_on is None:
        row.ladder_stopped_on = today
    elif not stopped and row.ladder_stopped_on is not None:
        days = max(0, (today - row.ladder_stopped_on).days)
        row.ladder_stopped_on = None
        for due in tx.session.exec(select(t.Due).where(t.Due.invoice == row.id)):
            moved = due.ladder_on + timedelta(days=days)
            if broken:
                moved = min(moved, ladder.next_rung_on(account, policy, due.id, today))
            due.ladder_on = max(due.ladder_on, moved)
            tx.session.add(due)
    else:
        return False
    tx.session.add(row)
    return True


def _close(tx: Tx, row: t.Invoice, phase: Phase) -> None:
    if phase not in CLOSED:
        raise ValueError(f"{phase} does not end a receivable")
    row.phase = phase
    tx.session.add(row)
    for dispute in tx.session.exec(select(t.Dispute).where(t.Dispute.invoice == row.id)):
        if dispute.outcome is None:
            dispute.outcome, dispute.resolved_by, dispute.resolved_at = "withdrawn", SYSTEM, tx.now
            tx.session.add(dispute)
            tx.audit("dispute.resolved", SYSTEM, invoice=row.id, dispute=dispute.id, outcome="withdrawn")
    tx.settle_exceptions(SYSTEM, f"closed: {phase.value}", invoice=row.id)
    tx.audit("invoice.closed", SYSTEM, invoice=row.id, phase=phase.value)
