"""Invariants 5 and 8 for what a provider keeps, takes back and pays out: each posted exactly once, with its amount."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Integer, cast, func
from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from adapters.books.payouts import note_of as payout_note
from adapters.books.reversals import AUDITED, note_of
from adapters.books.tx import bare
from domain.ledger import FEES, UNEXPLAINED
from schemas import tables as t

OUT = tuple(AUDITED)
MONEY = ("bank/", "clearing/")


def reversals_are_posted(session: Session) -> Iterator[Breach]:
    """What went back left the money account once; what came again, won or failed, comes to nothing; and what nobody
    explained lies on its own account. A chain told of the amount when it was booked."""
    posted = _posted(session)
    query = pick(t.Reversal.key, t.Reversal.seller, t.Reversal.amount, t.Reversal.state)
    for key, seller, amount, state in stream(session, query.order_by(col(t.Reversal.key))):
        found = posted.pop((seller, note_of(key)), Counter())
        out = amount if state in ("booked", "unexplained") else 0
        wanted = {"money": -out, "unexplained": out if state == "unexplained" else 0}
        told = {name: found[name] for name in wanted}
        if told != wanted or found["times"] > 1 or (out and found["times"] != 1):
            text = f"is {state} over {amount}, posted {found['times']} times: {told['money']} of money"
            yield Breach(8, row(t.Reversal, key), text)
    for (seller, note), found in sorted(posted.items()):
        yield Breach(8, row(t.Posting, seller, found["transaction"]), f"{note} is not in the books")


def reversals_are_told(session: Session) -> Iterator[Breach]:
    """The chain was told each amount when the money went, or when a refund was asked for."""
    keys = col(t.AuditEntry.keys)
    types = (*AUDITED.values(), "refund.unexplained", "refund.claimed", "refund.failed", "payment.won")
    entries = pick(keys["reversal"].as_string(), keys["amount"].as_string()).where(
        col(t.AuditEntry.type).in_(types), keys["amount"].as_string().is_not(None)
    )
    told: defaultdict[str, set[str]] = defaultdict(set)
    for key, amount in stream(session, entries):
        told[key].add(amount)
    query = pick(t.Reversal.key, t.Reversal.amount, t.Reversal.state).order_by(col(t.Reversal.key))
    for key, amount, state in stream(session, query):
        known = told.get(key, set())
        if known != {str(amount)} and (known or state != "requested"):
            yield Breach(6, row(t.Reversal, key), f"amount is {amount}, the audit was told {sorted(known)}")


def fees_are_told(session: Session) -> Iterator[Breach]:
    """What was posted as a fee for a payment or a dispute is what the chain was told of."""
    keys = col(t.AuditEntry.keys)
    entries = pick(t.AuditEntry.seller, keys["about"].as_string(), cast(keys["amount"].as_string(), Integer)).where(
        col(t.AuditEntry.type) == "payment.fee_charged"
    )
    told: Counter[tuple[str, str]] = Counter()
    for seller, about, amount in stream(session, entries):
        told[seller, about] += amount
    fees = pick(t.Posting.seller, t.Posting.note, func.min(t.Posting.transaction), func.sum(t.Posting.amount)).where(
        col(t.Posting.kind) == "fee", col(t.Posting.account) == FEES
    )
    posted: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    for seller, note, transaction, amount in stream(session, fees.group_by(col(t.Posting.seller), t.Posting.note)):
        about = (seller, bare(note).rpartition(" ")[2])  # a bank's note has no name before it
        posted[about] += int(amount)
        first.setdefault(about, transaction)
    for about in sorted(told.keys() | posted.keys()):
        if told[about] != posted[about]:
            name = row(t.Posting, about[0], first.get(about, ""))
            yield Breach(6, name, f"fees for {about[1]} come to {posted[about]}, the audit was told {told[about]}")


def payouts_are_posted(session: Session) -> Iterator[Breach]:
    """A payout is posted exactly when a line of a statement brought it, with its amount."""
    query = pick(t.Posting.seller, t.Posting.note, t.Posting.account, t.Posting.amount, t.Posting.transaction).where(
        col(t.Posting.kind) == "payout"
    )
    posted: defaultdict[tuple[str, str], dict[str, Any]] = defaultdict(lambda: {"bank": [], "transaction": 0})
    for seller, note, account, amount, transaction in stream(session, query):
        found = posted[seller, bare(note)]
        found["transaction"] = transaction
        if account.startswith("bank/"):
            found["bank"].append(amount)
    for (payout,) in stream(session, pick(t.Payout).order_by(col(t.Payout.provider), col(t.Payout.id))):
        found = posted.pop((payout.seller or "", payout_note(payout)), {"bank": []})
        wanted = [payout.amount] if payout.line is not None else []
        if found["bank"] != wanted:
            name = row(t.Payout, payout.provider, payout.id)
            yield Breach(8, name, f"amount is {payout.amount}, posted to the bank: {found['bank']}")
    for (seller, note), found in sorted(posted.items()):
        yield Breach(8, row(t.Posting, seller, found["transaction"]), f"{note} is not in the books")


def _posted(session: Session) -> dict[tuple[str, str], Counter[str]]:
    """By seller and note: what moved on money accounts and on the unexplained one, and how often it went out."""
    key = (col(t.Posting.seller), col(t.Posting.note), col(t.Posting.account), col(t.Posting.kind))
    query = (
        pick(*key, func.sum(t.Posting.amount), func.count(), func.min(t.Posting.transaction))
        .where(col(t.Posting.note).startswith("reversal "), col(t.Posting.kind) != "transfer")
        .group_by(*key)
    )
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for seller, note, account, kind, amount, count, transaction in stream(session, query):
        sums = found[seller, bare(note)]
        sums["transaction"] = transaction
        if account.startswith(MONEY):
            sums["money"] += int(amount)
            sums["times"] += count if kind in OUT else 0
        elif account == UNEXPLAINED:
            sums["unexplained"] += int(amount)
    return found
