"""Who must approve a subject, who may, and whom to ask next.

Votes are bound to the hash of what they approve. Four eyes: nobody who created or amended the subject
approves it, nobody approves twice, a machine never does. It never books a vote and never sends the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from domain import calendar, keys, money
from domain.account import Person, Subject
from domain.errors import NotAllowed, Refused
from domain.messages import Message, MessageState
from domain.policy import Policy, Tier
from domain.roles import APPROVER, CONTROLLER, MACHINE, absent, roles_of

STRICTEST = Tier(below=None, approvers=2, roles=(CONTROLLER,))
"""For a policy without any tiers."""

_UNREACHED = frozenset({MessageState.REFUSED, MessageState.SKIPPED, MessageState.BOUNCED})
_NOT_LEFT = frozenset({MessageState.RELEASED, MessageState.CLAIMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Ask `person` at `at` (which may be later than now): round 1 is the question, round 2 its only
    reminder."""

    person: str
    round: int
    at: datetime
    why: str


def tier_for(policy: Policy, currency: str, gross: int, warned: bool) -> Tier:
    """The tier for a gross amount in minor units. A currency without tiers takes the strictest of any
    currency's; a warning, or money booked by hand, lifts a tier without approvers to the next one with at
    least one."""
    tiers = policy.tiers.get(currency)
    if not tiers:
        every = [tier for tiers in policy.tiers.values() for tier in tiers]
        tier = max(every, key=lambda each: (each.approvers, len(each.roles)), default=STRICTEST)
        return replace(tier, below=None)
    fits = (at for at, tier in enumerate(tiers) if tier.below is None or gross < tier.below)
    first = next(fits, len(tiers) - 1)
    if tiers[first].approvers > 0 or not warned:
        return tiers[first]
    lifted = (tier for tier in tiers[first:] if tier.approvers > 0)
    return next(lifted, replace(tiers[first], approvers=1))


def judge(subject: Subject, person: Person | None, by: str, given_hash: str | None, currency: str) -> None:
    """Raises `NotAllowed` unless `by` may approve the subject, `Refused` when `given_hash` (what they looked
    at) is not its content. `person` is whom `by` names at this seller, None when nobody."""
    if person is None:
        raise NotAllowed(f"{by} is not a person this seller knows; an approver or controller must approve")
    reason = barred(subject, person, currency)
    if reason:
        raise NotAllowed(reason)
    if given_hash is not None and given_hash != subject.hash:
        raise Refused(
            f"the content of {subject.id} has changed: you approved {given_hash}, it is now {subject.hash}. "
            "Look at it again and approve with the new hash"
        )


def opening(content: str, before: int) -> str:
    """What votes and asks are bound to: the hash of the content, and of which opening of this very content it is. What
    was voted `before`, as many times, counts no more: a date or an owner outside the content may have changed."""
    return content if not before else keys.digest("duely/opening/1", [content, before])


def granted(subject: Subject, people: Sequence[Person]) -> bool:
    """Whether the votes suffice. Votes of people that are not in `people`, of creators and machines do not
    count."""
    votes, roles = wanted(subject, people)
    return votes == 0 and not roles


def missing(subject: Subject, people: Sequence[Person]) -> str:
    """What is missing, for a person: `2 approvals, one of them by a controller`; `nothing` when granted."""
    votes, roles = wanted(subject, people)
    if not votes:
        return "nothing"
    count = "1 approval" if votes == 1 else f"{votes} approvals"
    if not roles:
        return count
    if votes == 1:
        return f"{count} by a {' and '.join(roles)}"
    return f"{count}, {' and '.join(f'one of them by a {role}' for role in roles)}"


def eligible(subject: Subject, people: Sequence[Person], currency: str) -> tuple[Person, ...]:
    """Who could approve now and would bring it closer, lowest limit first (no limit last), then by key.

    When every vote still wanted must fill a missing role, only people with one of these roles are named.
    """
    votes, roles = wanted(subject, people)
    if not votes:
        return ()
    able = [person for person in people if not barred(subject, person, currency)]
    if len(roles) >= votes:
        able = [person for person in able if roles_of(person) & set(roles)]
    return tuple(sorted(able, key=lambda person: _order(person, currency)))


def enough(subject: Subject, people: Sequence[Person], currency: str) -> bool:
    """Whether those who may still approve could grant it together; if not, waiting for them is in vain."""
    votes, roles = wanted(subject, people)
    able = eligible(subject, people, currency)
    held = {role for person in able for role in roles_of(person)}
    return len(able) >= votes and set(roles) <= held


def next_ask(
    subject: Subject,
    people: Sequence[Person],
    asks: Sequence[Message],
    policy: Policy,
    now: datetime,
    currency: str,
    zone: str,
) -> Ask | None:
    """Whom to ask next, now or later; None when all who may approve were asked and reminded (or it is
    granted).

    As many people are asked in parallel as votes are missing. After `approver_silence` a silent one is
    reminded, after as long again the next one is asked as well; a vote of the silent one still counts. Who is
    absent is passed over, on the seller's days (`zone`): the next is asked at once, also when somebody who was
    asked leaves. `asks`: the messages of kind approval for this subject, one per (person, round), whose key
    ends in `/{person}/{round}`. One that was claimed or given back, and never left, is returned again with its
    own round.
    """
    able = eligible(subject, people, currency)
    today = calendar.local_date(now, zone)
    ask = _next(subject, people, _there(subject, people, able, today), asks, policy, now)
    for day in sorted({p.absent_from for p in able if p.absent_from is not None and p.absent_from > today}):
        leaves = calendar.at(day, time(0), zone)
        if ask is None or ask.at <= leaves:
            break
        then = _next(subject, people, _there(subject, people, able, day), asks, policy, leaves)
        if then is not None and then.at < ask.at:
            return then
    return ask


