"""The books of a town kept twice, in a database and in memory: whatever a town does to them is done to both, and both
must say the same. Faults, repeats and late news come with the town."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.account import Account
from domain.errors import DuelyError
from schemas.steps import Answer, Outcome
from sim.books import STEPS, database, memory
from sim.watch import Complain
from tests.sim.twins import START, differences


class Twins:
    """The steps of both books."""

    def __init__(self, real: Any, mine: Any) -> None:
        self.real, self.mine, self.compared = real, mine, 0
        mine.technical = lambda: START  # a lease does not end while a town is played, which takes no time

    def __getattr__(self, name: str) -> Any:
        if name not in STEPS:
            return getattr(self.real, name)
        return lambda *said: self.both(getattr(self.mine, name), getattr(self.real, name), *said)

    def both(self, mine: Any, real: Any, *said: Any) -> Any:
        answers = []
        for books in (mine, real):
            try:
                answers.append(books(*said))
            except DuelyError as error:
                answers.append(error)
        self.compared += 1
        ours, theirs = map(_alike, answers)
        assert ours == theirs, f"{real} {said}\n{differences(_outcome(ours), _outcome(theirs))}"
        if isinstance(answers[1], DuelyError):
            raise answers[1]
        return answers[1]


def _outcome(said: Any) -> Any:
    return said.outcome if isinstance(said, Answer) else said[1] if isinstance(said, tuple) and len(said) == 2 else said


def _alike(said: Any) -> Any:
    """What may differ left out: the order in which a contact's other receivables are read, which a database leaves
    open; of a refusal only its kind."""
    match said:
        case Answer():
            return replace(said, outcome=_alike(said.outcome))
        case Outcome(account=Account() as account):
            return replace(
                said, account=replace(account, contact_reminded_at=tuple(sorted(account.contact_reminded_at)))
            )
        case (claimed, Outcome() as outcome):
            return claimed, _alike(outcome)
        case DuelyError():
            return type(said).__name__
    return said


class Both:
    """The ledger of a town, kept twice."""

    def __init__(self, idempotent: bool, reports: bool, complain: Complain) -> None:
        self.real, self.mine = database(idempotent, reports, complain), memory(idempotent, reports, complain)
        self.books = Twins(self.real.books, self.mine.books)

    def __getattr__(self, name: str) -> Any:
        """The town's own questions go to the database, what happens beside the workflows to both."""
        found = getattr(self.real, name)
        if name in {"items", "reasons", "sender"}:
            return found
        return lambda *said: self.books.both(getattr(self.mine, name), found, *said)

    def outcome(self, invoice: str) -> Outcome:
        said: Outcome = self.real.outcome(invoice)
        return said

    def close(self) -> None:
        self.real.close()
