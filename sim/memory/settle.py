"""The end of every step in memory: whatever is decided and needs only the books is carried out, until nothing but
waiting or sending is left. What time alone has changed is settled first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from domain import arrival, calendar, desk, dunning, keys, ladder, lifecycle, plans, settlement
from domain.account import CLOSED, Account, Dispute, Due, Phase
from domain.actions import Action, Escalate, Issue, PassOn, Refund, Send, Skip, Wait, Why
from domain.exceptions import OUTLIVE
from domain.instalments import Instalment, Plan
from domain.messages import MessageState
from schemas.steps import Outcome
from sim.memory import issuing, messages
from sim.memory.rows import Ended, Receivable
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read

MANY = 50
LAST = frozenset({"last_rung", "consumer"})
RUNNING = frozenset({Phase.OPEN, Phase.ESCALATED})


def settle(tx: Tx, row: Receivable) -> Outcome:
    """Brings a receivable to rest and answers what a step says of it."""
    for _ in range(MANY):
        account = _lapse(tx, row)
        action = lifecycle.next_action(account, row.policy, tx.now)
        if isinstance(action, Wait | Send | Refund):
            break
        _carry_out(tx, row, account, action)
    else:
        raise AssertionError(f"{row.id} does not come to rest")
    then: Send | None = None
    row.next_at = tx.now
    if isinstance(action, Wait):
        messages.keep_reasons(tx, row, account)
        row.next_at = action.until
        foreseen = lifecycle.next_action(account, row.policy, action.until) if action.until is not None else None
        then = foreseen if isinstance(foreseen, Send) else None
    row.state = lifecycle.state(account, tx.now)
    row.updated_at = max(row.updated_at, tx.now)
    return Outcome(account=account, policy=row.policy, action=action, then=then)


def _carry_out(tx: Tx, row: Receivable, account: Account, action: Action) -> None:
    match action:
        case Issue():
            issuing.issue(tx, row)
        case Skip():
            messages.skip(tx, row, action.skips)
        case Escalate():
            tx.ask(action.kind, action.key, row)
            if action.kind in LAST:
                row.phase = Phase.ESCALATED
                tx.audit("invoice.escalated", SYSTEM, row, reason=action.why.code)
        case PassOn():
            _pass_on(tx, row, action)
        case _:
            phase = lifecycle.closing(account, tx.now)
            if phase is not None:
                _close(tx, row, phase)


def _pass_on(tx: Tx, row: Receivable, action: PassOn) -> None:
    """Nobody decided in time: the next one has it from now on."""
    row.disputes = tuple(
        replace(d, owner=action.to, level=action.level, deadline=action.deadline) if d.id == action.dispute else d
        for d in row.disputes
    )
    about = {"dispute": action.dispute, "level": str(action.level), "owner": action.to}
    tx.audit("dispute.escalated", SYSTEM, row, **about)
    key = ("dispute", f"{row.id}/{action.dispute}")
    if key in row.questions:
        row.questions[key] = replace(row.questions[key], owner=action.to, deadline=action.deadline)
        tx.audit("exception.assigned", SYSTEM, row, kind="dispute", about=key[1], owner=action.to)


def _close(tx: Tx, row: Receivable, phase: Phase) -> None:
    row.phase = phase
    for each in row.disputes:
        if each.outcome is None:
            end_dispute(tx, row, each, desk.SETTLED, SYSTEM)
    tx.answered(SYSTEM, row, but=OUTLIVE)
    tx.audit("invoice.closed", SYSTEM, row, phase=phase.value)


def end_dispute(
    tx: Tx, row: Receivable, dispute: Dispute, outcome: str, by: str, credited: int | None = None, **about: str
) -> None:
    row.disputes = tuple(replace(d, outcome=outcome) if d.id == dispute.id else d for d in row.disputes)
    row.ended[dispute.id] = Ended(resolved_by=by, resolved_at=tx.now, credited=credited)
    tx.audit("dispute.resolved", by, row, dispute=dispute.id, outcome=outcome, **about)


def _lapse(tx: Tx, row: Receivable) -> Account:
    """Promises, plans, what waits in vain for approval, stops, and the ladder that stops or goes on."""
    account = read(tx, row)
    changed = _promises(tx, row, account) | _moot(tx, row, account) | _plan(tx, row, account)
    changed |= _stops(tx, row, account)
    if changed:
        account = read(tx, row)
    if _ladder(tx, row, account, "broken" in changed):
        account = replace(account, ladder_stopped_on=row.ladder_stopped_on, dues=row.dues)
    return account


def _promises(tx: Tx, row: Receivable, account: Account) -> set[str]:
    """A promise is kept when what was promised is no longer owed, broken when its grace has run out."""
    changed = set()
    for promise in account.promises:
        if promise.outcome is not None:
            continue
        paid = sum(part.amount for part in row.allocations if part.at >= promise.made_at)
        if account.balance == 0 or paid >= promise.amount:
            outcome = "kept"
        elif dunning.promise_ends(account, row.policy, promise.promised_on) <= tx.now:
            outcome = "broken"
        else:
            continue
        end_promise(tx, row, promise.id, outcome)
        changed.add(outcome)
    return changed


def end_promise(tx: Tx, row: Receivable, promise: str, outcome: str, by: str = SYSTEM) -> None:
    row.promises = tuple(replace(p, outcome=outcome) if p.id == promise else p for p in row.promises)
    tx.audit(f"promise.{outcome}", by, row, promise=promise)


def _moot(tx: Tx, row: Receivable, account: Account) -> set[str]:
    """Takes back what waits for approval in vain."""
    moot = settlement.moot(account)
    for subject in moot:
        del row.subjects[subject.id]
        tx.audit("approval.voided", SYSTEM, row, subject=subject.id, hash=subject.hash)
    return {subject.id for subject in moot}


def _stops(tx: Tx, row: Receivable, account: Account) -> set[str]:
    """Each insolvency is put before a person once; news are kept back while nobody may write to the customer."""
    changed = set()
    insolvent = account.stops("insolvent", tx.now)
    if account.number is not None and account.phase not in CLOSED and account.balance > 0:
        for key in (f"{row.id}/stop/{stop.ref}" for stop in insolvent):
            if ("insolvent", key) not in row.ever_asked:
                tx.ask("insolvent", key, row)
                changed.add("insolvent")
    if not insolvent and "insolvent" in account.exceptions:
        tx.answered(SYSTEM, row, kind="insolvent")
        changed.add("solvent")
    if account.notices and account.stops("no_contact", tx.now):
        _keep_back(tx, row, account)
        changed.add("kept_back")
    return changed


def _keep_back(tx: Tx, row: Receivable, account: Account) -> None:
    why = dunning.stopped(account, tx.now) or Why("on_hold", "nobody may write to the customer")
    for notice in account.notices:
        key = f"{row.id}/{notice.ref}"
        waiting = arrival.current(account, key)
        key = waiting.key if waiting is not None else key
        unsent = Send(key=key, kind=notice.mail, template=notice.kind, to="billing", why=why, ref=notice.ref)
        messages.drop(tx, row, messages.letter_of(tx, row, unsent), SYSTEM)
        tx.why(row, "withheld", why, key)


def _ladder(tx: Tx, row: Receivable, account: Account, broken: bool) -> bool:
    """When the ladder goes on, the remaining rungs keep the distance they had left; after a broken promise the next one
    comes at once."""
    if account.phase not in RUNNING:
        return False
    today = calendar.local_date(tx.now, account.customer_place.timezone)
    stopped = account.balance > 0 and dunning.stopped(account, tx.now) is not None
    since = row.ladder_stopped_on
    if stopped == (since is not None):
        return False
    row.ladder_stopped_on = today if stopped else None
    if since is not None:
        days, next_on = max(0, (today - since).days), today if broken else None
        row.dues = tuple(_shifted(row, account, due, days, next_on) for due in row.dues)
    return True


def _shifted(row: Receivable, account: Account, due: Due, days: int, today: date | None) -> Due:
    moved = calendar.later(due.ladder_on, days)
    if today is not None:
        moved = min(moved, ladder.next_rung_on(account, row.policy, due.id, today))
    return replace(due, ladder_on=max(due.ladder_on, moved))


def _plan(tx: Tx, row: Receivable, account: Account) -> set[str]:
    """What became of the running plan by itself."""
    over = plans.outcome(account)
    if over is not None:
        end_plan(tx, row, account, over, SYSTEM)
        return {over}
    plan, missed = plans.running(account), plans.news(account, row.policy, tx.now)
    if plan is None or not missed:
        return set()
    for each in missed:
        tx.audit("plan.missed", SYSTEM, row, plan=plan.id, due=each.due.id, amount=str(each.amount))
    if row.policy.plan_acceleration == "auto":
        accelerate(tx, row, account, SYSTEM, f"{missed[0].due.id} was missed")
        return {"accelerated"}
    told = tuple(each.ref for each in missed)
    row.plans = tuple(replace(p, missed=_in_order(p, (*p.missed, *told))) if p.id == plan.id else p for p in row.plans)
    for ref in told:
        tx.ask("plan_broken", f"{row.id}/{ref}", row)
    return {"missed"}


def _in_order(plan: Plan, refs: Sequence[str]) -> tuple[str, ...]:
    """By instalment, each one's misses in order."""
    return tuple(ref for part in plan.instalments for ref in refs if ref.rpartition("/")[0] == part.due)


