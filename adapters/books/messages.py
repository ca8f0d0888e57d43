"""Claim, act, confirm: the rows of a message. The claim decides again on fresh books inside its own transaction and
lets only the very same message through; whatever it withholds is recorded with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import select

from adapters.books import recipients
from adapters.books.tx import SYSTEM, Tx
from adapters.books.view import read
from domain import dunning, lifecycle, withholding
from domain.account import Account
from domain.actions import Action, Send, Skipped, Why
from domain.errors import Unavailable
from domain.messages import NEWS, TO_CUSTOMER, MessageState
from domain.policy import Policy, mode_of
from schemas import tables as t

INTERNAL = "internal"
"""The kind of a rung that is addressed to a person of ours."""

LEASE = timedelta(seconds=65)
"""A little more than an attempt may take (`MAILING` in workflows/steps.py)."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the claim lets through. `resumed`: an earlier attempt may have got it out already. `wanted`: the last look
    still lets it go; False only with `resumed`. `until`: when its lease ends, on the machine's clock."""

    key: str
    resumed: bool
    shift_days: int
    wanted: bool = True
    until: datetime | None = field(default=None, compare=False)

    @property
    def over(self) -> bool:
        """Whether another attempt may have the claim by now: this one stood still, as its machine did."""
        return self.until is not None and self.until <= _technical_now()


def claim(tx: Tx, row: t.Invoice, key: str, idempotent: bool) -> Claimed | None:
    """The right to send the message `key` now, or None: it was sent, held, or withheld with a recorded reason."""
    account, policy = read(tx, row)
    known = next((m for m in account.messages if m.key == key), None)
    if known is not None and known.state in {MessageState.ACCEPTED, MessageState.SENT, MessageState.BOUNCED}:
        return None
    resumed = known is not None and known.state is MessageState.CLAIMED
    if resumed and not idempotent:
        return _wait_for_the_earlier(tx, key)
    action = lifecycle.next_action(_given_back(account, key) if resumed else account, policy, tx.now)
    if not isinstance(action, Send) or action.key != key:
        if resumed:
            return Claimed(key=key, resumed=True, shift_days=0, wanted=False)
        withhold(tx, account, policy, key, action)
        return None
    skip(tx, account, policy, action.skips)
    letter = letter_of(tx, row, account, action)
    if account.stops("no_contact", tx.now) and letter.person is None:
        # A document of ours all the same: its owner sees to it that the right person gets it, as with `post`.
        letter.person, letter.contact = row.owner, tx.contact(_mail_of(tx, row.owner))
        tx.session.add(letter)
    mode = mode_of(policy, action.rung)
    if _is_held(mode, letter):
        _hold(tx, row, account, policy, action, letter, mode)
        return None
    letter.state, letter.at = "acting", tx.now
    effect = (tx.session.get(t.Effect, key) if known is not None else None) or effect_of(tx, letter)
    effect.state, effect.claimed_at, effect.retry_at, effect.contact = "claimed", tx.now, None, letter.contact
    effect.lease_until = until = _lease()
    if known is not None:  # written when less may have been owed, or more
        item = tx.session.get_one(t.MessageItem, (key, row.id, action.due))
        item.amount = action.amount
        tx.session.add(item)
    tx.session.add_all((letter, effect))
    tx.audit("message.claimed", SYSTEM, invoice=row.id, message=key, amount=str(action.amount))
    return Claimed(key=key, resumed=resumed, shift_days=action.shift_days, until=until)


def effect_of(tx: Tx, letter: t.Message) -> t.Effect:
    """The effect that carries a letter out, claimed now."""
    return t.Effect(
        key=letter.key,
        seller=letter.seller,
        invoice=letter.invoice,
        kind=letter.kind,
        contact=letter.contact,
        state="claimed",
        claimed_at=tx.now,
    )


def _is_held(mode: str, letter: t.Message) -> bool:
    """Mode `shadow` keeps back all that a customer would get, whoever wants it sent, and the rungs to people of ours.
    Mode `ask` has a person release what asks the customer for something; news is no request."""
    if mode == "shadow":
        return letter.person is None or letter.kind in TO_CUSTOMER | NEWS | {INTERNAL}
    return mode == "ask" and letter.kind in TO_CUSTOMER and letter.approved_by is None


def _wait_for_the_earlier(tx: Tx, key: str) -> Claimed:
    """A claim without an outcome, and a provider that would take the same message twice. While its lease runs an
    earlier attempt may still be alive and confirm it. An idempotent adapter needs no such wait: whichever attempt
    comes second, it holds the message back, so a killed worker costs no more than its heartbeat."""
    effect = tx.session.get_one(t.Effect, key)
    if effect.lease_until is not None and effect.lease_until > _technical_now():
        raise Unavailable("an earlier attempt still holds the claim")
    effect.lease_until = _lease()
    tx.session.add(effect)
    return Claimed(key=key, resumed=True, shift_days=0, wanted=False)


def _given_back(account: Account, key: str) -> Account:
    """The account as if nobody had claimed the message, for a last look that is as strict as the first."""
    messages = tuple(
        replace(m, state=MessageState.RELEASED, retry_at=None) if m.key == key else m for m in account.messages
    )
    return replace(account, messages=messages)


def _technical_now() -> datetime:
    """A lease guards against a process that still runs: it is counted on the machine's clock, not in business time."""
    return datetime.now(UTC)


def _lease() -> datetime:
    return _technical_now() + LEASE


