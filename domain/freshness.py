"""Fresh enough to chase: what the books must have read before a past-due reminder may leave, and whom the contact
has heard from today."""

from __future__ import annotations

from datetime import datetime

from domain import calendar, settlement
from domain.account import Account, Due, OpenReceipt
from domain.actions import Why
from domain.ladder import Planned, reminded_at
from domain.money import show
from domain.policy import Policy

HELD_CODES = frozenset({"stale_source", "unmatched_receipt"})
SHOWN = 3


def unready(account: Account, policy: Policy, now: datetime, due: Due, chosen: Planned) -> Why | None:
    """What the books must still learn, or whom this contact has heard from today."""
    if chosen.rung.offset > 0:
        stale = stale_source(account, policy, now, due)
        if stale is not None:
            return stale
        if _unassigned(account, policy):
            return Why("unmatched_receipt", _named(account))
    zone = account.customer_place.timezone
    today = calendar.local_date(now, zone)
    own = reminded_at(account, policy)
    heard = sum(1 for at in (*account.contact_reminded_at, *own) if calendar.local_date(at, zone) == today)
    if heard >= policy.per_contact_per_day:
        return Why("per_contact_per_day", "this contact has had its messages of today")
    if "spam_report" in account.exceptions:
        return Why("spam_report", "this contact has reported a mail as spam; a person decides")
    if account.older_debt_waits:
        return Why("oldest_first", "an older debt of the same contact goes first")
    return None


def _unassigned(account: Account, policy: Policy) -> bool:
    """Whether money that is not assigned yet forbids to chase. Netted credit does so when it covers everything; a
    receipt of unknown origin, or in another currency, has no amount to net."""
    if policy.unmatched == "ignore":
        return False
    if account.unmatched_receipts or any(r.currency != account.currency for r in account.credit_receipts):
        return True
    owed = sum(amount for _, amount in settlement.chaseable(account)) if policy.unmatched == "net" else 1
    return account.customer_credit >= owed


def _named(account: Account) -> str:
    """Which money it is, in words that stay the same for as long as it is not assigned."""
    unknown = [f"receipt {r.id} of {_shown(r)}, perhaps this customer's" for r in account.unmatched_receipts]
    credit = [f"receipt {r.id} with {_shown(r)} left" for r in account.credit_receipts]
    told = [*unknown, *credit][:SHOWN] or [f"credit of {show(account.customer_credit, account.currency)}"]
    return f"not assigned yet: {'; '.join(told)}"


def _shown(receipt: OpenReceipt) -> str:
    return f"{show(receipt.amount, receipt.currency)} {receipt.currency}"


def stale_source(account: Account, policy: Policy, now: datetime, due: Due) -> Why | None:
    """Fresh enough to chase: every source is read through the due (or broken promise's) date plus `settlement_days`,
    and the reading is not older than `max_age`, counted from the statement's own date."""
    last_promise = max((p.promised_on for p in account.promises if p.outcome == "broken"), default=due.due_on)
    needed = calendar.later(max(due.due_on, last_promise), policy.settlement_days)
    marks = {w.source: w for w in account.watermarks}
    for source in policy.sources:
        mark = marks.get(source)
        if mark is None or mark.through < needed:
            return Why("stale_source", f"source {source} is not read through {needed.isoformat()} yet")
        if now - mark.read_at > policy.max_age:
            return Why("stale_source", f"source {source} was last read {mark.read_at.isoformat()}")
    return None
