"""Books what a payment provider says of one payment: absolutely, so that the same state told twice, late or out of
order changes nothing more. Money in lies on the provider's clearing account until a payout brings it to the bank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import provider_back, provider_fees, receipts
from adapters.books.engine import add_once
from adapters.books.engine import read as read_only
from adapters.books.settle import settle
from adapters.books.tx import SYSTEM, Tx, booking
from adapters.books.view import read
from domain import calendar, ledger
from domain.errors import NotFound
from domain.keys import parse_workflow_id
from domain.payments import PaymentState
from schemas import tables as t
from schemas.incoming import EventHint

PENDING_LIMIT = timedelta(days=14)
"""How long a payment under way stops the ladder: a SEPA debit that fails does so within days, 14 at the latest (Stripe,
"SEPA Direct Debit payments"). What takes longer a person looks at."""
BATCH = 500
LIVE = ("claimed", "open", "processing", "stalled")


def book_payment(engine: Engine, state: PaymentState, now: datetime) -> tuple[str, ...]:
    """One transaction; answers the receivables whose workflows must read the books again. NotFound when the payment
    names no receivable of ours: the provider's account may serve other software too."""
    parsed = parse_workflow_id(state.invoice)
    if parsed is None:
        raise NotFound(f"payment {state.id} names no receivable")
    with booking(engine, parsed[0], now) as tx:
        row = tx.session.get(t.Invoice, state.invoice)
        if row is None or row.number is None:
            raise NotFound(f"payment {state.id} names {state.invoice}, which is not in the books")
        tx.now = max(now, row.updated_at)
        return _book(tx, row, state)


def handled(engine: Engine, event: EventHint, outcome: str, now: datetime) -> None:
    """Keeps what became of an event, once."""
    add_once(
        engine,
        t.ProviderEvent(
            provider=event.provider,
            id=event.id,
            type=event.type,
            object_id=event.object,
            outcome=outcome,
            handled_at=now,
        ),
    )


def unhandled(engine: Engine, provider: str, ids: Sequence[str]) -> set[str]:
    """Those of the events that were never worked off."""
    lost = set(ids)
    with read_only(engine) as session:
        for start in range(0, len(ids), BATCH):
            lot = ids[start : start + BATCH]
            query = select(t.ProviderEvent.id).where(
                t.ProviderEvent.provider == provider, col(t.ProviderEvent.id).in_(lot)
            )
            lost -= {str(id_) for id_ in session.exec(query)}
    return lost


def _book(tx: Tx, row: t.Invoice, state: PaymentState) -> tuple[str, ...]:
    _follow_session(tx, row, state)
    receipt, rest = _receive(tx, row, state)
    touched = {row.id: row}
    if receipt is not None:
        touched |= {each.id: each for each in provider_back.book(tx, row, receipt, state)}
    for each in touched.values():
        tx.now = max(tx.now, each.updated_at)
        settle(tx, each)
    if receipt is not None and (rest or receipts.free(tx, receipt) <= 0):
        receipts.left_over(tx, row, receipt)
    return tuple(touched)


def _session_of(tx: Tx, row: t.Invoice, state: PaymentState) -> t.PaymentSession | None:
    session = tx.session.get(t.PaymentSession, state.session) if state.session else None
    return session if session is not None and session.invoice == row.id else None


def _follow_session(tx: Tx, row: t.Invoice, state: PaymentState) -> None:
    """The checkout goes the way of its payment. One that is still open stays so after a failed try: the customer may
    take another card. Money that came in is told of whatever was believed before."""
    session = _session_of(tx, row, state)
    if session is None or session.state == "paid" or (session.state not in LIVE and state.status != "succeeded"):
        return
    session.payment_id = state.id
    if state.status == "processing" and session.state != "processing":
        tried = state.tried_at or tx.now
        if session.state != "stalled":
            session.state, session.pending_until = "processing", tried + PENDING_LIMIT
            tx.audit("payment.pending", SYSTEM, invoice=row.id, session=session.id, amount=str(session.amount))
    elif state.status == "succeeded":
        session.state, session.ended_at = "paid", tx.now
        tx.settle_exceptions(SYSTEM, "paid", kind="payment_stalled", key=session.id)
    elif state.status in {"failed", "canceled"} and session.state in {"processing", "stalled"}:
        session.state, session.ended_at = "failed", tx.now
        tx.audit("payment.failed", SYSTEM, invoice=row.id, session=session.id, reason=state.failure or state.status)
        tx.settle_exceptions(SYSTEM, "failed", kind="payment_stalled", key=session.id)
    tx.session.add(session)


def _receive(tx: Tx, row: t.Invoice, state: PaymentState) -> tuple[t.Receipt | None, int]:
    """The receipt of a payment that succeeded, and what of it this call could not assign."""
    if state.status != "succeeded" or state.paid <= 0:
        return None, 0
    if state.fee:  # known only once the provider has booked it; told late without, it takes nothing back
        provider_fees.post(tx, row, state.provider, state.id, state.fee, state.currency)
    known = receipts.find(tx, state.provider, state.id)
    if known is not None:
        return known, 0
    money = receipts.Incoming(
        source=state.provider,
        external_id=state.id,
        amount=state.paid,
        currency=state.currency,
        received_on=calendar.local_date(state.at or tx.now, tx.seller.timezone),
        method=state.method or "card",
        account=ledger.clearing(state.provider),
    )
    receipt = receipts.book(tx, money, row.customer, invoice=row.id)
    if receipt is None or receipt.currency != row.currency:
        return receipt, state.paid
    account, policy = read(tx, row)
    # The discount that was offered stands, however long the money takes.
    tried_on = calendar.local_date(state.tried_at, tx.seller.timezone) if state.tried_at else None
    session = _session_of(tx, row, state)
    offered = session.discount if session is not None and session.amount == receipt.amount else 0
    return receipt, receipts.settle(tx, row, account, policy, receipt, tried_on, offered)
