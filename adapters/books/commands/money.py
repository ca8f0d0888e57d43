"""pay, credit, write_off: money by hand and what is given up, through the approval tiers where money goes out."""

from __future__ import annotations

from adapters.books import credit_notes, receipts, reductions, refunds
from adapters.books.commands.carry import doer
from adapters.books.commands.case import DONE, Case
from domain import settlement
from domain.account import Phase
from domain.errors import Refused
from schemas import commands as c
from schemas.steps import Verdict

HAND = "hand"


def pay(case: Case[c.Pay]) -> Verdict:
    """Books a receipt kept by hand, once under its external id. By an owner it waits for approval. A debt that was
    written off may be paid after all, and a repeat is answered whatever became of the receivable."""
    known = _known(case)
    if not known and not settlement.lost(case.account):
        case.issued()
    amount = case.minor(case.said.amount)
    if case.said.received_on > case.today:
        raise Refused(f"received_on: {case.said.received_on} is after today, {case.today}")
    if not known:
        waiting = [s.command or {} for s in case.account.subjects if s.kind == "pay"]
        if any(command.get("external_id") == case.said.external_id for command in waiting):
            raise Refused(f"external_id {case.said.external_id} waits for approval already")
        pending = case.pending("pay", amount)
        if pending is not None:
            return pending
    return book(case)


def _known(case: Case[c.Pay]) -> bool:
    """Whether it is booked here already. Refused when the same id names another customer's or receivable's money."""
    receipt = receipts.find(case.tx, HAND, case.said.external_id)
    if receipt is None or receipts.told_for(case.tx, receipt, case.row):
        return receipt is not None
    first = receipts.first(case.tx, receipt) or f"a credit of {receipt.customer}"
    raise Refused(f"external_id {case.said.external_id} is booked for {first} already: give this payment another")


@doer("pay")
def book(case: Case[c.Pay]) -> Verdict:
    said = case.said
    _known(case)
    money = receipts.Incoming(
        source=HAND,
        external_id=said.external_id,
        amount=case.minor(said.amount),
        currency=case.row.currency,
        received_on=said.received_on,
        method=said.method,
        account=receipts.by_hand(case.tx, said.method),
    )
    receipt = receipts.book(case.tx, money, case.row.customer, case.by, case.row.id)
    if receipt is not None:
        receipts.settle(case.tx, case.row, case.account, case.policy, receipt)
        receipts.left_over(case.tx, case.row, receipt)
    return DONE


def credit(case: Case[c.Credit]) -> Verdict:
    """A credit note over a gross amount or whole lines. On a closed receivable too: what was paid for it becomes the
    customer's credit."""
    if case.account.phase is Phase.CANCELLED or case.before_issue:
        case.issued()
    credit_notes.check(case.tx, case.row, case.said.lines or ())
    return case.pending("credit", _credit_amount(case)) or give_credit(case)


@doer("credit")
def give_credit(case: Case[c.Credit]) -> Verdict:
    lines = case.said.lines or ()
    credit_notes.credit(case.tx, case.row, case.account, _credit_amount(case), case.said.reason, case.by, lines)
    return DONE


def _credit_amount(case: Case[c.Credit]) -> int:
    if case.said.amount is not None:
        amount = case.minor(case.said.amount)
    else:
        amount = credit_notes.gross_left_of_lines(case.tx, case.row, case.said.lines or ())
    limit = settlement.creditable(case.account)
    case.within(amount, limit, "amount", "what was invoiced and neither credited, waived nor withheld")
    if amount <= 0:
        raise Refused("amount: the credit would be nothing")
    return amount


def write_off(case: Case[c.WriteOff]) -> Verdict:
    """Gives up what is owed, all or a part; of what is approved first, no more than was owed when it was asked for."""
    case.issued()
    return case.pending("write_off", _loss(case)) or give_up(case)


@doer("write_off")
def give_up(case: Case[c.WriteOff]) -> Verdict:
    reductions.write_off(case.tx, case.row, case.said.kind, _loss(case), case.by)
    return DONE


def _loss(case: Case[c.WriteOff]) -> int:
    balance = case.account.balance
    everything = min(balance, case.approved or balance)
    amount = case.minor(case.said.amount) if case.said.amount is not None else everything
    case.within(amount, balance, "amount", "what is owed")
    if amount <= 0:
        raise Refused("nothing is owed that could be written off")
    return amount


def hand_over(case: Case[c.HandOver]) -> Verdict:
    """To collections: no more reminders of ours; money still books."""
    case.issued()
    if case.account.phase is Phase.IN_COLLECTIONS:
        raise Refused("it is in collections already")
    case.row.phase = Phase.IN_COLLECTIONS
    case.tx.session.add(case.row)
    case.audit("invoice.handed_over", to=case.tx.text(case.said.to), reason=case.tx.text(case.said.reason))
    return DONE


def refund(case: Case[c.Refund]) -> Verdict:
    """Pays back what the customer has in credit, also when the receivable is closed."""
    if case.before_issue:
        raise Refused(f"refund needs an issued invoice; this one is {case.account.phase.value}")
    amount = case.minor(case.said.amount)
    refunds.check(case.tx, case.row, amount)
    return case.pending("refund", amount) or give_refund(case)


@doer("refund")
def give_refund(case: Case[c.Refund]) -> Verdict:
    refunds.grant(case.tx, case.row, case.minor(case.said.amount), case.said.reason, case.by)
    return DONE
