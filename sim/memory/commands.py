"""Judges a command on the books in memory and carries it out, or leaves nothing of it but its refusal. Here: approvals,
what may happen before issue, and disputes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain import approval, desk, offers, reduction, roles, settlement
from domain.account import Dispute, Phase, Subject, Vote
from domain.errors import Invalid, Refused
from domain.exceptions import BY_ANY_OF, ONE_BY_ONE, SETTLED_BY
from schemas import commands as c
from schemas.steps import Verdict
from sim.memory import agreed, by_hand, drafting, issuing, settle
from sim.memory.case import DONE, Case
from sim.memory.rows import Receivable
from sim.memory.tx import Tx
from sim.memory.view import account as read


def judge(tx: Tx, row: Receivable, said: c.Command) -> Verdict:
    """Done, pending with its subject, or refused with the reason."""
    case = Case(tx, row, read(tx, row), said)
    try:
        with tx.whole(row):
            claims = frozenset({"plan"}) if row.policy.plan_by == "customer" else frozenset[str]()
            roles.check(said.name, said.by, case.person, row.before_issue, claims)
            verdict = HANDLERS[said.name](case)
            if verdict.result == "done" and roles.decides(case.person):
                for kind in BY_ANY_OF:
                    if said.name in SETTLED_BY[kind]:
                        tx.answered(said.by, row, kind=kind, sole=kind in ONE_BY_ONE)
            return verdict
    except (Refused, Invalid) as refused:
        tx.audit("command.refused", said.by, row, command=said.name, reason=tx.text(str(refused)))
        return Verdict(result="refused", reason=str(refused))


def approve(case: Case[c.Approve]) -> Verdict:
    """Counts the vote; the last one that was missing schedules the draft or carries the money out."""
    subject, row, everybody = _subject(case, case.said.subject), case.row, case.tx.books.parties.everybody
    _unsigned(case)
    seen = None if subject.kind == drafting.DRAFT and case.said.hash == case.account.hash else case.said.hash
    approval.judge(subject, case.person, case.by, seen, case.account.currency)
    voted = replace(subject, votes=(*subject.votes, Vote(by=case.by, at=case.tx.now)))
    row.subjects[subject.id] = voted
    case.audit("approval.given", subject=subject.id, hash=subject.hash)
    if not approval.granted(voted, everybody):
        missing = approval.missing(voted, everybody)
        return Verdict(result="pending", subject=subject.id, reason=f"missing: {missing}")
    del row.subjects[subject.id]
    case.audit("approval.granted", subject=subject.id, hash=subject.hash)
    case.tx.answered(case.by, row, kind="approval_stuck", key=subject.id)
    if subject.kind == drafting.DRAFT:
        row.phase = Phase.SCHEDULED
        return DONE
    body = dict(subject.command or {})
    of = body.pop("of", "")
    said = c.parse_command(body.pop("name"), (body,))
    return DOERS[said.name](Case(case.tx, row, case.account, said, subject.amount, of))


def reject(case: Case[c.Reject]) -> Verdict:
    subject, row = _subject(case, case.said.subject), case.row
    _unsigned(case)
    del row.subjects[subject.id]
    draft = subject.kind == drafting.DRAFT
    about = {"subject": subject.id, "reason": case.tx.text(case.said.reason)}
    case.audit("invoice.rejected" if draft else f"{subject.kind}.rejected", **about)
    row.phase = Phase.REJECTED if draft else row.phase
    case.tx.answered(case.by, row, kind="approval_stuck", key=subject.id)
    return DONE


def _subject(case: Case[c.Approve] | Case[c.Reject], wanted: str | None) -> Subject:
    """The one named, else the draft, else the only one that waits."""
    waiting = {subject.id: subject for subject in case.account.subjects}
    if not waiting:
        raise Refused("nothing waits for approval")
    name = wanted or (drafting.DRAFT if drafting.DRAFT in waiting else next(iter(waiting)) if len(waiting) == 1 else "")
    if name not in waiting:
        raise Refused(f"subject: name one of those that wait: {', '.join(waiting)}")
    return waiting[name]


def _unsigned(case: Case[c.Approve] | Case[c.Reject]) -> None:
    if case.said.link is not None or case.row.policy.approve_by == "link":
        raise Refused("link: these books keep no signed links")


def amend(case: Case[c.Amend]) -> Verdict:
    """New content under the same reference; the amender counts as creator."""
    if not case.row.before_issue:
        raise Refused("amend: the invoice is issued; credit it and send a new one")
    request = case.said.request
    if (request.seller, request.reference) != (case.row.seller.key, case.row.reference):
        raise Refused(f"request.reference: must stay {case.row.seller.key}/{case.row.reference}")
    drafting.draft(case.tx, case.row.id, request, case.by)
    return DONE


def cancel(case: Case[c.Cancel]) -> Verdict:
    """Before issue it ends and frees the reference; after, it credits everything."""
    case.alive()
    if not case.row.before_issue:
        return case.pending("cancel", settlement.whole_credit(case.account)) or credit_all(case)
    case.row.phase, case.row.freed = Phase.CANCELLED, True
    case.tx.house.intake.pop(case.row.reference, None)
    case.row.subjects.clear()
    case.audit("invoice.cancelled", reason=case.tx.text(case.said.reason))
    case.tx.answered(case.by, case.row)
    return DONE


def credit_all(case: Case[c.Cancel]) -> Verdict:
    amount = case.as_approved(settlement.whole_credit(case.account))
    issuing.credit(case.tx, case.row, case.account, amount, case.said.reason, case.by)
    for dispute in case.account.disputes:
        if dispute.outcome is None:
            settle.end_dispute(case.tx, case.row, dispute, "accepted", case.by)
    case.audit("invoice.cancelled", reason=case.tx.text(case.said.reason))
    return DONE


def dispute(case: Case[c.Dispute]) -> Verdict:
    """Opens a dispute over lines, an amount, or all that is undisputed."""
    case.issued()
    account, said, row = case.account, case.said, case.row
    if said.files:
        raise Refused("files: these books keep no files")
    amount = contestable = offers.undisputed(account)
    if contestable <= 0:
        raise Refused("nothing is left to dispute: all that is owed is disputed already")
    if said.amount is not None:
        amount = case.within(case.minor(said.amount), contestable, "amount", "what is owed and undisputed")
    elif said.lines:
        amount = min(contestable, issuing.gross_of_lines(row, said.lines))
    id_, zone = f"d{len(account.disputes) + 1}", account.seller_place.timezone
    owner = desk.owner_for(row.policy, said.code, case.tx.books.parties.everybody, row.owner, case.today)
    until = desk.deadline(row.policy, case.tx.now, zone)
    opened = Dispute(
        id=id_, by=case.by, code=said.code, reason=said.reason, amount=amount, lines=tuple(said.lines or ()),
        opened_at=case.tx.now, owner=owner, deadline=until,
    )  # fmt: skip
    row.disputes = (*row.disputes, opened)
    about = {"code": said.code, "amount": str(amount), "reason": case.tx.text(said.reason), "owner": owner}
    case.audit("invoice.disputed", dispute=id_, **about)
    case.tx.ask("dispute", f"{row.id}/{id_}", row, owner, until)
    return Verdict(result="done", dispute=id_)


def resolve(case: Case[c.Resolve]) -> Verdict:
    """Ends a dispute. Accepted or partly accepted it credits, through the approval tiers."""
    case.issued()
    found = _open(case)
    if case.said.outcome in {"accepted", "partly"}:
        granted = _granted(case, found)
        reduction.once(_lines(case, found, granted), case.row.credited_on)
        return case.pending("resolve", granted) or credit_disputed(case)
    _end(case, found)
    if case.said.outcome == "rejected":
        case.row.rejected_until = case.tx.now + case.row.policy.grace_after_reject
    return DONE


def credit_disputed(case: Case[c.Resolve]) -> Verdict:
    found = _open(case)
    granted, reason = _granted(case, found), case.said.comment or f"dispute {found.id} {case.said.outcome}"
    _end(case, found, granted)
    issuing.credit(case.tx, case.row, case.account, granted, reason, case.by, _lines(case, found, granted))
    return DONE


def _lines(case: Case[c.Resolve], found: Dispute, granted: int) -> tuple[str, ...]:
    """Those that a credit over `granted` takes back whole."""
    whole = bool(found.lines) and granted == issuing.gross_left_of_lines(case.row, found.lines)
    return found.lines if whole else ()


def _granted(case: Case[c.Resolve], found: Dispute) -> int:
    if case.said.credit is None:
        whole = bool(found.lines) and found.amount == issuing.gross_of_lines(case.row, found.lines)
        return issuing.gross_left_of_lines(case.row, found.lines) if whole else found.amount
    return case.within(case.minor(case.said.credit, "credit"), found.amount, "credit", "what is disputed")


def _open(case: Case[c.Resolve]) -> Dispute:
    waiting = {d.id: d for d in case.account.disputes if d.outcome is None}
    if not waiting:
        raise Refused("no dispute is open")
    name = case.said.dispute or (next(iter(waiting)) if len(waiting) == 1 else "")
    if name not in waiting:
        raise Refused(f"dispute: name one of those that are open: {', '.join(waiting)}")
    return waiting[name]


def _end(case: Case[c.Resolve], found: Dispute, credited: int | None = None) -> None:
    settle.end_dispute(case.tx, case.row, found, case.said.outcome, case.by, credited)
    case.tx.answered(case.by, case.row, kind="dispute", key=f"{case.row.id}/{found.id}")


HANDLERS: dict[str, Callable[[Case[Any]], Verdict]] = {
    "approve": approve, "reject": reject, "amend": amend, "cancel": cancel, "dispute": dispute, "resolve": resolve,
    **agreed.HANDLERS, **by_hand.HANDLERS,
}  # fmt: skip
DOERS: dict[str, Callable[[Case[Any]], Verdict]] = {
    "cancel": credit_all, "resolve": credit_disputed, **agreed.DOERS, **by_hand.DOERS
}  # fmt: skip
"""What each command that gives money away does once nobody needs to be asked any more."""
