"""Commands in memory about money and messages: what a person books, gives up, sends or keeps back, and
who is in charge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from domain import ledger, reduction, settlement
from domain.account import Phase
from domain.actions import Why
from domain.errors import Refused
from domain.messages import Message, MessageState, stuck
from schemas import commands as c
from schemas.steps import Verdict
from sim.memory import issuing, messages, money, reductions
from sim.memory.case import DONE, Case
from sim.memory.rows import Letter


def pay(case: Case[c.Pay]) -> Verdict:
    """Books a receipt kept by hand, once under its external id. By an owner it waits for approval."""
    known = _known(case)
    if not known and not settlement.lost(case.account):
        case.issued()
    amount, said = case.minor(case.said.amount), case.said
    if said.received_on > case.today:
        raise Refused(f"received_on: {said.received_on} is after today, {case.today}")
    if not known:
        waiting = [subject.command or {} for subject in case.account.subjects if subject.kind == "pay"]
        if any(command.get("external_id") == said.external_id for command in waiting):
            raise Refused(f"external_id {said.external_id} waits for approval already")
        pending = case.pending("pay", amount)
        if pending is not None:
            return pending
    return book(case)


def _known(case: Case[c.Pay]) -> bool:
    """Whether it is booked here already. Refused when the same id names another's money."""
    id_ = case.said.external_id
    receipt = case.tx.house.external.get((money.HAND, id_))
    if receipt is None or receipt.told is case.row:
        return receipt is not None
    first = receipt.first.id if receipt.first is not None else f"a credit of {receipt.customer}"
    raise Refused(f"external_id {id_} is booked for {first} already: give this payment another")


def book(case: Case[c.Pay]) -> Verdict:
    said, seller = case.said, case.tx.seller
    _known(case)
    at_bank = seller.bank_account if said.method == "transfer" else None
    told = money.Incoming(
        source=money.HAND, external_id=said.external_id, amount=case.minor(said.amount),
        currency=case.account.currency, received_on=said.received_on,
        account=at_bank or ledger.clearing(said.method),
    )  # fmt: skip
    receipt = money.book(case.tx, told, case.row.customer.key, case.by, case.row)
    if receipt is not None:
        money.settle(case.tx, case.row, case.account, receipt)
        money.left_over(case.tx, case.row, receipt)
    return DONE


def credit(case: Case[c.Credit]) -> Verdict:
    """A credit note over a gross amount or whole lines, on a closed receivable too."""
    if case.account.phase is Phase.CANCELLED or case.row.before_issue:
        case.issued()
    reduction.once(case.said.lines or (), case.row.credited_on)
    return case.pending("credit", _credit_amount(case)) or give_credit(case)


def give_credit(case: Case[c.Credit]) -> Verdict:
    amount, lines = _credit_amount(case), case.said.lines or ()
    issuing.credit(case.tx, case.row, case.account, amount, case.said.reason, case.by, lines)
    return DONE


def _credit_amount(case: Case[c.Credit]) -> int:
    if case.said.amount is not None:
        amount = case.minor(case.said.amount)
    else:
        amount = issuing.gross_left_of_lines(case.row, case.said.lines or ())
    limit = settlement.creditable(case.account)
    case.within(amount, limit, "amount", "what was invoiced and neither credited, waived nor withheld")
    if amount <= 0:
        raise Refused("amount: the credit would be nothing")
    return amount


def write_off(case: Case[c.WriteOff]) -> Verdict:
    case.issued()
    return case.pending("write_off", _loss(case)) or give_up(case)


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


def refund(case: Case[c.Refund]) -> Verdict:
    """Pays back what the customer has in credit, also when the receivable is closed."""
    if case.row.before_issue:
        raise Refused(f"refund needs an issued invoice; this one is {case.account.phase.value}")
    amount = case.minor(case.said.amount)
    money.check_refund(case.tx, case.row, amount)
    return case.pending("refund", amount) or give_refund(case)


def give_refund(case: Case[c.Refund]) -> Verdict:
    money.refund(case.tx, case.row, case.minor(case.said.amount), case.said.reason)
    return DONE


def hand_over(case: Case[c.HandOver]) -> Verdict:
    """To collections: no more reminders of ours; money still books."""
    case.issued()
    if case.account.phase is Phase.IN_COLLECTIONS:
        raise Refused("it is in collections already")
    case.row.phase = Phase.IN_COLLECTIONS
    case.audit("invoice.handed_over", to=case.tx.text(case.said.to), reason=case.tx.text(case.said.reason))
    return DONE


