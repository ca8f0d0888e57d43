"""What became of a message after its provider took it: arrived, or given back and tried again at another contact. Kept
as one state that all reports together make, so their order does not matter (`domain/delivery.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from sqlmodel import col, or_, select

from adapters.books import lookups, messages, recipients
from adapters.books.seen import ask
from adapters.books.tx import SYSTEM, Tx
from adapters.books.view import read
from domain import keys
from domain.account import CLOSED
from domain.actions import Why
from domain.delivery import ARRIVED, FAILED, advance
from domain.messages import NEWS, PAPERS, TO_CUSTOMER
from schemas import tables as t

TAKEN = "accepted"


def taken(tx: Tx, row: t.Invoice, letter: t.Message, effect: t.Effect, reports: bool) -> None:
    """The provider has taken the message. It counts at once where no delivery is reported; else `delivery_at` stays
    empty until one is, which may have come before."""
    effect.delivery, effect.delivery_at = TAKEN, None if reports else tx.now
    tx.session.add(effect)
    tx.session.flush()
    if not reports and letter.kind == "invoice":
        row.delivered_at = _first_delivery(tx, row)
        tx.session.add(row)
    update(tx, row, letter, effect)


def update(tx: Tx, row: t.Invoice, letter: t.Message, effect: t.Effect) -> bool:
    """Brings the delivery to what all reports of it say. Answers whether a decision may follow from it."""
    reported = ask(tx.session, lookups.MAIL_EVENTS, {"message": letter.key})
    before = effect.delivery or TAKEN
    word = reduce(advance, (event.type for event in reported), before)
    if word == before:
        return False
    effect.delivery = word
    tx.session.add(effect)
    if word in ARRIVED and before not in ARRIVED:
        effect.delivery_at = _at(effect, [e.at for e in reported if e.type in ARRIVED])
        _arrived(tx, row, letter)
    elif word in FAILED and before not in FAILED:
        effect.delivery_at = _at(effect, [e.at for e in reported if e.type in FAILED])
        _bounced(tx, row, letter, next(e.reason for e in reported if e.type == word))
    if word == "spam_report":
        _reported_as_spam(tx, row, letter)
    return word in FAILED or (word in ARRIVED and letter.kind in TO_CUSTOMER)


def try_again(tx: Tx, row: t.Invoice, letter: t.Message) -> str | None:
    """Another attempt at what reached nobody, at the next contact, as a message of its own that waits for its claim.
    Answers its key; None when nobody is left to write to."""
    if letter.person is not None or letter.kind not in TO_CUSTOMER | NEWS:
        return None
    contact = recipients.choose(tx, row, _role(tx, row, letter))
    if contact is None:
        return None
    first = keys.first_attempt(letter.key)
    key = keys.attempt(first, len(_attempts(tx, first)) + 1)
    item = tx.session.exec(select(t.MessageItem).where(t.MessageItem.message == letter.key)).one()
    ref = key.removeprefix(first) if item.rung else keys.attempt(item.ref, int(key.rpartition("~")[2]))
    subject = ref if letter.subject else None
    again = t.MessageItem(
        message=key,
        invoice=row.id,
        due=item.due,
        episode=item.episode,
        kind=letter.kind,
        rung=item.rung,
        ref=ref,
        amount=item.amount,
    )
    messages.released(tx, row, again, contact, letter.template, subject)
    return key


def _arrived(tx: Tx, row: t.Invoice, letter: t.Message) -> None:
    """It counts from now on, and an attempt that was to take its place is not needed any more."""
    tx.audit("message.delivered", SYSTEM, invoice=row.id, message=letter.key)
    tx.settle_exceptions(SYSTEM, "delivered", kind="delivery_unconfirmed", invoice=row.id)
    about = keys.document_of(letter.key)
    for other in _attempts(tx, about):
        if other.key == letter.key:
            continue
        tx.settle_exceptions(SYSTEM, "another one arrived", kind="bounced", key=other.key)
        if _comes_after(other.key, letter.key) and _waits(tx, other):
            messages.drop(tx, other, SYSTEM, "the attempt before it has arrived after all")
            _why(tx, row, other, "skipped", Why("arrived", "the attempt before it has arrived after all"))
    if letter.kind == "invoice":
        row.delivered_at = _first_delivery(tx, row)
        tx.session.add(row)


def _bounced(tx: Tx, row: t.Invoice, letter: t.Message, reason: str) -> None:
    """It does not count, as if it had not been sent. The next contact is tried; a person is told when none is left."""
    tx.audit("message.bounced", SYSTEM, invoice=row.id, message=letter.key, reason=reason)
    tx.settle_exceptions(SYSTEM, "bounced", kind="delivery_unconfirmed", key=letter.key)
    if letter.kind == "invoice":
        row.delivered_at = _first_delivery(tx, row)
        tx.session.add(row)
    said = f"it came back ({reason})" if reason else "it came back"
    over = row.phase in CLOSED and letter.kind not in PAPERS | NEWS
    if over or _another_is_on_its_way(tx, letter):
        _why(tx, row, letter, "moved", Why("bounced", f"{said}; nothing more is to be sent for it"))
        return
    # A copy that a person directed to an address is that person's to direct again.
    key = try_again(tx, row, letter) if "#" not in letter.key else None
    if key is not None:
        _why(tx, row, letter, "moved", Why("bounced", f"{said}; the next contact is tried"))
        return
    _why(tx, row, letter, "moved", Why("bounced", f"{said}; nobody else is left to write to"))
    if letter.kind != "approval" and row.phase not in CLOSED:  # whoever may approve beside them is asked instead
        tx.open_exception("bounced", letter.key, row.owner, row.id, message=letter.key, reason=reason)


def _reported_as_spam(tx: Tx, row: t.Invoice, letter: t.Message) -> None:
    """No reminder goes to this contact before a person has decided, for any of its receivables."""
    tx.audit("message.spam_reported", SYSTEM, invoice=row.id, message=letter.key)
    if letter.person is not None:
        return
    about: t.Invoice | None = row
    if row.phase in CLOSED:
        query = select(t.Invoice).where(
            t.Invoice.seller == row.seller,
            t.Invoice.contact == letter.contact,
            col(t.Invoice.phase).in_(("open", "escalated")),
        )
        about = tx.session.exec(query.order_by(col(t.Invoice.created_at))).first()
    if about is not None:
        tx.open_exception("spam_report", letter.contact, about.owner, about.id, message=letter.key)


def _attempts(tx: Tx, first: str) -> Sequence[t.Message]:
    """The message under this key with its further attempts, and for a document its copies."""
    more = or_(*(col(t.Message.key).startswith(first + mark, autoescape=True) for mark in "~#"))
    query = select(t.Message).where(or_(col(t.Message.key) == first, more)).order_by(col(t.Message.key))
    return tx.session.exec(query).all()


def _another_is_on_its_way(tx: Tx, letter: t.Message) -> bool:
    """Whether another attempt, or another copy of the document, has left or is about to."""
    for other in _attempts(tx, keys.document_of(letter.key)):
        effect = tx.session.get(t.Effect, other.key)
        if other.key == letter.key or other.state in {"skipped", "would_send"}:
            continue
        if effect is None or effect.state in {"claimed", "released"}:
            return True
        if effect.state == "confirmed" and effect.delivery not in FAILED:
            return True
    return False


def _first_delivery(tx: Tx, row: t.Invoice) -> datetime | None:
    """When the invoice first reached the customer, of all its copies. One issued elsewhere had reached it before."""
    if row.adopted:
        return row.delivered_at
    kept = [e for e in ask(tx.session, lookups.DELIVERIES, {"invoice": row.id}) if e.delivery not in FAILED]
    # Those of before deliveries were kept counted when they were taken.
    times = (e.delivery_at or (e.confirmed_at if e.delivery is None else None) for e in kept)
    return min((at for at in times if at is not None), default=None)


def _at(effect: t.Effect, times: Sequence[datetime]) -> datetime:
    """Business time never runs backwards: on a virtual clock a provider's time may lie before the sending."""
    return max(min(times), effect.confirmed_at or min(times))


