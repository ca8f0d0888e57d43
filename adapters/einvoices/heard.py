"""Single terms as values: texts, amounts, decimals, dates. What is missing or wrong is collected at its term, and
all of it is told at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from adapters.einvoices.binding import Terms
from domain import money
from domain.errors import Invalid, Problem
from schemas.values import date_of, decimal_of

T = TypeVar("T")


@dataclass(slots=True)
class Heard:
    """The terms of a document or of one row of it; `where` names the row in problems, as in `BG-25[3]/`."""

    terms: Terms
    currency: str
    problems: list[Problem]
    where: str = ""
    asked: set[str] = field(default_factory=set)
    inner: list[Heard] = field(default_factory=list)

    def rows(self, group: str) -> list[Heard]:
        self.asked.add(group)
        found = self.terms.get(group, ())
        where = (f"{self.where}{group}[{number}]/" for number in range(1, len(found) + 1))
        made = [Heard(row, self.currency, self.problems, at) for row, at in zip(found, where, strict=True)]
        self.inner += made
        return made

    def text(self, term: str) -> str | None:
        self.asked.add(term)
        said = self.terms.get(term)
        return str(said) if said is not None else None

    def needed(self, term: str) -> str:
        said = self.text(term)
        if said is None:
            self.wrong(term, "is missing, and every invoice has it")
        return said or ""

    def amount(self, term: str) -> int | None:
        """Minor units. Zeros beyond the currency's decimals say nothing and are let through."""
        said = self.text(term)
        return None if said is None else self.minor(term, said, self.currency)

    def needed_amount(self, term: str) -> int:
        self.needed(term)
        return self.amount(term) or 0

    def minor(self, term: str, said: str, currency: str) -> int:
        try:
            digits = money.exponent(currency)
            whole, point, fraction = said.removeprefix("+").partition(".")
            if point and not fraction[digits:].strip("0"):
                said = f"{whole}.{fraction[:digits]}".removesuffix(".")
            return money.parse(said, currency, self.where + term)
        except Invalid as error:
            self.problems += error.problems
            return 0

    def decimal(self, term: str) -> Decimal | None:
        return self._made(term, decimal_of)

    def needed_decimal(self, term: str) -> Decimal:
        self.needed(term)
        return self.decimal(term) or Decimal(0)

    def day(self, term: str) -> date | None:
        return self._made(term, date_of)

    def wrong(self, term: str, message: str) -> None:
        self.problems.append(Problem(self.where + term, message))

    def _made(self, term: str, make: Callable[[str], T]) -> T | None:
        said = self.text(term)
        if said is None:
            return None
        try:
            return make(said)
        except ValueError as error:
            self.wrong(term, str(error))
            return None
