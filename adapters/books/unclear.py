"""Credits that matching is not sure of: money for a receivable that is closed or in another currency is the named
customer's credit; money that nobody can tell stays unidentified, with proposals for a person."""

from __future__ import annotations

import re
from typing import Any

from sqlmodel import col, select

from adapters.books import learned, receipts
from adapters.books.open_items import iban_hash
from adapters.books.statement_desk import Desk, Done
from adapters.books.tx import Tx
from adapters.books.view import read
from domain import keys
from domain.account import CLOSED, Phase
from domain.matching import Proposal, Unclear
from domain.money import show
from schemas import tables as t

MAY_BE_CLOSED = frozenset({"no_key", "bad_reference", "nothing_open", "contradicted", "wrong_currency"})
"""Why nothing was matched, where the keys of closed receivables may tell more."""
_SPLIT = re.compile(r"[\s,;:()]+")
_SHORTEST_NUMBER, _WORDS, _PIECES = 4, 200, 8


def book(desk: Desk, line: t.BankLine, found: Unclear) -> Done:
    """Always a receipt: the money is there, whoever sent it."""
    rows = _certain(desk.tx, line) if found.why in MAY_BE_CLOSED else ()
    if rows and all(row.currency != line.currency for row in rows):
        return _wrong_currency(desk, line, rows[0])
    if rows and all(row.currency == line.currency and Phase(row.phase) in CLOSED for row in rows):
        return _paid_again(desk, line, rows)
    receipt = desk.receipt(line, None)
    for customer in sorted(found.candidates):
        desk.tx.session.add(t.ReceiptCandidate(receipt=receipt.id or 0, customer=customer))
    desk.tx.open_exception(
        "unmatched_receipt",
        str(receipt.id),
        owner(desk.tx),
        None,
        receipt=receipt.id,
        amount=show(line.amount, line.currency),
        currency=line.currency,
        received_on=line.booked_on.isoformat(),
        line=line.key,
        why=found.text,
        proposals=[_proposal(receipt, each) for each in found.proposals],
    )
    return Done("unclear", found.why, receipt.id)


def owner(tx: Tx) -> str:
    """Who decides what concerns no receivable."""
    return str(tx.seller.profile.get("owner", ""))


def named(tx: Tx, line: t.BankLine) -> tuple[tuple[t.Invoice, ...], bool]:
    """The receivables whose keys stand in a line as they were printed, open or not; and whether every key is a creditor
    reference, which proves itself."""
    words = [word.strip(".") for word in _SPLIT.split(f"{line.reference} {line.text}")[:_WORDS]]
    pieces = [*words, *(piece for word in words for piece in word.split("/"))]
    proven = {found for at in range(len(words)) if (found := _reference(words[at : at + _PIECES]))}
    wanted = proven | {word for word in pieces if len(word) >= _SHORTEST_NUMBER and any(map(str.isdigit, word))}
    query = (
        select(t.Invoice, t.ReferenceTarget.reference)
        .join(t.ReferenceTarget, col(t.ReferenceTarget.invoice) == col(t.Invoice.id))
        .where(t.ReferenceTarget.seller == tx.seller.key, col(t.ReferenceTarget.reference).in_(wanted))
        .order_by(col(t.Invoice.id))
    )
    pairs = list(tx.session.exec(query))
    rows = {row.id: row for row, _ in pairs}
    known = {reference for _, reference in pairs}
    return tuple(rows.values()), bool(known) and known <= proven and proven <= known


def _reference(words: list[str]) -> str | None:
    """The creditor reference that begins with the first of these words, which may be its first group only."""
    if not words[0].upper().startswith("RF"):
        return None
    spellings = ("".join(words[:count]) for count in range(1, len(words) + 1))
    return next((found for text in spellings if (found := keys.valid_creditor_reference(text))), None)


def _certain(tx: Tx, line: t.BankLine) -> tuple[t.Invoice, ...]:
    """Those of one customer, if a creditor reference says so, or numbers do and the payer is that customer."""
    rows, proven = named(tx, line)
    if len({row.customer for row in rows}) != 1:
        return ()
    return rows if proven or _from(tx, line, rows[0]) else ()


def _from(tx: Tx, line: t.BankLine, row: t.Invoice) -> bool:
    known = tx.session.get(t.LearnedIban, (tx.seller.key, iban_hash(tx, line.iban)))
    return known.customer == row.customer if known is not None else learned.is_payer(line, row)


def _wrong_currency(desk: Desk, line: t.BankLine, row: t.Invoice) -> Done:
    receipt = desk.receipt(line, row.customer, row.id)
    desk.overpaid(line, receipt, row, "wrong_currency")
    return Done("booked", "wrong_currency", receipt.id)


def _paid_again(desk: Desk, line: t.BankLine, rows: tuple[t.Invoice, ...]) -> Done:
    """A debt that was written off is recovered; what nobody owes is the customer's credit."""
    receipt = desk.receipt(line, rows[0].customer, rows[0].id)
    recovered = False
    for row in rows:
        with desk.at(row):
            account, policy = read(desk.tx, row)
            if account.bad_debt:
                receipts.settle(desk.tx, row, account, policy, receipt)
                recovered = True
        desk.rest(row)
    paid = all(row.phase == Phase.PAID.value for row in rows)
    desk.overpaid(line, receipt, rows[0], "paid_twice" if paid else "overpaid")
    return Done("booked", "recovered" if recovered else "closed", receipt.id)


def _proposal(receipt: t.Receipt, proposal: Proposal) -> dict[str, Any]:
    invoices = [each.invoice for each in proposal.allocations]
    return {
        "invoices": invoices,
        "amounts": [show(each.amount, receipt.currency) for each in proposal.allocations],
        "customer": proposal.customer,
        "confidence": proposal.confidence,
        "evidence": proposal.evidence,
        "command": f"duely apply {receipt.id} {' '.join(invoices)} --by …",
    }
