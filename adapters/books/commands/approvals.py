"""approve and reject: votes bound to the hash of what waits, and what follows when they suffice."""

from __future__ import annotations

from adapters.books import approver_links, load
from adapters.books.commands import carry
from adapters.books.commands.case import DONE, Case
from domain import approval, lifecycle
from domain.account import Phase, Subject
from domain.asked import unfinished
from domain.errors import Refused
from schemas import commands as c
from schemas import tables as t
from schemas.steps import Verdict

DRAFT = "draft"


def approve(case: Case[c.Approve]) -> Verdict:
    """Counts the vote; the last one that was missing schedules the draft or carries the money out."""
    subject, row = _subject(case, case.said.subject)
    _signed(case, subject)
    people = load.people(case.tx.session)
    seen = None if subject.kind == DRAFT and case.said.hash == case.account.hash else case.said.hash
    approval.judge(subject, case.person(), case.by, seen, case.account.currency)
    case.tx.session.add(
        t.ApprovalVote(
            invoice=case.row.id,
            subject=subject.id,
            hash=subject.hash,
            by=case.by,
            at=case.tx.now,
            comment=case.said.comment or "",
        )
    )
    case.audit("approval.given", subject=subject.id, hash=subject.hash)
    case.tx.session.flush()
    voted = load.subject_of(case.tx.session, row)
    if not approval.granted(voted, people):
        return Verdict(result="pending", subject=subject.id, reason=f"missing: {approval.missing(voted, people)}")
    row.outcome, row.ended_at = "granted", case.tx.now
    case.tx.session.add(row)
    case.audit("approval.granted", subject=subject.id, hash=subject.hash)
    case.tx.settle_exceptions(case.by, "approved", kind="approval_stuck", key=subject.id, invoice=case.row.id)
    if subject.kind == DRAFT:
        case.row.phase = Phase.SCHEDULED
        case.tx.session.add(case.row)
        return DONE
    return carry.out(case, subject)


def reject(case: Case[c.Reject]) -> Verdict:
    """A draft goes back; money stays where it is. One rejection is enough."""
    subject, row = _subject(case, case.said.subject)
    _signed(case, subject)
    row.outcome, row.ended_at = "rejected", case.tx.now
    case.tx.session.add(row)
    case.audit(
        "invoice.rejected" if subject.kind == DRAFT else f"{subject.kind}.rejected",
        subject=subject.id,
        reason=case.tx.text(case.said.reason),
    )
    if subject.kind == DRAFT:
        case.row.phase = Phase.REJECTED
        case.tx.session.add(case.row)
    case.tx.settle_exceptions(case.by, "rejected", kind="approval_stuck", key=subject.id, invoice=case.row.id)
    return DONE


def _subject(case: Case[c.Approve] | Case[c.Reject], wanted: str | None) -> tuple[Subject, t.ApprovalSubject]:
    """The subject that is meant: the one named, else the draft, else the only one that waits."""
    waiting = {s.id: s for s in case.account.subjects}
    if not waiting:
        raise Refused("nothing waits for approval")
    name = wanted or (DRAFT if DRAFT in waiting else next(iter(waiting)) if len(waiting) == 1 else None)
    if name is None or name not in waiting:
        raise Refused(f"subject: name one of those that wait: {', '.join(waiting)}")
    return waiting[name], case.tx.session.get_one(t.ApprovalSubject, (case.row.id, name))


def _signed(case: Case[c.Approve] | Case[c.Reject], subject: Subject) -> None:
    """Whether the signed link that is named was opened by whom it names, for this very content. The gateway's mark
    alone proves it; under `approve_by = link` nothing else counts."""
    key = case.said.link
    if key is None:
        if case.policy.approve_by == "link":
            raise Refused(
                f"policy {case.policy.name} takes approvals by signed link alone: open the one in the mail to {case.by}"
            )
        return
    asked = approver_links.find(case.tx.session, key)
    if asked is None or (asked.invoice, asked.subject, asked.person) != (case.row.id, subject.id, case.by):
        raise Refused(f"link: is none that asks {case.by} to approve {subject.id}")
    if asked.tag != lifecycle.tag(subject):
        raise Refused(
            f"link: the content of {subject.id} has changed since it was sent; a new one has been, or will be"
        )
    facts = approver_links.facts(case.tx.session, asked, key)
    if facts.revoked or not unfinished(asked, facts):
        raise Refused("link: was not opened, or has answered already")
