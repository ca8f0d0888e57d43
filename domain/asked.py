"""The signed link in a mail that asks for an approval: what the mail's key names, and whether the link still counts.

It is good for one person, one subject, one content, one time. It reads nothing and decides no approval.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain import approval
from domain.account import Person, Subject
from domain.lifecycle import tag
from domain.roles import ROLES, roles_of

_KEY = re.compile(
    r"(invoice-[a-z0-9]{2,20}-[A-Za-z0-9._-]{1,64})/approval/([a-z_]+(?:-[0-9]+)?)@([0-9a-f]{12})"
    r"/([A-Za-z0-9._-]{1,64})/([0-9]{1,6})"
)


class Standing(StrEnum):
    OPEN = "open"
    USED = "used"  # this person has answered
    EXPIRED = "expired"
    REVOKED = "revoked"
    FOREIGN = "foreign"  # whoever was asked may not approve it, or not any more
    STALE = "stale"  # the content is another one now
    DECIDED = "decided"  # by others


@dataclass(frozen=True, slots=True)
class Asked:
    """`tag` is the content, short, as `lifecycle.tag` writes it."""

    invoice: str
    subject: str
    tag: str
    person: str
    round: int

    @property
    def seller(self) -> str:
        return self.invoice.split("-", 2)[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the books know of a link. `subject` is what waits or waited, with the votes on its content of now; `outcome`
    None while it waits. `person` is whom the link names. `used_at`: it was used to answer, whether or not the answer
    got through."""

    asked_at: datetime
    subject: Subject
    outcome: str | None
    person: Person | None
    used_at: datetime | None = None
    revoked: bool = False


def parse(key: str) -> Asked | None:
    """What the key of a message names; None when it asks for no approval."""
    found = _KEY.fullmatch(key)
    return Asked(found[1], found[2], found[3], found[4], int(found[5])) if found else None


def standing(asked: Asked, facts: Facts, valid: timedelta, now: datetime, currency: str) -> Standing:
    """Whether the link may vote now. The first reason against it tells no more than its holder may know: to somebody
    who left, nothing of what became of the invoice."""
    subject, person = facts.subject, facts.person
    same = tag(subject) == asked.tag
    if facts.revoked:
        return Standing.REVOKED
    if person is None or not person.active or not roles_of(person) & ROLES["approve"]:
        return Standing.FOREIGN
    voted = same and any(vote.by == asked.person for vote in subject.votes)
    if voted or (facts.used_at is not None and not unfinished(asked, facts)):
        return Standing.USED
    if now >= facts.asked_at + valid:
        return Standing.EXPIRED
    if not same:
        return Standing.STALE
    if facts.outcome is not None:
        return Standing.DECIDED
    return Standing.OPEN if approval.barred(subject, person, currency) is None else Standing.FOREIGN


def unfinished(asked: Asked, facts: Facts) -> bool:
    """Whether the link was used and its answer never got through, as after a crash: it may answer once more. A subject
    that was opened again since has had that answer."""
    subject = facts.subject
    return (
        facts.used_at is not None
        and facts.outcome is None
        and tag(subject) == asked.tag
        and facts.used_at >= subject.opened_at
        and not any(vote.by == asked.person for vote in subject.votes)
    )
