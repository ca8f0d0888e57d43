"""Which receivable does a bank credit pay? Automatic only where a wrong booking is out of the question; everything
else is a person's, with proposals.

A key (a creditor reference, our own end-to-end id, an invoice number) books up to what is open; without any key the
payer's account does, if it is learned and exactly one set of its customer's items makes the amount. A creditor
reference proves itself by its check digits; a number does not, so whatever speaks against it stops it. It looks at the
open items it was given and never changes the books.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain import money
from domain.names import STRONG, Names
from domain.open_items import SEARCHED_ITEMS, Allocated, Credit, OpenItem, OpenItems, exact_subsets
from domain.proposals import Clues, Proposal, Proposals
from domain.remittance import KeyReader, Reading
from domain.written_numbers import FAINT, LIKELY, SURE, is_day, normal

__all__ = ["Allocated", "Automatic", "Credit", "Matcher", "OpenItem", "Proposal", "Unclear"]

END_TO_END, REFERENCE, NUMBER = "end_to_end", "reference", "number"
SEVERAL_KEYS, LEARNED_IBAN = "several_keys", "learned_iban"
_NOT_YET = MappingProxyType[str, str]({})
_SEARCHED_FREELY = 6
_CHANCE = 100
"""A set of invoices is the payer's only if chance would make such an amount less than once in so many times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """Booked without a person. `rule` is reference, number, end_to_end, several_keys or learned_iban; the allocations
    and `rest`, the credit left over when a key was paid too much, sum to the amount."""

    rule: str
    allocations: tuple[Allocated, ...]
    rest: int
    customer: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """Not booked. `why` is no_key, bad_reference, wrong_currency, ambiguous, contradicted, key_of_several_customers,
    sum_differs, nothing_open, too_many or batch; `candidates` the customers whose money it may be."""

    why: str
    text: str
    proposals: tuple[Proposal, ...]
    candidates: frozenset[str]


@dataclass(slots=True)
class _Keys:
    """What a credit names, by position. `doubtful` are numbers that need something to confirm them, `mentioned` less
    than that, `lost` says that something is named that is not open."""

    named: dict[int, str] = field(default_factory=dict)
    doubtful: dict[int, str] = field(default_factory=dict)
    mentioned: set[int] = field(default_factory=set)
    shared: bool = False
    lost: bool = False
    gone: bool = False


class Matcher:
    """Serves a whole file: `book` what was decided, then match the next credit. `learned` is iban → customer, `ours`
    our end-to-end ids → invoice."""

    def __init__(self, items: Iterable[OpenItem], learned: Mapping[str, str], ours: Mapping[str, str] = _NOT_YET):
        self._open = OpenItems(items)
        self._learned, self._ours = learned, ours
        self._by_reference: dict[str, list[int]] = {}
        self._by_number: dict[str, list[int]] = {}
        names: dict[str, dict[str, None]] = {}
        for at, item in enumerate(self._open.items):
            for reference in item.references:
                self._by_reference.setdefault(normal(reference), []).append(at)
            self._by_number.setdefault(normal(item.number), []).append(at)
            names.setdefault(item.customer, {}).update(dict.fromkeys(item.names))
        self._reader = KeyReader((item.number for item in self._open.items), self._by_reference)
        self._names = Names(names)
        self._proposals = Proposals(self._open, self._names)

    def book(self, allocations: Iterable[Allocated]) -> None:
        """Lowers what is open. ValueError for what is not open here, or not as much."""
        self._open.book(allocations)

    def match(self, credit: Credit) -> Automatic | Unclear:
        """Decides by what is open now; it books nothing."""
        reading = self._reader.read(credit.reference, credit.text, credit.end_to_end)
        keys = self._keys(credit, reading)
        decided = self._decide(credit, reading, keys)
        if isinstance(decided, Automatic):
            return decided
        why, text = decided
        named = keys.named | dict.fromkeys(keys.doubtful, NUMBER)
        learned = self._learned.get(credit.iban) if credit.iban else None
        proposals, customers = self._proposals.rank(
            credit, Clues(named=named, mentioned=keys.mentioned, broken=tuple(reading.broken), learned=learned)
        )
        return Unclear(why=why, text=text, proposals=proposals, candidates=customers)

    def _decide(self, credit: Credit, reading: Reading, keys: _Keys) -> Automatic | tuple[str, str]:
        """Automatic, or why not."""
        if credit.several:
            return "batch", "is several payments in one amount, and the bank does not tell how much each is"
        if reading.broken:
            return "bad_reference", "a creditor reference is mistyped or names nothing that is open"
        self._confirm(credit, keys)
        if keys.named:
            return self._by_keys(credit, keys)
        if keys.gone:
            return "nothing_open", "what it names is not open any more"
        if keys.shared:
            return "ambiguous", "names a number that several open invoices have"
        return self._by_account(credit, keys)

    def _keys(self, credit: Credit, reading: Reading) -> _Keys:
        keys = _Keys(lost=reading.stray or credit.lost)
        ours = self._ours.get(credit.end_to_end) if credit.end_to_end else None
        if ours is not None:
            self._name(keys, self._open.at(ours), END_TO_END)
        for reference in reading.references:
            for at in self._by_reference[reference]:
                self._name(keys, at, REFERENCE)
        for number, sureness in reading.numbers.items():
            positions = self._by_number[number]
            if len(positions) > 1:
                keys.shared = True
                keys.mentioned.update(positions)
            elif sureness == SURE:
                self._name(keys, positions[0], NUMBER)
            elif self._open.open(positions[0]) and positions[0] not in keys.named:
                keys.doubtful[positions[0]] = FAINT if is_day(number, credit.booked_on) else sureness
        mentioned = {at for number in reading.mentioned for at in self._by_number[number]}
        keys.mentioned |= {at for at in mentioned if at not in keys.named and self._open.open(at)}
        return keys

    def _name(self, keys: _Keys, at: int | None, rule: str) -> None:
        if at is not None and self._open.open(at):
            keys.named.setdefault(at, rule)
            return
        keys.lost = keys.gone = True
        if at is not None:
            keys.mentioned.add(at)

    def _confirm(self, credit: Credit, keys: _Keys) -> None:
        """A long number without letters counts if the payer or the amount agrees, a short or torn one if both do."""
        if not keys.doubtful:
            return
        exact = self._settling(credit, [*keys.named, *keys.doubtful]) is not None
        for at, sureness in list(keys.doubtful.items()):
            payer = self._is_payer(credit, self._open.items[at].customer)
            if (exact and payer) or (sureness == LIKELY and (exact or payer)):
                keys.named[at] = NUMBER
                del keys.doubtful[at]

    def _by_keys(self, credit: Credit, keys: _Keys) -> Automatic | tuple[str, str]:
        items = [self._open.items[at] for at in keys.named]
        if any(item.currency != credit.currency for item in items):
            return "wrong_currency", f"names an invoice that is not in {credit.currency}"
        if len({item.customer for item in items}) > 1:
            return "key_of_several_customers", "names invoices of several customers"
        settling = self._settling(credit, list(keys.named))
        against = self._against(credit, keys, settling is not None) if NUMBER in keys.named.values() else None
        if against:
            return "contradicted", against
        if settling is None and (keys.lost or keys.shared or self._says_more(keys)):
            return "ambiguous", "names more than what is open, and the amount does not say for which"
        if settling is None and len(items) > 1:
            return "sum_differs", "names several invoices, and their sum is another"
        return self._booked(credit, keys, settling)

    def _says_more(self, keys: _Keys) -> bool:
        """Whether a less certain mention may share in the money: beside a number any, beside a better key one of the
        same customer's."""
        more = keys.mentioned | keys.doubtful.keys()
        customers = {self._open.items[at].customer for at in keys.named}
        only_numbers = all(rule == NUMBER for rule in keys.named.values())
        return any(only_numbers or self._open.items[at].customer in customers for at in more)

    def _booked(self, credit: Credit, keys: _Keys, settling: tuple[int, ...] | None) -> Automatic:
        positions = list(keys.named)
        amounts = settling or (min(credit.amount, self._open.open(positions[0])),)
        chosen = sorted(zip(positions, amounts, strict=True))
        items = [self._open.items[at] for at in positions]
        by = " and ".join(sorted({_EVIDENCE[rule] for rule in keys.named.values()}))
        numbers = ", ".join(self._open.items[at].number for at, _ in chosen[:10])
        rest = credit.amount - sum(amounts)
        return Automatic(
            rule=keys.named[positions[0]] if len(positions) == 1 else SEVERAL_KEYS,
            allocations=tuple(Allocated(self._open.items[at].invoice, amount) for at, amount in chosen),
            rest=rest,
            customer=items[0].customer,
            evidence=f"{by} {numbers}" + (f", and {money.show(rest, credit.currency)} more was paid" if rest else ""),
        )

    def _against(self, credit: Credit, keys: _Keys, exact: bool) -> str | None:
        """What speaks against a number: it has no check digit, and one wrong digit names another's invoice."""
        at = next(at for at, rule in keys.named.items() if rule == NUMBER)
        customer = self._open.items[at].customer
        learned = self._learned.get(credit.iban) if credit.iban else None
        if learned is not None and learned != customer:
            return "names an invoice of one customer, and the account is another's"
        if learned is None and self._names.fits_another(credit.name, customer):
            return "names an invoice of one customer, and the payer's name is another's"
        alike = sum(credit.amount in self._open.amounts(named) for named in keys.named)
        if not exact and self._open.alike(customer, credit.currency, credit.amount) > alike:
            return "names one invoice, and the amount is another's of the same customer"
        return None

    def _settling(self, credit: Credit, positions: list[int]) -> tuple[int, ...] | None:
        """The amounts, one of each item's, that make the credit's amount exactly; None when none or several do."""
        choices = [self._open.amounts(at) for at in positions]
        if len(choices) == 1:
            return (credit.amount,) if credit.amount in choices[0] else None
        for pick in (max, min):
            amounts = tuple(map(pick, choices))
            if sum(amounts) == credit.amount:
                return amounts
        if len(positions) > SEARCHED_ITEMS or not sum(map(min, choices)) < credit.amount < sum(map(max, choices)):
            return None
        # Everything but the smaller amounts is a choice of its own: to take the discount, or not.
        gaps = [(max(choice) - min(choice),) if len(choice) > 1 else () for choice in choices]
        ways, picked = exact_subsets(credit.amount - sum(map(min, choices)), gaps)
        return tuple(min(choice) + more for choice, more in zip(choices, picked, strict=True)) if ways == 1 else None

    def _by_account(self, credit: Credit, keys: _Keys) -> Automatic | tuple[str, str]:
        customer = self._learned.get(credit.iban) if credit.iban else None
        if customer is None:
            return "no_key", "carries no key, and its account is not known"
        if keys.lost:
            return "contradicted", "names an invoice that is not open; the account alone does not say which it pays"
        if self._names.fits_another(credit.name, customer):
            return "contradicted", "the account is one customer's, and the payer's name is another's"
        positions = self._open.of_customer(customer, credit.currency, SEARCHED_ITEMS + 1)
        if not positions:
            return "nothing_open", f"the account's customer has nothing open in {credit.currency}"
        if len(positions) > SEARCHED_ITEMS:
            return "too_many", f"the account's customer has more than {SEARCHED_ITEMS} open invoices"
        ways, picked = exact_subsets(credit.amount, [self._open.amounts(at) for at in positions])
        chosen = sorted((at, amount) for at, amount in zip(positions, picked, strict=False) if amount)
        if not ways:
            return "sum_differs", "no set of the open invoices of the account's customer makes the amount"
        if ways > 1 or _by_chance(len(positions), len(chosen), sum(map(self._open.open, positions))):
            return "ambiguous", "several sets of open invoices of the account's customer may make the amount"
        if not (keys.mentioned | keys.doubtful.keys()) <= {at for at, _ in chosen}:
            return "contradicted", "mentions another invoice than those whose sum is the amount"
        return Automatic(
            rule=LEARNED_IBAN,
            allocations=tuple(Allocated(self._open.items[at].invoice, amount) for at, amount in chosen),
            rest=0,
            customer=customer,
            evidence="comes from the customer's account and pays exactly "
            + ", ".join(self._open.items[at].number for at, _ in chosen),
        )

    def _is_payer(self, credit: Credit, customer: str) -> bool:
        learned = self._learned.get(credit.iban) if credit.iban else None
        return learned == customer or (learned is None and self._names.fit(credit.name, customer) >= STRONG)


_EVIDENCE = {
    END_TO_END: "carries our end-to-end id of",
    REFERENCE: "carries the creditor reference of",
    NUMBER: "names the number of",
}


def _by_chance(items: int, chosen: int, total: int) -> bool:
    """Whether so many sets of at most `chosen` of the items could be made that one of them hits any amount sooner or
    later. One invoice, or all of them, is no accident."""
    if items <= _SEARCHED_FREELY or chosen in {1, items}:
        return False
    sets, ways = 0, 1
    for size in range(1, chosen + 1):
        ways = ways * (items - size + 1) // size
        sets += ways
    return sets * _CHANCE > total
