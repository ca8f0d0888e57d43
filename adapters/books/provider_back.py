"""What comes back at a provider: refunds, chargebacks, debits returned, and their end. A chargeback reopens the
receivable paused, a debit returned for lack of funds reopens it on the ladder, a refund never raises what is owed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import col, select

from adapters.books import corrections, provider_fees, receipts, refunds, reversals
from adapters.books.reversals import Outgoing
from adapters.books.tx import EXCEPTION_DEADLINE, SYSTEM, Tx
from adapters.books.view import read
from domain import calendar, ledger
from domain.payments import DisputeState, PaymentState, RefundState, contested
from domain.status import instant
from schemas import tables as t

DEBITS = frozenset({"sepa_debit", "bacs_debit", "us_bank_account", "acss_debit", "au_becs_debit"})
"""Payment methods where money taken back is a returned debit, not a card chargeback."""


def book(tx: Tx, row: t.Invoice, receipt: t.Receipt, state: PaymentState) -> Iterable[t.Invoice]:
    """Every refund and dispute of the payment, absolutely, in the order they happened. Answers the receivables that it
    changed."""
    touched: dict[str, t.Invoice] = {}
    told: list[RefundState | DisputeState] = [*state.refunds, *state.disputes]
    for back in sorted(told, key=lambda back: (back.at, back.id)):
        if isinstance(back, RefundState):
            hit = _refund(tx, row, receipt, state, back)
        else:
            hit = _dispute(tx, row, receipt, state, back)
        touched |= {each.id: each for each in hit}
    for each in {row.id: row, **touched}.values():
        reversals.explain(tx, each)
    return touched.values()


def _refund(
    tx: Tx, row: t.Invoice, receipt: t.Receipt, state: PaymentState, refund: RefundState
) -> Iterable[t.Invoice]:
    out = Outgoing(
        source=state.provider,
        external_id=refund.id,
        kind="refund",
        amount=refund.amount,
        occurred_on=calendar.local_date(refund.at, tx.seller.timezone),
        reason="refund",
        account=ledger.clearing(state.provider),
    )
    ours = _ours(tx, receipt, refund)
    if refund.status == "failed":
        return _refund_failed(tx, row, receipt, ours, out)
    if ours is not None:
        reversals.confirm(tx, ours, out)
    else:
        told = reversals.refunded(tx, receipt, out)
        if told is not None and told.state == "unexplained":
            tx.open_exception(
                "refund_unexplained",
                told.key,
                row.owner,
                row.id,
                receipt=receipt.id,
                amount=refund.amount,
                currency=receipt.currency,
                allocation=receipts.last(tx, receipt),
            )
    return ()


def _ours(tx: Tx, receipt: t.Receipt, refund: RefundState) -> t.Reversal | None:
    """The refund that Duely asked for under this key. One that we gave up on and that went out all the same is nobody's
    any more: its money may have been used since."""
    ours = tx.session.get(t.Reversal, refunds.key_of(refund)) if refund.key else None
    if ours is None or ours.receipt != receipt.id or ours.external_id not in {None, refund.id}:
        return None
    return None if ours.state == "failed" and ours.external_id is None else ours


def _refund_failed(
    tx: Tx, row: t.Invoice, receipt: t.Receipt, ours: t.Reversal | None, out: Outgoing
) -> Iterable[t.Invoice]:
    """The money is the customer's credit again. Of one that Duely was asked for, a person must find another way."""
    reversal = ours or reversals.find(tx, out.source, out.external_id)
    if reversal is None:
        reversals.came_to_nothing(tx, receipt, out, "failed")
        return ()
    if reversal.state in {"failed", "won"}:
        return ()
    reversal.external_id = out.external_id
    reversals.undo(tx, reversal, out.account, "failed", out.occurred_on)
    tx.settle_exceptions(SYSTEM, "the refund failed", kind="refund_unexplained", key=reversal.key)
    hit = reversals.pay_again(tx, receipt)
    if ours is not None:
        tx.open_exception("refund_failed", reversal.key, row.owner, row.id, amount=reversal.amount)
    else:
        receipts.left_over(tx, row, receipt)
    return hit


