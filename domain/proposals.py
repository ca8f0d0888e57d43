"""What an unclear credit may be for: ranked proposals, each with a confidence and the evidence it rests on.

A proposal books nothing: a person confirms one. Points add up by what agrees (key, payer, amount) to a confidence in
percent; they rank, they are no probability. Only items that share something with the credit are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from domain import money
from domain.names import STRONG, Names
from domain.open_items import Allocated, Credit, OpenItems, exact_subsets

_MOST, _MOST_ALIKE, _SEARCHED, _CERTAIN = 5, 20, 12, 99
_KEY = {"end_to_end": 60, "reference": 60, "number": 50}
_KEY_SAYS = {"end_to_end": "our end-to-end id", "reference": "names its reference", "number": "names its number"}
_MENTIONED, _CLOSE_REFERENCE, _ACCOUNT, _NAME, _NAME_ALIKE = 30, 40, 35, 30, 15
_EXACT, _DISCOUNTED, _SET, _SEVERAL_SETS, _LESS, _MORE, _OLDEST = 25, 24, 22, 8, 5, 3, 2


@dataclass(frozen=True, slots=True)
class Proposal:
    """`confidence` 0 to 100; the allocations are one customer's unless keys name several, and never exceed the credit
    or what is open."""

    allocations: tuple[Allocated, ...]
    confidence: int
    evidence: str
    customer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What the credit says, by position among the open items. `named` is position → kind of key, `broken` references
    that are none, `learned` the account's customer."""

    named: Mapping[int, str]
    mentioned: Iterable[int]
    broken: tuple[str, ...]
    learned: str | None


@dataclass(frozen=True, slots=True)
class _Hint:
    points: int
    says: str


_NOTHING = _Hint(0, "")
_MEANT = _Hint(_MENTIONED, "seems to mention its number")
_CLOSE = _Hint(_CLOSE_REFERENCE, "its reference but for one character")
_ITS_ACCOUNT = _Hint(_ACCOUNT, "its customer's account")
_ITS_NAME = _Hint(_NAME, "the payer has its customer's name")
_LIKE_ITS_NAME = _Hint(_NAME_ALIKE, "the payer's name is like its customer's")
_ALL_OPEN = _Hint(_EXACT, "pays exactly what is open")
_ALL_PAYABLE = _Hint(_DISCOUNTED, "pays exactly what is open less the discount")
_SOLE_SET = _Hint(_SET, "the only set of its open invoices that makes the amount")
_SOME_SET = _Hint(_SEVERAL_SETS, "one of several sets of its open invoices that make the amount")
_OLDEST_FIRST = _Hint(_OLDEST, "the oldest due first")
_OF_SEVERAL = _Hint(0, "of several customers")


@dataclass(frozen=True, slots=True)
class _Draft:
    """A proposal whose words are not put together yet: few drafts are ever shown. (position, amount) pairs."""

    customer: str
    shares: tuple[tuple[int, int], ...]
    hints: tuple[_Hint, ...]

    @property
    def points(self) -> int:
        return sum(hint.points for hint in self.hints)


class Proposals:
    def __init__(self, open_items: OpenItems, names: Names):
        self._open, self._names = open_items, names

    def rank(self, credit: Credit, clues: Clues) -> tuple[tuple[Proposal, ...], frozenset[str]]:
        """At most five proposals, best first, and all customers whose money it may be: those the credit points to; the
        amount alone points to somebody only if nothing better does."""
        keys = dict.fromkeys(sorted(clues.mentioned), _MEANT)
        keys |= {at: _Hint(_KEY[rule], _KEY_SAYS[rule]) for at, rule in sorted(clues.named.items())}
        of = _Case(self._open, credit, clues, keys, self._payers(credit, clues))
        best: dict[tuple[tuple[int, int], ...], _Draft] = {}
        for draft in sorted(of.drafts(), key=lambda draft: (-draft.points, draft.shares)):
            best.setdefault(draft.shares, draft)
        proposals = tuple(self._proposal(draft) for draft in list(best.values())[:_MOST])
        customers = {self._open.items[at].customer for at in keys} | of.payers.keys()
        if not keys and all(payer is _LIKE_ITS_NAME for payer in of.payers.values()):
            customers |= {proposal.customer for proposal in proposals}
        return proposals, frozenset(customers)

    def _payers(self, credit: Credit, clues: Clues) -> dict[str, _Hint]:
        """Who may have paid, the account before the name."""
        fits = sorted((fit, customer) for name in credit.payers for customer, fit in self._names.best(name))
        payers = {customer: _ITS_NAME if fit >= STRONG else _LIKE_ITS_NAME for fit, customer in fits}
        if clues.learned is not None:
            payers[clues.learned] = _ITS_ACCOUNT
        return payers

    def _proposal(self, draft: _Draft) -> Proposal:
        return Proposal(
            allocations=tuple(Allocated(self._open.items[at].invoice, amount) for at, amount in draft.shares),
            confidence=min(draft.points, _CERTAIN),
            evidence="; ".join(hint.says for hint in draft.hints if hint.says),
            customer=draft.customer,
        )


