"""Invariant 8 for checkouts: paid exactly when money came in by them, and asked for what the books say."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from schemas import tables as t


def paid_sessions_have_receipts(session: Session) -> Iterator[Breach]:
    query = pick(t.PaymentSession.id, t.PaymentSession.state, t.Receipt.id).join(
        t.Receipt,
        (col(t.Receipt.source) == col(t.PaymentSession.provider))
        & (col(t.Receipt.external_id) == col(t.PaymentSession.payment_id))
        & (col(t.Receipt.seller) == col(t.PaymentSession.seller)),
        isouter=True,
    )
    for key, state, receipt in stream(session, query):
        if state == "paid" and receipt is None:
            yield Breach(8, row(t.PaymentSession, key), "is paid, but no money came in by it")
        elif state != "paid" and receipt is not None:
            yield Breach(8, row(t.PaymentSession, key), f"is {state}, but receipt {receipt} came in by it")


def sessions_ask_for_their_amount(session: Session) -> Iterator[Breach]:
    """What the provider is asked for, again and again under the same key, is the amount of the row."""
    for key, amount, params in stream(
        session, pick(t.PaymentSession.id, t.PaymentSession.amount, t.PaymentSession.params)
    ):
        if params.get("amount") != amount:
            yield Breach(8, row(t.PaymentSession, key), f"asks for {params.get('amount')}, but its amount is {amount}")
