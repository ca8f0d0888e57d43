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
from typing import Any

FONTS = Path(__file__).resolve().parents[2] / "templates" / "fonts"
FAMILIES = (
    "Source Sans 3", "Noto Sans", "Noto Sans Hebrew", "Noto Sans Arabic", "Noto Sans Devanagari", "Noto Sans Thai",
    "Noto Sans Armenian", "Noto Sans Georgian", "Noto Sans CJK SC", "Noto Sans Symbols", "Noto Sans Symbols2",
    "Noto Emoji",
)  # fmt: skip
"""In the order in which a letter is looked for."""
PICTURE = "svg"
"""The key of what is no text."""
SUBSTITUTE = "\u25a1"
"""WHITE SQUARE: something stood here."""

_COMMON = re.compile(r"[\x20-\x7e\xa0-\xac\xae-\u017f\u2010-\u2014\u2018-\u201e\u2022\u2026\u202f\u20ac\u2212]*")
_BLANKS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_TURNED = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORMS = re.compile(r"[\u200d\ufe00-\ufe0f]")
_FIRST_STRONG, _POP = "\u2068", "\u2069"


def settable(value: Any) -> Any:
    """Every string of `value` as the fonts can set it; pictures stay as they are."""
    if isinstance(value, str):
        return _isolated(plain(value))
    if isinstance(value, dict):
        return {key: item if key == PICTURE else settable(item) for key, item in value.items()}
    return [settable(item) for item in value] if isinstance(value, list | tuple) else value


def plain(text: str) -> str:
    """`text` on one line, composed, with a square for every letter that no font has. Control characters and marks that
    turn the direction go."""
    if _COMMON.fullmatch(text):
        return text
    text = _BLANKS.sub(" ", _TURNED.sub(" ", text)).strip(" ")
    return "".join(map(_cluster, _clusters(unicodedata.normalize("NFC", text))))


def width(text: str) -> int:
    """In letters of usual width; East Asian ones count twice."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _isolated(text: str) -> str:
    """Text with letters that run from right to left goes its own way, and leaves its neighbours theirs."""
    if _COMMON.fullmatch(text) or not any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text):
        return text
    return f"{_FIRST_STRONG}{text}{_POP}"


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
        return "".join(map(_cluster, _FORMS.sub("", cluster)))
    simpler = unicodedata.normalize("NFKC", cluster)
    if simpler != cluster:
        return "".join(map(_cluster, simpler))
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