def _dispute(
    tx: Tx, row: t.Invoice, receipt: t.Receipt, state: PaymentState, dispute: DisputeState
) -> Iterable[t.Invoice]:
    known = reversals.find(tx, state.provider, dispute.id)
    if known is not None and known.state == "won" and dispute.status != "won":
        return ()  # told late, as it was before
    if dispute.taken or dispute.status == "won":
        provider_fees.post(tx, row, state.provider, dispute.id, dispute.fee, state.currency)
    if dispute.status == "won":
        return _won(tx, row, receipt, known, _out(tx, state, dispute))
    if not dispute.taken:
        if dispute.status == "open":
            tx.open_exception(
                "inquiry", dispute.id, row.owner, row.id, dispute.due_by, receipt=receipt.id, reason=dispute.reason
            )
        return ()
    if known is None:
        return _taken(tx, row, receipt, _out(tx, state, dispute))
    if dispute.status == "lost" and known.state == "booked" and known.due_by is not None:
        return _lost(tx, known)
    return ()


def _out(tx: Tx, state: PaymentState, dispute: DisputeState) -> Outgoing:
    returned = state.method in DEBITS or not contested(dispute.reason)
    return Outgoing(
        source=state.provider,
        external_id=dispute.id,
        kind="returned" if returned else "chargeback",
        amount=dispute.amount,
        occurred_on=calendar.local_date(dispute.at, tx.seller.timezone),
        reason=dispute.reason,
        account=ledger.clearing(state.provider),
        due_by=(dispute.due_by or tx.now + EXCEPTION_DEADLINE) if dispute.status == "open" else None,
    )


def _taken(tx: Tx, row: t.Invoice, receipt: t.Receipt, out: Outgoing) -> Iterable[t.Invoice]:
    """Where it took nothing but credit, somebody still decides whether to contest it."""
    _, hit = reversals.take_back(tx, receipt, out)
    for each in hit or (row,):
        come_back(tx, each, out, contested(out.reason))
    return hit


def come_back(tx: Tx, row: t.Invoice, out: Outgoing, paused: bool) -> None:
    """The receivable owes again: on a fresh run of its ladder, or paused with a person's decision to be made."""
    account, _ = read(tx, row)
    if account.balance > 0:
        corrections.reopen(tx, row)
    if not paused:
        return
    if account.balance > 0:
        until = f"; evidence until {instant(out.due_by)}" if out.due_by is not None else ""
        reason = f"{out.kind} {out.external_id}: {out.reason.replace('_', ' ')}{until}"
        tx.session.add(t.InvoiceHold(invoice=row.id, by=SYSTEM, reason=reason, since=tx.now))
    lost = "chargeback" if out.due_by is not None else "chargeback_lost"
    tx.open_exception(
        lost if out.kind == "chargeback" else "returned_debit",
        out.external_id,
        row.owner,
        row.id,
        out.due_by,
        amount=out.amount,
        reason=out.reason,
        source=out.source,
    )


def _won(tx: Tx, row: t.Invoice, receipt: t.Receipt, known: t.Reversal | None, out: Outgoing) -> Iterable[t.Invoice]:
    """The money is back: it pays the same receivables again, and their pause ends."""
    tx.settle_exceptions(SYSTEM, "closed without a loss", kind="inquiry", key=out.external_id)
    if known is None:
        reversals.came_to_nothing(tx, receipt, out, "won")
        return ()
    if known.state != "booked":
        return ()
    hit = reversals.hit_by(tx, known)
    reversals.undo(tx, known, out.account, "won", out.occurred_on)
    for kind in ("chargeback", "returned_debit", "chargeback_lost"):
        tx.settle_exceptions(SYSTEM, "won", kind=kind, key=out.external_id)
    for each in hit:
        lift(tx, each, out.external_id)
    again = reversals.pay_again(tx, receipt)
    receipts.left_over(tx, row, receipt)
    return (*hit, *again)


def _lost(tx: Tx, known: t.Reversal) -> Iterable[t.Invoice]:
    """Nothing moves any more; the person who decides learns that contesting is over."""
    known.due_by = None
    tx.session.add(known)
    tx.settle_exceptions(SYSTEM, "lost", kind="chargeback", key=known.external_id)
    tx.settle_exceptions(SYSTEM, "lost", kind="returned_debit", key=known.external_id)
    hit = reversals.hit_by(tx, known)
    for row in hit:
        if contested(known.reason) and read(tx, row)[0].balance > 0:
            tx.open_exception("chargeback_lost", known.external_id or "", row.owner, row.id, amount=known.amount)
    return hit


def lift(tx: Tx, row: t.Invoice, dispute: str) -> None:
    """Ends the pause that the dispute began."""
    held = select(t.InvoiceHold).where(
        t.InvoiceHold.invoice == row.id, t.InvoiceHold.by == SYSTEM, col(t.InvoiceHold.lifted_at).is_(None)
    )
    for hold in tx.session.exec(held):
        if f" {dispute}:" in hold.reason:
            hold.lifted_at = tx.now
            tx.session.add(hold)
            tx.audit("invoice.released", SYSTEM, invoice=row.id)
