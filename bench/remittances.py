"""Made-up open items and the payments for them, each with the truth beside it. Equal seeds make equal worlds.

Of 100 remittances 50 carry a clean key, half of them a creditor reference, half an
invoice number; 15 a key that is spaced, dashed, cased, prefixed or broken over a line's end; 10 a reference with one
wrong character; 10 pay several invoices of one customer; 15 carry no key but a name and an account, which is known for
six customers in ten. Three keys in four come with exactly what is open, the others with the discount taken, a part or
too much. Many amounts are the same, one name in five is like another's, orders and telephone numbers stand around keys.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from domain.keys import creditor_reference, valid_creditor_reference
from domain.matching import Allocated, Credit, OpenItem
from domain.numbering import format_number

CLASSES = {"clean key": 50, "spaced or prefixed": 15, "wrong character": 10, "several invoices": 10, "no key": 15}
TODAY = date(2026, 6, 1)
_LEARNED, _LINE = 6, 27

_WORDS = (
    "Nord Süd Ost West Hanse Alpen Rhein Elbe Donau Main Isar Falken Adler Linden Eichen Birken Stern Sonnen Mond Gold "
    "Silber Kupfer Stahl Glas Holz Stein Wasser Feuer Licht Wind Müller Schäfer Jäger Köhler Böhm Weiß Groß Krüger "
    "Lange Braun Voß Peters Jansen Hansen Thomsen Claußen Yilmaz Nowak Dvořák Rossi Ferrari Dubois Lefèvre Smith Jones"
).split()
_TRADES = (
    "Bau Technik Handel Logistik Druck Medien Consulting Software Möbel Optik Elektro Sanitär Metallbau Spedition "
    "Verlag Gartenbau Bäckerei Reinigung Immobilien Werkzeuge"
).split()
_FORMS = ("GmbH", "AG", "KG", "e.K.", "GmbH & Co. KG", "UG (haftungsbeschränkt)", "Ltd", "S.A.")
_AROUND = ("", "", "", "Vielen Dank", "Tel. 0171 2026 00017", "Best.-Nr. 4500{n}", "Kd.-Nr. {n}", "Leistung 05/2026")
_PRICES = (11900, 5950, 119000, 23800, 9900, 49900)


@dataclass(frozen=True, slots=True)
class World:
    items: tuple[OpenItem, ...]
    learned: dict[str, str]
    ibans: dict[str, str]


@dataclass(frozen=True, slots=True)
class Labelled:
    """`truth` is all that may be booked without a person; empty when nothing may be."""

    kind: str
    credit: Credit
    truth: tuple[Allocated, ...]


def world(items: int, seed: int = 1, pattern: str = "RE-{year}-{n:05d}") -> World:
    """`items` open items of about a fifth as many customers; `pattern` is how the seller writes numbers."""
    chance = random.Random(seed)
    names = [_name(chance) for _ in range(max(items // 5, 2))]
    for at in range(0, len(names) - 1, 5):
        words = names[at].split()
        names[at + 1] = " ".join([words[0], chance.choice(_WORDS), *words[1:]])
    customers = [f"c{at:05d}" for at in range(len(names))]
    ibans = {customer: f"DE{at:020d}" for at, customer in enumerate(customers)}
    learned = {iban: customer for customer, iban in ibans.items() if chance.randrange(10) < _LEARNED}
    numbers = [format_number(pattern, TODAY.year, n) for n in range(1, items + 1)]
    return World(tuple(_item(chance, number, customers, names) for number in numbers), learned, ibans)


def remittances(of: World, count: int, seed: int = 2, *, again: bool = False) -> Iterator[Labelled]:
    """Payments by the rules, in a mixed order. Unless `again`, no invoice is paid twice; enough items are needed."""
    yield from _Payers(of, random.Random(seed), again=again).pay(count)


def slip(text: str, chance: random.Random) -> str:
    """One character of it is another one; never by luck another valid reference."""
    while True:
        at = chance.randrange(len(text))
        wrong = chance.choice(string.ascii_uppercase + string.digits)
        slipped = text[:at] + wrong + text[at + 1 :]
        if wrong != text[at] and valid_creditor_reference(slipped) is None:
            return slipped


def _name(chance: random.Random) -> str:
    return f"{chance.choice(_WORDS)} {chance.choice(_WORDS)} {chance.choice(_TRADES)} {chance.choice(_FORMS)}"


def _item(chance: random.Random, number: str, customers: list[str], names: list[str]) -> OpenItem:
    at = chance.randrange(len(customers))
    if chance.randrange(10) == 0:
        at = min(int(chance.paretovariate(0.7)) - 1, at)  # some customers have very many
    open_ = chance.choice(_PRICES) if chance.random() < 0.3 else chance.randrange(500, 500_000)
    return OpenItem(
        invoice=f"invoice-demo-{number}",
        customer=customers[at],
        number=number,
        references=(creditor_reference(f"demo{number}"),),
        currency="USD" if chance.random() < 0.03 else "EUR",
        open=open_,
        payable=open_ * 98 // 100 if chance.random() < 0.15 else open_,
        due_on=TODAY + timedelta(days=chance.randrange(-60, 30)),
        names=(names[at],),
    )


class _Payers:
    def __init__(self, of: World, chance: random.Random, *, again: bool):
        self._world, self._chance, self._again = of, chance, again
        self._order = list(of.items)
        chance.shuffle(self._order)
        self._paid: set[str] = set()
        self._next = 0
        self._of_customer: dict[str, list[OpenItem]] = {}
        for item in of.items:
            self._of_customer.setdefault(item.customer, []).append(item)

    def pay(self, count: int) -> Iterator[Labelled]:
        kinds = [kind for kind, share in CLASSES.items() for _ in range(count * share // 100)]
        kinds += ["clean key"] * (count - len(kinds))
        self._chance.shuffle(kinds)
        for n, kind in enumerate(kinds):
            make = {"clean key": self._clean, "spaced or prefixed": self._spaced, "wrong character": self._wrong,
                    "several invoices": self._several, "no key": self._keyless}[kind]  # fmt: skip
            yield make(kind, f"k{n:06d}")

    def _clean(self, kind: str, key: str) -> Labelled:
        item = self._unpaid()
        amount = self._amount(item)
        if self._chance.random() < 0.5:
            where = "reference" if self._chance.random() < 0.5 else "text"
            return self._labelled(kind, key, [item], amount, **{where: item.references[0]})
        return self._labelled(kind, key, [item], amount, text=self._around(f"Rechnung {item.number}"))

    def _spaced(self, kind: str, key: str) -> Labelled:
        item, chance = self._unpaid(), self._chance
        reference, number = item.references[0], item.number
        fours = [reference[at : at + 4] for at in range(0, len(reference), 4)]
        text = chance.choice([
            " ".join(fours), "-".join(fours).lower(), f"Ref: {' '.join(fours)} danke", f"Ref.{reference.lower()}",
            f"SVWZ+{reference}", f"{reference[:4]}-{reference[4:]}",
            number.replace("-", " "), number.lower(), number.replace("-", ""), f"Rg.Nr. {number.replace('-', '/')}",
            number.replace("-", ".").lower(), f"Zahlung {number} vom 03.05.2026",
        ])  # fmt: skip
        if chance.random() < 0.3:
            text = f"Zahlung unserer Rechnung {reference}"
            text = text[:_LINE] + "\n" + text[_LINE:]
        return self._labelled(kind, key, [item], self._amount(item), text=text)

    def _wrong(self, kind: str, key: str) -> Labelled:
        item = self._unpaid()
        slipped = slip(item.references[0], self._chance)
        where = "reference" if self._chance.random() < 0.4 else "text"
        made = self._labelled(kind, key, [item], item.open, **{where: slipped})
        return Labelled(kind, made.credit, ())

    def _several(self, kind: str, key: str) -> Labelled:
        items = self._group(self._chance.randrange(2, 6))
        amount = sum(item.open for item in items)
        draw = self._chance.random()
        if draw < 0.2:
            amount = sum(item.payable for item in items)
        elif draw < 0.3:
            amount -= self._chance.randrange(1, items[0].open)
        keys = [item.references[0] if self._chance.random() < 0.5 else item.number for item in items]
        text = self._chance.choice([", ", " ", " + ", "\n", " und "]).join(keys)
        made = self._labelled(kind, key, items, amount, text=text)
        exact = amount in {sum(item.open for item in items), sum(item.payable for item in items)}
        return made if exact or len(items) == 1 else Labelled(kind, made.credit, ())

    def _keyless(self, kind: str, key: str) -> Labelled:
        draw = self._chance.random()
        items = self._group(2) if draw < 0.25 else [self._unpaid()]
        amount = sum(item.open if self._chance.random() < 0.8 else item.payable for item in items)
        part = draw > 0.85
        if part:
            amount = self._chance.randrange(1, amount)
        text = self._chance.choice(["Danke", "Rechnung Mai", "", f"Tel. 0{self._chance.randrange(10**9)}"])
        made = self._labelled(kind, key, items, amount, text=text)
        return made if not part or len(items) == 1 else Labelled(kind, made.credit, ())

    def _labelled(self, kind: str, key: str, items: list[OpenItem], amount: int, **where: str) -> Labelled:
        """The money goes to the items in proportion to what they owe, exactly when it is what they owe."""
        item = items[0]
        credit = Credit(
            key=key, amount=amount, currency=item.currency, booked_on=TODAY, name=self._payer(item),
            iban=self._world.ibans[item.customer],
        )  # fmt: skip
        credit = replace(credit, **where)  # type: ignore[arg-type]
        if len(items) == 1:
            return Labelled(kind, credit, (Allocated(item.invoice, min(amount, item.open)),))
        return Labelled(kind, credit, self._split(items, amount))

    def _split(self, items: list[OpenItem], amount: int) -> tuple[Allocated, ...]:
        ordered = sorted(items, key=lambda item: item.invoice)
        for amounts in ([item.open for item in ordered], [item.payable for item in ordered]):
            if sum(amounts) == amount:
                return tuple(Allocated(item.invoice, n) for item, n in zip(ordered, amounts, strict=True))
        short = sum(item.open for item in ordered) - amount
        takers = [item for item in ordered if item.open - item.payable == short]
        if len(takers) != 1:
            return ()
        return tuple(Allocated(item.invoice, item.payable if item in takers else item.open) for item in ordered)

    def _payer(self, item: OpenItem) -> str:
        name, draw = item.names[0], self._chance.random()
        if draw < 0.15:
            return name.upper().replace("Ü", "UE").replace("Ä", "AE").replace("Ö", "OE")[:27]
        return name.rpartition(" ")[0] if draw < 0.3 else ("" if draw < 0.33 else name)

    def _amount(self, item: OpenItem) -> int:
        draw = self._chance.random()
        if draw < 0.12:
            return item.payable
        if draw < 0.19:
            return self._chance.randrange(1, item.open + 1)
        return item.open + self._chance.randrange(1, 10_000) if draw < 0.22 else item.open

    def _around(self, text: str) -> str:
        around = self._chance.choice(_AROUND).format(n=self._chance.randrange(10**4, 10**5))
        return f"{text} {around}".strip() if self._chance.random() < 0.5 else f"{around} {text}".strip()

    def _unpaid(self) -> OpenItem:
        while True:
            item = self._order[self._next % len(self._order)]
            self._next += 1
            if self._again or item.invoice not in self._paid:
                self._paid.add(item.invoice)
                return item

    def _group(self, size: int) -> list[OpenItem]:
        """Some unpaid items of one customer in one currency, at least two if any customer has them left."""
        for _ in range(50):
            item = self._unpaid()
            more = [other for other in self._of_customer[item.customer] if other.currency == item.currency
                    and other != item and (self._again or other.invoice not in self._paid)]  # fmt: skip
            if more:
                chosen = self._chance.sample(more, min(size - 1, len(more)))
                self._paid.update(other.invoice for other in chosen)
                return [item, *chosen]
        raise ValueError("no customer has two unpaid items left; make a larger world")
