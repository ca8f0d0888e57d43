"""The invariants of docs/invariants.md on books in memory: 2 and 4 to 8, on what a step touched and on all that is
kept. They compare what is kept in two places; they repair nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from adapters.books.checks.finding import Breach
from domain import audit, ledger, lifecycle
from domain.actions import Refund, Send, Wait
from domain.messages import MessageState
from schemas.steps import Outcome
from sim.memory.rows import House, Kept, Receipt, Receivable
from sim.memory.tx import Tx
from sim.memory.view import account as read

OUT = frozenset({MessageState.ACCEPTED, MessageState.SENT})
LEFT = frozenset({"message.sent", "invoice.sent"})


def seen(tx: Tx, row: Receivable) -> Outcome:
    """What a step would say, without settling anything."""
    account = read(tx, row)
    action = lifecycle.next_action(account, row.policy, tx.now)
    rest = action if isinstance(action, Wait | Send | Refund) else None
    return Outcome(account=account, policy=row.policy, action=rest, metadata=row.metadata)


def touched(tx: Tx, row: Receivable, outcome: Outcome) -> Iterator[Breach]:
    """After a step: the identity of `status` against the ledger, what is owed, and the receipts that moved."""
    account = outcome.account
    if account is not None and row.number is not None:
        if account.balance != row.ledger:
            yield Breach(5, row.id, f"`status` owes {account.balance}, the ledger {row.ledger}")
        if account.balance < 0:
            yield Breach(7, row.id, f"is below zero: {account.balance}")
    if row.phase is not row.told_phase:
        if row.entries == row.told_entries:
            yield Breach(6, row.id, f"{row.told_phase} became {row.phase} without an entry")
        row.told_phase, row.told_entries = row.phase, row.entries
    yield from receipts(tx.books)


def receipts(books: Kept) -> Iterator[Breach]:
    for receipt in sorted(books.moved, key=lambda each: each.id):
        yield from _receipt(receipt)
    books.moved.clear()


def _receipt(receipt: Receipt) -> Iterator[Breach]:
    if receipt.free < 0 or receipt.gone > receipt.amount:
        yield Breach(7, f"receipt {receipt.id}", f"assigns more than it is: {receipt.free} are left")


def everything(books: Kept) -> Iterator[Breach]:
    for house in books.houses.values():
        yield from _messages(house)
        yield from _numbers(house)
        yield from _ledger(house)
        yield from _revenue(house)
        yield from (Breach(6, house.seller.key, found) for found in audit.verify(house.chain, house.head))
        yield from _ends(house)
        yield from _once(house)


def _messages(house: House) -> Iterator[Breach]:
    """Each (due, episode, kind, rung, subject) of a receivable has left once at most, copies and attempts apart."""
    for row in house.rows.values():
        out = (m for m in row.messages() if m.state in OUT)
        sent = Counter((m.due, m.episode, m.kind, m.rung, m.subject, m.person) for m in out)
        yield from (Breach(2, row.id, f"{what} left {count} times") for what, count in sent.items() if count > 1)
    left = Counter(entry.keys["message"] for entry in house.chain if entry.type in LEFT)
    yield from (Breach(2, key, f"left {count} times") for key, count in left.items() if count > 1)


def _numbers(house: House) -> Iterator[Breach]:
    papers = {paper.id: paper for row in house.rows.values() for paper in row.documents}
    for (kind, year), taken in house.numbers.items():
        where, first = f"{house.seller.key} {kind} {year}", house.seller.series[kind][1]
        if [each.n for each in taken] != list(range(first, first + len(taken))):
            yield Breach(4, where, "has a gap or a repeat")
        if any(before.on > after.on for before, after in pairwise(taken)):
            yield Breach(4, where, "runs backwards in time")
        for each in taken:
            paper = papers.pop(each.document, None)
            if paper is None or (paper.number, paper.issued_on) != (each.number, each.on):
                yield Breach(4, where, f"{each.number} is not what {each.document} carries")
    yield from (Breach(4, paper.id, "carries a number that no series gave") for paper in papers.values())


def _ledger(house: House) -> Iterator[Breach]:
    owed, credit = Counter[str](), Counter[tuple[str, str]]()
    for at, posting in enumerate(house.postings):
        if not ledger.balanced(posting.entries):
            yield Breach(5, f"{house.seller.key}/{at}", "does not balance")
        for entry in posting.entries:
            if entry.account == ledger.RECEIVABLE:
                owed[posting.invoice or ""] += entry.amount
            elif entry.account == ledger.CUSTOMER_CREDIT:
                credit[posting.customer, posting.currency] -= entry.amount
    for row in house.rows.values():
        if row.number is not None and owed[row.id] != row.ledger:
            yield Breach(5, row.id, f"its postings come to {owed[row.id]}, it owes {row.ledger}")
    for (customer, currency), amount in credit.items():
        free = sum(each.free for each in house.receipts.get(customer, ()) if each.currency == currency)
        if amount < 0 or amount != free:
            yield Breach(7, f"{house.seller.key}/{customer}", f"has {amount} credit, its receipts have {free} left")


def _revenue(house: House) -> Iterator[Breach]:
    """Where credit notes took back all that was issued, nothing stays on any revenue account."""
    gone = {row.id for row in house.rows.values() if 0 < row.total == row.sums.get("credited", 0)}
    left = Counter[tuple[str, str]]()
    for posting in house.postings:
        if posting.invoice in gone:
            for entry in posting.entries:
                left[posting.invoice, entry.account] += entry.amount * entry.account.startswith(ledger.REVENUE)
    for (row, account), off in left.items():
        if off:
            yield Breach(5, row, f"all of it was credited, {account} still holds {-off}")


def _ends(house: House) -> Iterator[Breach]:
    """Whether a dispute, promise, plan or approval ended, and how, is what the chain was told last. Of approvals only
    those that wait are kept; that of a draft ends without a word of its own when the draft is cancelled."""
    told: dict[tuple[str, str, str], str | None] = {}
    for entry in house.chain:
        if entry.type == "invoice.cancelled":
            told = {what: how for what, how in told.items() if what[:2] != (entry.keys.get("invoice"), "subject")}
        for name, types in audit.ENDS.items():
            if entry.type in types and name in entry.keys:
                outcome = audit.ended(name, entry.type, entry.keys.get("outcome"))
                told[entry.keys["invoice"], name, entry.keys[name]] = outcome
    here: dict[tuple[str, str, str], str | None] = {}
    for row in house.rows.values():
        for name, kept in (("dispute", row.disputes), ("promise", row.promises), ("plan", row.plans)):
            here.update(((row.id, name, each.id), each.outcome) for each in kept)
        here.update(((row.id, "subject", id_), None) for id_ in row.subjects)
    for what in {**told, **here}:
        there = told.get(what, "nothing")
        if what not in here and there is not None:
            continue
        if here.get(what, "gone") != there:
            yield Breach(6, "/".join(what), f"outcome is {here.get(what, 'gone')}, the chain was told {there}")


def _once(house: House) -> Iterator[Breach]:
    booked = Counter(posting.note for posting in house.postings if posting.kind == "receipt")
    for receipt in house.external.values():
        yield from _receipt(receipt)
        if (count := booked[f"receipt {receipt.id}"]) != 1:
            yield Breach(8, f"receipt {receipt.id}", f"is booked {count} times")
    back = Counter(posting.note for posting in house.postings if posting.kind in {"returned", "refund"})
    yield from (Breach(8, note, f"is booked {count} times") for note, count in back.items() if count > 1)