class _Case:
    """One credit, and the items that share something with it."""

    def __init__(
        self, open_items: OpenItems, credit: Credit, clues: Clues, keys: Mapping[int, _Hint], payers: dict[str, _Hint]
    ):
        self._open, self._credit, self._clues, self._keys = open_items, credit, clues, keys
        self.payers = payers

    def drafts(self) -> Iterator[_Draft]:
        credit, items = self._credit, self._open.items
        keyed = [at for at in self._keys if self._open.open(at) and items[at].currency == credit.currency]
        together = [at for at in keyed if at in self._clues.named]
        if len(together) > 1:
            yield self._shared_out(together)
        alike = self._open.of_amount(credit.currency, credit.amount, _MOST_ALIKE)
        singles = dict.fromkeys([*keyed[:_MOST_ALIKE], *alike])
        for customer, payer in self.payers.items():
            positions = self._open.of_customer(customer, credit.currency, _SEARCHED)
            singles |= dict.fromkeys(at for at in positions if len(positions) == 1 or self._is_likely(at))
            if len(positions) > 1:
                yield self._of_payer(customer, payer, positions)
        for at in singles:
            yield self._single(at, len(alike))

    def _is_likely(self, at: int) -> bool:
        return self._credit.amount in self._open.amounts(at) or (bool(self._clues.broken) and self._is_close(at))

    def _is_close(self, at: int) -> bool:
        for whole in self._clues.broken:
            for reference in self._open.items[at].references:
                if _one_off(whole, reference):
                    return True
        return False

    def _single(self, at: int, alike: int) -> _Draft:
        customer, amounts = self._open.items[at].customer, self._open.amounts(at)
        key = self._keys.get(at) or (_CLOSE if self._clues.broken and self._is_close(at) else _NOTHING)
        payer, amount = self.payers.get(customer, _NOTHING), self._amount(amounts)
        if alike > 1 and not key.points and not payer.points:
            amount = _Hint(amount.points // 2, f"{amount.says}, as of {alike} invoices")
        return _Draft(customer, ((at, min(self._credit.amount, amounts[0])),), (key, payer, amount))

    def _amount(self, amounts: tuple[int, ...]) -> _Hint:
        given = self._credit.amount
        if given in amounts:
            return _ALL_OPEN if given == amounts[0] else _ALL_PAYABLE
        gap = money.show(abs(given - amounts[0]), self._credit.currency)
        return _Hint(_LESS, f"{gap} less than open") if given < amounts[0] else _Hint(_MORE, f"{gap} more than open")

    def _of_payer(self, customer: str, payer: _Hint, positions: list[int]) -> _Draft:
        """The set that makes the amount; of a payer whose name is only alike, and where there is none, oldest first."""
        searched = [] if payer is _LIKE_ITS_NAME else [self._open.amounts(at) for at in positions]
        ways, picked = exact_subsets(self._credit.amount, searched)
        if not ways:
            return _Draft(customer, self._spread(positions), (payer, _OLDEST_FIRST))
        chosen = tuple(sorted((at, amount) for at, amount in zip(positions, picked, strict=True) if amount))
        return _Draft(customer, chosen, (payer, _SOLE_SET if ways == 1 else _SOME_SET))

    def _shared_out(self, positions: list[int]) -> _Draft:
        """All named invoices together, of whichever customers; then the first invoice's stands for all."""
        items = self._open.items
        total, least = sum(map(self._open.open, positions)), sum(min(self._open.amounts(at)) for at in positions)
        if self._credit.amount == least < total:
            shares = tuple((at, min(self._open.amounts(at))) for at in sorted(positions))
        else:
            shares = self._spread(sorted(positions, key=lambda at: (items[at].due_on, at)))
        weakest = min((self._keys[at] for at in positions), key=lambda hint: (hint.points, hint.says))
        one = len({items[at].customer for at in positions}) == 1
        customer = items[min(positions)].customer
        who = self.payers.get(customer, _NOTHING) if one else _OF_SEVERAL
        return _Draft(customer, shares, (weakest, who, self._amount((total, least))))

    def _spread(self, positions: Iterable[int]) -> tuple[tuple[int, int], ...]:
        """The amount over the items in that order, until it is used up."""
        left, shares = self._credit.amount, []
        for at in positions:
            if left:
                shares.append((at, min(left, self._open.open(at))))
                left -= shares[-1][1]
        return tuple(sorted(shares))


def _one_off(whole: str, reference: str) -> bool:
    """Whether it is the reference but for one character, as far as the reference reaches."""
    size, half = len(reference), len(reference) // 2
    if len(whole) < size or (whole[:half] != reference[:half] and whole[half:size] != reference[half:]):
        return False
    return sum(a != b for a, b in zip(whole, reference, strict=False)) == 1
