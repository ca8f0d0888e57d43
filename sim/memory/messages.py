"""Claim, act, confirm in memory: the claim decides again on the books as they are and lets only the very same message
through; whatever it withholds is recorded with the reason. Delivery reports are not kept: a message counts as soon as
its provider has taken it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from adapters.books.messages import LEASE, Claimed
from adapters.books.papers import Filed
from domain import dunning, ladder, lifecycle
from domain.account import CLOSED, Account
from domain.actions import Action, Send, Skipped, Wait, Why
from domain.errors import Unavailable
from domain.keys import document_of
from domain.messages import NEWS, TO_CUSTOMER, Message, MessageState
from domain.policy import mode_of
from sim.memory.drafting import addresses
from sim.memory.rows import Letter, Receivable
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read

LEFT = frozenset({MessageState.ACCEPTED, MessageState.SENT, MessageState.BOUNCED})
OVER = frozenset({MessageState.HELD, MessageState.SKIPPED, MessageState.WOULD_SEND})
MAY_REPEAT = frozenset({MessageState.CLAIMED, MessageState.RELEASED})


def claim(tx: Tx, row: Receivable, key: str) -> Claimed | None:
    """The right to send the message `key` now, or None: it was sent, held, or withheld with a recorded reason."""
    account, letter = read(tx, row), row.letters.get(key)
    if letter is not None and letter.message.state in LEFT:
        return None
    resumed = letter is not None and letter.message.state is MessageState.CLAIMED
    if resumed and letter is not None and not tx.books.idempotent:
        return _wait_for_the_earlier(tx, row, letter)
    action = lifecycle.next_action(_given_back(account, key) if resumed else account, row.policy, tx.now)
    if not isinstance(action, Send) or action.key != key:
        if resumed:
            return Claimed(key=key, resumed=True, shift_days=0, wanted=False)
        withhold(tx, row, account, key, action)
        return None
    skip(tx, row, action.skips)
    letter = letter_of(tx, row, action)
    if account.stops("no_contact", tx.now) and letter.message.person is None:
        letter = tx.change(row, letter, {"person": row.owner, "to": row.owner})
    mode = mode_of(row.policy, action.rung)
    if _is_held(mode, letter):
        _hold(tx, row, action, letter, mode)
        return None
    tx.change(
        row, letter, {"state": MessageState.CLAIMED, "at": tx.now, "retry_at": None}, set_at=tx.now, effect=True,
        claimed_at=tx.now, lease_until=tx.books.clock(tx.now) + LEASE, amount=action.amount,
    )  # fmt: skip
    tx.audit("message.claimed", SYSTEM, row, message=key, amount=str(action.amount))
    return Claimed(key=key, resumed=resumed, shift_days=action.shift_days)


def _is_held(mode: str, letter: Letter) -> bool:
    sent = letter.message
    if mode == "shadow":
        return sent.person is None or sent.kind in TO_CUSTOMER | NEWS | {"internal"}
    return mode == "ask" and sent.kind in TO_CUSTOMER and not letter.approved_by


def _wait_for_the_earlier(tx: Tx, row: Receivable, letter: Letter) -> Claimed:
    """An earlier attempt may be alive, and the provider would take the same message twice."""
    now = tx.books.clock(tx.now)
    if letter.lease_until is not None and letter.lease_until > now:
        raise Unavailable("an earlier attempt still holds the claim")
    tx.change(row, letter, lease_until=now + LEASE)
    return Claimed(key=letter.message.key, resumed=True, shift_days=0, wanted=False)


def _given_back(account: Account, key: str) -> Account:
    messages = tuple(
        replace(m, state=MessageState.RELEASED, retry_at=None) if m.key == key else m for m in account.messages
    )
    return replace(account, messages=messages)


def letter_of(tx: Tx, row: Receivable, action: Send) -> Letter:
    """The letter of what was decided, new or as it waits."""
    letter = row.letters.get(action.key)
    if letter is not None:
        return letter
    person: str | None = None
    if action.to not in {"billing", "escalation"}:
        person = row.owner if action.to == "owner" else action.to
    elif row.customer.channel != "email":
        person = row.owner
    contact = tx.contact("") if person is not None else choose(tx, row, action.to)
    told = None if action.rung else action.ref or None
    return released(
        tx, row, action.key, action.kind, contact, action.template, told,
        due=action.due, episode=action.episode, rung=action.rung, person=person,
    )  # fmt: skip


def released(
    tx: Tx, row: Receivable, key: str, kind: str, contact: str, template: str, subject: str | None,
    due: str = "", episode: int = 0, rung: str = "", person: str | None = None, approved_by: str = "",
) -> Letter:  # fmt: skip
    """A letter that waits for its claim."""
    message = Message(
        key=key, kind=kind, state=MessageState.RELEASED, at=tx.now, due=due or None, episode=episode,
        rung=rung or None, subject=subject, person=person, approved=bool(approved_by),
        to=person or row.roles.get(contact, contact),
    )  # fmt: skip
    letter = Letter(message=message, contact=contact, template=template, set_at=tx.now, approved_by=approved_by)
    return tx.put(row, letter)


def choose(tx: Tx, row: Receivable, role: str) -> str:
    """The first of the customer's addresses for that role, else one that a person named for a copy."""
    own = next(addresses(row.customer, role), None)
    if own is not None:
        return tx.contact(own)
    named = (each.contact for each in row.letters.values() if each.approved_by and "#" in (each.message.subject or ""))
    return next(named, tx.contact(""))


