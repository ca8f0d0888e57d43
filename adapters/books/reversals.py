"""Money that goes back: refunds, chargebacks, returned debits. Each is booked once under its external id, takes what is
free of its receipt first, then releases assignments, newest first. What a receivable owes again is the caller's to
reopen (`adapters/books/corrections.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from adapters.books import receipts, reductions
from adapters.books.tx import SYSTEM, Tx
from adapters.books.view import read
from domain import ledger
from schemas import tables as t

AUDITED = {"refund": "refund.paid", "chargeback": "payment.charged_back", "returned": "payment.returned"}
BY_STATE = {"unexplained": "refund.unexplained", "won": "payment.won", "failed": "refund.failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Money back as its source tells of it. `account`: where it was taken from; `due_by`: until when a chargeback may
    be contested."""

    source: str  # stripe | bank
    external_id: str
    kind: str  # refund | chargeback | returned
    amount: int
    occurred_on: date
    reason: str
    account: str
    due_by: datetime | None = None


def note_of(key: str) -> str:
    """What the postings of a reversal carry, so that each can be found again."""
    return f"reversal {key}"


def find(tx: Tx, source: str, external_id: str) -> t.Reversal | None:
    query = select(t.Reversal).where(
        t.Reversal.seller == tx.seller.key, t.Reversal.source == source, t.Reversal.external_id == external_id
    )
    return tx.session.exec(query).first()


def take_back(tx: Tx, receipt: t.Receipt, out: Outgoing) -> tuple[t.Reversal | None, tuple[t.Invoice, ...]]:
    """Books a chargeback or a returned debit; answers the receivables that lost money with it. None when this external
    id is booked already."""
    if find(tx, out.source, out.external_id) is not None:
        return None, ()
    hit = _release(tx, receipt, out)
    reversal = _row(tx, receipt, out, "booked", hit[0].id if hit else None)
    _post(tx, receipt, reversal, out)
    return reversal, hit


def refunded(tx: Tx, receipt: t.Receipt, out: Outgoing) -> t.Reversal | None:
    """Books a refund that the provider tells of and that Duely did not start: against what is free of its receipt, else
    unexplained, for a person to explain. None when it is booked already."""
    if find(tx, out.source, out.external_id) is not None:
        return None
    known = receipts.unassigned(tx, receipt) >= out.amount
    reversal = _row(tx, receipt, out, "booked" if known else "unexplained", _owner(tx, receipt))
    _post(tx, receipt, reversal, out)
    return reversal


def came_to_nothing(tx: Tx, receipt: t.Receipt, out: Outgoing, state: str) -> None:
    """Money that went and came back before we heard of it: kept without a posting, so that whoever tells later of its
    going is not believed. `state`: won | failed."""
    if find(tx, out.source, out.external_id) is None:
        _row(tx, receipt, out, state, _owner(tx, receipt))


def hit_by(tx: Tx, *back: t.Reversal) -> tuple[t.Invoice, ...]:
    """The receivables that lost their money with these."""
    query = select(t.Allocation.invoice).where(
        col(t.Allocation.receipt).in_({each.receipt for each in back}),
        col(t.Allocation.reason).in_({_why(each) for each in back}),
    )
    return tuple(tx.session.get_one(t.Invoice, id_) for id_ in sorted(set(tx.session.exec(query))))


def pay_again(tx: Tx, receipt: t.Receipt, only: t.Invoice | None = None) -> tuple[t.Invoice, ...]:
    """Money of a receipt that is free again pays those of its customer first that have lost its money, with the
    discount that went with it; answers these. Only what is left bears what was refunded: that never raises what is
    owed."""
    back = tx.session.exec(select(t.Reversal).where(t.Reversal.receipt == receipt.id)).all()
    whose = receipt.customer, receipt.currency
    hit = [row for row in hit_by(tx, *back) if (row.customer, row.currency) == whose and only in (None, row)]
    for row in hit:
        lost, have = reductions.forfeited(tx, row), receipts.unassigned(tx, receipt)
        receipts.settle(tx, row, *read(tx, row), receipt, offered=lost, have=have)
    _explain(tx, col(t.Reversal.receipt) == receipt.id)
    return tuple(hit)


def confirm(tx: Tx, reversal: t.Reversal, out: Outgoing) -> None:
    """A refund of ours has gone out under the provider's id."""
    if reversal.state not in {"requested", "claimed"}:
        return
    reversal.state, reversal.external_id, reversal.occurred_on = "booked", out.external_id, out.occurred_on
    tx.session.add(reversal)
    _post(tx, tx.session.get_one(t.Receipt, reversal.receipt), reversal, out)
    _audit(tx, reversal)


def explain(tx: Tx, row: t.Invoice) -> None:
    """Refunds of receipts that paid this receivable and that nobody could explain are borne by what has come free of
    them since. For whoever releases assignments, once none of it is assigned anew."""
    paid = select(t.Allocation.receipt).where(t.Allocation.invoice == row.id)
    _explain(tx, col(t.Reversal.receipt).in_(paid))