def returns(subject: Subject, people: Sequence[Person], currency: str, now: datetime, zone: str) -> datetime | None:
    """When the next of those who could approve is back."""
    today = calendar.local_date(now, zone)
    back = [p.absent_until for p in eligible(subject, people, currency) if p.absent_until and absent(p, today)]
    return calendar.at(min(back) + timedelta(days=1), time(0), zone) if back else None


def _there(subject: Subject, people: Sequence[Person], able: Sequence[Person], day: date) -> tuple[Person, ...]:
    """Whom of `able` to ask on that day, in order. A delegate takes the place of who is absent; who is absent comes
    last, and only when the others cannot give all that is missing: better a late answer than none."""
    there = {person.key: person for person in able if not absent(person, day)}
    placed = (person.key if person.key in there else person.delegate for person in able)
    present = [there[key] for key in dict.fromkeys(placed) if key in there]
    votes, _ = wanted(subject, people)
    suffice = len(_choose(subject, people, present)) == votes
    return (*present, *(() if suffice else (person for person in able if person.key not in there)))


def _next(
    subject: Subject,
    people: Sequence[Person],
    candidates: Sequence[Person],
    asks: Sequence[Message],
    policy: Policy,
    now: datetime,
) -> Ask | None:
    asked = {person.key: _asked(person, asks) for person in candidates}
    for rounds in asked.values():
        for number, ask in sorted(rounds.items()):
            if ask.state in _NOT_LEFT:
                at = max(now, ask.retry_at or now)
                return Ask(person=ask.person or "", round=number, at=at, why="the question has not left yet")
    live = [person for person in candidates if asked[person.key] and not _spent(asked[person.key], policy, now)]
    fresh = [person for person in candidates if not asked[person.key]]
    chosen = _choose(subject, people, [*live, *fresh])
    for person in chosen:
        if not asked[person.key]:
            why = f"{subject.id} waits for {missing(subject, people)}"
            return Ask(person=person.key, round=1, at=now, why=why)
    later = []
    for person in chosen:
        last = asked[person.key][max(asked[person.key])]
        at = max(now, last.at + policy.approver_silence)
        if max(asked[person.key]) == 1:
            why = f"{person.key} has not answered since {last.at:%Y-%m-%d %H:%M} UTC"
            later.append(Ask(person=person.key, round=2, at=at, why=why))
            continue
        without = [other for other in live if other is not person]
        after = [other for other in _choose(subject, people, [*without, *fresh]) if not asked[other.key]]
        why = f"{person.key} was asked and reminded and has not answered"
        later += [Ask(person=other.key, round=1, at=at, why=why) for other in after[:1]]
    return min(later, key=lambda ask: (ask.at, -ask.round), default=None)


def barred(subject: Subject, person: Person, currency: str) -> str | None:
    """Why this person may not approve the subject, with what would help; None when nothing bars them."""
    roles = roles_of(person)
    if not person.active:
        return f"{person.key} is no longer active; another approver or controller must approve"
    if MACHINE in roles:
        return f"{person.key} is a machine; approvals are given by people"
    if not roles & {APPROVER, CONTROLLER}:
        return f"{person.key} has neither the role approver nor controller, one of which approving needs"
    if person.key in subject.creators:
        return f"four eyes: {person.key} created or changed {subject.id}; someone else must approve it"
    if any(vote.by == person.key for vote in subject.votes):
        return f"{person.key} has approved {subject.id} already; the next vote must be someone else's"
    if not person.limits:
        return None
    limit = person.limits.get(currency)
    if limit is None:
        return f"{person.key} has no limit in {currency}, only in {', '.join(sorted(person.limits))}"
    if subject.amount > limit:
        amount, most = money.show(subject.amount, currency), money.show(limit, currency)
        return f"{subject.id} is over {currency} {amount}, {person.key} may approve up to {currency} {most}"
    return None


def wanted(subject: Subject, people: Sequence[Person]) -> tuple[int, tuple[str, ...]]:
    """(votes still wanted, roles none of the votes has filled). A missing role always wants a vote."""
    known = {person.key: roles_of(person) for person in people}
    voters = {vote.by for vote in subject.votes} - set(subject.creators)
    voters = {by for by in voters if by in known and MACHINE not in known[by]}
    filled = {role for by in voters for role in known[by]}
    roles = tuple(role for role in dict.fromkeys(subject.roles) if role not in filled)
    return max(subject.approvers - len(voters), 1 if roles else 0), roles


def _choose(subject: Subject, people: Sequence[Person], candidates: Sequence[Person]) -> list[Person]:
    """The first of `candidates` for the votes still wanted, keeping places for the missing roles."""
    votes, roles = wanted(subject, people)
    open_roles, chosen = set(roles), list[Person]()
    for person in candidates:
        fills = roles_of(person) & open_roles
        if len(chosen) < votes and (fills or votes - len(chosen) > len(open_roles)):
            chosen.append(person)
            open_roles -= fills
    return chosen


def _order(person: Person, currency: str) -> tuple[bool, int, str]:
    return (currency not in person.limits, person.limits.get(currency, 0), person.key)


def _asked(person: Person, asks: Sequence[Message]) -> dict[int, Message]:
    """This person's asks by round, read from the end of the key."""
    return {int(ask.key.rpartition("/")[2]): ask for ask in asks if ask.person == person.key}


def _spent(rounds: dict[int, Message], policy: Policy, now: datetime) -> bool:
    """Whether nothing more is expected of this person: unreachable, or silent after the reminder too."""
    if any(ask.state in _UNREACHED for ask in rounds.values()):
        return True
    return max(rounds) >= 2 and now >= rounds[max(rounds)].at + policy.approver_silence
