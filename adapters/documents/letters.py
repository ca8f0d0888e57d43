"""Which letters the shipped fonts have, and what is printed in place of the others: PDF/A allows no letter without a
glyph. Never asks the machine for a font.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

FONTS = Path(__file__).resolve().parents[2] / "templates" / "fonts"
FAMILIES = (
    "Source Sans 3", "Noto Sans", "Noto Sans Hebrew", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai",
    "Noto Sans Armenian", "Noto Sans Georgian", "Noto Sans CJK SC", "Noto Sans Symbols", "Noto Sans Symbols2",
    "Noto Sans Math", "Noto Emoji",
)  # fmt: skip
"""In the order in which a letter is looked for."""
SUBSTITUTE = "\u25a1"
"""WHITE SQUARE: something stood here."""

_COMMON = re.compile(r"[\x20-\x7e\xa0-\u017f\u2010-\u2015\u2018-\u201e\u2022\u2026\u20ac\u2212]*")
_JOINED = re.compile(r"[\u200d\ufe0e\ufe0f]")
_UNPRINTED = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """`text` as the fonts can set it: composed, and a square for every letter that none of them has."""
    if _COMMON.fullmatch(text):
        return text
    return "".join(map(_cluster, _clusters(unicodedata.normalize("NFC", text))))


def _clusters(text: str) -> list[str]:
    """A letter and the marks upon it: a font has to have them together."""
    found: list[str] = []
    for letter in text:
        if found and (_is_mark(letter) or (found[-1][-1] == "\u200d" and not found[-1][0].isspace())):
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "M" or letter == "\u200d" or 0x1F3FB <= ord(letter) <= 0x1F3FF


@lru_cache(maxsize=4096)
def _cluster(cluster: str) -> str:
    if any(all(_has(font, letter) for letter in cluster) for font in _fonts()):
        return cluster
    if len(cluster) > 1:
        # Joiners and variation selectors only choose a form; without them the letters stand by themselves.
        parts = _JOINED.sub("", cluster)
        return "".join(map(_cluster, parts)) if parts != cluster or len(parts) > 1 else _cluster(parts)
    return "" if unicodedata.category(cluster) == "Cf" else SUBSTITUTE


def _has(font: Sequence[int], letter: str) -> bool:
    return bisect_right(font, ord(letter)) % 2 == 1


@cache
def _fonts() -> tuple[tuple[int, ...], ...]:
    """Of each font the bounds of its ranges of letters: first, one after last, first, …"""
    fonts = []
    for row in (FONTS / "letters.txt").read_text("ascii").splitlines():
        bounds: list[int] = []
        for span in row.partition(": ")[2].split():
            first, _, last = span.partition("-")
            bounds += (int(first, 16), int(last or first, 16) + 1)
        fonts.append(tuple(bounds))
    return tuple(fonts)