def _hold(tx: Tx, row: Receivable, action: Send, letter: Letter, mode: str) -> None:
    """Mode `shadow` records what it would have sent; mode `ask` puts it before a person."""
    shadow = mode == "shadow"
    state = MessageState.WOULD_SEND if shadow else MessageState.HELD
    tx.change(row, letter, {"state": state, "at": tx.now}, set_at=tx.now)
    if shadow:
        tx.why(row, "would_send", action.why, action.key)
        tx.audit("message.would_send", SYSTEM, row, message=action.key, amount=str(action.amount))
        return
    tx.why(row, "held", Why("ask", f"mode ask: {action.why.text}; waits for send or skip"), action.key)
    tx.audit("message.held", SYSTEM, row, message=action.key, amount=str(action.amount))
    tx.ask("message_held", action.key, row)


def withhold(tx: Tx, row: Receivable, account: Account, key: str, action: Action) -> None:
    """The last look found something new: the message stays, and the reason is kept."""
    chase = dunning.decide(account, row.policy, tx.now) if lifecycle.at_once(action) else action
    if isinstance(chase, Wait):
        why = chase.why
    else:
        again = Why("decided_again", f"something else comes first: {chase.why.text}")
        why = dunning.stopped(account, tx.now) or again
    tx.why(row, "withheld", why, key)
    tx.audit("message.withheld", SYSTEM, row, message=key, reason=why.code)


def keep_reasons(tx: Tx, row: Receivable, account: Account) -> None:
    """Every reminder that waits for a source or for money to be assigned says so, once a reason."""
    for one in dunning.held(account, row.policy, tx.now):
        told = ((r.verdict, r.message, r.code, r.text) for r in row.whys)
        if ("withheld", one.key, one.why.code, one.why.text) not in told:
            tx.why(row, "withheld", one.why, one.key)
            tx.audit("message.withheld", SYSTEM, row, message=one.key, reason=one.why.code)


def skip(tx: Tx, row: Receivable, skips: tuple[Skipped, ...]) -> None:
    """Rungs that will not be sent, each with its reason."""
    for each in skips:
        letter = row.letters.get(each.key) or released(
            tx, row, each.key, "reminder", "", "", None, due=each.due, episode=each.episode, rung=each.rung
        )
        drop(tx, row, letter, SYSTEM)
        tx.why(row, "skipped", each.why, each.key)


def drop(tx: Tx, row: Receivable, letter: Letter, by: str) -> None:
    """Settles a message that did not leave: it never will."""
    gone = {"state": MessageState.SKIPPED, "at": tx.now, "attempts": 0, "retry_at": None, "delivery": None}
    tx.change(row, letter, gone, set_at=tx.now, effect=False)
    tx.audit("message.skipped", by, row, message=letter.message.key)
    tx.answered(by, row, key=letter.message.key)


def give_back(tx: Tx, row: Receivable, key: str) -> None:
    """This attempt certainly sent nothing: the claim is free for the next one."""
    letter = row.letters.get(key)
    if letter is not None and letter.effect:
        tx.change(row, letter, {"state": MessageState.RELEASED}, lease_until=None)
        tx.audit("message.unclaimed", SYSTEM, row, message=key)


def unwanted(tx: Tx, row: Receivable, key: str) -> None:
    """A claim that an attempt left behind without getting the message out; the last look does not want it any more."""
    give_back(tx, row, key)
    account = read(tx, row)
    withhold(tx, row, account, key, lifecycle.next_action(account, row.policy, tx.now))