def _comes_after(key: str, earlier: str) -> bool:
    """Whether it is a later attempt at the same message."""
    numbers = [int(each.partition("~")[2] or 1) for each in (key, earlier)]
    return keys.first_attempt(key) == keys.first_attempt(earlier) and numbers[0] > numbers[1]


def _waits(tx: Tx, letter: t.Message) -> bool:
    """Whether it may still leave and certainly has not."""
    effect = tx.session.get(t.Effect, letter.key)
    return letter.state in {"released", "held"} or (effect is not None and effect.state == "released")


def _role(tx: Tx, row: t.Invoice, letter: t.Message) -> str:
    """Whom the rung was for; documents and notices are billing's."""
    if letter.kind != "reminder":
        return "billing"
    _, policy = read(tx, row)
    rung = keys.first_attempt(letter.key).rpartition("/")[2]
    return next((each.to for each in policy.ladder if each.id == rung), "billing")


def _why(tx: Tx, row: t.Invoice, letter: t.Message, verdict: str, why: Why) -> None:
    account, policy = read(tx, row)
    found = next(m for m in account.messages if m.key == letter.key)
    about = {"due": found.due, "episode": found.episode, "rung": found.rung}
    tx.why(account, policy, verdict, why, message=letter.key, kind=letter.kind, **about)
