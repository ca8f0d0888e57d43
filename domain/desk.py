"""Disputes and the people who decide them: whose one is, until when, whom to write to and when, and who is next when
the time is over. Pure; it books nothing and never decides a dispute itself.

Whoever has it is asked at once, and reminded once at half of the time that was left. At the deadline it goes to the
next whom the policy's `dispute_escalation` names, of a role one after the other; when nobody is left it stays, overdue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from domain import calendar, roles
from domain.account import Account, Dispute, Person
from domain.actions import PassOn, Send, Wait, Why
from domain.messages import REACHED, Message, MessageState
from domain.policy import Policy

OTHER = "other"
SETTLED = "settled"
"""How a dispute ends by itself when nothing is owed any more: nobody decided it, or took it back."""


def owner_for(policy: Policy, code: str, people: Sequence[Person], owner: str, today: date) -> str:
    """Whose a dispute for this reason is: what the policy names, else the receivable's `owner`. Somebody absent is
    passed over for who stands in, and that for anybody who is there."""
    named = policy.dispute_owners.get(code) or policy.dispute_owners.get(OTHER)
    found = (*_there(named, people, today), *_there(owner, people, today)) if named else _there(owner, people, today)
    return found[0].key if found else owner


def deciders(people: Sequence[Person]) -> tuple[Person, ...]:
    """Those of our own people who may resolve a dispute; whoever has it may be somebody who only clarifies it."""
    return tuple(p for p in people if p.active and roles.roles_of(p) & roles.ROLES["resolve"])


def deadline(policy: Policy, now: datetime, timezone: str) -> datetime:
    """The end of the last of the policy's days, the seller's."""
    day = calendar.local_date(now, timezone) + timedelta(days=policy.dispute_days + 1)
    return calendar.at(day, time(0), timezone)


def last_day(deadline: datetime, timezone: str) -> date:
    """The day a deadline lies in, or ends: how it is told to people."""
    return calendar.local_date(deadline - timedelta(microseconds=1), timezone)


def steps(account: Account, policy: Policy, now: datetime) -> Iterator[Send | PassOn | Wait]:
    """For each open dispute what is to be done about it now, or until when nothing is."""
    for dispute in account.disputes:
        if dispute.outcome is None and dispute.deadline is not None:  # those of before deadlines have none
            step = _step(account, policy, dispute, dispute.deadline, now)
            if step is not None:
                yield step


def ref(dispute: str, person: str, round_: int) -> str:
    """What names a question to somebody of ours among the messages of its receivable."""
    return f"dispute/{dispute}/{person}/{round_}"


def _step(
    account: Account, policy: Policy, dispute: Dispute, until: datetime, now: datetime
) -> Send | PassOn | Wait | None:
    if until <= now:
        return _next(account, policy, dispute, now)
    ends = Wait(until=until, what=f"dispute {dispute.id}", why=Why("dispute", f"{dispute.owner} has it until then"))
    if not any(person.key == dispute.owner and person.active for person in account.people):
        return ends
    first, again = (_asked(account, ref(dispute.id, dispute.owner, round_)) for round_ in (1, 2))
    if first is None or first.state is MessageState.RELEASED:
        return _send(account, dispute, 1, first, now)
    if first.state not in REACHED or (again is not None and again.state is not MessageState.RELEASED):
        return ends
    half = first.at + (until - first.at) // 2
    if half > now:
        why = Why("dispute", f"{dispute.owner} was asked and is reminded then")
        return Wait(until=half, what=f"dispute {dispute.id}", why=why)
    return _send(account, dispute, 2, again, now)


def _next(account: Account, policy: Policy, dispute: Dispute, now: datetime) -> PassOn | None:
    """The first who may decide it, is there and had not been asked; None when nobody is left."""
    zone = account.seller_place.timezone
    about = f"dispute/{dispute.id}/"
    had = {dispute.owner} | {m.person for m in account.messages if (m.subject or "").startswith(about)}
    today = calendar.local_date(now, zone)
    ranks = (person for named in policy.dispute_escalation for person in _there(named, account.people, today))
    found = next((p for p in deciders(tuple(ranks)) if p.key not in had), None)
    if found is None:
        return None
    return PassOn(
        dispute=dispute.id,
        to=found.key,
        level=dispute.level + 1,
        deadline=deadline(policy, now, zone),
        why=Why("dispute_overdue", f"{dispute.owner} has not decided {dispute.id} in time"),
    )


def _there(named: str, people: Sequence[Person], today: date) -> tuple[Person, ...]:
    """Those whom a person's key or a role names, who are active and not absent; for a person who is away whoever stands
    in."""
    able = [p for p in people if p.active and roles.MACHINE not in roles.roles_of(p) and not roles.absent(p, today)]
    meant = next((p for p in people if p.key == named), None)
    if meant is None:
        return tuple(p for p in able if named in roles.roles_of(p))
    return tuple(p for key in (meant.key, meant.delegate) for p in able if p.key == key)


def _asked(account: Account, ref_: str) -> Message | None:
    return next((m for m in account.messages if m.kind == "internal" and m.subject == ref_), None)


def _send(account: Account, dispute: Dispute, round_: int, waiting: Message | None, now: datetime) -> Send | Wait:
    named = ref(dispute.id, dispute.owner, round_)
    if waiting is not None and waiting.retry_at is not None and waiting.retry_at > now:
        return Wait(until=waiting.retry_at, what=f"dispute {dispute.id}", why=Why("retry", "the provider was down"))
    said = "has not been decided yet" if round_ > 1 else "waits for a decision"
    return Send(
        key=f"{account.workflow_id}/{named}",
        kind="internal",
        template="dispute",
        to=dispute.owner,
        why=Why("dispute", f"{dispute.id} {said}"),
        ref=named,
        amount=dispute.amount,
    )
