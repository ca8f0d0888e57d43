"""People of ours, who answer what is put before them: approvals, held and doubtful messages, disputes, the end of the
ladder. Each thing once, after as long as their manners say. Reads an account; decides only what a person would."""

from __future__ import annotations

from collections.abc import Iterator

from domain.account import Account, Phase
from domain.messages import MessageState
from sim.plan import DAY, Event, Life, Manners

UNSURE = frozenset({MessageState.UNKNOWN, MessageState.REFUSED, MessageState.BOUNCED})
TO_RESEND = frozenset({MessageState.REFUSED, MessageState.BOUNCED})


def reactions(life: Life, account: Account, known: set[str]) -> Iterator[Event]:
    """What is to happen after `at` minutes from now. `known` remembers what was answered."""
    manners = life.manners
    for subject in account.subjects:
        if _new(known, f"{subject.id} {subject.hash}"):
            yield from _approvals(manners, subject.id)
    for message in account.messages:
        if message.state is MessageState.HELD and _new(known, message.key):
            body = {"by": "sam", "message": message.key}
            skip = {**body, "reason": "customer called"}
            yield Event(at=manners.held_after, what="skip" if manners.skips else "send",
                        body=skip if manners.skips else body)  # fmt: skip
        elif message.state in UNSURE and message.stuck and _new(known, f"stuck {message.key}"):
            yield _stuck(manners, message.key, message.state)
    for dispute in account.disputes:
        if dispute.outcome is None and _new(known, f"dispute {dispute.id}"):
            credit = {"credit": "$third"} if manners.outcome == "partly" else {}
            body = {"by": "ben", "outcome": manners.outcome, "dispute": dispute.id, **credit}
            yield Event(at=manners.resolve_after, what="resolve", body=body)
    if account.phase is Phase.REJECTED and _new(known, "rejected"):
        yield Event(at=DAY, what="cancel", body={"by": "ben", "reason": "rejected"})
    if account.phase is Phase.ESCALATED and _new(known, "escalated"):
        yield from _end(manners)


def _new(known: set[str], thing: str) -> bool:
    if thing in known:
        return False
    known.add(thing)
    return True


def _approvals(manners: Manners, subject: str) -> Iterator[Event]:
    """Two who may decide everything, one after the other; the second is refused where one sufficed."""
    if manners.rejects:
        body = {"by": "cho", "reason": "wrong price", "subject": subject}
        yield Event(at=manners.approve_after, what="reject", body=body)
        return
    for by, after in (("cho", 0), ("ana", 30), ("ben", 60)):
        yield Event(at=manners.approve_after + after, what="approve", body={"by": by, "subject": subject})


def _stuck(manners: Manners, key: str, state: MessageState) -> Event:
    if state in TO_RESEND and not manners.skips:
        return Event(at=manners.stuck_after, what="resend", body={"by": "sam", "to": "post@elsewhere.example"})
    body = {"by": "sam", "message": key}
    if manners.skips:
        return Event(at=manners.stuck_after, what="skip", body={**body, "reason": "nobody can tell"})
    return Event(at=manners.stuck_after, what="send", body=body)


def _end(manners: Manners) -> Iterator[Event]:
    match manners.at_the_end:
        case "write_off":
            yield Event(at=manners.end_after, what="write_off", body={"by": "ben", "reason": "silent"})
        case "hand_over":
            body = {"by": "ben", "to": "Collect Ltd", "reason": "silent"}
            yield Event(at=manners.end_after, what="hand_over", body=body)
