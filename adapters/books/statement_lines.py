"""Books the lines of a statement, one after the other: each line's state goes with what was booked for it. What
matching is sure of is assigned; everything else is kept for a person, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

from adapters.books import learned, open_items, receipts, statement_back, unclear
from adapters.books.open_items import Known
from adapters.books.statement_desk import Desk, Done, note
from adapters.books.tx import SYSTEM
from adapters.books.view import read
from domain import settlement
from domain.account import Account
from domain.matching import LEARNED_IBAN, Allocated, Automatic, Unclear
from domain.policy import Policy
from schemas import tables as t

KEYED = frozenset({"reference", "number", "several_keys"})


def book(desk: Desk, line: t.BankLine) -> None:
    """The one place that decides a line's state."""
    before = desk.tx.seller.audit_seq
    done = statement_back.book(desk, line) or _credit(desk, line)
    note(desk.tx, line, done, SYSTEM)
    if done.in_step and desk.known is not None and desk.known.seq == before:
        desk.known.seq = desk.tx.seller.audit_seq


def _credit(desk: Desk, line: t.BankLine) -> Done:
    """What the payer wrote comes first: a customer may mention a payment provider."""
    desk.known = open_items.known(desk.tx, line.booked_on, desk.known)
    credit = open_items.credit_of(desk.tx, line)
    found = desk.known.matcher.match(credit)
    if isinstance(found, Automatic) and found.rule == LEARNED_IBAN and _names_another(desk, line, found):
        found = desk.known.matcher.match(replace(credit, lost=True))
    if isinstance(found, Unclear):
        return statement_back.payout(desk.tx, line) or unclear.book(desk, line, found)
    return _automatic(desk, line, found, desk.known)


def _names_another(desk: Desk, line: t.BankLine, found: Automatic) -> bool:
    """Whether it names a receivable by its key that it would not pay: one that is closed, which matching cannot see."""
    paid = {each.invoice for each in found.allocations}
    return any(row.id not in paid for row in unclear.named(desk.tx, line)[0])


def _automatic(desk: Desk, line: t.BankLine, found: Automatic, known: Known) -> Done:
    """One receipt, assigned as matched; what a bank kept of it is borne where that settles the receivable."""
    rows = [desk.tx.session.get_one(t.Invoice, each.invoice) for each in found.allocations]
    receipt = desk.receipt(line, found.customer, rows[0].id)
    kept, expected = line.charges, []
    for row, each in zip(rows, found.allocations, strict=True):
        have = min(each.amount, receipts.free(desk.tx, receipt))
        with desk.at(row):
            account, policy = read(desk.tx, row)
            expected.append(_expected(account, policy, line, each))
            of = have if len(rows) > 1 else None
            receipts.settle(desk.tx, row, account, policy, receipt, have=of, kept=min(kept, each.amount - have))
        kept -= each.amount - have
    desk.overpaid(line, receipt, rows[0])
    in_step = [desk.rest(row).balance for row in rows] == expected
    known.matcher.book(found.allocations)
    if found.rule in KEYED:
        known.hear(learned.learn_from_key(desk.tx, line, rows[0]))
    return Done("booked", found.rule, receipt.id, in_step)


def _expected(account: Account, policy: Policy, line: t.BankLine, each: Allocated) -> int:
    """What the matcher takes to be open afterwards."""
    discount = settlement.discount_now(account, policy, line.booked_on)
    return 0 if each.amount >= account.balance - discount else account.balance - each.amount
