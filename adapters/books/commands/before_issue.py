"""amend and cancel: what may happen to a draft; after issue a cancellation is a full credit note."""

from __future__ import annotations

from adapters.books import credit_notes, drafting
from adapters.books.commands.carry import doer
from adapters.books.commands.case import DONE, Case
from domain import settlement
from domain.account import Phase
from domain.errors import Invalid, Refused
from schemas import commands as c
from schemas import tables as t
from schemas.steps import Verdict


def amend(case: Case[c.Amend]) -> Verdict:
    """New content under the same reference. Approvals given before are void; the amender counts as creator."""
    if not case.before_issue:
        raise Refused("amend: the invoice is issued; credit it and send a new one")
    request = case.said.request
    if (request.seller, request.reference) != (case.row.seller, case.row.reference):
        raise Refused(f"request.reference: must stay {case.row.seller}/{case.row.reference}")
    try:
        drafting.draft(case.tx, case.row.id, request, case.by)
    except Invalid as error:
        raise Refused(str(error)) from None
    return DONE


def cancel(case: Case[c.Cancel]) -> Verdict:
    """Before issue it ends and frees the reference; after, it credits everything (approval tiers first)."""
    case.alive()
    if case.before_issue:
        case.row.phase, case.row.freed = Phase.CANCELLED, True
        case.tx.session.add(case.row)
        intake = case.tx.session.get(t.Intake, (case.row.seller, case.row.reference))
        if intake is not None:
            case.tx.session.delete(intake)
        for waiting in case.account.subjects:
            subject = case.tx.session.get_one(t.ApprovalSubject, (case.row.id, waiting.id))
            subject.outcome, subject.ended_at = "void", case.tx.now
            case.tx.session.add(subject)
        case.audit("invoice.cancelled", reason=case.tx.text(case.said.reason))
        case.tx.settle_exceptions(case.by, "cancelled", invoice=case.row.id)
        return DONE
    credit_notes.check(case.tx, case.row)
    return case.pending("cancel", settlement.whole_credit(case.account)) or credit_all(case)


@doer("cancel")
def credit_all(case: Case[c.Cancel]) -> Verdict:
    amount = case.as_approved(settlement.whole_credit(case.account))
    credit_notes.credit(case.tx, case.row, case.account, amount, case.said.reason, case.by)
    for dispute in case.account.disputes:
        if dispute.outcome is None:
            row = case.tx.session.get_one(t.Dispute, (case.row.id, dispute.id))
            row.outcome, row.resolved_by, row.resolved_at = "accepted", case.by, case.tx.now
            case.tx.session.add(row)
            case.audit("dispute.resolved", dispute=dispute.id, outcome="accepted")
    case.audit("invoice.cancelled", reason=case.tx.text(case.said.reason))
    return DONE
