"""plan and accelerate: what is open is paid in parts, or all of it is asked for again."""

from __future__ import annotations

from adapters.books import plans as book
from adapters.books.commands.case import DONE, Case
from domain import plans, roles
from domain.account import Phase
from domain.errors import Invalid, Refused
from domain.money import show
from schemas import commands as c
from schemas.steps import Verdict


def plan(case: Case[c.Plan]) -> Verdict:
    """Everything open becomes instalments. Where the policy lets the customer decide, anybody may claim to be it; once,
    and while the ladder runs."""
    case.issued()
    account, policy = case.account, case.policy
    if account.phase is Phase.IN_COLLECTIONS:
        raise Refused("it is in collections; the collector agrees on instalments")
    if any(dispute.outcome is None for dispute in account.disputes):
        raise Refused("a dispute is open: resolve it first, then agree on instalments for what is left")
    if account.balance <= 0:
        raise Refused("nothing is open that could be paid in parts")
    if not _decides(case) and (account.plans or account.phase is not Phase.OPEN):
        raise Refused("a customer agrees on instalments once, and while reminders run; ask the account owner")
    said = enumerate(case.said.instalments)
    parts = [(part.due, case.minor(part.amount, f"instalments[{at}].amount")) for at, part in said]
    found = plans.problems(parts, account.balance, account.currency, policy, case.today)
    if found:
        raise Invalid(found)
    if parts[-1][1] < min(account.charges, account.balance):
        charges = f"{show(account.charges, account.currency)} {account.currency}"
        raise Refused(f"instalments: the last one carries the charges and must be at least {charges}")
    book.agree(case.tx, case.row, account, parts, case.by)
    return DONE


def _decides(case: Case[c.Plan]) -> bool:
    """Whether it is somebody whose decision it is, not a claim that the policy takes."""
    person = case.person()
    return person is not None and person.active and roles.CONTROLLER in roles.roles_of(person)


def accelerate(case: Case[c.Accelerate]) -> Verdict:
    """Only after an instalment was missed: what a plan left open is due today."""
    case.issued()
    account, policy = case.account, case.policy
    if plans.running(account) is None:
        raise Refused("no instalment plan is running")
    if not plans.missed(account, policy, case.tx.now):
        raise Refused(f"no instalment was missed: {plans.not_missed(account, policy, case.tx.now)}")
    book.accelerate(case.tx, case.row, account, case.by, case.said.reason)
    return DONE
