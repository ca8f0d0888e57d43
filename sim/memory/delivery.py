"""What a mail provider reports, in memory: arrived, or given back and tried again at another contact. All reports of a
message together make one state, so their order does not matter; each counts once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from domain import keys
from domain.account import CLOSED, Phase
from domain.actions import Why
from domain.delivery import ARRIVED, FAILED, advance
from domain.messages import NEWS, PAPERS, TO_CUSTOMER, MessageState
from sim.memory import messages
from sim.memory.rows import Letter, Receivable
from sim.memory.tx import SYSTEM, Tx

WAITS = frozenset({MessageState.RELEASED, MessageState.HELD})
UNDER_WAY = WAITS | {MessageState.CLAIMED}
GONE = frozenset({MessageState.ACCEPTED, MessageState.SENT})


def update(tx: Tx, row: Receivable, letter: Letter) -> bool:
    """Brings the delivery to what all reports of it say. Answers whether a decision may follow from it."""
    sent, told = letter.message, row.events.get(letter.message.key, ())
    before = sent.delivery or "accepted"
    word = reduce(advance, (event.type for event in told), before)
    if word == before:
        return False
    letter = tx.change(row, letter, {"delivery": word})
    if word in ARRIVED and before not in ARRIVED:
        at = _at(letter, [e.at for e in told if e.type in ARRIVED])
        _arrived(tx, row, tx.change(row, letter, {"state": MessageState.SENT, "at": at}))
    elif word in FAILED and before not in FAILED:
        at = _at(letter, [e.at for e in told if e.type in FAILED])
        letter = tx.change(row, letter, {"state": MessageState.BOUNCED, "at": at})
        _bounced(tx, row, letter, next(e.reason for e in told if e.type == word))
    if word == "spam_report":
        _reported_as_spam(tx, row, letter)
    return word in FAILED or (word in ARRIVED and sent.kind in TO_CUSTOMER)


def _at(letter: Letter, times: Sequence[datetime]) -> datetime:
    return max(min(times), letter.left_at or min(times))


def first(row: Receivable) -> datetime | None:
    """When the invoice first reached the customer, of all its copies."""
    arrived = (m.at for m in row.messages() if m.kind == "invoice" and m.state is MessageState.SENT)
    return min(arrived, default=None)


def _arrived(tx: Tx, row: Receivable, letter: Letter) -> None:
    """It counts from now on, and an attempt that was to take its place is not needed any more."""
    key = letter.message.key
    tx.audit("message.delivered", SYSTEM, row, message=key)
    tx.answered(SYSTEM, row, kind="delivery_unconfirmed")
    for other in _attempts(row, keys.document_of(key)):
        if other.message.key == key:
            continue
        tx.answered(SYSTEM, row, kind="bounced", key=other.message.key)
        if _comes_after(other.message.key, key) and other.message.state in WAITS:
            messages.drop(tx, row, other, SYSTEM)
            tx.why(row, "skipped", Why("arrived", "the attempt before it has arrived after all"), other.message.key)
    if letter.message.kind == "invoice":
        row.delivered_at = first(row)


def _bounced(tx: Tx, row: Receivable, letter: Letter, reason: str) -> None:
    """It does not count. The next contact is tried; a person is told when none is left."""
    sent, said = letter.message, f"it came back ({reason})" if reason else "it came back"
    tx.audit("message.bounced", SYSTEM, row, message=sent.key, reason=reason)
    tx.answered(SYSTEM, row, kind="delivery_unconfirmed", key=sent.key)
    if sent.kind == "invoice":
        row.delivered_at = first(row)
    over = row.phase in CLOSED and sent.kind not in PAPERS | NEWS
    if over or _another_is_on_its_way(row, letter):
        tx.why(row, "moved", Why("bounced", f"{said}; nothing more is to be sent for it"), sent.key)
        return
    again = messages.try_again(tx, row, letter) if "#" not in sent.key else None
    if again is not None:
        tx.why(row, "moved", Why("bounced", f"{said}; the next contact is tried"), sent.key)
        return
    tx.why(row, "moved", Why("bounced", f"{said}; nobody else is left to write to"), sent.key)
    if sent.kind != "approval" and row.phase not in CLOSED:
        tx.ask("bounced", sent.key, row)


def _reported_as_spam(tx: Tx, row: Receivable, letter: Letter) -> None:
    """No reminder goes to this contact before a person has decided, for any of its receivables."""
    tx.audit("message.spam_reported", SYSTEM, row, message=letter.message.key)
    if letter.message.person is not None:
        return
    about: Receivable | None = row
    if row.phase in CLOSED:
        others = tx.house.by_contact.get(letter.contact, ())
        running = (each for each in others if each.phase in {Phase.OPEN, Phase.ESCALATED})
        about = min(running, key=lambda each: each.created_at, default=None)
    if about is not None:
        tx.ask("spam_report", letter.contact, about)
        tx.house.spam[letter.contact] = about


def _attempts(row: Receivable, first: str) -> list[Letter]:
    """The message under this key with its further attempts, and for a document its copies."""
    keys_ = sorted(key for key in row.letters if key == first or key.startswith((f"{first}~", f"{first}#")))
    return [row.letters[key] for key in keys_]


def _another_is_on_its_way(row: Receivable, letter: Letter) -> bool:
    others = (each.message for each in _attempts(row, keys.document_of(letter.message.key)))
    states = {other.state for other in others if other.key != letter.message.key}
    return bool(states & (UNDER_WAY | GONE))


def _comes_after(key: str, earlier: str) -> bool:
    numbers = [int(each.partition("~")[2] or 1) for each in (key, earlier)]
    return keys.first_attempt(key) == keys.first_attempt(earlier) and numbers[0] > numbers[1]
