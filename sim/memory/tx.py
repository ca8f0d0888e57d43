"""One step on one seller's books in memory: what every change writes beside itself (chain, postings, reasons,
questions) and how a refused one is undone. It decides nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from domain import audit, calendar, ledger
from domain.account import Person
from domain.actions import Why
from domain.exceptions import Question
from domain.messages import Message
from sim.memory.parties import Seller
from sim.memory.rows import House, Kept, Letter, Posting, Reason, Receipt, Receivable

SYSTEM = "duely"
ASKED_FOR = timedelta(days=3)
"""How long a question may wait, unless it says so itself."""

SUMS = {
    "issue": ("total", 1), "allocate": ("paid", -1), "unallocate": ("paid", -1), "credit": ("credited", -1),
    "discount": ("discounted", -1), "write_off": ("written_off", -1), "recover": ("written_off", -1),
    "withheld": ("withheld", -1),
}  # fmt: skip
"""What a posting's kind is called in the identity of `status`, and with which sign."""


@dataclass
class Tx:
    """`now` is the workflow's."""

    books: Kept
    house: House
    now: datetime
    _touched: dict[int, tuple[Receipt, tuple[Any, ...]]] = field(default_factory=dict)

    @property
    def seller(self) -> Seller:
        return self.house.seller

    @cached_property
    def today(self) -> date:
        return calendar.local_date(self.now, self.seller.facts.timezone)

    def person(self, key: str) -> Person | None:
        return self.books.parties.people.get(key)

    def actor_kind(self, by: str) -> str:
        if by == SYSTEM:
            return "machine"
        person = self.person(by)
        return "customer" if person is None else "machine" if person.machine else "person"

    def audit(self, type_: str, by: str, row: Receivable | None = None, **keys: str) -> None:
        """The next entry of the chain; a claim of somebody unknown stands there as a salted reference."""
        known = by == SYSTEM or by in self.books.parties.people
        if row is not None:
            keys["invoice"] = row.id
            row.entries += 1
        house = self.house
        entry = audit.link(
            self.seller.key, house.head, at=self.now, type_=type_, actor=by if known else self.text(by),
            actor_kind=self.actor_kind(by), keys=keys,
        )  # fmt: skip
        house.head = audit.head_of(entry)
        house.chain.append(entry)

    def text(self, text: str) -> str:
        return self.seller.reference(text)

    def contact(self, email: str) -> str:
        return self.seller.reference(email.lower())

    def post(
        self, kind: str, entries: Sequence[ledger.Entry], *, customer: str, currency: str, on: date,
        row: Receivable | None = None, note: str = "",
    ) -> None:  # fmt: skip
        """One balanced transaction, and what it does to the sums that are kept of the ledger."""
        if not entries:
            return
        if not ledger.balanced(entries):
            raise AssertionError(f"I5: {kind} does not balance: {entries}")
        posted, _ = ledger.posted_on(on, self.seller.locked_until)
        self.house.postings.append(
            Posting(kind, row.id if row is not None else None, customer, currency, tuple(entries), posted, note)
        )
        for entry in entries:
            if entry.account == ledger.CUSTOMER_CREDIT:
                at = (customer, currency)
                self.house.credit[at] = self.house.credit.get(at, 0) - entry.amount
            elif entry.account == ledger.RECEIVABLE and row is not None:
                self._sum(row, kind, entry.amount, note)

    def _sum(self, row: Receivable, kind: str, amount: int, note: str) -> None:
        name, sign = SUMS[kind]
        row.sums[name] = row.sums.get(name, 0) + sign * amount
        if kind == "recover" or (kind == "write_off" and note == "bad_debt"):
            row.sums["bad_debt"] = row.sums.get("bad_debt", 0) - amount
        row.ledger += amount
        row.moved |= name == "paid"

    def why(self, row: Receivable, verdict: str, why: Why, message: str) -> None:
        """The reason for a message sent, withheld or moved."""
        row.whys = (*row.whys, Reason(verdict, why.code, why.text, message, self.now))

    def ask(self, kind: str, key: str, row: Receivable, owner: str = "", deadline: datetime | None = None) -> None:
        """Puts a decision before a person, once."""
        if (kind, key) in row.questions:
            return
        until = deadline or self.now + ASKED_FOR
        row.questions[kind, key] = Question(kind=kind, owner=owner or row.owner, deadline=until)
        row.ever_asked |= {(kind, key)}
        self.audit("exception.opened", SYSTEM, row, kind=kind, about=key)

    def answered(
        self, by: str, row: Receivable, *, kind: str | None = None, key: str | None = None,
        but: Collection[str] = (), sole: bool = False,
    ) -> None:  # fmt: skip
        """Takes questions of a receivable off the queue; `sole`: only if there is no more than one."""
        meant = [asked for asked in row.questions if kind in (None, asked[0]) and key in (None, asked[1])]
        for its_kind, its_key in meant:
            if its_kind not in but and not (sole and len(meant) > 1):
                del row.questions[its_kind, its_key]
                self.audit("exception.settled", by, row, kind=its_kind, about=its_key)

    def put(self, row: Receivable, letter: Letter) -> Letter:
        row.letters[letter.message.key] = letter
        row.mails = None
        return letter

    def change(self, row: Receivable, letter: Letter, message: dict[str, Any] | None = None, **about: Any) -> Letter:
        """The letter with other values, of its message too."""
        changed: Message = replace(letter.message, **message) if message else letter.message
        return self.put(row, replace(letter, message=changed, **about))

    def touch(self, receipt: Receipt) -> Receipt:
        """Before a receipt changes."""
        if receipt.id not in self._touched:
            self._touched[receipt.id] = (receipt, (receipt.parts, receipt.gone, receipt.customer, receipt.asks))
        self.books.moved.add(receipt)
        return receipt

    @contextmanager
    def whole(self, row: Receivable) -> Iterator[None]:
        """All of it or nothing: whatever is raised inside leaves the books as they were."""
        house = self.house
        saved, credit, last_on = row.saved(), dict(house.credit), dict(house.last_on)
        chain, head, postings = len(house.chain), house.head, len(house.postings)
        numbers = {series: len(taken) for series, taken in house.numbers.items()}
        self._touched.clear()
        try:
            yield
        except BaseException:
            row.put_back(saved)
            house.credit, house.last_on, house.head = credit, last_on, head
            del house.chain[chain:], house.postings[postings:]
            for series, taken in house.numbers.items():
                del taken[numbers.get(series, 0) :]
            for receipt, (parts, gone, customer, asks) in self._touched.values():
                receipt.parts, receipt.gone, receipt.customer, receipt.asks = parts, gone, customer, asks
            raise
