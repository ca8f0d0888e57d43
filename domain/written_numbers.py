"""Reading invoice numbers out of text: spaced, dashed, cased, prefixed or torn over a line's end.

A number has no check digit, so it is looked up piece by piece from where a word begins to where one ends, and what
stands around it counts too: `RE-2026-00017` is not in `RE-2026-000171`, and `PO 2026-00017` is no invoice. Any text is
read in linear time. It says what stands there, never what a payment is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

SURE, LIKELY, FAINT = "sure", "likely", "faint"
"""How a number stands there: letters and enough digits to be nothing else; a long run of digits that could be another
party's; short, torn over a line's end, or a day as well."""

_CAPITALS = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}
_SPELLING = str.maketrans(
    {**dict.fromkeys("‐‑‒–—−", "-"), **dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")}
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", "")
)
_WORD = re.compile(r"[^\W_]+")
_RUN = re.compile(r"[0-9]+|[^0-9]+")
_DIGIT = re.compile(r"[0-9]")
_EIGHT = re.compile(r"[0-9]{8}")
_WEEKS = timedelta(weeks=13)
_SEPARATORS = frozenset(" -/._\n")

_NUMBER_WORDS = frozenset("NR NO NUM NUMMER NUMBER NUMERO N".split())
_INVOICE_WORDS = frozenset(
    "RE RG RGNR RENR RNR RECHNUNG RECHNUNGEN RECHN RECHNUNGSNR RECHNUNGSNUMMER INV INVOICE INVOICES INVNO FACTURE "
    "FATTURA FACTURA FAKTURA BELEG BELEGNR REF REFERENZ REFERENCE ZU FUER FOR VOM ZAHLUNG PAYMENT SVWZ EREF "
    "KREF".split()
)
_FOREIGN_WORDS = frozenset(
    "BESTELLUNG BESTELLNR BESTELLNUMMER BEST BESTNR PO ORDER ORDERNO ORDERNR AUFTRAG AUFTRAGSNR AUFTRAGSNUMMER KUNDE "
    "KDNR KUNDENNR KUNDENNUMMER KD CUSTOMER ACCOUNT LIEFERSCHEIN LIEFERSCHEINNR LS ANGEBOT ANGEBOTSNR QUOTE OFFER "
    "VERTRAG VERTRAGSNR CONTRACT PROJEKT PROJECT TEL TELEFON PHONE FAX MOBIL MANDAT MANDATE STORNO AUSSER OHNE NICHT "
    "EXCEPT WITHOUT NOT".split()
)
_DATE = r"(?:[0-9]{1,2}\.){2}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
_AMOUNT = r"[0-9]{1,3}(?:[. ]?[0-9]{3}){0,3}[.,][0-9]{2}(?![0-9])"
_FOLLOWING = re.compile(
    rf"(?P<between>[-/._+&]|\s?[-,;/+&]\s?-?|\s(?:UND|AND|BIS|TO|U|ET)\s|\s)(?!{_DATE}|{_AMOUNT})(?P<word>[^\W_]+)"
)
_TORN = re.compile(rf"\n(?!{_DATE}|{_AMOUNT})[0-9]")


def spelled(text: str) -> str:
    """One spelling of dashes, blanks, line ends and ASCII capitals; nothing else is folded: `²` is no digit."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return text.upper() if text.isascii() else text.translate(_SPELLING).translate(_CAPITALS)


def normal(number: str) -> str:
    """Letters and digits only, in capitals: how numbers are compared."""
    return "".join(_WORD.findall(spelled(number)))


def is_day(number: str, near: date) -> bool:
    """Whether a number is written as a day of these weeks is, `20261117` or `17112026`, and so may be one."""
    for spelling in (number, f"{number[4:]}{number[2:4]}{number[:2]}") if _EIGHT.fullmatch(number) else ():
        try:
            if abs(date.fromisoformat(spelling) - near) <= _WEEKS:
                return True
        except ValueError:
            continue
    return False


