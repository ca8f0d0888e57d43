"""What comes back at a provider: refunds, chargebacks, debits returned, and their end. A chargeback reopens the
receivable paused, a debit returned for lack of funds reopens it on the ladder, a refund never raises what is owed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import col, select

from adapters.books import corrections, provider_fees, receipts, reversals
from adapters.books.reversals import Outgoing
from adapters.books.tx import SYSTEM, Tx
from adapters.books.view import read
from domain import calendar, ledger
from domain.payments import DisputeState, PaymentState, RefundState, contested
from schemas import tables as t

DEBITS = frozenset({"sepa_debit", "bacs_debit", "us_bank_account", "acss_debit", "au_becs_debit"})
"""Payment methods where money taken back is a returned debit, not a card chargeback."""


def book(tx: Tx, row: t.Invoice, receipt: t.Receipt, state: PaymentState) -> Iterable[t.Invoice]:
    """Every refund and dispute of the payment, absolutely. Answers the receivables that it changed."""
    touched: dict[str, t.Invoice] = {}
    for refund in state.refunds:
        _refund(tx, row, receipt, state, refund)
    for dispute in state.disputes:
        touched |= {each.id: each for each in _dispute(tx, row, receipt, state, dispute)}
        provider_fees.post(tx, row, state.provider, dispute.id, dispute.fee, state.currency)
    return touched.values()


def _refund(tx: Tx, row: t.Invoice, receipt: t.Receipt, state: PaymentState, refund: RefundState) -> None:
    out = Outgoing(
        source=state.provider,
        external_id=refund.id,
        kind="refund",
        amount=refund.amount,
        occurred_on=calendar.local_date(refund.at, tx.seller.timezone),
        reason="refund",
        account=ledger.clearing(state.provider),
    )
    ours = tx.session.get(t.Reversal, refund.key) if refund.key else None
    if refund.status == "failed":
        _refund_failed(tx, row, ours or reversals.find(tx, state.provider, refund.id), out)
    elif ours is not None:
        reversals.confirm(tx, ours, out)
    else:
        told = reversals.refunded(tx, receipt, out)
        if told is not None and told.state == "unexplained":
            tx.open_exception(
                "refund_unexplained", told.key, row.owner, row.id, receipt=receipt.id, amount=refund.amount
            )


def _refund_failed(tx: Tx, row: t.Invoice, reversal: t.Reversal | None, out: Outgoing) -> None:
    """The money is the customer's credit again: another way must be found."""
    if reversal is None or reversal.state in {"failed", "won"}:
        return
    reversals.undo(tx, reversal, out.account, "failed", out.occurred_on)
    tx.settle_exceptions(SYSTEM, "the refund failed", kind="refund_unexplained", key=reversal.key)
    tx.open_exception("refund_failed", reversal.key, row.owner, row.id, amount=reversal.amount)


def _dispute(
    tx: Tx, row: t.Invoice, receipt: t.Receipt, state: PaymentState, dispute: DisputeState
) -> Iterable[t.Invoice]:
    known = reversals.find(tx, state.provider, dispute.id)
    if dispute.status == "won" or (known is not None and not dispute.taken and dispute.status != "lost"):
        return _won(tx, known, dispute)
    if not dispute.taken:
        if dispute.status == "open":
            tx.open_exception(
                "inquiry", dispute.id, row.owner, row.id, dispute.due_by, receipt=receipt.id, reason=dispute.reason
            )
        return ()
    if known is None:
        return _taken(tx, receipt, state, dispute)
    if dispute.status == "lost" and known.state == "booked" and known.due_by is not None:
        return _lost(tx, known)
    return ()


def _taken(tx: Tx, receipt: t.Receipt, state: PaymentState, dispute: DisputeState) -> Iterable[t.Invoice]:
    paused = contested(dispute.reason)
    kind = "returned" if state.method in DEBITS or not paused else "chargeback"
    out = Outgoing(
        source=state.provider,
        external_id=dispute.id,
        kind=kind,
        amount=dispute.amount,
        occurred_on=calendar.local_date(dispute.at, tx.seller.timezone),
        reason=dispute.reason,
        account=ledger.clearing(state.provider),
        due_by=dispute.due_by if dispute.status == "open" else None,
    )
    _, hit = reversals.take_back(tx, receipt, out)
    for row in hit:
        come_back(tx, row, out, paused)
    return hit


def come_back(tx: Tx, row: t.Invoice, out: Outgoing, paused: bool) -> None:
    """The receivable owes again: on a fresh run of its ladder, or paused with a person's decision to be made."""
    account, _ = read(tx, row)
    if account.balance <= 0:
        return
    corrections.reopen(tx, row)
    if not paused:
        return
    reason = f"{out.kind} {out.external_id}: {out.reason.replace('_', ' ')}"
    tx.session.add(t.InvoiceHold(invoice=row.id, by=SYSTEM, reason=reason, since=tx.now))
    kind = "chargeback" if out.kind == "chargeback" else "returned_debit"
    tx.open_exception(
        kind, out.external_id, row.owner, row.id, out.due_by, amount=out.amount, reason=out.reason, source=out.source
    )


def _won(tx: Tx, known: t.Reversal | None, dispute: DisputeState) -> Iterable[t.Invoice]:
    """The money is back: it pays the same receivable again, and the pause ends."""
    tx.settle_exceptions(SYSTEM, "closed without a loss", kind="inquiry", key=dispute.id)
    if known is None or known.state != "booked":
        return ()
    on = calendar.local_date(dispute.at, tx.seller.timezone)
    receipt = reversals.undo(tx, known, ledger.clearing(known.source), "won", on)
    row = tx.session.get(t.Invoice, known.invoice or "")
    if row is None:
        return ()
    for kind in ("chargeback", "returned_debit"):
        tx.settle_exceptions(SYSTEM, "won", kind=kind, key=dispute.id)
    lift(tx, row, dispute.id)
    account, policy = read(tx, row)
    if receipt.currency == row.currency:
        receipts.settle(tx, row, account, policy, receipt)
    return (row,)


def _lost(tx: Tx, known: t.Reversal) -> Iterable[t.Invoice]:
    """Nothing moves any more; the person who decides learns that contesting is over."""
    known.due_by = None
    tx.session.add(known)
    row = tx.session.get(t.Invoice, known.invoice or "")
    if row is None:
        return ()
    tx.settle_exceptions(SYSTEM, "lost", kind="chargeback", key=known.external_id)
    tx.open_exception("chargeback_lost", known.external_id or "", row.owner, row.id, amount=known.amount)
    return (row,)


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
