"""The provider's account of our balance against the ledger, both ways. What only the provider knows is read and booked;
what still differs is put before the seller's owner, and settles itself once both agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from adapters.books import watermarks
from adapters.books.engine import read
from adapters.books.tx import SYSTEM, Tx, bare, booking
from domain import ledger
from domain.keys import parse_workflow_id
from domain.payments import Movement
from schemas import tables as t
from schemas.incoming import PAGE

KIND = "reconciliation"
OUT = ("booked", "unexplained")
"""States of a reversal whose money has left."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Ours:
    """What the books hold under a provider's id: signed, with the fee posted for it."""

    seller: str
    amount: int
    fee: int


def ours(engine: Engine, provider: str, since: date, ids: Iterable[str]) -> dict[str, Ours]:
    """Receipts and reversals of the provider since that day, and those that `ids` names, by the provider's id."""
    with read(engine) as session:
        fees, found = _fees(session, provider), {}
        for where in _lots(since, sorted(ids)):
            money = select(t.Receipt).where(t.Receipt.source == provider, where(t.Receipt.received_on, t.Receipt))
            for receipt in session.exec(money):
                found[receipt.external_id] = Ours(receipt.seller, receipt.amount, fees.get(receipt.external_id, 0))
            back = select(t.Reversal).where(t.Reversal.source == provider, where(t.Reversal.occurred_on, t.Reversal))
            for row in session.exec(back.where(col(t.Reversal.external_id).is_not(None))):
                amount = row.amount if row.state in OUT else 0
                found[row.external_id or ""] = Ours(row.seller, -amount, fees.get(row.external_id or "", 0))
        return found


def _lots(since: date, ids: Sequence[str]) -> Iterator[Callable[[Any, Any], ColumnElement[bool]]]:
    """Conditions that together find what is since that day or named, each short enough for a statement."""
    yield lambda on, _: col(on) >= since
    for start in range(0, len(ids), BATCH):
        lot = ids[start : start + BATCH]
        yield lambda _, table, lot=lot: col(table.external_id).in_(lot)  # type: ignore[misc]


def theirs(movements: Iterable[Movement]) -> dict[str, tuple[int, int]]:
    """Amount and fee by what is behind the movements; a dispute that was won sums to nothing."""
    found: dict[str, tuple[int, int]] = {}
    for moved in movements:
        if moved.type in {"charge", "refund", "dispute"}:
            amount, fee = found.get(moved.source, (0, 0))
            found[moved.source] = (amount + moved.amount, fee + moved.fee)
    return found


def paid_out(engine: Engine, provider: str, movements: Iterable[Movement]) -> list[str]:
    """Payouts among the movements that nobody told us of."""
    sources = {moved.source for moved in movements if moved.type == "payout"}
    with read(engine) as session:
        return sorted(id_ for id_ in sources if session.get(t.Payout, (provider, id_)) is None)


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
            for id_, text in texts.items():
                if not _decided(tx, id_, text):
                    about = _about(tx, id_)
                    owner = about.owner if about is not None else str(tx.seller.profile.get("owner", ""))
                    tx.open_exception(KIND, id_, owner, about.id if about is not None else None, difference=text)
            agree = set(known) - set(found)
            for row in tx.session.exec(_open(seller)).all():
                if row.key in agree:
                    tx.settle_exceptions(SYSTEM, "provider and books agree", kind=KIND, key=row.key)
    return len(found)


def _about(tx: Tx, id_: str) -> t.Invoice | None:
    """The receivable that the payment last paid, or that lost money with the reversal."""
    paid = (
        select(t.Allocation.invoice)
        .join(t.Receipt, col(t.Receipt.id) == col(t.Allocation.receipt))
        .where(t.Receipt.seller == tx.seller.key, t.Receipt.external_id == id_)
        .order_by(col(t.Allocation.id).desc())
    )
    back = select(t.Reversal.invoice).where(t.Reversal.seller == tx.seller.key, t.Reversal.external_id == id_)
    invoice = tx.session.exec(paid).first() or tx.session.exec(back).first()
    return tx.session.get(t.Invoice, invoice) if invoice else None


def _decided(tx: Tx, id_: str, text: str) -> bool:
    """Whether a person has decided on this very difference before."""
    query = select(t.OpenException.evidence).where(
        t.OpenException.seller == tx.seller.key,
        t.OpenException.kind == KIND,
        t.OpenException.key == id_,
        col(t.OpenException.decided_by).is_not(None),
        t.OpenException.decided_by != SYSTEM,
    )
    return any(evidence.get("difference") == text for evidence in tx.session.exec(query))


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
    found: dict[str, int] = {}
    for note, amount in session.exec(query):
        about = bare(note).removeprefix(f"{provider} ")
        found[about] = found.get(about, 0) + int(amount)
    return found


def read_through(engine: Engine, provider: str, now: datetime, after: str = "") -> list[str]:
    """Notes that every event up to `now` is booked, for the sellers that name the provider as a source; answers the
    receivables that waited for it, those after the receivable `after`, a page at most."""
    told: list[str] = []
    begun, _ = parse_workflow_id(after) or ("", "")
    for seller in _who_ask(engine, provider):
        if seller < begun:
            continue
        with booking(engine, seller, now) as tx:
            if seller != begun:
                watermarks.advance(tx, provider, tx.today, now)
            told += watermarks.waiting(tx, after if seller == begun else "", PAGE - len(told))
        if len(told) == PAGE:
            break
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
