"""Reading keys out of what a payer wrote: creditor references and invoice numbers, however they were spaced, dashed,
cased, prefixed or broken over lines.

It knows the keys there are and says which of them stand in a text and how surely; it never decides what a payment is
for. Any text is read in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.keys import valid_creditor_reference
from domain.written_numbers import Written, WrittenNumbers, spelled

_SHORTEST, _LONGEST = 5, 25
_EDGE = r"(?<![^\W_])"
_HEAD = re.compile(_EDGE + r"R\s?F[\s./_-]{0,2}[0-9]\s?[0-9]")
_SLIPPED_HEAD = re.compile(_EDGE + r"(?:[^R]F[0-9]{2}|R[^F][0-9]{2}|RF[^0-9][0-9]|RF[0-9][^0-9])")
_PIECE = re.compile(r"[\s./_-]{0,3}([A-Z0-9]{1,26})")
_MARK = "\x1f"


@dataclass(slots=True)
class Reading(Written):
    """What stands in a credit's texts. `references` are known ones, so that their check digits hold; `broken` look like
    a reference and are none of them. Both in the order in which they stand there; the values mean nothing."""

    references: dict[str, None] = field(default_factory=dict)
    broken: dict[str, None] = field(default_factory=dict)


class KeyReader:
    """`numbers` and `references` are the keys of all open items; a reference whose check digits do not hold is none."""

    def __init__(self, numbers: Iterable[str], references: Iterable[str]):
        self._numbers = WrittenNumbers(numbers)
        self._references = {valid for text in references if (valid := valid_creditor_reference(text))}
        self._bodies = {reference[4:] for reference in self._references}
        self._shortest = min(map(len, self._references), default=_LONGEST)

    def read(self, *texts: str) -> Reading:
        """What stands in any of the fields; a key never runs from one field into the next."""
        found = Reading()
        for text in texts:
            if text:
                self._numbers.read(self._read_references(spelled(text), found), found)
        if found.broken and found.references:
            # A field that a bank cut short holds the start of what the other field holds whole.
            starts = {known[:length] for known in found.references for length in range(_SHORTEST, _LONGEST)}
            found.broken = {whole: None for whole in found.broken if whole not in starts}
        return found

    def _read_references(self, text: str, found: Reading) -> str:
        """The text without the references that are known, so that no number is read out of one."""
        pieces: list[str] = []
        end = 0
        for head in _HEAD.finditer(text):
            if head.start() < end:
                continue
            whole, candidates = _candidates(text, head)
            known = [candidate for candidate in candidates if candidate[0] in self._references]
            if known:
                found.references.update((reference, None) for reference, _ in known)
                pieces += [text[end : head.start()], _MARK]
                end = known[-1][1]
            elif self._looks_like_one(text, head, whole):
                found.broken[whole] = None
        text = "".join([*pieces, text[end:]])
        for head in _SLIPPED_HEAD.finditer(text):
            slipped = (candidate for candidate, _ in _candidates(text, head)[1] if candidate[4:] in self._bodies)
            found.broken.update((candidate, None) for candidate in slipped)
        return text

    def _looks_like_one(self, text: str, head: re.Match[str], whole: str) -> bool:
        """`RF18` and anything more does; `RF 18` begins many a sentence and needs as much as our shortest has."""
        if len(head.group()) > 4:
            return len(whole) >= self._shortest - 1
        return len(whole) >= _SHORTEST or text[head.end() : head.end() + 1].strip() != ""


def _candidates(text: str, head: re.Match[str]) -> tuple[str, list[tuple[str, int]]]:
    """A reference that begins here: all that may belong to it, and what it may be, as it may end wherever a word does:
    (normal form, where it ends). A slipped head keeps its four characters, whatever they are."""
    whole = head.group() if len(head.group()) == 4 else "".join(filter(str.isalnum, head.group()))
    found, at = [], head.end()
    while piece := _PIECE.match(text, at):
        whole, at = whole + piece[1], piece.end()
        if len(whole) > _LONGEST or text[at : at + 1].isalnum():
            break
        found.append((whole, at))
    return whole, found