def letter_of(tx: Tx, row: t.Invoice, account: Account, action: Send) -> t.Message:
    if any(message.key == action.key for message in account.messages):
        return tx.session.get_one(t.Message, action.key)
    person = _person(row, action)
    contact = recipients.choose(tx, row, action.to) if person is None else tx.contact(_mail_of(tx, person))
    letter = released(
        tx,
        row,
        t.MessageItem(
            message=action.key,
            invoice=row.id,
            due=action.due,
            episode=action.episode,
            kind=action.kind,
            rung=action.rung,
            ref=action.ref,
            amount=action.amount,
        ),
        contact or tx.contact(""),
        action.template,
        action.ref or None,
    )
    letter.person = person
    return letter


def released(
    tx: Tx, row: t.Invoice, item: t.MessageItem, contact: str, template: str, subject: str | None
) -> t.Message:
    """A letter about `item` that waits for its claim."""
    letter = t.Message(
        key=item.message,
        seller=row.seller,
        invoice=row.id,
        contact=contact,
        kind=item.kind,
        template=template,
        subject=subject,
        state="released",
        at=tx.now,
    )
    tx.session.add(letter)
    tx.session.flush()  # an item hangs on its letter
    tx.session.add(item)
    return letter


def _person(row: t.Invoice, action: Send) -> str | None:
    """Who of ours gets it: whoever is asked, or the owner, who posts what goes by post or into a portal."""
    if action.to not in {"billing", "escalation"}:
        return row.owner if action.to == "owner" else action.to
    by_mail = row.customer_data.get("channel", "email") == "email"
    return None if by_mail else row.owner


def _mail_of(tx: Tx, person: str) -> str:
    row = tx.person(person)
    return (row.email or "") if row is not None else ""


def _hold(tx: Tx, row: t.Invoice, account: Account, policy: Policy, action: Send, letter: t.Message, mode: str) -> None:
    """Mode `shadow` records what it would have sent; mode `ask` puts it before a person."""
    shadow = mode == "shadow"
    letter.state, letter.at = ("would_send" if shadow else "held"), tx.now
    tx.session.add(letter)
    tried = tx.session.get(t.Effect, action.key)
    if tried is not None:  # attempts that failed before they could claim it
        tx.session.delete(tried)
    named = {"message": action.key, "kind": action.kind}
    about: dict[str, Any] = {**named, "due": action.due, "episode": action.episode, "rung": action.rung}
    if shadow:
        tx.why(account, policy, "would_send", action.why, **about)
        tx.audit("message.would_send", SYSTEM, invoice=row.id, message=action.key, amount=str(action.amount))
        return
    why = Why("ask", f"mode ask: {action.why.text}; waits for send or skip")
    tx.why(account, policy, "held", why, **about)
    tx.audit("message.held", SYSTEM, invoice=row.id, message=action.key, amount=str(action.amount))
    tx.open_exception(
        "message_held", action.key, row.owner, row.id, commands=["send", "skip"], template=action.template
    )


def withhold(tx: Tx, account: Account, policy: Policy, key: str, action: Action) -> None:
    """The last look found something new: the message stays, and the reason is kept."""
    found = next((m for m in account.messages if m.key == key), None)
    why = withholding.why(account, policy, action, tx.now)
    tx.why(
        account,
        policy,
        "withheld",
        why,
        message=key,
        kind=found.kind if found else "message",
        rung=found.rung if found else key.rpartition("/")[2],
    )
    tx.audit("message.withheld", SYSTEM, invoice=account.workflow_id, message=key, reason=why.code)


def keep_reasons(tx: Tx, account: Account, policy: Policy) -> None:
    """Every reminder that waits for a source or for money to be assigned says so, once a reason."""
    for one in dunning.held(account, policy, tx.now):
        told = select(t.Why.id).where(
            t.Why.invoice == account.workflow_id,
            t.Why.message == one.key,
            t.Why.verdict == "withheld",
            t.Why.code == one.why.code,
            t.Why.reason == one.why.text,
        )
        if tx.session.exec(told).first() is not None:
            continue
        about = {"message": one.key, "due": one.due, "episode": one.episode, "rung": one.rung}
        tx.why(account, policy, "withheld", one.why, kind="reminder", **about)
        tx.audit("message.withheld", SYSTEM, invoice=account.workflow_id, message=one.key, reason=one.why.code)


def skip(tx: Tx, account: Account, policy: Policy, skips: tuple[Skipped, ...], by: str = SYSTEM) -> None:
    """Rungs that will not be sent, each with its reason."""
    for skipped in skips:
        letter = tx.session.get(t.Message, skipped.key)
        if letter is None:
            letter = t.Message(
                key=skipped.key,
                seller=account.seller,
                invoice=account.workflow_id,
                contact="",
                kind="reminder",
                template="",
                state="skipped",
                at=tx.now,
            )
            tx.session.add(letter)
            tx.session.flush()
            item = t.MessageItem(
                message=skipped.key,
                invoice=account.workflow_id,
                due=skipped.due,
                episode=skipped.episode,
                kind="reminder",
                rung=skipped.rung,
            )
            tx.session.add(item)
        drop(tx, letter, by, skipped.why.text)
        tx.why(
            account,
            policy,
            "skipped",
            skipped.why,
            message=skipped.key,
            kind="reminder",
            due=skipped.due,
            episode=skipped.episode,
            rung=skipped.rung,
        )


def drop(tx: Tx, letter: t.Message, by: str, reason: str) -> None:
    """Settles a message that did not leave: it never will."""
    effect = tx.session.get(t.Effect, letter.key)
    letter.state, letter.at = "skipped", tx.now
    tx.session.add(letter)
    if effect is not None:
        tx.session.delete(effect)
    tx.audit("message.skipped", by, tx.actor_kind(by), letter.invoice, message=letter.key)
    tx.settle_exceptions(by, f"skipped: {reason}", key=letter.key)
