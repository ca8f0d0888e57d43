"""Payouts of a provider: remembered as the provider tells of them, matched to the statement line they arrive with.
Postings follow the statement, since only the bank knows that money is there. Which line is whose is decided here; what
else a line may be is not."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import col, exists, select

from adapters.books.engine import write
from adapters.books.tx import SYSTEM, Tx, booking
from domain import ledger
from domain.payments import PROVIDERS, PayoutState
from schemas import tables as t

DAYS = timedelta(days=7)
"""How far the day on the statement may lie from the day the provider foretold."""


KIND = "payout_difference"


def remember(engine: Engine, provider: str, state: PayoutState, now: datetime) -> None:
    """Keeps what the provider says of a payout, and books the line that has waited for it."""
    with write(engine, None) as session:
        row = session.get(t.Payout, (provider, state.id)) or t.Payout(
            provider=provider,
            id=state.id,
            status=state.status,
            amount=state.amount,
            currency=state.currency,
            arrives_on=state.arrives_on,
        )
        if row.line is None:
            row.amount, row.currency = state.amount, state.currency
        row.status, row.arrives_on, row.trace = state.status, state.arrives_on, state.trace
        session.add(row)
        waits = exists().where(
            col(t.OpenException.seller) == col(t.Seller.key),
            col(t.OpenException.kind) == KIND,
            col(t.OpenException.decided_at).is_(None),
        )
        waiting = session.exec(select(t.Seller.key).where(waits).order_by(t.Seller.key)).all()
    for seller in waiting:
        with booking(engine, seller, now) as tx:
            _try_again(tx)


def arrive(tx: Tx, line: t.BankLine) -> bool:
    """Books a credit that comes from a provider's balance; one that fits no payout we know of is put before a person.
    False: the line names no provider. Ask for what a payer wrote (our references) first."""
    provider = provider_in(line.name, line.text)
    payout = match(tx, line)
    if payout is None and provider is None:
        return False
    line.rule = "payout"
    if payout is not None:
        _book(tx, payout, line)
    else:
        line.state = "unclear"
        owner = str(tx.seller.profile.get("owner", ""))
        tx.open_exception(KIND, line.key, owner, None, amount=line.amount, currency=line.currency, provider=provider)
    tx.session.add(line)
    return True


def match(tx: Tx, line: t.BankLine) -> t.Payout | None:
    """The payout a line brings: by the provider's trace in its text; else, where the line names the provider, the same
    amount within a week. Nobody else's transfer is taken for a payout because the amounts agree."""
    query = select(t.Payout).where(
        col(t.Payout.line).is_(None),
        t.Payout.amount == line.amount,
        t.Payout.currency == line.currency,
        t.Payout.status != "failed",
    )
    found = tx.session.exec(query.order_by(col(t.Payout.arrives_on), col(t.Payout.id)).with_for_update()).all()
    said = f"{line.text} {line.reference} {line.end_to_end} {line.bank_reference}"
    traced = [p for p in found if (p.trace and p.trace in said) or p.id in said]
    near = [
        p
        for p in found
        if p.provider == provider_in(line.name, line.text) and abs(p.arrives_on - line.booked_on) <= DAYS
    ]
    return next(iter(traced or near), None)


def note_of(payout: t.Payout) -> str:
    """What the posting of a payout carries, so that it can be found again."""
    return f"payout {payout.provider} {payout.id}"


def _try_again(tx: Tx) -> None:
    """Lines that fitted no payout when they came."""
    query = select(t.OpenException).where(
        t.OpenException.seller == tx.seller.key, t.OpenException.kind == KIND, col(t.OpenException.decided_at).is_(None)
    )
    for asked in tx.session.exec(query).all():
        line = tx.session.get(t.BankLine, (tx.seller.key, asked.key))
        payout = match(tx, line) if line is not None else None
        if line is not None and payout is not None:
            _book(tx, payout, line)
            tx.settle_exceptions(SYSTEM, f"payout {payout.id}", kind=KIND, key=line.key)


def _book(tx: Tx, payout: t.Payout, line: t.BankLine) -> None:
    payout.seller, payout.line = tx.seller.key, line.key
    line.state = "booked"
    tx.session.add_all((payout, line))
    tx.session.flush()
    tx.post(
        "payout",
        ledger.payout(payout.provider, ledger.bank(line.account), payout.amount),
        customer="",
        currency=payout.currency,
        on=line.booked_on,
        note=note_of(payout),
    )
    tx.audit(
        "payment.paid_out", SYSTEM, provider=payout.provider, payout=payout.id, line=line.key, amount=str(payout.amount)
    )


def provider_in(*texts: str) -> str | None:
    """The provider that the texts of a line name."""
    words = set(re.findall(r"[a-z]+", " ".join(texts).casefold()))
    return next((provider for provider in sorted(PROVIDERS) if provider in words), None)
