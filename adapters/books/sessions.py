"""Checkouts of a receivable at the payment provider. A row is claimed with all that is asked for before the provider is
called, so that a repeat asks for the very same; at most one is live. It calls nobody: what the provider said comes in.

    claimed → open → processing → paid      claimed, open → expired, failed      processing → stalled → paid, failed
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import col, func, select

from adapters.books import load
from adapters.books.engine import read
from adapters.books.tx import SYSTEM, Tx, booking
from adapters.books.view import read as read_account
from domain import lifecycle, money, paying
from domain.account import Account
from domain.actions import Send
from domain.keys import parse_workflow_id
from domain.paying import Asked
from domain.payments import SessionRequest, SessionState
from domain.policy import Policy
from schemas import tables as t
from schemas.adapters import adapter
from schemas.incoming import Checkout, CheckoutStep
from schemas.steps import SendStep

LIVE = ("claimed", "open", "processing")
KEPT = timedelta(hours=24)
"""How long a provider remembers a key, and no page lives longer: a claim that is older has come to nothing."""
STILL_MOVING = timedelta(days=14)
"""How long after it was minted a checkout is looked at before a reminder, whatever became of it."""


@dataclass(frozen=True, slots=True)
class Mint:
    """Ask the provider for `request`. Not `fresh`: an earlier attempt may have asked; what it was told may be over."""

    request: SessionRequest
    fresh: bool


@dataclass(frozen=True, slots=True)
class Look:
    """See what became of an open page; unless `keep`, end it."""

    key: str
    provider_id: str
    keep: bool
    offer: Checkout


def claim(
    engine: Engine, step: CheckoutStep, provider: str, online: bool, back: Callable[[str, int], str]
) -> Checkout | Mint | Look:
    """What to do for a customer who wants to pay now. A Checkout is the answer; after the other two come again. `back`:
    where customers come back to, of a workflow id and the generation of its links."""
    parsed = parse_workflow_id(step.workflow_id)
    if parsed is None:
        return Checkout(state="nothing_owed")
    with booking(engine, parsed[0], step.now) as tx:
        row = tx.session.get(t.Invoice, step.workflow_id)
        if row is None or row.freed or row.number is None:
            return Checkout(state="nothing_owed")
        tx.now = max(step.now, row.updated_at)
        account, policy = read_account(tx, row)
        if account.closed or account.balance <= 0:
            return Checkout(state="nothing_owed")
        wanted = paying.asked(account, policy, tx.now, step.everything)
        if not online:
            return _told("unavailable", account.currency, wanted.amount)
        live = _live(tx, row)
        if live is not None and live.state == "claimed" and live.minted_at + KEPT <= tx.now:
            _end(tx, live, "expired", "never opened")
            live = None
        if live is None:
            return _mint(tx, row, wanted, provider, back(row.id, row.link_generation))
        return _following(live, account, policy, tx.now, step.everything)


def opened(engine: Engine, workflow_id: str, key: str, state: SessionState, now: datetime) -> None:
    """The provider has it."""
    with booking(engine, _seller(workflow_id), now) as tx:
        session = tx.session.get_one(t.PaymentSession, key)
        if session.state == "claimed":
            session.state, session.provider_id, session.url = "open", state.id, state.url
            tx.session.add(session)


def ended(engine: Engine, workflow_id: str, key: str, outcome: str, reason: str, now: datetime) -> None:
    """Nobody can pay in it any more. `outcome`: expired, or failed when the provider would not do it, or the payment
    came to nothing. One that a payment has moved on already stays as it is."""
    with booking(engine, _seller(workflow_id), now) as tx:
        session = tx.session.get_one(t.PaymentSession, key)
        if session.state in {"claimed", "open"}:
            _end(tx, session, outcome, reason)


def stall(tx: Tx, row: t.Invoice) -> None:
    """A payment that is under way for too long stops nothing any more; a person looks at it."""
    query = select(t.PaymentSession).where(
        t.PaymentSession.invoice == row.id,
        t.PaymentSession.state == "processing",
        col(t.PaymentSession.pending_until) <= tx.now,
    )
    for session in tx.session.exec(query):
        session.state = "stalled"
        tx.session.add(session)
        tx.open_exception(
            "payment_stalled", session.id, row.owner, row.id, amount=session.amount, payment=session.payment_id
        )


def moving(engine: Engine, step: SendStep, provider: str) -> tuple[tuple[str, str], ...]:
    """(key, provider's id) of the checkouts to look at before the message of `step` leaves: those that are not final,
    and the younger ones whatever became of them. None unless it is a reminder."""
    with read(engine) as session:
        query = select(t.PaymentSession).where(
            t.PaymentSession.invoice == step.workflow_id,
            t.PaymentSession.provider == provider,
            col(t.PaymentSession.provider_id).is_not(None),
            col(t.PaymentSession.state).in_((*LIVE, "stalled"))
            | (col(t.PaymentSession.minted_at) > step.now - STILL_MOVING),
        )
        found = [(each.id, str(each.provider_id)) for each in session.exec(query.order_by(t.PaymentSession.id))]
        row = session.get(t.Invoice, step.workflow_id) if found else None
        if row is None:
            return ()
        seller = session.get_one(t.Seller, row.seller)
        policy = load.policy_of(session, seller, row.policy, row.policy_version)
        account = load.account_of(session, seller, row, policy, step.now)
    return tuple(found) if _kind(account, policy, step) == "reminder" else ()


def _kind(account: Account, policy: Policy, step: SendStep) -> str:
    known = next((m.kind for m in account.messages if m.key == step.key), "")
    action = lifecycle.next_action(account, policy, step.now)
    return known or (action.kind if isinstance(action, Send) and action.key == step.key else "")


def _live(tx: Tx, row: t.Invoice) -> t.PaymentSession | None:
    query = select(t.PaymentSession).where(t.PaymentSession.invoice == row.id, col(t.PaymentSession.state).in_(LIVE))
    return tx.session.exec(query).first()


def _following(
    live: t.PaymentSession, account: Account, policy: Policy, now: datetime, everything: bool
) -> Checkout | Mint | Look:
    if live.state == "processing":
        return _told("in_progress", live.currency, live.amount)
    if live.state == "claimed":
        request: SessionRequest = adapter(SessionRequest).validate_python(live.params)
        return Mint(request, fresh=False)
    fits = paying.still_fits(account, policy, now, everything, live.amount, live.discount, live.expires_at)
    return Look(live.id, str(live.provider_id), fits, _offer(live.url, live.amount, live.currency, live.expires_at))


def _mint(tx: Tx, row: t.Invoice, wanted: Asked, provider: str, back_url: str) -> Mint:
    known = tx.session.exec(
        select(func.count()).select_from(t.PaymentSession).where(t.PaymentSession.invoice == row.id)
    ).one()
    request = SessionRequest(
        key=f"{row.id}/checkout-{known + 1}",
        seller=row.seller,
        invoice=row.id,
        number=row.number or "",
        amount=wanted.amount,
        currency=row.currency,
        minted_at=tx.now,
        expires_at=wanted.expires_at,
        language=str(row.customer_data.get("language") or "en"),
        back_url=back_url,
        paid_url=f"{back_url}?done=paid",
    )
    tx.session.add(
        t.PaymentSession(
            id=request.key,
            seller=row.seller,
            invoice=row.id,
            provider=provider,
            amount=wanted.amount,
            discount=wanted.discount,
            currency=row.currency,
            params=adapter(SessionRequest).dump_python(request, mode="json"),
            state="claimed",
            minted_at=tx.now,
            expires_at=wanted.expires_at,
        )
    )
    tx.audit(
        "payment.initiated",
        SYSTEM,
        invoice=row.id,
        session=request.key,
        amount=str(wanted.amount),
        discount=str(wanted.discount),
    )
    return Mint(request, fresh=True)


def _end(tx: Tx, session: t.PaymentSession, outcome: str, reason: str) -> None:
    session.state, session.ended_at = outcome, tx.now
    tx.session.add(session)
    tx.audit(f"payment.{outcome}", SYSTEM, invoice=session.invoice, session=session.id, reason=reason)


def offered(request: SessionRequest, url: str) -> Checkout:
    """The answer to a customer for whom a page was opened."""
    return _offer(url, request.amount, request.currency, request.expires_at)


def _offer(url: str, amount: int, currency: str, expires_at: datetime) -> Checkout:
    return replace(_told("open", currency, amount), url=url, expires_at=expires_at)


def _told(state: str, currency: str, amount: int) -> Checkout:
    return Checkout(state=state, amount=money.show(amount, currency), currency=currency)


def _seller(workflow_id: str) -> str:
    parsed = parse_workflow_id(workflow_id)
    if parsed is None:
        raise ValueError(f"{workflow_id} is not a receivable's")
    return parsed[0]
