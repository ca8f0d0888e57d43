"""Payouts of a provider: remembered as the provider tells of them, matched to the statement line they arrive with.
Postings follow the statement (`adapters/books/statements.py`), since only the bank knows that money is there."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books.engine import write
from adapters.books.tx import Tx
from domain.payments import PayoutState
from schemas import tables as t

DAYS = timedelta(days=7)
"""How far the day on the statement may lie from the day the provider foretold."""


def remember(engine: Engine, provider: str, state: PayoutState) -> None:
    """Keeps what the provider says of a payout."""
    with write(engine, None) as session:
        row = session.get(t.Payout, (provider, state.id)) or t.Payout(
            provider=provider,
            id=state.id,
            status=state.status,
            amount=state.amount,
            currency=state.currency,
            arrives_on=state.arrives_on,
        )
        row.status, row.amount, row.currency = state.status, state.amount, state.currency
        row.arrives_on, row.trace = state.arrives_on, state.trace
        session.add(row)


def match(tx: Tx, line: t.BankLine) -> t.Payout | None:
    """The payout a line brings: by the provider's trace in its text, else the same amount within a week."""
    query = select(t.Payout).where(
        col(t.Payout.line).is_(None),
        t.Payout.amount == line.amount,
        t.Payout.currency == line.currency,
        t.Payout.status != "failed",
    )
    found = tx.session.exec(query.order_by(col(t.Payout.arrives_on), col(t.Payout.id))).all()
    said = f"{line.text} {line.reference} {line.end_to_end} {line.bank_reference}"
    traced = [p for p in found if (p.trace and p.trace in said) or p.id in said]
    near = [p for p in found if _near(p.arrives_on, line.booked_on)]
    return next(iter(traced or near), None)


def _near(foretold: date, arrived: date) -> bool:
    return abs(foretold - arrived) <= DAYS
