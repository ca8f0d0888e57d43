"""How well a payer's name fits a customer's: spelling, umlauts and legal forms do not count. A name is evidence for a
proposal and may speak against a booking; it never books anything alone.

Fits are whole percents. rapidfuzz compares; only the few customers that share a word with the payer are compared.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

STRONG, WEAK = 90, 80
"""Percent: the same name but for a slip, and a name that may be meant."""
_FOUND, _COMPARED, _COMMON = 5, 60, 400
_CACHED = 1 << 14
_JOINED = re.compile(r"['`´’.]")
_WORD = re.compile(r"[^\W_]+")
_UMLAUT = re.compile(r"(?<=[aou])e")
_NOISE = frozenset(
    "gmbh mbh ag kg kgaa ohg ug ek eg ev gbr haftungsbeschrankt und and co cokg ltd limited llc llp "
    "plc inc incorporated corp corporation company se sa sas sarl srl spa bv nv vof ab as asa aps oy oyj sl sro spzoo "
    "sp zoo doo kft herr frau firma fa mr mrs".split()
)


@lru_cache(_CACHED)
def plain_name(name: str) -> str:
    """The words that tell names apart, sorted: `Müller & Söhne GmbH` and `SOEHNE UND MUELLER` are both `muller sohne`.
    Empty when there is no letter or digit; a name of noise alone keeps its words."""
    text = unicodedata.normalize("NFKD", name.casefold()) if not name.isascii() else name.casefold()
    text = "".join(c for c in text if not unicodedata.combining(c)) if not text.isascii() else text
    words = _WORD.findall(_UMLAUT.sub("", _JOINED.sub("", text)))
    telling = [word for word in words if word not in _NOISE]
    return " ".join(sorted(telling or words))


class Names:
    """The names of all customers, by their words. `customers` is customer → names."""

    def __init__(self, customers: Mapping[str, Iterable[str]]):
        from rapidfuzz import fuzz, process

        self._ratio, self._extract = fuzz.ratio, process.extract
        self._of = {c: tuple(dict.fromkeys(filter(None, map(plain_name, names)))) for c, names in customers.items()}
        self._customers: dict[str, list[str]] = {}
        self._words: dict[str, list[str]] = {}
        for customer in sorted(self._of):
            for name in self._of[customer]:
                self._customers.setdefault(name, []).append(customer)
        for name in self._customers:
            for piece in _pieces(name):
                self._words.setdefault(piece, []).append(name)
        self._cached: dict[str, tuple[tuple[str, int], ...]] = {}

    def fit(self, payer: str, customer: str) -> int:
        """0 to 100; 0 when either has no name."""
        name, own = plain_name(payer), self._of.get(customer, ())
        if not name or not own:
            return 0
        return 100 if name in own else max(int(self._ratio(name, other)) for other in own)

    def best(self, payer: str) -> tuple[tuple[str, int], ...]:
        """(customer, fit) of the few that fit strongly, or if none does, of those that fit weakly; best first."""
        name = plain_name(payer)
        if not name:
            return ()
        if name not in self._cached:
            if len(self._cached) >= _CACHED:
                self._cached.clear()
            self._cached[name] = self._search(name)
        return self._cached[name]

    def fits_another(self, payer: str, customer: str) -> bool:
        """Whether the name is another customer's rather than this one's."""
        own = self.fit(payer, customer)
        if own == 100:
            return False
        other = max((fit for found, fit in self.best(payer) if found != customer), default=0)
        return other >= STRONG and other > own and (own < STRONG or other == 100)

    def _search(self, name: str) -> tuple[tuple[str, int], ...]:
        rarest = sorted((len(self._words[piece]), piece) for piece in _pieces(name) if piece in self._words)
        pool = dict.fromkeys([name] if name in self._customers else [])
        for many, piece in rarest:
            if many > _COMMON or len(pool) > _COMPARED:
                break
            pool |= dict.fromkeys(self._words[piece])
        close = self._extract(name, list(pool), scorer=self._ratio, score_cutoff=WEAK, limit=_FOUND)
        fits: dict[str, int] = {}
        for found, percent, _ in close:
            for customer in self._customers[found]:
                fits[customer] = max(fits.get(customer, 0), int(percent))
        best = sorted(fits.items(), key=lambda fit: (-fit[1], fit[0]))[:_FOUND]
        return tuple(fit for fit in best if fit[1] >= STRONG or best[0][1] < STRONG)


def _pieces(name: str) -> set[str]:
    """Its words and how they begin: a slip of the pen is seldom among the first four letters of every word."""
    return {piece for word in name.split() for piece in (word, word[:4])}
