"""send, skip, resend, assign, escalate, note: what a person decides about messages and about who is in charge."""

from __future__ import annotations

from adapters.books import copies, delivery, judgements, messages, owners
from adapters.books.commands.case import DONE, Case
from domain.account import Phase
from domain.actions import Why
from domain.errors import Refused
from domain.messages import Message, MessageState, stuck
from schemas import commands as c
from schemas import tables as t
from schemas.steps import Verdict


def send(case: Case[c.Send]) -> Verdict:
    """Lets the oldest message that waits for a person go out; its claim still takes the last look."""
    message = stuck(case.account.messages, case.said.message)
    _judge(case, message, "agree")
    letter = case.tx.session.get_one(t.Message, message.key)
    effect = case.tx.session.get(t.Effect, message.key)
    if message.state is MessageState.BOUNCED:
        return _send_on(case, letter)
    if effect is not None:
        effect.state, effect.retry_at, effect.lease_until = "released", None, None
        letter.state = "acting"
        case.tx.session.add(effect)
    else:
        letter.state = "released"
    letter.approved_by = case.by
    case.tx.session.add(letter)
    case.audit("message.released", message=message.key)
    case.tx.settle_exceptions(case.by, "send", key=message.key)
    return DONE


def _send_on(case: Case[c.Send], letter: t.Message) -> Verdict:
    """What reached nobody goes to an address that was given since."""
    key = delivery.try_again(case.tx, case.row, letter)
    if key is None:
        raise Refused("every address gave the message back; name another with `resend`, or `skip` it")
    again = case.tx.session.get_one(t.Message, key)
    again.approved_by = case.by
    case.tx.session.add(again)
    case.audit("message.released", message=key)
    case.tx.settle_exceptions(case.by, "send", key=letter.key)
    return DONE


def skip(case: Case[c.Skip]) -> Verdict:
    """The oldest message that waits for a person will never go out."""
    message = stuck(case.account.messages, case.said.message)
    _judge(case, message, "veto", case.said.reason)
    letter = case.tx.session.get_one(t.Message, message.key)
    messages.drop(case.tx, letter, case.by, case.said.reason)
    why = Why("skipped", f"skipped by {case.by}: {case.said.reason}")
    case.tx.why(
        case.account,
        case.policy,
        "skipped",
        why,
        message=message.key,
        kind=message.kind,
        due=message.due,
        episode=message.episode,
        rung=message.rung,
    )
    return DONE


def _judge(case: Case[c.Send] | Case[c.Skip], message: Message, verdict: str, comment: str = "") -> None:
    """What is decided about a message that mode `ask` held is the evidence for its rung."""
    if message.state is MessageState.HELD:
        judgements.give(case.tx, message.key, case.row.id, case.by, verdict, comment)


def resend(case: Case[c.Resend]) -> Verdict:
    """Another copy of the latest document, to the billing contact or to an address given."""
    case.issued()
    if not case.account.documents:
        raise Refused("there is no document to send")
    paper = case.account.documents[-1]
    if case.account.adopted and paper.kind == "invoice" and paper.object_key is None:
        raise Refused("the invoice was issued elsewhere and its document was not handed in: send it from there")
    email = case.said.to
    contact = case.row.contact
    if email is not None:
        contact = case.tx.contact(email)
        case.tx.text(email.lower())
    copies.release(case.tx, case.row, case.account, paper, contact, case.by, approved=True)
    return DONE


def assign(case: Case[c.Assign]) -> Verdict:
    """Another owner, of what the old one has in the queue and of the old one's disputes as well."""
    if case.tx.session.get(t.Person, case.said.owner) is None:
        raise Refused(f"owner: {case.said.owner} is not a known person")
    old, case.row.owner = case.row.owner, case.said.owner
    case.tx.session.add(case.row)
    case.audit("invoice.assigned", owner=case.said.owner)
    if old != case.said.owner:
        owners.move(case.tx, case.row, old, case.said.owner, case.by)
    return DONE


def escalate(case: Case[c.Escalate]) -> Verdict:
    """Stops the ladder and puts the receivable before its owner."""
    case.issued()
    if case.account.phase is not Phase.OPEN:
        raise Refused(f"it is {case.account.phase.value} already")
    case.row.phase = Phase.ESCALATED
    case.tx.session.add(case.row)
    case.audit("invoice.escalated", reason=case.tx.text(case.said.reason))
    case.tx.open_exception("escalated", case.row.id, case.row.owner, case.row.id)
    return DONE


def note(case: Case[c.Note]) -> Verdict:
    case.audit("invoice.noted", text=case.tx.text(case.said.text))
    return DONE
