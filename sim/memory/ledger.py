"""The books in memory of one town: what a town asks of its books (`sim.books.Ledger`), and nothing more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from activities.sending import Sender
from adapters.books import books as real
from adapters.letters import Composer
from adapters.mail.port import Mail
from domain.delivery import MailEvent
from domain.payments import PaymentState
from schemas.commands import Release
from schemas.steps import Outcome
from schemas.stops import Stop
from sim.memory.books import Books
from sim.memory.letters import Letters


@dataclass(frozen=True)
class Memory:
    """`seller`: whose stops are meant."""

    books: Books
    seller: str

    def about(self, key: str) -> tuple[str, str, int]:
        found = self.books.letter(key)
        if found is None:
            raise KeyError(key)
        _, letter = found
        return letter.message.kind, letter.message.rung or "", letter.amount

    @property
    def reasons(self) -> Mapping[tuple[str, str], int]:
        rows = (row for house in self.books.houses.values() for row in house.rows.values())
        return Counter((why.verdict, why.code) for row in rows for why in row.whys)

    def sender(self, between: Any, post: Mail) -> Sender:
        """The production sender over `between`, which hands on to these books, and letters without words."""
        return Sender(cast(real.Books, between), post, cast(Composer, Letters()))

    def pause_all(self, by: str, now: datetime) -> None:
        self.books.pause_all(by, "everybody stop", now)

    def resume_all(self, by: str, now: datetime) -> None:
        self.books.resume_all(by, now)

    def stop(self, customer: str, by: str, kind: str, now: datetime) -> None:
        said = Stop.model_validate({"by": by, "reason": "a word with them", "kind": kind})
        self.books.stop(self.seller, customer, said, now)

    def free(self, customer: str, by: str, now: datetime) -> None:
        self.books.stop(self.seller, customer, Release(by=by), now)

    def paid(self, state: PaymentState, now: datetime) -> tuple[str, ...]:
        return self.books.paid(state, now)

    def unapply(self, invoice: str, now: datetime) -> int:
        return self.books.unapply(invoice, "ben", "another's money", now)

    def delivered(self, event: MailEvent, now: datetime) -> tuple[str, ...]:
        return self.books.delivered([event], now)

    def outcome(self, invoice: str) -> Outcome:
        return self.books.outcome(invoice)

    def freed(self, invoice: str) -> bool:
        row = self.books.row(invoice)
        return row is None or row.freed

    def commands(self, invoice: str) -> int | None:
        row = self.books.row(invoice)
        return None if row is None else len(row.verdicts)

    def breaches(self) -> list[str]:
        return [str(breach) for breach in self.books.check()]

    def close(self) -> None:
        """Nothing is held that the garbage collector would not find."""
