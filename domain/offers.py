"""What a customer may say or ask about its invoice by itself, and within which limits. The page offers no more than
this, and the handlers of the commands refuse what is beyond it. Pure; it decides nothing about the receivable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain import plans
from domain.account import BEFORE_ISSUE, Account, Document, Phase
from domain.messages import PAPERS, MessageState
from domain.plans import Part
from domain.policy import Policy

COPY_EVERY = timedelta(days=1)
"""Whoever holds a link may have a mail sent, but not a customer's mailbox filled."""

MOST_CHOICES = 12
"""Numbers of instalments to choose from; more would be no choice on a phone."""

_OURS = frozenset({Phase.OPEN, Phase.ESCALATED})
"""Handed over to collections, dates are no longer ours to agree on."""

_ON_ITS_WAY = frozenset({MessageState.HELD, MessageState.RELEASED, MessageState.CLAIMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """`disputable` and `promisable` are the most, in minor units; 0: not offered. `parts`: the instalments for each
    number that may be chosen; `agrees`: they are agreed at once, else put before a person."""

    disputable: int
    promisable: int
    promise_from: date
    promise_until: date
    parts: tuple[tuple[Part, ...], ...]
    agrees: bool
    copy: bool
    contact: bool


def offers(account: Account, policy: Policy, now: datetime, today: date) -> Offers:
    """What may be said of the receivable today, which is a day of the seller's."""
    free = undisputed(account)
    dates = account.phase in _OURS and free > 0 and not account.pending_payment and plans.running(account) is None
    dates = dates and not account.stops("insolvent", now)
    mail = not account.stops("no_contact", now)
    return Offers(
        disputable=0 if account.closed or account.phase in BEFORE_ISSUE else free,
        promisable=free if dates and promises_left(account, policy) else 0,
        promise_from=today,
        promise_until=today + timedelta(days=policy.promise_days),
        parts=_parts(account, policy, today) if dates else (),
        agrees=policy.plan_by == "customer" and account.phase is Phase.OPEN and not account.plans,
        copy=mail and bool(sendable(account)) and not copy_waits(account, now),
        contact=mail and not account.closed and account.phase not in BEFORE_ISSUE,
    )


def undisputed(account: Account) -> int:
    """What is owed and not contested."""
    return max(account.balance - account.disputed, 0)


def promises_left(account: Account, policy: Policy, on: date = date.max) -> bool:
    """Whether one more promise is taken, for that day. One that was replaced by a later day counts, and so would the
    open one: else it could be put off for ever."""
    days = [*(p.promised_on for p in account.promises[1:]), on]
    made = sum(
        p.outcome not in {None, "replaced"} or following > p.promised_on
        for p, following in zip(account.promises, days, strict=False)
    )
    return made < policy.max_promises


def sendable(account: Account) -> tuple[Document, ...]:
    """The documents that there are copies of: not an invoice that was issued elsewhere and came without its file."""
    return tuple(paper for paper in account.documents if paper.object_key is not None or not account.adopted)


def copy_waits(account: Account, now: datetime) -> bool:
    """Whether a document is about to leave, or a copy left within a day."""
    papers = [m for m in account.messages if m.kind in PAPERS]
    if account.papers_wait or any(m.state in _ON_ITS_WAY for m in papers):
        return True
    copies = (m for m in papers if "#" in (m.subject or "") and m.state is not MessageState.SKIPPED)
    return any(now < m.at + COPY_EVERY for m in copies)


def _parts(account: Account, policy: Policy, today: date) -> tuple[tuple[Part, ...], ...]:
    """Equal monthly parts of all that is open, as far as a plan can be made of it: nothing may be disputed, the last
    part carries the charges, and one wish at a time is enough."""
    amount = plans.coverable(account)
    if any(d.outcome is None for d in account.disputes) or "plan_requested" in account.exceptions:
        return ()
    counts = range(2, min(policy.max_instalments, MOST_CHOICES) + 1)
    proposed = (plans.propose(amount, account.currency, policy, today, count) for count in counts)
    return tuple(
        each
        for each in proposed
        if each[-1][1] >= account.charges and not plans.problems(each, amount, account.currency, policy, today)
    )