@dataclass(slots=True)
class Written:
    """What stands there. `numbers` are known invoice numbers (normal) and how surely each stands there, `mentioned`
    known ones without their prefix or behind another thing's label. `stray`: yet another invoice seems to be meant, by
    a number of our pattern that is not open or by a list that goes on."""

    numbers: dict[str, str] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)
    stray: bool = False


@dataclass(frozen=True, slots=True)
class _Number:
    """`breaks` is where its normal form may be parted: where the seller parts it, and between letters and digits;
    `last` how many digits its last run has."""

    written: str
    breaks: frozenset[int]
    lettered: bool
    last: int

    def sureness(self, written: str) -> str:
        digits = len(_DIGIT.findall(written))
        if self.lettered and (digits >= 7 or (digits >= 4 and written == self.written)):
            return SURE
        return LIKELY if not self.lettered and digits >= 8 else FAINT

    def goes_on(self, following: re.Match[str] | None, prefixes: set[str]) -> bool:
        """Whether what follows belongs to a list or to the number itself, as in `RE-2026-00017/18` and `…17-A`."""
        if following is None:
            return False
        word, between = following["word"], following["between"]
        if word.isdigit():
            return len(word) == self.last if between.isspace() else len(word) <= self.last
        return between in {"-", "/", ".", "_", "+", "&"} and len(word) <= 2 and word not in prefixes


class _Line:
    """A text as words with the gaps before them."""

    def __init__(self, text: str):
        found = list(_WORD.finditer(text))
        self.text = text
        self.words = [word.group() for word in found]
        self.spans = [word.span() for word in found]

    def gap(self, at: int) -> str:
        return self.text[self.spans[at - 1][1] if at else 0 : self.spans[at][0]]

    def written(self, first: int, last: int) -> str:
        return self.text[self.spans[first][0] : self.spans[last][1]]

    def label(self, at: int) -> str:
        """The word before that says what kind of number this is, past `Nr.`, `no` and the like; or nothing."""
        for before in range(at - 1, max(at - 4, -1), -1):
            if not set(self.gap(before + 1)) <= set(" -.:#\n"):
                return ""
            word = self.words[before]
            if word not in _NUMBER_WORDS:
                return "PO" if word == "O" and self.words[max(before - 1, 0)] == "P" else word
        return ""


