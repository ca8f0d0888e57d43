"""Judges a command against the books and carries it out, in one transaction with its audit. Nothing half-done stays:
a refusal rolls back to where it began and leaves only its record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.books.commands import approvals, before_issue, desk, disputes, money, pauses, plans
from adapters.books.commands.case import Case
from adapters.books.tx import Tx
from adapters.books.view import read
from domain import roles
from domain.errors import Invalid, Refused
from domain.exceptions import BY_ANY_OF, ONE_BY_ONE, SETTLED_BY
from schemas import tables as t
from schemas.commands import Command
from schemas.steps import Verdict

HANDLERS: dict[str, Callable[[Case[Any]], Verdict]] = {
    "approve": approvals.approve,
    "reject": approvals.reject,
    "amend": before_issue.amend,
    "cancel": before_issue.cancel,
    "dispute": disputes.dispute,
    "resolve": disputes.resolve,
    "promise": pauses.promise,
    "plan": plans.plan,
    "accelerate": plans.accelerate,
    "extend": pauses.extend,
    "hold": pauses.hold,
    "release": pauses.release,
    "credit": money.credit,
    "write_off": money.write_off,
    "pay": money.pay,
    "refund": money.refund,
    "hand_over": money.hand_over,
    "send": desk.send,
    "skip": desk.skip,
    "resend": desk.resend,
    "assign": desk.assign,
    "escalate": desk.escalate,
    "note": desk.note,
}

PLANNED_BY_CUSTOMER = frozenset({"plan"})


def judge(tx: Tx, row: t.Invoice, said: Command) -> Verdict:
    """Done, pending with its subject, or refused with the reason; every one of them is in the audit."""
    account, policy = read(tx, row)
    case = Case(tx, row, account, policy, said)
    try:
        with tx.session.begin_nested():
            claims = PLANNED_BY_CUSTOMER if policy.plan_by == "customer" else frozenset[str]()
            roles.check(said.name, said.by, case.person(), case.before_issue, claims)
            verdict = HANDLERS[said.name](case)
            if verdict.result == "done":
                _decide(case)
            return verdict
    except (Refused, Invalid) as refused:
        tx.audit(
            "command.refused",
            tx.actor(said.by),
            tx.actor_kind(said.by),
            row.id,
            command=said.name,
            reason=tx.text(str(refused)),
        )
        return Verdict(result="refused", reason=str(refused))


def _decide(case: Case[Any]) -> None:
    """A done command is the decision on what asked for it, if it is of somebody who may decide. Where it may be meant
    for one of several, none is taken for read."""
    if not roles.decides(case.person()):
        return
    for kind in BY_ANY_OF:
        if case.said.name in SETTLED_BY[kind]:
            sole = kind in ONE_BY_ONE
            case.tx.settle_exceptions(case.by, case.said.name, kind=kind, invoice=case.row.id, sole=sole)