def _explain(tx: Tx, whose: ColumnElement[bool]) -> None:
    query = select(t.Reversal).where(whose, t.Reversal.state == "unexplained")
    for reversal in tx.session.exec(query.order_by(col(t.Reversal.at), col(t.Reversal.key))).all():
        receipt = tx.session.get_one(t.Receipt, reversal.receipt)
        if receipts.unassigned(tx, receipt) < reversal.amount:
            continue
        reversal.state = "booked"
        tx.session.add(reversal)
        tx.post(
            "explain",
            ledger.explain(reversal.amount),
            customer=receipt.customer or "",
            currency=receipt.currency,
            on=tx.today,
            note=note_of(reversal.key),
        )
        tx.audit("payment.explained", SYSTEM, invoice=reversal.invoice, reversal=reversal.key)
        tx.settle_exceptions(SYSTEM, "explained by the customer's credit", kind="refund_unexplained", key=reversal.key)


def undo(tx: Tx, reversal: t.Reversal, account: str, state: str, on: date) -> t.Receipt:
    """The money is back: a chargeback was won, a refund failed. It is the customer's credit until it is assigned."""
    receipt = tx.session.get_one(t.Receipt, reversal.receipt)
    if reversal.state in {"won", "failed"}:
        return receipt
    entries = ledger.reverse(ledger.give_back(account, reversal.amount, _bearer(receipt, reversal.state)))
    booked = reversal.state in {"booked", "unexplained"}
    reversal.state = state
    tx.session.add(reversal)
    if booked:
        tx.post(
            "undo",
            entries,
            customer=receipt.customer or "",
            currency=receipt.currency,
            on=on,
            note=note_of(reversal.key),
        )
    about = {"reversal": reversal.key, "amount": str(reversal.amount)}
    tx.audit(BY_STATE[state], SYSTEM, invoice=reversal.invoice, **about)
    return receipt


def _release(tx: Tx, receipt: t.Receipt, out: Outgoing) -> tuple[t.Invoice, ...]:
    """Takes assignments back until what is not assigned covers the amount."""
    short = out.amount - receipts.unassigned(tx, receipt)
    live = tx.session.exec(
        select(t.Allocation)
        .where(t.Allocation.receipt == receipt.id, col(t.Allocation.released_at).is_(None))
        .order_by(col(t.Allocation.id).desc())
    ).all()
    hit: dict[str, t.Invoice] = {}
    for allocation in live:
        if short <= 0:
            break
        row = tx.session.get_one(t.Invoice, allocation.invoice)
        receipts.unallocate(tx, row, allocation, _why(out), SYSTEM)
        if allocation.amount > short:
            receipts.allocate(tx, row, receipt, allocation.amount - short, allocation.at)
        short -= allocation.amount
        hit[row.id] = row
    for row in hit.values():
        reductions.forfeit(tx, row, receipt.id or 0)
    return tuple(hit.values())


def _owner(tx: Tx, receipt: t.Receipt) -> str | None:
    """The receivable that the receipt last paid: whose owner decides."""
    query = select(t.Allocation.invoice).where(t.Allocation.receipt == receipt.id)
    return tx.session.exec(query.order_by(col(t.Allocation.id).desc())).first()


def _row(tx: Tx, receipt: t.Receipt, out: Outgoing, state: str, invoice: str | None) -> t.Reversal:
    reversal = t.Reversal(
        key=f"{tx.seller.key}/{out.source}/{out.external_id}",
        seller=tx.seller.key,
        source=out.source,
        external_id=out.external_id,
        receipt=receipt.id or 0,
        invoice=invoice,
        kind=out.kind,
        amount=out.amount,
        state=state,
        reason=out.reason,
        occurred_on=out.occurred_on,
        due_by=out.due_by,
        by=SYSTEM,
        at=tx.now,
    )
    tx.session.add(reversal)
    tx.session.flush()
    _audit(tx, reversal)
    return reversal


def _audit(tx: Tx, reversal: t.Reversal) -> None:
    type_ = BY_STATE.get(reversal.state) or AUDITED[reversal.kind]
    tx.audit(
        type_,
        SYSTEM,
        invoice=reversal.invoice,
        reversal=reversal.key,
        receipt=str(reversal.receipt),
        amount=str(reversal.amount),
        reason=reversal.reason,
    )


def _post(tx: Tx, receipt: t.Receipt, reversal: t.Reversal, out: Outgoing) -> None:
    tx.post(
        out.kind,
        ledger.give_back(out.account, out.amount, _bearer(receipt, reversal.state)),
        customer=receipt.customer or "",
        currency=receipt.currency,
        on=out.occurred_on,
        note=note_of(reversal.key),
    )


def _bearer(receipt: t.Receipt, state: str) -> str:
    if state == "unexplained":
        return ledger.UNEXPLAINED
    return ledger.UNIDENTIFIED if receipt.customer is None else ledger.CUSTOMER_CREDIT


def _why(back: Outgoing | t.Reversal) -> str:
    """The reason kept with each assignment that it released."""
    return f"{back.kind} {back.external_id}"
