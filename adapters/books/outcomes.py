"""What became of a claim: confirmed, given back, refused, or parked where nobody can tell. Each outcome keeps its
reason; nothing is guessed."""

from __future__ import annotations

from adapters.books import delivery, lookups, messages
from adapters.books.messages import Claimed, letter_of
from adapters.books.papers import Filed
from adapters.books.seen import ask, find
from adapters.books.tx import SYSTEM, Tx
from adapters.books.view import read
from domain import calendar, ladder, lifecycle, withholding
from domain.account import CLOSED, Account
from domain.actions import Send, Why
from domain.keys import document_of
from domain.policy import Policy
from domain.replies import PAUSES
from domain.status import instant
from schemas import tables as t
from schemas.steps import Outcome

CROSSING = {
    "payment.allocated": "a payment",
    "invoice.disputed": "a dispute",
    "invoice.held": "a hold",
    "reply.received": "a reply",
}


def retry_later(tx: Tx, row: t.Invoice, key: str, idempotent: bool, failure: str = "", waited: bool = False) -> None:
    """After the last attempt of a look: give the claim back with the time of the next round, or park it where nobody
    can tell what became of it. `waited`: no worker has begun it."""
    account, policy = read(tx, row)
    letter = _wanted(tx, row, account, policy, key)
    if letter is None:
        return
    effect = tx.session.get(t.Effect, key) or t.Effect(
        key=key,
        seller=row.seller,
        invoice=row.id,
        kind=letter.kind,
        contact=letter.contact,
        claimed_at=tx.now,
        state="released",
    )
    if effect.state == "claimed" and not idempotent:
        park(tx, row, account, policy, letter)
        return
    if waited and effect.state == "released":
        _wait_again(tx, row, account, policy, letter)
        return
    if effect.state not in {"claimed", "released"} or (effect.retry_at is not None and effect.retry_at > tx.now):
        return  # it has an outcome, or this step is a repeat
    letter.state = "acting"
    effect.state, effect.lease_until, effect.attempts = "released", None, effect.attempts + 1
    effect.retry_at = ladder.retry_at(account, policy, tx.now, effect.attempts, letter.kind == "reminder")
    tx.session.add_all((letter, effect))
    why = Why("provider_down", f"{failure or 'the mail provider was down'}; again at {effect.retry_at.isoformat()}")
    tx.why(account, policy, "moved", why, message=key, kind=letter.kind, rung=key.rpartition("/")[2])
    tx.open_exception("delivery_failing", row.id, row.owner, row.id, message=key)


def _wait_again(tx: Tx, row: t.Invoice, account: Account, policy: Policy, letter: t.Message) -> None:
    """No worker took the message for as long as a look lasts. Nothing was tried and nothing failed, so it waits again
    at once, by a fresh look; a person is told, once, until it has left."""
    if tx.open_exception("delivery_failing", row.id, row.owner, row.id, message=letter.key):
        why = Why("no_worker", "no worker took it in time: none serves its queue, or too much waits there")
        rung = letter.key.rpartition("/")[2]
        tx.why(account, policy, "moved", why, message=letter.key, kind=letter.kind, rung=rung)


def _wanted(tx: Tx, row: t.Invoice, account: Account, policy: Policy, key: str) -> t.Message | None:
    """The message that did not get out, unless nobody wants it any more."""
    action = lifecycle.next_action(account, policy, tx.now)
    letter = tx.session.get(t.Message, key)
    if letter is None and isinstance(action, Send) and action.key == key:
        letter = letter_of(tx, row, account, action)
    return None if letter is None or letter.state in {"held", "skipped", "would_send"} else letter


def give_back(tx: Tx, key: str) -> None:
    """This attempt certainly sent nothing: the claim is free for the next one."""
    effect = tx.session.get(t.Effect, key)
    if effect is None:
        return  # a person has skipped the message meanwhile
    effect.state, effect.lease_until = "released", None
    tx.session.add(effect)
    tx.audit("message.unclaimed", SYSTEM, invoice=effect.invoice, message=key)


def withhold(tx: Tx, row: t.Invoice, key: str) -> None:
    """A claim that an attempt left behind without getting the message out; the last look does not want it any more."""
    give_back(tx, key)
    account, policy = read(tx, row)
    messages.withhold(tx, account, policy, key, lifecycle.next_action(account, policy, tx.now))


def interrupted(tx: Tx, said: Outcome, key: str) -> None:
    """A command came while the reminder was about to leave, between two attempts."""
    account, policy, action = said.account, said.policy, said.action
    if account is None or policy is None or action is None:
        return
    if withholding.stays(account, policy, action, key, tx.now):
        messages.withhold(tx, account, policy, key, action)


def park(
    tx: Tx, row: t.Invoice, account: Account, policy: Policy, letter: t.Message, filed: Filed | None = None
) -> None:
    """Nobody can tell whether it left: never guess, ask a person. Unless the provider has reported of it already."""
    _stored(tx, row, letter, filed)
    effect = tx.session.get(t.Effect, letter.key)
    if effect is None:
        return  # a person has skipped the message meanwhile
    if ask(tx.session, lookups.MAIL_EVENTS, {"message": letter.key}):
        confirm(tx, row, Claimed(key=letter.key, resumed=True, shift_days=0), None, None, reports=True)
        return
    effect.state, effect.lease_until = "unknown", None
    tx.session.add(effect)
    why = Why("unknown", "the provider may have taken the message; it cannot say")
    tx.why(account, policy, "unknown", why, message=letter.key, kind=letter.kind)
    tx.audit("message.unknown", SYSTEM, invoice=row.id, message=letter.key)
    if row.phase not in CLOSED:
        tx.open_exception("delivery_unknown", letter.key, row.owner, row.id, commands=["send", "skip"])