class WrittenNumbers:
    """`numbers` are those of all open items. A number of fewer than four characters, or without a digit, is no key."""

    def __init__(self, numbers: Iterable[str]):
        self._numbers: dict[str, _Number] = {}
        self._tails: dict[str, set[str]] = {}
        self._shapes: dict[str, frozenset[int]] = {}
        self._lasts: set[int] = set()
        self._prefixes: set[str] = set()
        for number in numbers:
            self._learn(number)
        self._starts = {key[0] for keys in (self._numbers, self._tails) for key in keys}
        self._lengths = set(map(len, self._shapes))
        self._longest = max((len(key) for key in self._numbers), default=0)

    def _learn(self, number: str) -> None:
        key = normal(number)
        if len(key) < 4 or not _DIGIT.search(key) or key in self._numbers:
            return
        runs = [run for word in _WORD.findall(spelled(number)) for run in _RUN.findall(word)]
        ends = [0]
        for run in runs:
            ends.append(ends[-1] + len(run))
        breaks, lettered = frozenset(ends[1:-1]), _DIGIT.sub("", key) != ""
        last = len(runs[-1]) if _DIGIT.match(runs[-1]) else 0
        self._numbers[key] = _Number(spelled(number), breaks, lettered, last)
        if lettered:
            self._shapes[_shape(key)] = self._shapes.get(_shape(key), frozenset()) | breaks
        elif len(runs) > 1:
            self._lasts.add(last)
            self._shapes[_shape(key, last)] = breaks
        if runs[0].isalpha():
            self._prefixes.add(runs[0])
            tail = key[ends[1] :]
            if len(tail) >= 6 and not _DIGIT.sub("", tail):
                self._tails.setdefault(tail, set()).add(key)

    def read(self, text: str, found: Written) -> None:
        """Adds what stands in a `spelled` text."""
        line = _Line(text)
        at = follows = 0
        while at < len(line.words):
            taken = self._read_at(line, at, found, follows) if line.words[at][0] in self._starts else 0
            at += taken or 1
            follows = at if taken else follows
        found.mentioned -= found.numbers.keys()

    def _read_at(self, line: _Line, at: int, found: Written, follows: int) -> int:
        """Reads the longest number that begins at this word; how many words it took, 0 when there is none. `follows` is
        the word right behind the number before, if there was one."""
        key, whole, stray = "", "", 0
        taken = 0
        breaks: set[int] = set()
        torn: set[int] = set()
        for upto in range(at, len(line.words)):
            if upto > at:
                gap = line.gap(upto)
                if len(gap) > 3 or not _SEPARATORS.issuperset(gap):
                    break
                (torn if "\n" in gap else breaks).add(len(key))
            key += line.words[upto]
            if len(key) > self._longest:
                break
            number = self._numbers.get(key)
            if number and breaks <= number.breaks:
                if torn <= number.breaks:
                    whole, taken = key, upto - at + 1
                elif not self._is_inside(line, at, number, follows):
                    found.numbers.setdefault(key, FAINT)
            elif key in self._tails and not torn:
                found.mentioned |= self._tails[key]
            elif self._is_stray(key, breaks | torn):
                stray = upto - at + 1
        if whole:
            self._take(line, at, at + taken - 1, whole, found, follows)
        found.stray |= stray > taken
        return max(taken, stray)

    def _take(self, line: _Line, first: int, last: int, key: str, found: Written, follows: int) -> None:
        number = self._numbers[key]
        if self._is_inside(line, first, number, follows) or line.label(first) in _FOREIGN_WORDS:
            found.mentioned.add(key)
            return
        end = line.spans[last][1]
        found.stray |= number.goes_on(_FOLLOWING.match(line.text, end), self._prefixes)
        sureness = number.sureness(line.written(first, last))
        if _TORN.match(line.text, end):
            sureness = FAINT  # its last digits may stand in the next line
        found.numbers[key] = min(sureness, found.numbers.get(key, FAINT), key=(SURE, LIKELY, FAINT).index)

    def _is_inside(self, line: _Line, at: int, number: _Number, follows: int) -> bool:
        """Whether what stands before makes it the end of something longer, as `RE-` does with `2026-00017`."""
        if at in {0, follows}:
            return False
        word, gap = line.words[at - 1], line.gap(at)
        names_it = word in _NUMBER_WORDS or (word in _INVOICE_WORDS and word not in self._prefixes)
        if gap in {"-", ".", "_", "/"}:
            harmless = number.lettered and (gap == "/" or (word.isalpha() and len(word) > 2))
            return not (names_it or harmless)
        if number.lettered or not word.isalpha() or not _SEPARATORS.issuperset(gap):
            return False
        return word in self._prefixes or (len(word) <= 4 and not names_it)

    def _is_stray(self, key: str, breaks: set[int]) -> bool:
        """Whether it has the pattern of our numbers."""
        if len(key) not in self._lengths:
            return False
        shapes = [_shape(key)] if _DIGIT.sub("", key) else [_shape(key, n) for n in self._lasts if 0 < n < len(key)]
        return any(shape in self._shapes and breaks <= self._shapes[shape] for shape in shapes)


def _shape(key: str, last: int = 0) -> str:
    """Digits as zeros; of a number without letters those of its last run only, so that a telephone number is none."""
    return key[:-last] + "0" * last if last else _DIGIT.sub("0", key)
