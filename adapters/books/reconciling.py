"""The provider's account of our balance against the ledger, both ways. What only the provider knows is read and booked;
what still differs is put before the seller's owner, and settles itself once both agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from adapters.books import watermarks
from adapters.books.engine import read
from adapters.books.tx import SYSTEM, booking
from domain import ledger
from domain.payments import Movement
from schemas import tables as t

KIND = "reconciliation"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Ours:
    """What the books hold under a provider's id: signed, with the fee posted for it."""

    seller: str
    amount: int
    fee: int


def ours(engine: Engine, provider: str, since: date, ids: Iterable[str]) -> dict[str, Ours]:
    """Receipts and reversals of the provider since that day, and those that `ids` names, by the provider's id."""
    named = set(ids)
    with read(engine) as session:
        fees = _fees(session, provider)
        found: dict[str, Ours] = {}
        for receipt in session.exec(select(t.Receipt).where(t.Receipt.source == provider)):
            if receipt.received_on >= since or receipt.external_id in named:
                found[receipt.external_id] = Ours(receipt.seller, receipt.amount, fees.get(receipt.external_id, 0))
        back = select(t.Reversal).where(
            t.Reversal.source == provider, col(t.Reversal.state).in_(("booked", "unexplained"))
        )
        for row in session.exec(back):
            if row.external_id and (row.occurred_on >= since or row.external_id in named):
                found[row.external_id] = Ours(row.seller, -row.amount, fees.get(row.external_id, 0))
        return found


def theirs(movements: Iterable[Movement]) -> dict[str, tuple[int, int]]:
    """Amount and fee by what is behind the movements; a dispute that was won sums to nothing."""
    found: dict[str, tuple[int, int]] = {}
    for moved in movements:
        if moved.type in {"charge", "refund", "dispute"}:
            amount, fee = found.get(moved.source, (0, 0))
            found[moved.source] = (amount + moved.amount, fee + moved.fee)
    return found


def differences(known: Mapping[str, Ours], told: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """By provider id, what is different, in one line."""
    found = {}
    for id_, mine in known.items():
        amount, fee = told.get(id_, (0, 0))
        if (amount, fee) != (mine.amount, mine.fee):
            found[id_] = f"the provider moved {amount} less a fee of {fee}, the books {mine.amount} less {mine.fee}"
    return found


def report(engine: Engine, now: datetime, known: Mapping[str, Ours], found: Mapping[str, str]) -> int:
    """Opens an exception for each difference of ours and settles those that are gone; answers how many are open."""
    by_seller: dict[str, dict[str, str]] = {mine.seller: {} for mine in known.values()}
    for id_, text in found.items():
        by_seller[known[id_].seller][id_] = text
    for seller, texts in by_seller.items():
        with booking(engine, seller, now) as tx:
            owner = str(tx.seller.profile.get("owner", ""))
            for id_, text in texts.items():
                tx.open_exception(KIND, id_, owner, None, difference=text)
            agree = set(known) - set(found)
            for row in tx.session.exec(_open(seller)).all():
                if row.key in agree:
                    tx.settle_exceptions(SYSTEM, "provider and books agree", kind=KIND, key=row.key)
    return len(found)


def _open(seller: str) -> SelectOfScalar[t.OpenException]:
    return select(t.OpenException).where(
        t.OpenException.seller == seller, t.OpenException.kind == KIND, col(t.OpenException.decided_at).is_(None)
    )


def _fees(session: Session, provider: str) -> dict[str, int]:
    query = (
        select(t.Posting.note, func.sum(t.Posting.amount))
        .where(
            t.Posting.kind == "fee",
            t.Posting.account == ledger.FEES,
            col(t.Posting.note).startswith(f"{provider} ", autoescape=True),
        )
        .group_by(t.Posting.note)
    )
    return {note.removeprefix(f"{provider} "): int(amount) for note, amount in session.exec(query)}


def read_through(engine: Engine, provider: str, now: datetime) -> list[str]:
    """Notes that every event up to `now` is booked, for the sellers that name the provider as a source; answers the
    receivables that waited for it."""
    told: list[str] = []
    for seller in _who_ask(engine, provider):
        with booking(engine, seller, now) as tx:
            watermarks.advance(tx, provider, tx.today, now)
            after = ""
            while more := watermarks.waiting(tx, after, BATCH):
                told, after = [*told, *more], more[-1]
    return told


def _who_ask(engine: Engine, provider: str) -> list[str]:
    """The sellers with this source, of their own or by a policy in its latest version."""
    with read(engine) as session:
        latest = select(t.Policy.name, func.max(t.Policy.version)).group_by(t.Policy.name)
        by_policy = any(
            provider in session.get_one(t.Policy, (name, version)).content.get("sources", [])
            for name, version in session.exec(latest)
        )
        sellers = session.exec(select(t.Seller).order_by(col(t.Seller.key))).all()
        return [s.key for s in sellers if (provider in s.sources if s.sources is not None else by_policy)]
