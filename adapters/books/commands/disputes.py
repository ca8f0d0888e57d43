"""dispute and resolve: a dispute freezes only what is contested, and ends with a recorded outcome."""

from __future__ import annotations

from adapters.books import credit_notes, load
from adapters.books.commands.carry import doer
from adapters.books.commands.case import DONE, Case
from domain import desk, offers
from domain.account import Dispute
from domain.errors import Refused
from schemas import commands as c
from schemas import tables as t
from schemas.steps import Verdict


def dispute(case: Case[c.Dispute]) -> Verdict:
    """Opens a dispute over lines, an amount, or all that is undisputed. Anybody may claim one."""
    case.issued()
    account, said = case.account, case.said
    _known(case)
    contestable = offers.undisputed(account)
    if contestable <= 0:
        raise Refused("nothing is left to dispute: all that is owed is disputed already")
    lines = list(said.lines or ())
    amount = contestable
    if said.amount is not None:
        amount = case.minor(said.amount)
        case.within(amount, contestable, "amount", "what is owed and undisputed")
    elif lines:
        amount = min(contestable, credit_notes.gross_of_lines(case.row, lines))
    id_ = f"d{len(account.disputes) + 1}"
    people = load.people(case.tx.session)
    owner = desk.owner_for(case.policy, said.code, people, case.row.owner, case.today)
    deadline = desk.deadline(case.policy, case.tx.now, account.seller_place.timezone)
    case.tx.session.add(
        t.Dispute(
            invoice=case.row.id,
            id=id_,
            by=case.by,
            code=said.code,
            reason=said.reason,
            lines=lines,
            evidence=[*filter(None, [said.evidence]), *(each.as_json() for each in said.files or ())],
            amount=amount,
            opened_at=case.tx.now,
            owner=owner,
            deadline=deadline,
        )
    )
    files = {"files": " ".join(each.file for each in said.files)} if said.files else {}
    about = {"code": said.code, "amount": str(amount), "reason": case.tx.text(said.reason), "owner": owner, **files}
    case.audit("invoice.disputed", dispute=id_, **about)
    evidence = {"code": said.code, "amount": amount, "dispute": id_}
    case.tx.open_exception("dispute", f"{case.row.id}/{id_}", owner, case.row.id, deadline, **evidence)
    return Verdict(result="done", dispute=id_)


def _known(case: Case[c.Dispute]) -> None:
    """Evidence that nobody handed in proves nothing."""
    for position, each in enumerate(case.said.files or ()):
        if case.tx.session.get(t.File, each.file) is None:
            raise Refused(f"files[{position}].file: there is no file {each.file}; hand it in with POST /v1/files")


def resolve(case: Case[c.Resolve]) -> Verdict:
    """Ends a dispute. Accepted or partly accepted it credits, through the approval tiers."""
    case.issued()
    found = _open(case)
    if case.said.outcome in {"accepted", "partly"}:
        granted = _granted(case, found)
        credit_notes.check(case.tx, case.row, _lines(case, found, granted))
        return case.pending("resolve", granted) or credit(case)
    _end(case, found)
    if case.said.outcome == "rejected":
        case.row.rejected_until = case.tx.now + case.policy.grace_after_reject
        case.tx.session.add(case.row)
    return DONE


@doer("resolve")
def credit(case: Case[c.Resolve]) -> Verdict:
    found = _open(case)
    reason = case.said.comment or f"dispute {found.id} {case.said.outcome}"
    granted = _granted(case, found)
    _end(case, found, granted)
    lines = _lines(case, found, granted)
    credit_notes.credit(case.tx, case.row, case.account, granted, reason, case.by, lines)
    return DONE


def _lines(case: Case[c.Resolve], found: Dispute, granted: int) -> tuple[str, ...]:
    """Those that a credit over `granted` takes back whole."""
    whole = bool(found.lines) and granted == credit_notes.gross_left_of_lines(case.tx, case.row, found.lines)
    return found.lines if whole else ()


def _granted(case: Case[c.Resolve], found: Dispute) -> int:
    """Of whole lines what they come to now, after others that were credited meanwhile."""
    if case.said.credit is None:
        whole = bool(found.lines) and found.amount == credit_notes.gross_of_lines(case.row, found.lines)
        return credit_notes.gross_left_of_lines(case.tx, case.row, found.lines) if whole else found.amount
    amount = case.minor(case.said.credit, "credit")
    case.within(amount, found.amount, "credit", "what is disputed")
    return amount


def _open(case: Case[c.Resolve]) -> Dispute:
    waiting = {d.id: d for d in case.account.disputes if d.outcome is None}
    if not waiting:
        raise Refused("no dispute is open")
    name = case.said.dispute or (next(iter(waiting)) if len(waiting) == 1 else None)
    if name is None or name not in waiting:
        raise Refused(f"dispute: name one of those that are open: {', '.join(waiting)}")
    return waiting[name]


def _end(case: Case[c.Resolve], found: Dispute, credited: int | None = None) -> None:
    row = case.tx.session.get_one(t.Dispute, (case.row.id, found.id))
    row.outcome, row.resolved_by, row.resolved_at = case.said.outcome, case.by, case.tx.now
    row.credited = credited
    case.tx.session.add(row)
    amount = {} if credited is None else {"credited": str(credited)}
    comment = {"comment": case.tx.text(case.said.comment)} if case.said.comment else {}
    case.audit("dispute.resolved", dispute=found.id, outcome=case.said.outcome, **amount, **comment)
    case.tx.settle_exceptions(case.by, case.said.outcome, kind="dispute", key=f"{case.row.id}/{found.id}")
