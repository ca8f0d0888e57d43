"""What is owed, and what came in: the two sides that matching brings together, as plain values, and the running list
of what is still open while a file of credits is worked through.

Amounts are int minor units. Items and credits come from the books and the bank; nothing here writes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from domain.statements import BETWEEN_NAMES

SEARCHED_ITEMS = 20
"""A customer with more open items has too many subsets to call one of them the payer's."""
_PICK = 2  # bits that say which of an item's at most two amounts a sum holds


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """One receivable with something open. `invoice` is its workflow id, `references` the creditor references that name
    it (one may name several items: a bundle), `open` > 0 what is left, `payable` what settles it today: open less an
    open discount. `names` are the customer's."""

    invoice: str
    customer: str
    number: str
    references: tuple[str, ...]
    currency: str
    open: int
    payable: int
    due_on: date
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 < self.payable <= self.open:
            raise ValueError("an open item has 0 < payable ≤ open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """One amount > 0 that the bank has credited. `text` is the unstructured remittance text with its line ends,
    `reference` the structured one, `name` and `iban` the payer's; the IBAN may be a salted hash, it is compared only.
    What is not known is empty. `several`: payments of several payers in one amount, so that no account is the payer's,
    and `name` those that are told. `lost`: it names what is not open any more, which only the books know."""

    key: str
    amount: int
    currency: str
    booked_on: date
    text: str = ""
    reference: str = ""
    end_to_end: str = ""
    name: str = ""
    iban: str = ""
    several: bool = False
    lost: bool = False

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise ValueError("a credit has an amount above zero")

    @property
    def payers(self) -> tuple[str, ...]:
        return tuple(self.name.split(BETWEEN_NAMES)) if self.several else (self.name,)


@dataclass(frozen=True, slots=True)
class Allocated:
    invoice: str
    amount: int


class OpenItems:
    """The items of one seller by position, in the order of their invoices whatever order they came in, with what is
    open as bookings lower it."""

    def __init__(self, items: Iterable[OpenItem]):
        self.items: tuple[OpenItem, ...] = tuple(sorted(items, key=lambda item: item.invoice))
        self._open = [item.open for item in self.items]
        self._payable = [item.payable for item in self.items]
        self._at = {item.invoice: at for at, item in enumerate(self.items)}
        if len(self._at) < len(self.items):
            raise ValueError("an invoice is among the open items twice")
        self._of_customer: dict[tuple[str, str], dict[int, None]] = {}
        self._of_amount: dict[tuple[str, int], dict[int, None]] = {}
        self._alike: Counter[tuple[str, str, int]] = Counter()
        for at in sorted(range(len(self.items)), key=lambda at: (self.items[at].due_on, at)):
            item = self.items[at]
            self._of_customer.setdefault((item.customer, item.currency), {})[at] = None
            self._add(at)

    def at(self, invoice: str) -> int | None:
        return self._at.get(invoice)

    def open(self, at: int) -> int:
        return self._open[at]

    def amounts(self, at: int) -> tuple[int, ...]:
        """What settles it: all that is open, and less while a discount is; nothing once it is settled."""
        open_, payable = self._open[at], self._payable[at]
        if not open_:
            return ()
        return (open_,) if payable == open_ else (open_, payable)

    def of_customer(self, customer: str, currency: str, most: int) -> list[int]:
        """The customer's open items in that currency, the oldest due first, so many at most."""
        return list(islice(self._of_customer.get((customer, currency), ()), most))

    def of_amount(self, currency: str, amount: int, most: int) -> list[int]:
        """The items that exactly this amount settles; none if there are more than so many: then it says nothing."""
        positions = self._of_amount.get((currency, amount), {})
        return list(positions) if len(positions) <= most else []

    def alike(self, customer: str, currency: str, amount: int) -> int:
        """How many of the customer's items exactly this amount settles."""
        return self._alike[customer, currency, amount]

    def book(self, allocations: Iterable[Allocated]) -> None:
        """Lowers what is open; an item paid what settles it today is settled. ValueError for an invoice that is not
        here or an amount above what is open; then nothing is booked."""
        taken: dict[int, int] = {}
        for allocated in allocations:
            at = self._at.get(allocated.invoice)
            if at is None:
                raise ValueError(f"{allocated.invoice} is not among the open items")
            taken[at] = taken.get(at, 0) + allocated.amount
            if allocated.amount <= 0 or taken[at] > self._open[at]:
                raise ValueError(f"{allocated.invoice}: an allocation is above zero and at most what is open")
        for at, amount in taken.items():
            self._remove(at)
            settled = amount >= self._payable[at]
            self._open[at] = 0 if settled else self._open[at] - amount
            self._payable[at] = 0 if settled else self._payable[at] - amount
            self._add(at)
            if settled:
                del self._of_customer[self.items[at].customer, self.items[at].currency][at]

    def _add(self, at: int) -> None:
        item = self.items[at]
        for amount in self.amounts(at):
            self._of_amount.setdefault((item.currency, amount), {})[at] = None
            self._alike[item.customer, item.currency, amount] += 1

    def _remove(self, at: int) -> None:
        item = self.items[at]
        for amount in self.amounts(at):
            del self._of_amount[item.currency, amount][at]
            self._alike[item.customer, item.currency, amount] -= 1


def exact_subsets(amount: int, choices: Sequence[tuple[int, ...]]) -> tuple[int, tuple[int, ...]]:
    """How many ways (counted up to two) there are to make `amount` > 0 of at most one amount of each choice, and the
    first way found: per choice the amount taken, or 0. At most SEARCHED_ITEMS choices of at most two amounts each.

    Half of the choices against the other half: 2^10 (3^10 with discounts) sums on each side.
    """
    if len(choices) > SEARCHED_ITEMS or any(len(choice) > _PICK for choice in choices):
        raise ValueError("too many choices")
    half = (len(choices) + 1) // 2
    width = _PICK * half
    left, right = _sums(amount, choices[:half], width), _sums(amount, choices[half:], width)
    met = {made >> width for made in left} & {amount - (made >> width) for made in right}
    if not met:
        return 0, ()
    pairs: list[tuple[int, int]] = []
    for total in sorted(met):
        lefts = [made for made in left if made >> width == total][:2]
        rights = [made for made in right if amount - (made >> width) == total][:2]
        pairs += [(one, other) for one in lefts for other in rights]
        if len(pairs) > 1:
            break
    one, other = pairs[0]
    picked = [*_picked(one, choices[:half]), *_picked(other, choices[half:])]
    return min(len(pairs), 2), tuple(picked)


def _sums(most: int, choices: Sequence[tuple[int, ...]], width: int) -> list[int]:
    """All sums up to `most`, each above `width` bits that say what it is made of."""
    made, limit = [0], (most + 1) << width
    for at, choice in enumerate(choices):
        more = [(amount << width) | (pick << (_PICK * at)) for pick, amount in enumerate(choice, 1)]
        made += [total for add in more for one in made if (total := one + add) < limit]
    return made


def _picked(made: int, choices: Sequence[tuple[int, ...]]) -> list[int]:
    picks = [(made >> (_PICK * at)) & (1 << _PICK) - 1 for at in range(len(choices))]
    return [choice[pick - 1] if pick else 0 for pick, choice in zip(picks, choices, strict=True)]
