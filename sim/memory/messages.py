"""Claim, act, confirm in memory: the claim decides again on the books as they are and lets only the very same message
through; whatever it withholds is recorded with the reason."""

from __future__ import annotations

from dataclasses import replace

from adapters.books.messages import LEASE, Claimed
from domain import dunning, lifecycle, withholding
from domain.account import Account
from domain.actions import Action, Send, Skipped, Why
from domain.delivery import FAILED
from domain.errors import Unavailable
from domain.keys import attempt, first_attempt
from domain.messages import NEWS, TO_CUSTOMER, Message, MessageState
from domain.policy import mode_of
from sim.memory.drafting import addresses
from sim.memory.rows import Letter, Receivable
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read

LEFT = frozenset({MessageState.ACCEPTED, MessageState.SENT, MessageState.BOUNCED})


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
    if action.kind == "reminder":
        tx.house.reminders.setdefault(letter.contact, {})[key] = (tx.now, row)
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
    contact = None if person is not None else choose(tx, row, action.to)
    told = None if action.rung else action.ref or None
    return released(
        tx, row, action.key, action.kind, contact or tx.contact(""), action.template, told,
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


def choose(tx: Tx, row: Receivable, role: str) -> str | None:
    """The first address that has given nothing back: the customer's own for that role, then those that a person named
    for a copy; None when nobody is left."""
    failed = {
        letter.contact
        for key, letter in row.letters.items()
        if letter.message.person is None and any(event.type in FAILED for event in row.events.get(key, ()))
    }
    own = (tx.contact(email) for email in addresses(row.customer, role))
    named = (each.contact for each in row.letters.values() if each.approved_by and "#" in (each.message.subject or ""))
    return next((contact for contact in (*own, *named) if contact not in failed), None)


def _hold(tx: Tx, row: Receivable, action: Send, letter: Letter, mode: str) -> None:
    """Mode `shadow` records what it would have sent; mode `ask` puts it before a person."""
    shadow = mode == "shadow"
    state = MessageState.WOULD_SEND if shadow else MessageState.HELD
    # Attempts that failed before they could claim it are gone with their effect.
    tx.change(row, letter, {"state": state, "at": tx.now, "attempts": 0, "retry_at": None}, set_at=tx.now, effect=False)
    if shadow:
        tx.why(row, "would_send", action.why, action.key)
        tx.audit("message.would_send", SYSTEM, row, message=action.key, amount=str(action.amount))
        return
    tx.why(row, "held", Why("ask", f"mode ask: {action.why.text}; waits for send or skip"), action.key)
    tx.audit("message.held", SYSTEM, row, message=action.key, amount=str(action.amount))
    tx.ask("message_held", action.key, row)


def withhold(tx: Tx, row: Receivable, account: Account, key: str, action: Action) -> None:
    """The last look found something new: the message stays, and the reason is kept."""
    why = withholding.why(account, row.policy, action, tx.now)
    tx.why(row, "withheld", why, key)
    tx.audit("message.withheld", SYSTEM, row, message=key, reason=why.code)


def interrupted(tx: Tx, row: Receivable, account: Account, key: str, action: Action) -> None:
    """A command came while the reminder was about to leave, between two attempts."""
    if withholding.stays(account, row.policy, action, key, tx.now):
        withhold(tx, row, account, key, action)


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


def try_again(tx: Tx, row: Receivable, letter: Letter) -> Letter | None:
    """Another attempt at what reached nobody, at the next contact; None when nobody is left to write to."""
    sent = letter.message
    if sent.person is not None or sent.kind not in TO_CUSTOMER | NEWS:
        return None
    first = first_attempt(sent.key)
    role = next((rung.to for rung in row.policy.ladder if rung.id == sent.rung), "billing")
    contact = choose(tx, row, role if sent.kind == "reminder" else "billing")
    if contact is None:
        return None
    number = sum(key == first or key.startswith((f"{first}~", f"{first}#")) for key in row.letters) + 1
    told = None if sent.rung or sent.subject is None else attempt(sent.subject, number)
    return released(
        tx, row, attempt(first, number), sent.kind, contact, letter.template, told,
        due=sent.due or "", episode=sent.episode, rung=sent.rung or "",
    )  # fmt: skip