def confirm(tx: Tx, row: Receivable, claimed: Claimed, filed: Filed | None) -> None:
    """It has left, with the reason it was sent for, also if it was given up while it was under way."""
    letter = row.letters[claimed.key]
    sent = letter.message
    if sent.state is MessageState.SENT:
        return
    left: dict[str, object] = {"state": MessageState.SENT, "at": tx.now, "retry_at": None, "delivery": "accepted"}
    claimed_at: datetime = letter.claimed_at if letter.effect and letter.claimed_at is not None else tx.now
    tx.change(row, letter, left, set_at=tx.now, effect=True, lease_until=None, claimed_at=claimed_at)
    by = f", released by {letter.approved_by}" if letter.approved_by else ""
    text = f"template {letter.template}, policy {row.policy.name} v{row.policy.version}{by}"
    tx.why(row, "sent", Why("sent", text), claimed.key)
    tx.audit(
        "invoice.sent" if sent.kind in {"invoice", "credit_note"} else "message.sent", SYSTEM, row, message=sent.key
    )
    tx.answered(SYSTEM, row, kind="delivery_failing", key=row.id)
    tx.answered(SYSTEM, row, key=sent.key)
    _stored(tx, row, sent, filed)
    if sent.kind == "internal" and sent.rung:
        tx.ask("rung", sent.key, row)
    if sent.kind == "invoice" and row.delivered_at is None:
        row.delivered_at = tx.now
    if claimed.shift_days:
        moved = timedelta(days=claimed.shift_days)
        row.dues = tuple(replace(d, ladder_on=d.ladder_on + moved) if d.id == sent.due else d for d in row.dues)


def refuse(tx: Tx, row: Receivable, key: str, reason: str) -> None:
    """The recipient's server refuses this mail for good: a person finds another way."""
    _ends(tx, row, key, MessageState.REFUSED, Why("refused", reason), "delivery_refused")


def park(tx: Tx, row: Receivable, key: str, filed: Filed | None = None) -> None:
    """Nobody can tell whether it left: never guess, ask a person."""
    _stored(tx, row, row.letters[key].message, filed)
    why = Why("unknown", "the provider may have taken the message; it cannot say")
    _ends(tx, row, key, MessageState.UNKNOWN, why, "delivery_unknown")


def _stored(tx: Tx, row: Receivable, sent: Message, filed: Filed | None) -> None:
    """Where the document that the letter delivers lies in the archive."""
    paper = next((each for each in row.documents if each.id == document_of(sent.subject or "")), None)
    if filed is None or paper is None or (paper.object_key, paper.xml_key) == (filed.pdf, filed.xml):
        return
    stored = replace(paper, object_key=filed.pdf, xml_key=filed.xml)
    row.documents = tuple(stored if each is paper else each for each in row.documents)
    tx.audit("document.stored", SYSTEM, row, document=paper.id, object=filed.pdf)


def _ends(tx: Tx, row: Receivable, key: str, state: MessageState, why: Why, kind: str) -> None:
    letter = row.letters.get(key)
    if letter is None or not letter.effect:
        return  # a person has skipped the message meanwhile
    tx.change(row, letter, {"state": state, "retry_at": None}, lease_until=None)
    tx.why(row, state.value, why, key)
    tx.audit(f"message.{state.value}", SYSTEM, row, message=key)
    if row.phase not in CLOSED:
        tx.ask(kind, key, row)


def retry_later(tx: Tx, row: Receivable, key: str, failure: str) -> None:
    """After the last attempt of a look: give the claim back with the time of the next round, or park it where nobody
    can tell what became of it."""
    account, letter = read(tx, row), row.letters.get(key)
    action = lifecycle.next_action(account, row.policy, tx.now)
    if letter is None and isinstance(action, Send) and action.key == key:
        letter = letter_of(tx, row, action)
    if letter is None or letter.message.state in OVER:
        return
    sent = letter.message
    if sent.state is MessageState.CLAIMED and not tx.books.idempotent:
        park(tx, row, key)
        return
    if sent.state not in MAY_REPEAT or (sent.retry_at is not None and sent.retry_at > tx.now):
        return  # it has an outcome, or this step is a repeat
    attempts = sent.attempts + 1
    again = ladder.retry_at(account, row.policy, tx.now, attempts, sent.kind == "reminder")
    later = {"state": MessageState.RELEASED, "attempts": attempts, "retry_at": again}
    claimed_at = letter.claimed_at if letter.effect else tx.now
    tx.change(row, letter, later, effect=True, lease_until=None, claimed_at=claimed_at)
    text = f"{failure or 'the mail provider was down'}; again at {again.isoformat()}"
    tx.why(row, "moved", Why("provider_down", text), key)
    tx.ask("delivery_failing", row.id, row)