def send(case: Case[c.Send]) -> Verdict:
    """Lets the oldest message that waits for a person go out; its claim still takes the last look."""
    message = stuck(case.account.messages, case.said.message)
    letter = case.row.letters[message.key]
    _judged(case, message, "agree")
    if message.state is MessageState.BOUNCED:
        return _send_on(case, letter)
    # One that was claimed before is free for another attempt at once; a new one keeps the time it was put down.
    case.tx.change(
        case.row, letter, {"state": MessageState.RELEASED, "retry_at": None, "approved": True}, lease_until=None,
        approved_by=case.by,
    )  # fmt: skip
    case.audit("message.released", message=message.key)
    case.tx.answered(case.by, case.row, key=message.key)
    return DONE


def _send_on(case: Case[c.Send], letter: Letter) -> Verdict:
    """What reached nobody goes to an address that was given since."""
    again = messages.try_again(case.tx, case.row, letter)
    if again is None:
        raise Refused("every address gave the message back; name another with `resend`, or `skip` it")
    case.tx.change(case.row, again, {"approved": True}, approved_by=case.by)
    case.audit("message.released", message=again.message.key)
    case.tx.answered(case.by, case.row, key=letter.message.key)
    return DONE


def skip(case: Case[c.Skip]) -> Verdict:
    """The oldest message that waits for a person will never go out."""
    message = stuck(case.account.messages, case.said.message)
    _judged(case, message, "veto")
    messages.drop(case.tx, case.row, case.row.letters[message.key], case.by)
    why = Why("skipped", f"skipped by {case.by}: {case.said.reason}")
    case.tx.why(case.row, "skipped", why, message.key)
    return DONE


def _judged(case: Case[c.Send] | Case[c.Skip], message: Message, verdict: str) -> None:
    if message.state is MessageState.HELD:
        case.audit("judgement.given", message=message.key, verdict=verdict)


def resend(case: Case[c.Resend]) -> Verdict:
    """Another copy of the latest document, to the billing contact or to an address given."""
    case.issued()
    if not case.account.documents:
        raise Refused("there is no document to send")
    paper, email = case.account.documents[-1], case.said.to
    copies = sum((m.subject or "").startswith(f"{paper.id}#") for m in case.account.messages)
    key, contact = f"{paper.id}#{copies + 2}", case.tx.contact(email) if email is not None else case.row.contact
    messages.released(case.tx, case.row, key, paper.kind, contact, paper.kind, key, approved_by=case.by)
    case.audit("message.resent", message=key)
    return DONE


def assign(case: Case[c.Assign]) -> Verdict:
    """Another owner, of what the old one has in the queue and of the old one's disputes as well."""
    row, new, old = case.row, case.said.owner, case.row.owner
    if case.tx.person(new) is None:
        raise Refused(f"owner: {new} is not a known person")
    row.owner = new
    case.audit("invoice.assigned", owner=new)
    if old == new:
        return DONE
    moved = {d.id for d in row.disputes if d.owner == old and d.outcome is None}
    row.disputes = tuple(replace(d, owner=new) if d.id in moved else d for d in row.disputes)
    for dispute in sorted(moved):
        case.audit("dispute.assigned", dispute=dispute, owner=new)
    for (kind, key), question in row.questions.items():
        if question.owner == old or (kind == "dispute" and key.rpartition("/")[2] in moved):
            row.questions[kind, key] = replace(question, owner=new)
            case.audit("exception.assigned", kind=kind, about=key, owner=new)
    return DONE


def escalate(case: Case[c.Escalate]) -> Verdict:
    """Stops the ladder and puts the receivable before its owner."""
    case.issued()
    if case.account.phase is not Phase.OPEN:
        raise Refused(f"it is {case.account.phase.value} already")
    case.row.phase = Phase.ESCALATED
    case.audit("invoice.escalated", reason=case.tx.text(case.said.reason))
    case.tx.ask("escalated", case.row.id, case.row)
    return DONE


def note(case: Case[c.Note]) -> Verdict:
    case.audit("invoice.noted", text=case.tx.text(case.said.text))
    return DONE


HANDLERS: dict[str, Callable[[Case[Any]], Verdict]] = {
    "pay": pay, "credit": credit, "write_off": write_off, "refund": refund, "hand_over": hand_over, "send": send,
    "skip": skip, "resend": resend, "assign": assign, "escalate": escalate, "note": note,
}  # fmt: skip
DOERS: dict[str, Callable[[Case[Any]], Verdict]] = {
    "pay": book, "credit": give_credit, "write_off": give_up, "refund": give_refund
}  # fmt: skip
