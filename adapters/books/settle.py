"""The end of every step: whatever is decided and needs only the books is carried out in the same transaction, until
nothing but waiting or sending is left. Nobody else writes `state`, `next_at` or a final phase."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlmodel import col, select

from adapters.books import issuing, messages, owners, plans, preceding, prepayments, queries, rows, sessions, stops
from adapters.books.tx import SYSTEM, Tx
from adapters.books.view import read
from domain import calendar, desk, dunning, ladder, lifecycle, settlement
from domain.account import CLOSED, Account, Phase, Promise
from domain.actions import Action, Escalate, Issue, PassOn, Refund, Send, Skip, Wait
from domain.exceptions import OUTLIVE
from domain.policy import Policy
from schemas import tables as t

MANY = 50
LAST = frozenset({"last_rung", "consumer"})


@dataclass(frozen=True, slots=True)
class Rest:
    """A receivable at rest: only waiting or sending is left to do. `then` is the message foreseen at the wait's end."""

    account: Account
    policy: Policy
    action: Wait | Send | Refund
    then: Send | None


def settle(tx: Tx, row: t.Invoice) -> Rest:
    """Carries out everything that needs no outside: issue, skip, escalate, close, and what time alone has changed."""
    for _ in range(MANY):
        account, policy = _lapse(tx, row)
        action = lifecycle.next_action(account, policy, tx.now)
        if isinstance(action, Wait | Send | Refund):
            break
        _carry_out(tx, row, account, policy, action)
    else:
        raise RuntimeError(f"{row.id} does not come to rest")
    if isinstance(action, Wait):
        messages.keep_reasons(tx, account, policy)
    prepayments.tax_point(tx, row)
    row.state = lifecycle.state(account, tx.now)
    row.next_at = action.until if isinstance(action, Wait) else tx.now
    row.updated_at = max(row.updated_at, tx.now)
    tx.session.add(row)
    tx.session.flush()
    return Rest(account, policy, action, _foreseen(account, policy, action))


def _foreseen(account: Account, policy: Policy, action: Wait | Send | Refund) -> Send | None:
    if not isinstance(action, Wait) or action.until is None:
        return None
    forecast = lifecycle.next_action(account, policy, action.until)
    return forecast if isinstance(forecast, Send) else None


def _carry_out(tx: Tx, row: t.Invoice, account: Account, policy: Policy, action: Action) -> None:
    match action:
        case Issue():
            issuing.issue(tx, row, preceding.outdated(tx, row))
        case Skip():
            messages.skip(tx, account, policy, action.skips)
        case Escalate():
            _escalate(tx, row, action)
        case PassOn():
            owners.pass_on(tx, row, action)
        case _:
            phase = lifecycle.closing(account, tx.now)
            if phase is not None:
                _close(tx, row, phase)


def _escalate(tx: Tx, row: t.Invoice, action: Escalate) -> None:
    """Puts it before a person; after the last rung nothing goes on by itself."""
    tx.open_exception(action.kind, action.key, row.owner, row.id, why=action.why.text)
    if action.kind in LAST:
        row.phase = Phase.ESCALATED
        tx.session.add(row)
        tx.audit("invoice.escalated", SYSTEM, invoice=row.id, reason=action.why.code)


def _lapse(tx: Tx, row: t.Invoice) -> tuple[Account, Policy]:
    """Settles what time alone has changed: promises, plans, payments that never came, pauses that began or ended."""
    account, policy = read(tx, row)
    changed = _promises(tx, row, account, policy) | _moot(tx, row, account) | plans.pass_time(tx, row, account, policy)
    changed |= stops.look(tx, row, account, policy)
    if account.pending_until is not None and account.pending_until <= tx.now:
        sessions.stall(tx, row)
        changed.add("stalled")
    if changed:
        account, policy = read(tx, row)
    if _ladder(tx, row, account, policy, broken="broken" in changed):
        tx.session.flush()
        dues = rows.dues(tx.session, queries.parameters(row, tx.now))
        account = replace(account, ladder_stopped_on=row.ladder_stopped_on, dues=dues)
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


def _moot(tx: Tx, row: t.Invoice, account: Account) -> set[str]:
    """Takes back what waits for approval in vain."""
    moot = settlement.moot(account)
    for waiting in moot:
        subject = tx.session.get_one(t.ApprovalSubject, (row.id, waiting.id))
        subject.outcome, subject.ended_at = "void", tx.now
        tx.session.add(subject)
        tx.audit("approval.voided", SYSTEM, invoice=row.id, subject=subject.id, hash=subject.hash)
    return {subject.id for subject in moot}


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
            moved = calendar.later(due.ladder_on, days)
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
            dispute.outcome, dispute.resolved_by, dispute.resolved_at = desk.SETTLED, SYSTEM, tx.now
            tx.session.add(dispute)
            tx.audit("dispute.resolved", SYSTEM, invoice=row.id, dispute=dispute.id, outcome=desk.SETTLED)
    tx.settle_exceptions(SYSTEM, f"closed: {phase.value}", invoice=row.id, but=OUTLIVE)
    tx.audit("invoice.closed", SYSTEM, invoice=row.id, phase=phase.value)
