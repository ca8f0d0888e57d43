"""The books in memory as a town's: quick, and without what they leave out (assignments taken back by hand, reports of
mails). Letters are made without words: what they say is proved elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import cast

from activities.sending import Sender
from adapters.books.books import Books as Real
from adapters.letters import Composer
from adapters.letters import Letter as Written
from adapters.mail.port import Address, Message
from domain import ledger
from domain.delivery import MailEvent
from domain.payments import PaymentState
from schemas.commands import Release
from schemas.steps import Outcome, SendStep
from schemas.stops import Stop
from sim.books import SELLER, Between, template
from sim.memory.books import Books
from sim.memory.money import Incoming
from sim.memory.parties import Parties
from sim.memory.rows import Letter, Receivable
from sim.post import Post
from sim.watch import Complain

CONTESTED = "MD06"
"""The code of a debit that its payer wants back: what a chargeback is at a bank."""


@dataclass(frozen=True, slots=True)
class Plain(Sender):
    """Sends a claimed message as its row stands."""

    def _compose(self, step: SendStep) -> Written:
        letter = letter_of(cast(Books, self.books), step.key)
        message = letter.message
        sender = Address(SELLER, "duely@demo.example")
        return Written(
            Message(
                key=step.key, kind=message.kind, invoice=step.workflow_id, rung=message.rung, sender=sender,
                to=(Address("", letter.contact),), reply_to="", subject=letter.template, text="", html="",
                language="en", at=step.now,
            ),
            None,
        )  # fmt: skip


@dataclass
class Memory:
    """`books.technical` is the server's clock: a lease runs out in virtual time."""

    books: Books

    @property
    def reasons(self) -> Counter[tuple[str, str]]:
        return Counter((why.verdict, why.code) for row in self._rows() for why in row.whys)

    def about(self, key: str) -> tuple[str, str, int]:
        letter = letter_of(self.books, key)
        return letter.message.kind, letter.message.rung or "", letter.amount

    def sender(self, between: Between, post: Post) -> Sender:
        return Plain(cast(Real, between), post, cast(Composer, None))

    def pause_all(self, by: str, now: datetime) -> None:
        self.books.pause_all(by, "everybody stop", now)

    def resume_all(self, by: str, now: datetime) -> None:
        self.books.resume_all(by, now)

    def stop(self, customer: str, by: str, kind: str, now: datetime) -> None:
        said = Stop.model_validate({"by": by, "reason": "a word with them", "kind": kind})
        self.books.stop(SELLER, customer, said, now)

    def free(self, customer: str, by: str, now: datetime) -> None:
        self.books.stop(SELLER, customer, Release(by=by), now)

    def paid(self, state: PaymentState, now: datetime) -> tuple[str, ...]:
        """As a bank tells of it, and of its return."""
        assert state.at is not None
        account = self.books.parties.sellers[SELLER].bank_account or ledger.clearing("bank")
        told = Incoming(
            source="bank", external_id=state.id, amount=state.paid, currency=state.currency,
            received_on=state.at.date(), account=account,
        )  # fmt: skip
        touched = self.books.receive(SELLER, told, {state.invoice: state.paid}, now)
        for back in state.disputes:
            receipt = self.books.houses[SELLER].external["bank", state.id]
            code = back.reason if back.status == "lost" else CONTESTED
            owes = self.books.take_back(SELLER, receipt.id, back.id, back.amount, back.at.date(), code, now)
            touched = (*touched, *owes)
        return tuple(dict.fromkeys(touched))

    def unapply(self, invoice: str, now: datetime) -> int:
        return 0

    def delivered(self, event: MailEvent, now: datetime) -> tuple[str, ...]:
        return ()

    def outcome(self, invoice: str) -> Outcome:
        return self.books.outcome(invoice)

    def freed(self, invoice: str) -> bool:
        row = self._row(invoice)
        return row is None or row.freed

    def commands(self, invoice: str) -> int | None:
        row = self._row(invoice)
        return len(row.verdicts) if row is not None else None

    def breaches(self) -> list[str]:
        return [str(breach) for breach in self.books.check()]

    def close(self) -> None:
        """Nothing is held."""

    def _rows(self) -> list[Receivable]:
        return [row for house in self.books.houses.values() for row in house.rows.values()]

    def _row(self, invoice: str) -> Receivable | None:
        house = self.books.houses.get(SELLER)
        return house.rows.get(invoice) if house is not None else None


def letter_of(books: Books, key: str) -> Letter:
    return books.houses[SELLER].rows[key.partition("/")[0]].letters[key]


def memory(idempotent: bool, complain: Complain, clock: Callable[[], datetime]) -> Memory:
    return Memory(Books(_parties(), idempotent, clock))


@cache
def _parties() -> Parties:
    return Parties.read(template())
