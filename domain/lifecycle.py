"""The life of one receivable: which state it shows, which flags it carries, and what comes next before and after
collecting. `draft → approval → issue → deliver → collect → close`. Pure; dunning decides within collecting."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

from domain import approval, arrival, calendar, desk, dunning, plans, settlement
from domain.account import BEFORE_ISSUE, CLOSED, Account, Document, Phase, Repayment, Subject
from domain.actions import Action, Escalate, Issue, Refund, Send, Wait, Why
from domain.keys import document_of
from domain.messages import MONEY, NEWS, PAPERS, Message, MessageState, Notice
from domain.money import show
from domain.policy import Policy

AT_ONCE = frozenset({"approval"}) | NEWS


def state(account: Account, now: datetime) -> str:
    """InvoiceState (contract, section 3): the phase, or the first pause that stops it."""
    if account.phase in CLOSED or account.phase in BEFORE_ISSUE or account.phase is Phase.IN_COLLECTIONS:
        return account.phase.value
    stop = dunning.stopped(account, now)
    if stop is not None:
        return stop.code
    if account.phase is Phase.ESCALATED:
        return "escalated"
    if account.handed_over_at is not None or account.adopted or "delivery_unconfirmed" in account.exceptions:
        return "collecting"
    return "delivering" if any(m.kind == "invoice" for m in account.messages) else "issued"


def flags(account: Account) -> tuple[str, ...]:
    """InvoiceFlags, sorted."""
    shown = {
        "part_disputed": 0 < account.disputed < account.balance,
        "promised": any(p.outcome is None for p in account.promises),
        "broken_promise": any(p.outcome == "broken" for p in account.promises),
        "payment_pending": account.pending_payment > 0,
        "plan": plans.running(account) is not None,
        "part_paid": account.paid > 0 and account.balance > 0,
        "bounced": _bounced(account),
        "stale_source": "stale_source" in account.exceptions,
        "unmatched_receipt": bool(account.unmatched_receipts),
        "customer_credit": account.customer_credit > 0,
        "reopened": account.reopened,
        "adopted": account.adopted,
        "shadow": account.mode == "shadow",
    }
    return tuple(sorted(name for name, on in shown.items() if on))


def _bounced(account: Account) -> bool:
    """Whether a message reached nobody and no other attempt or copy has arrived in its place."""
    failed = {MessageState.REFUSED, MessageState.BOUNCED}
    arrived = {document_of(m.key) for m in account.messages if m.state is MessageState.SENT}
    return any(m.state in failed and document_of(m.key) not in arrived for m in account.messages)


def next_action(account: Account, policy: Policy, now: datetime) -> Action:
    """What to do next, at any point of the life. Business time never runs backwards: before the last entry, wait."""
    if account.last_entry_at is not None and now < account.last_entry_at and not _over(account):
        why = Why("time_backwards", "the clock is before the last entry")
        return Wait(until=account.last_entry_at, what="the clock", why=why)
    claimed = next((m for m in account.messages if m.state is MessageState.CLAIMED), None)
    if claimed is not None:
        return _resume(claimed)
    due = [r for r in account.repayments if r.retry_at is None or r.retry_at <= now]
    if due:
        amount = f"{show(due[0].amount, account.currency)} {account.currency}"
        return Refund(key=due[0].key, amount=due[0].amount, why=Why("refund", f"a refund of {amount} was granted"))
    asks = [_ask(account, policy, subject, now) for subject in account.subjects]
    asks += [_repay_later(repayment) for repayment in account.repayments]
    disputes = list(desk.steps(account, policy, now))
    acting = [a for a in (*asks, *disputes) if not isinstance(a, Wait)]
    if acting:
        return acting[0]
    following = _following(account, policy, now)
    told = _tell(account, now)
    if isinstance(told, Send) and (isinstance(following, Wait) or _may_follow(following)):
        return told
    if not isinstance(following, Wait):
        return following
    waits = [w for w in (*asks, told, following) if isinstance(w, Wait)]
    timed = [w for w in waits if w.until is not None]
    rest = min(timed, key=lambda w: w.until or now, default=waits[0])
    return _no_later(rest, [w for w in disputes if isinstance(w, Wait)])


def _no_later(rest: Wait, disputes: list[Wait]) -> Wait:
    """A deadline of the desk wakes a receivable that waits for nothing but people, and says no more than that."""
    timed = [(w.until, w) for w in disputes if w.until is not None]
    until, first = min(timed, key=lambda pair: pair[0], default=(None, rest))
    if until is None or (rest.until is not None and rest.until <= until):
        return rest
    return first if rest.until is not None else replace(rest, until=until)


def at_once(action: Action) -> bool:
    """Whether it is a message that leaves within the step that found it: the ladder and its hours do not bind it."""
    return isinstance(action, Send) and (action.kind in AT_ONCE or (action.kind == "internal" and not action.rung))


def _repay_later(repayment: Repayment) -> Wait:
    return Wait(until=repayment.retry_at, what="refund", why=Why("retry", "the payment provider was down"))


def finished(account: Account, action: Action) -> bool:
    """Whether the receivable is closed and nothing about it is left to do or to wait for."""
    return isinstance(action, Wait) and action.until is None and _over(account)


def _following(account: Account, policy: Policy, now: datetime) -> Action:
    match account.phase:
        case Phase.DRAFT:
            return Wait(until=None, what="a draft", why=Why("draft", "not drafted yet"))
        case Phase.AWAITING_APPROVAL:
            return Wait(until=None, what="approval", why=Why("approval", "waits for approval"))
        case Phase.REJECTED:
            return Wait(until=None, what="amend or cancel", why=Why("rejected", "rejected; amend or cancel it"))
        case Phase.SCHEDULED:
            return _scheduled(account, now)
        case Phase.CANCELLED:
            return Wait(until=None, what="closed", why=Why("closed", "cancelled before issue"))
        case _:
            return _deliver(account, policy, now) or dunning.decide(account, policy, now)


def _over(account: Account) -> bool:
    """Whether a closed receivable has nothing left to send, to pay back or to be decided. News that waits to be sent is
    among the notices as long as it is wanted."""
    leaving = {MessageState.RELEASED, MessageState.CLAIMED}
    return (
        account.closed
        and not (account.notices or account.subjects or account.repayments)
        and not any(m.kind in PAPERS and m.state in leaving for m in account.messages)
        and not any(m.kind in NEWS and m.state is MessageState.CLAIMED for m in account.messages)
    )


def _may_follow(action: Action) -> bool:
    """What needs only the books comes before news of money, and so does a document; a reminder comes after."""
    return isinstance(action, Send) and action.kind not in PAPERS


def _tell(account: Account, now: datetime) -> Send | Wait | None:
    """Tells the customer what has happened, such as money that came, at any hour and whatever the phase; nothing while
    nobody may write to it."""
    if account.stops("no_contact", now):
        return None
    wait: Wait | None = None
    for notice in account.notices:
        key = f"{account.workflow_id}/{notice.ref}"
        message = arrival.current(account, key)
        retry_at = message.retry_at if message is not None else None
        if retry_at is None or retry_at <= now:
            return _notice(notice, message.key if message is not None else key)
        if wait is None or wait.until is None or retry_at < wait.until:
            wait = Wait(until=retry_at, what="a notice", why=Why("retry", "the provider was down"))
    return wait


def _notice(notice: Notice, key: str) -> Send:
    return Send(
        key=key,
        kind=notice.mail,
        template=notice.kind,
        to="billing",
        why=Why("money" if notice.mail == MONEY else "news", f"tells of {notice.ref.replace('/', ' ')}"),
        ref=notice.ref,
        amount=notice.amount,
    )


def _scheduled(account: Account, now: datetime) -> Action:
    zone = account.seller_place.timezone
    if account.issue_on is None or account.issue_on <= calendar.local_date(now, zone):
        return Issue(why=Why("approved", "approved, and the day of issue has come"))
    at = calendar.at(account.issue_on, time(0), zone)
    return Wait(until=at, what="the day of issue", why=Why("issue_on", f"not before {account.issue_on.isoformat()}"))


def _resume(message: Message) -> Send:
    """A claim without an outcome: find out under the same key."""
    return Send(
        key=message.key,
        kind=message.kind,
        template="",
        to="",
        rung=message.rung or "",
        why=Why("resume", "a claim is without an outcome"),
    )


def _deliver(account: Account, policy: Policy, now: datetime) -> Action | None:
    """The legal documents, in order, at any hour; None when each has reached its recipient or waits for a person."""
    for document in account.documents:
        stuck: Message | None = None
        for ref in _refs(account, document):
            message = next((m for m in account.messages if m.subject == ref), None)
            if message is None or message.state is MessageState.RELEASED:
                if message is not None and message.retry_at is not None and now < message.retry_at:
                    return Wait(until=message.retry_at, what="delivery", why=Why("retry", "the provider was down"))
                return _document(document, ref)
            stuck = message if message.stuck else stuck
        if stuck is not None and document.kind == "invoice" and account.handed_over_at is None:
            why = Why(stuck.state.value, f"delivery of {document.number} waits for a person")
            return Wait(until=None, what="delivery", why=why)
    return None


def _refs(account: Account, document: Document) -> tuple[str, ...]:
    """The document itself, each copy a person asked for, and each attempt after one that reached nobody."""
    mails = (m.subject or "" for m in account.messages if m.kind in PAPERS)
    copies = (ref for ref in mails if ref != document.id and document_of(ref) == document.id)
    return tuple(copies) if account.adopted and document.kind == "invoice" else (document.id, *copies)


def _document(document: Document, ref: str) -> Send:
    return Send(
        key=ref,
        kind=document.kind,
        template=document.kind,
        to="billing",
        why=Why("issued", f"{document.kind.replace('_', ' ')} {document.number} was issued"),
        ref=ref,
        amount=document.total,
    )


def _ask(account: Account, policy: Policy, subject: Subject, now: datetime) -> Action:
    """Whom to ask next for an approval, or how long to give the one who was asked."""
    asks = [
        m
        for m in account.messages
        if m.kind == "approval" and (m.subject or "").startswith(f"{subject.id}@{tag(subject)}")
    ]
    zone = account.seller_place.timezone
    ask = approval.next_ask(subject, account.people, asks, policy, now, account.currency, zone)
    if ask is None:
        why = Why("approval_stuck", f"nobody is left who may approve {subject.id}")
        if "approval_stuck" in account.exceptions:
            back = approval.returns(subject, account.people, account.currency, now, zone)
            return Wait(until=back, what=f"approval of {subject.id}", why=why)
        return Escalate(kind="approval_stuck", key=subject.id, why=why)
    ref = f"{subject.id}@{tag(subject)}/{ask.person}/{ask.round}"
    waiting = next((m for m in asks if m.subject == ref), None)
    at = max(ask.at, waiting.retry_at) if waiting is not None and waiting.retry_at is not None else ask.at
    if at > now:
        return Wait(until=at, what=f"approval of {subject.id}", why=Why("approval", ask.why))
    return Send(
        key=f"{account.workflow_id}/approval/{ref}",
        kind="approval",
        template="approval" if ask.round == 1 else "approval_reminder",
        to=ask.person,
        why=Why("approval", ask.why),
        ref=ref,
        amount=subject.amount,
    )


def tag(subject: Subject) -> str:
    """The content an approval is bound to, short enough for a key."""
    return subject.hash.removeprefix("sha256:")[:12]


def needs_person(account: Account) -> bool:
    """InvoiceNeedsPerson: something waits for a decision of a person."""
    return bool(account.exceptions) or bool(account.subjects) or account.phase in {Phase.REJECTED, Phase.ESCALATED}


def closing(account: Account, now: datetime) -> Phase | None:
    """The final phase, once nothing is owed and every document has been dealt with."""
    if account.phase in BEFORE_ISSUE or account.phase in CLOSED:
        return None
    if account.papers_wait or any(m.state is MessageState.CLAIMED for m in account.messages):
        return None
    return settlement.close_phase(account)
