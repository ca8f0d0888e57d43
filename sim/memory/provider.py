"""What a payment provider says of one payment, booked in memory absolutely: told twice, late or out of order it changes
nothing more. Payments that came in and what was taken back again; pages to pay on and refunds are not kept here."""

from __future__ import annotations

from datetime import timedelta

from domain import calendar, ledger
from domain.errors import NotFound, Refused
from domain.payments import DisputeState, PaymentState, contested
from sim.memory import back, money
from sim.memory.rows import Receipt, Receivable
from sim.memory.settle import settle
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read

CONTESTED_FOR = timedelta(days=3)
DEBITS = frozenset({"sepa_debit", "bacs_debit", "us_bank_account", "acss_debit", "au_becs_debit"})


def paid(tx: Tx, row: Receivable, state: PaymentState) -> tuple[str, ...]:
    """Answers the receivables whose workflows must read the books again."""
    if row.number is None:
        raise NotFound(f"payment {state.id} names {state.invoice}, which is not in the books")
    if state.session or state.refunds or any(d.status == "won" or not d.taken for d in state.disputes):
        raise Refused(f"payment {state.id}: these books keep no pages to pay on, refunds or disputes that are won")
    tx.now = max(tx.now, row.updated_at)
    receipt, rest = _receive(tx, row, state)
    touched = {row.id: row}
    if receipt is not None:
        for dispute in sorted(state.disputes, key=lambda each: (each.at, each.id)):
            touched |= {each.id: each for each in _taken(tx, row, receipt, _out(tx, state, dispute))}
    for each in touched.values():
        tx.now = max(tx.now, each.updated_at)
        settle(tx, each)
    if receipt is not None and (rest or receipt.free <= 0):
        money.left_over(tx, row, receipt)
    return tuple(touched)


def _receive(tx: Tx, row: Receivable, state: PaymentState) -> tuple[Receipt | None, int]:
    """The receipt of a payment that succeeded, and what of it this call could not assign."""
    if state.status != "succeeded" or state.paid <= 0:
        return None, 0
    known = tx.house.external.get((state.provider, state.id))
    if known is not None:
        return known, 0
    zone, account = tx.seller.facts.timezone, ledger.clearing(state.provider)
    told = money.Incoming(
        source=state.provider, external_id=state.id, amount=state.paid, currency=state.currency,
        received_on=calendar.local_date(state.at or tx.now, zone), account=account,
    )  # fmt: skip
    receipt = money.book(tx, told, row.customer.key, SYSTEM, row)
    if state.fee and receipt is not None:
        money.post(tx, "fee", receipt, ledger.fee(account, state.fee), receipt.received_on, state.id)
        tx.audit("payment.fee_charged", SYSTEM, row, about=state.id, amount=str(state.fee))
    if receipt is None or receipt.currency != row.content.currency:
        return receipt, state.paid
    tried_on = calendar.local_date(state.tried_at, zone) if state.tried_at else None
    return receipt, money.settle(tx, row, read(tx, row), receipt, on=tried_on)


def _out(tx: Tx, state: PaymentState, dispute: DisputeState) -> back.Outgoing:
    returned = state.method in DEBITS or not contested(dispute.reason)
    return back.Outgoing(
        source=state.provider, external_id=dispute.id, kind="returned" if returned else "chargeback",
        amount=dispute.amount, on=calendar.local_date(dispute.at, tx.seller.facts.timezone), reason=dispute.reason,
        account=ledger.clearing(state.provider),
        due_by=(dispute.due_by or tx.now + CONTESTED_FOR) if dispute.status == "open" else None,
    )  # fmt: skip


def _taken(tx: Tx, row: Receivable, receipt: Receipt, out: back.Outgoing) -> list[Receivable]:
    """Where it took nothing but credit, somebody still decides whether to contest it."""
    hit = back.take(tx, receipt, out)
    if hit is None:
        return []
    for each in hit or [row]:
        back.come_back(tx, each, out, contested(out.reason))
    return hit
