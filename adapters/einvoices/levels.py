"""What the lower levels of Factur-X have no place for, of the terms that Duely may have to say. Their schemas refuse
these (a test asks them), and their rules BT-137, BT-138, BT-142 and BT-143."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from adapters.einvoices.binding import Terms

_BASIC = frozenset(
    "BG-24 BT-11 BT-14 BT-33 BT-41 BT-42 BT-43 BT-56 BT-57 BT-58 BT-85 BT-86 BT-114 BT-132 BT-133 BT-137 BT-138 BT-142 "
    "BT-143 BT-154 BT-155".split()
)
_MINIMUM = frozenset(
    "BG-1 BT-38 BT-35 BT-36 BT-37 BT-39 BT-34 BT-34-1 BT-53 BT-50 BT-51 BT-52 BT-54 BT-55 BT-49 BT-49-1 BT-48 BT-12 "
    "BT-78 BT-75 BT-76 BT-77 BT-80 BT-79 BT-72 BT-83 BT-6 BT-111 BT-60 BT-59 BT-61 BG-16 BG-23 BT-73 BT-74 BG-20 BG-21 "
    "BT-20 BT-9 BT-106 BT-108 BT-107 BG-3 BT-19".split()
)
WITHOUT: Final = MappingProxyType(
    {"BASIC": _BASIC, "BASIC WL": _BASIC | {"BG-25"}, "MINIMUM": _BASIC | {"BG-25"} | _MINIMUM}
)
"""By the word for the level that `domain/profiles.py` uses."""


def fit(terms: Terms, level: str | None) -> Terms:
    """The terms without those, of the document and of the rows of its groups."""
    without = WITHOUT.get(level or "")
    return terms if without is None else _fit(terms, without)


def _fit(terms: Terms, without: frozenset[str]) -> Terms:
    return {
        term: [_fit(row, without) for row in said] if isinstance(said, list) else said
        for term, said in terms.items()
        if term not in without
    }