def refuse(tx: Tx, row: t.Invoice, account: Account, policy: Policy, key: str, reason: str) -> None:
    """The recipient's server refuses this mail for good: a person finds another way."""
    effect, letter = tx.session.get(t.Effect, key), tx.session.get_one(t.Message, key)
    if effect is None:
        return  # a person has skipped the message meanwhile
    effect.state, effect.lease_until = "refused", None
    tx.session.add(effect)
    tx.why(account, policy, "refused", Why("refused", reason), message=key, kind=letter.kind)
    tx.audit("message.refused", SYSTEM, invoice=row.id, message=key)
    if row.phase not in CLOSED:
        tx.open_exception("delivery_refused", key, row.owner, row.id, commands=["send", "skip", "resend"])


def confirm(
    tx: Tx, row: t.Invoice, claimed: Claimed, provider_id: str | None, filed: Filed | None, reports: bool
) -> None:
    """It has left: the effect, what follows from it, and the reason it was sent for. What was settled otherwise while
    it was under way, by a report or by a person who gave it up, has left all the same."""
    account, policy = read(tx, row)
    letter = find(tx.session, t.Message, claimed.key)
    assert letter is not None, claimed.key
    effect = find(tx.session, t.Effect, claimed.key) or messages.effect_of(tx, letter)
    effect.provider_id = effect.provider_id or provider_id
    if effect.state == "confirmed":
        tx.session.add(effect)
        return
    effect.state, effect.confirmed_at, effect.lease_until = "confirmed", tx.now, None
    letter.state, letter.at = "acting", tx.now
    tx.session.add_all((effect, letter))
    message = next(m for m in account.messages if m.key == claimed.key)
    about = {"due": message.due, "episode": message.episode, "rung": message.rung}
    why = _sent_why(letter, policy, _crossed(tx, row, letter))
    tx.why(account, policy, "sent", why, message=claimed.key, kind=letter.kind, **about)
    sent = "invoice.sent" if letter.kind in {"invoice", "credit_note"} else "message.sent"
    tx.audit(sent, SYSTEM, invoice=row.id, message=claimed.key)
    if account.questions:
        tx.settle_exceptions(SYSTEM, "sent", kind="delivery_failing", key=row.id)
        tx.settle_exceptions(SYSTEM, "sent", key=claimed.key)
    _stored(tx, row, letter, filed)
    if letter.kind == "internal" and message.rung:
        tx.open_exception("rung", claimed.key, row.owner, row.id, rung=message.rung, balance=account.balance)
    delivery.taken(tx, row, letter, effect, reports)
    if claimed.shift_days:
        shift(tx, row, message.due or "", claimed.shift_days)
    tx.session.add(row)


def _stored(tx: Tx, row: t.Invoice, letter: t.Message, filed: Filed | None) -> None:
    """Where the document that the letter delivers lies in the archive."""
    if filed is None:
        return
    paper = tx.session.get_one(t.Document, document_of(letter.subject or ""))
    if (paper.object_key, paper.xml_key) == (filed.pdf, filed.xml):
        return
    paper.object_key, paper.xml_key = filed.pdf, filed.xml
    tx.session.add(paper)
    objects = {"object": filed.pdf} | ({} if filed.xml is None else {"xml": filed.xml})
    tx.audit("document.stored", SYSTEM, invoice=row.id, document=paper.id, **objects)


def _sent_why(letter: t.Message, policy: Policy, crossed: str) -> Why:
    sources = (
        f"sources {', '.join(policy.sources)}" if policy.sources else "no payment sources configured (sources = [])"
    )
    released = f", released by {letter.approved_by}" if letter.approved_by else ""
    return Why(
        "sent", f"template {letter.template}, policy {policy.name} v{policy.version}{released}; {sources}{crossed}"
    )


def _crossed(tx: Tx, row: t.Invoice, letter: t.Message) -> str:
    """What came into the books while a reminder was on its way, with both times. The audit's order decides, not its
    times: whatever stands before the claim would have withheld it."""
    if letter.kind != "reminder":
        return ""
    found: list[str] = []
    for entry in ask(tx.session, lookups.AUDITED, {"seller": row.seller, "invoice": row.id}):
        if entry.type == "message.claimed" and entry.keys.get("message") == letter.key:
            came = " and ".join(reversed(found))
            return f"; claimed at {instant(entry.at)}, {came} while it was on its way" if found else ""
        if entry.type in CROSSING and (entry.type != "reply.received" or entry.keys.get("kind") in PAUSES):
            found.append(f"{CROSSING[entry.type]} came at {instant(entry.at)}")
    return ""


def shift(tx: Tx, row: t.Invoice, due: str, days: int) -> None:
    """Keeps the gaps of the later rungs after a late one."""
    found = tx.session.get_one(t.Due, (row.id, due))
    found.ladder_on = calendar.later(found.ladder_on, days)
    tx.session.add(found)