def agree(tx: Tx, row: Receivable, account: Account, parts: Sequence[plans.Part], by: str) -> None:
    """Makes what is open due in `parts`; an earlier plan is replaced, as is an open promise."""
    plan = f"i{len(row.plans) + 1}"
    made = [(f"{plan}-{at}", day, amount) for at, (day, amount) in enumerate(parts, 1)]
    end_plan(tx, row, account, "replaced", by)
    for promise in account.promises:
        if promise.outcome is None:
            end_promise(tx, row, promise.id, "replaced")
    instalments = tuple(Instalment(due=id_, due_on=day, amount=amount) for id_, day, amount in made)
    row.plans = (*row.plans, Plan(id=plan, by=by, made_at=tx.now, instalments=instalments))
    _write(tx, row, account, made)
    tx.audit("plan.agreed", by, row, plan=plan, amount=str(account.balance), instalments=str(len(made)))


def accelerate(tx: Tx, row: Receivable, account: Account, by: str, reason: str) -> None:
    """Makes everything that is open due today, on a fresh ladder."""
    plan = end_plan(tx, row, account, "accelerated", by, reason=tx.text(reason))
    _write(tx, row, account, [(f"{plan}-all", tx.today, account.balance)])


def end_plan(tx: Tx, row: Receivable, account: Account, outcome: str, by: str, **about: str) -> str:
    """Ends the running plan, if there is one. A mail about it that has not left never will."""
    plan = plans.running(account)
    if plan is None:
        return ""
    row.plans = tuple(replace(p, outcome=outcome) if p.id == plan.id else p for p in row.plans)
    about_it = {m.key for m in account.messages if keys.first_attempt(m.subject or "") == f"plan/{plan.id}"}
    _drop(tx, row, account, about_it)
    tx.audit(f"plan.{outcome}", by, row, plan=plan.id, **about)
    if outcome != "replaced":
        tx.answered(by, row, kind="plan_broken")
    return plan.id


def _write(tx: Tx, row: Receivable, account: Account, parts: Sequence[tuple[str, date, int]]) -> None:
    """The dues as `parts` make them. A reminder that waits for a person about what is no longer due is dropped."""
    known = {due.id: due for due in row.dues}
    row.dues = issuing.ordered(
        replace(due, episode=known[due.id].episode if due.id in known else 1) for due in plans.replaced(account, parts)
    )
    _drop(tx, row, account, {m.key for m in account.messages if m.due in known})
    row.oldest_due_on = parts[0][1]
    if row.phase is Phase.ESCALATED:
        row.phase = Phase.OPEN
    if row.ladder_stopped_on is not None:
        row.ladder_stopped_on = calendar.local_date(tx.now, account.customer_place.timezone)


def _drop(tx: Tx, row: Receivable, account: Account, unsent: set[str]) -> None:
    for message in account.messages:
        if message.key in unsent and message.state in {MessageState.HELD, MessageState.RELEASED}:
            messages.drop(tx, row, row.letters[message.key], SYSTEM)
