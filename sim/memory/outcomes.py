"""What became of a claim, in memory: confirmed, given back, refused, or parked where nobody can tell; and what a mail
provider reports later, each event once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.books.messages import Claimed
from adapters.books.papers import Filed
from domain import calendar, ladder, lifecycle
from domain.account import CLOSED
from domain.actions import Send, Why
from domain.delivery import MailEvent
from domain.keys import document_of
from domain.messages import PAPERS, Message, MessageState
from sim.memory import delivery
from sim.memory.messages import LEFT, letter_of, withhold
from sim.memory.rows import Letter, Receivable
from sim.memory.settle import settle
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read

OVER = frozenset({MessageState.HELD, MessageState.SKIPPED, MessageState.WOULD_SEND})
MAY_REPEAT = frozenset({MessageState.CLAIMED, MessageState.RELEASED})


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


def confirm(tx: Tx, row: Receivable, claimed: Claimed, filed: Filed | None, reports: bool) -> None:
    """It has left, with the reason it was sent for, also if it was given up while it was under way."""
    letter = row.letters[claimed.key]
    if letter.message.state in LEFT:
        return
    state = MessageState.ACCEPTED if reports else MessageState.SENT
    letter = tx.change(
        row, letter, {"state": state, "at": tx.now, "retry_at": None, "delivery": "accepted"}, set_at=tx.now,
        effect=True, lease_until=None, left_at=tx.now, claimed_at=letter.claimed_at if letter.effect else tx.now,
    )  # fmt: skip
    sent = letter.message
    by = f", released by {letter.approved_by}" if letter.approved_by else ""
    text = f"template {letter.template}, policy {row.policy.name} v{row.policy.version}{by}"
    tx.why(row, "sent", Why("sent", text), sent.key)
    tx.audit("invoice.sent" if sent.kind in PAPERS else "message.sent", SYSTEM, row, message=sent.key)
    tx.answered(SYSTEM, row, kind="delivery_failing", key=row.id)
    tx.answered(SYSTEM, row, key=sent.key)
    _stored(tx, row, sent, filed)
    if sent.kind == "internal" and sent.rung:
        tx.ask("rung", sent.key, row)
    if claimed.shift_days:
        row.dues = tuple(
            replace(due, ladder_on=calendar.later(due.ladder_on, claimed.shift_days)) if due.id == sent.due else due
            for due in row.dues
        )
    if sent.kind == "invoice":
        row.delivered_at = delivery.first(row)
    delivery.update(tx, row, letter)


def refuse(tx: Tx, row: Receivable, key: str, reason: str) -> None:
    """The recipient's server refuses this mail for good: a person finds another way."""
    _ends(tx, row, key, MessageState.REFUSED, Why("refused", reason), "delivery_refused")


def park(tx: Tx, row: Receivable, key: str, filed: Filed | None = None) -> None:
    """Nobody can tell whether it left: never guess, ask a person. Unless its provider has reported of it already."""
    if row.letters[key].effect and row.events.get(key):
        confirm(tx, row, Claimed(key=key, resumed=True, shift_days=0), filed, reports=True)
        return
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


def delivered(tx: Tx, row: Receivable, events: Sequence[MailEvent]) -> bool:
    """Keeps the events of one receivable's messages. Answers whether its workflow must look at the books again."""
    tx.now = max(row.updated_at, min(tx.now, max(event.at for event in events)))
    fresh: dict[str, None] = {}
    for event in events:
        if event.key in row.letters and event.id not in tx.house.reported:
            tx.house.reported.add(event.id)
            row.events[event.key] = (*row.events.get(event.key, ()), event)
            fresh[event.key] = None
    look = [_follow(tx, row, row.letters[key]) for key in fresh]
    if any(look):
        settle(tx, row)
    return any(look)


def _follow(tx: Tx, row: Receivable, letter: Letter) -> bool:
    if not letter.effect or letter.message.state is MessageState.CLAIMED:
        return False  # given up by a person; or its own attempt is at work and will read what was reported
    if letter.message.state in LEFT:
        return delivery.update(tx, row, letter)
    confirm(tx, row, Claimed(key=letter.message.key, resumed=True, shift_days=0), None, reports=True)
    return True
