"""Checks any books against the invariants that a database alone can show (1, 2, 4 to 8), and its archive of documents.

It repairs nothing and runs in one snapshot. Invariant 9 needs the workflows as well: whoever calls it without a server
says that this was not checked.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from adapters.books.checks import archive as files
from adapters.books.checks import bank, ledger, messages, numbers, proof, provider, queue, receipts, sessions
from adapters.books.checks.finding import Breach, Check
from adapters.books.engine import read

__all__ = ["Breach", "checks", "verify"]

checks: tuple[Check, ...] = (
    queue.exceptions_are_owned,
    queue.decisions_are_told,
    messages.items_once,
    messages.providers_once,
    messages.effects_have_messages,
    messages.acting_messages_have_effects,
    messages.keys_name_their_items,
    messages.deliveries_are_reported,
    messages.attempts_arrive_once,
    numbers.series_are_whole,
    numbers.numbers_have_documents,
    numbers.documents_have_numbers,
    numbers.invoices_show_their_number,
    numbers.adopted_numbers_are_not_ours,
    ledger.transactions_balance,
    ledger.postings_fit_their_invoice,
    ledger.totals_agree,
    ledger.lines_agree,
    ledger.documents_agree,
    ledger.credits_agree,
    ledger.credited_revenue_is_gone,
    ledger.discounts_are_paid_for,
    ledger.prepayments_are_taxed,
    ledger.allocations_agree,
    receipts.receipts_are_posted,
    receipts.receipts_are_not_exceeded,
    receipts.credit_is_left_of_receipts,
    receipts.reversals_fit_their_receipt,
    receipts.what_left_is_no_credit,
    receipts.external_ids_once,
    provider.reversals_are_posted,
    provider.reversals_are_told,
    provider.fees_are_told,
    provider.payouts_are_posted,
    sessions.paid_sessions_have_receipts,
    sessions.sessions_ask_for_their_amount,
    bank.references_are_whole,
    bank.lines_are_counted,
    bank.lines_are_told,
    bank.lines_are_booked,
    bank.receipts_have_lines,
    proof.chains_are_whole,
    proof.contents_are_as_hashed,
    proof.issues_are_told,
    proof.sendings_are_told,
    proof.none_is_missing,
    proof.disputes_are_told,
    proof.promises_are_told,
    proof.ends_are_told,
    proof.plans_are_told,
    proof.approvals_are_told,
    proof.sessions_are_told,
    proof.allocations_are_told,
    proof.credits_are_told,
    proof.messages_are_told,
    proof.models_are_told,
    proof.files_are_told,
    proof.holds_are_told,
)


def verify(engine: Engine, archive: Path | None = None) -> list[Breach]:
    """Every breach, in the order of `checks`; empty when the books are whole. Unavailable when the database is not
    there. With `archive` each stored document is read and its hash compared."""
    with read(engine) as session:
        found = [breach for check in checks for breach in check(session)]
        if archive is not None:
            found += files.files_are_whole(session, archive)
    return found
