"""Reads one table of a policy file: typed, with a path for every problem, all problems at once.

It knows how a duration, an offset or an amount is written, and which keys were asked for; what they mean is
`domain/policy.py`'s business. It never reads a file: tables come in as parsed TOML.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from typing import Any

from domain import money
from domain.errors import Invalid, Problem

_DURATION = re.compile(r"([0-9]{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_OFFSET = re.compile(r"D(?:0|[+-][1-9][0-9]{0,2})")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


class Table:
    """One table at `path`. Every reader returns a usable value even after a problem, so that reading goes on;
    the caller raises `Invalid` at the end if `problems` is not empty."""

    def __init__(self, data: Any, path: str, problems: list[Problem], defaults: Mapping[str, Any]):
        self.path = path
        self.problems = problems
        self._defaults = defaults
        self._data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        if not isinstance(data, Mapping):
            self.problem("", "must be a table")

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path and key else self.path or key

    def problem(self, key: str, message: str) -> None:
        self.problems.append(Problem(self.at(key), message))

    def only(self, known: Iterable[str]) -> None:
        """Refuses every other key, with the known one it may have been meant for."""
        names = list(known)
        for key in map(str, self._data):
            if key in names:
                continue
            close = difflib.get_close_matches(key, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"
            self.problem(key, f"is not a key here; {hint}")

    def raw(self, key: str) -> Any:
        return self._data.get(key, self._defaults.get(key))

    def inner(self, key: str) -> Table:
        """A table inside this one; its fields default one by one."""
        return Table(self.raw(key), self.at(key), self.problems, self._defaults.get(key, {}))

    def rows(self, key: str, value: Any, defaults: Mapping[str, Any]) -> list[Table]:
        """The tables of an array, at `key[0]`, `key[1]` …"""
        if not isinstance(value, list | tuple):
            self.problem(key, f"must be an array of tables, written [[{key}]]")
            return []
        return [Table(row, f"{self.at(key)}[{at}]", self.problems, defaults) for at, row in enumerate(value)]

    def text(self, key: str) -> str | None:
        """A name: letters, digits, `_`, `-`; None when the key is absent."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, str) or not _WORD.fullmatch(value):
            self.problem(key, "must be a name of letters, digits, _ and -")
            return None
        return value

    def needed(self, key: str) -> str:
        if self.raw(key) is None:
            self.problem(key, "is missing")
        return self.text(key) or ""

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw(key)
        listed = isinstance(value, list | tuple)
        if not listed or not all(isinstance(each, str) and _WORD.fullmatch(each) for each in value):
            self.problem(key, 'must be a list of names, such as ["controller"]')
            return ()
        if len(set(value)) < len(value):
            self.problem(key, "names something twice")
        return tuple(value)

    def names(self, key: str) -> dict[str, str]:
        """A table of names to names, such as `{ quality = "sam" }`."""
        value = self.raw(key)
        found = value if isinstance(value, Mapping) else {}
        good = all(isinstance(each, str) and _WORD.fullmatch(each) for pair in found.items() for each in pair)
        if not isinstance(value, Mapping) or not good:
            self.problem(key, 'must be a table of names, such as { quality = "sam" }')
            return {}
        return dict(found)

    def choice(self, key: str, allowed: Iterable[str]) -> str:
        value, options = self.raw(key), list(allowed)
        if value not in options:
            self.problem(key, f"must be one of {', '.join(options)}")
            return options[0]
        return str(value)

    def flag(self, key: str) -> bool:
        value = self.raw(key)
        if not isinstance(value, bool):
            self.problem(key, "must be true or false")
        return value is True

    def count(self, key: str, least: int, most: int) -> int:
        value = self.raw(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.problem(key, f"must be a whole number from {least} to {most}")
            return least
        return value

    def weekdays(self, key: str) -> tuple[int, ...]:
        """ISO weekdays, 1 Monday to 7 Sunday."""
        value = self.raw(key)
        listed = isinstance(value, list | tuple) and all(type(day) is int for day in value)
        days = set(value) if listed else set()
        if not days or not days <= set(range(1, 8)):
            self.problem(key, "must be a list of weekdays from 1 (Monday) to 7 (Sunday)")
            return (1,)
        return tuple(sorted(days))

    def duration(self, key: str, *, above_zero: bool = False) -> timedelta:
        value = self.raw(key)
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.problem(key, 'must be a duration such as "15m", "20h" or "3d"')
            return timedelta()
        if above_zero and not int(found[1]):
            self.problem(key, "must be longer than nothing")
        return timedelta(**{_UNITS[found[2]]: int(found[1])})

    def offset(self, key: str) -> int:
        """Days from the due date; `D-3` is -3."""
        value = self.raw(key)
        if not isinstance(value, str) or not _OFFSET.fullmatch(value):
            self.problem(key, 'must be an offset from the due date such as "D-3", "D0" or "D+7"')
            return 0
        return int(value[1:])

    def clock(self, key: str) -> time | None:
        value = self.raw(key)
        if isinstance(value, time):
            return value
        if not isinstance(value, str) or not _TIME.fullmatch(value):
            self.problem(key, 'must be a time such as "08:00"')
            return None
        return time.fromisoformat(value)

    def amount(self, key: str, currency: str) -> int | None:
        """Minor units of `currency`; None when the key is absent or not an amount."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problem(key, f'must be an amount in quotes, such as "{money.show(25000, currency)}"')
            return None
        try:
            minor = money.parse(value, currency)
        except Invalid as error:
            self.problem(key, error.problems[0].message)
            return None
        if minor < 0:
            self.problem(key, "must not be negative")
            return None
        return minor

    def currencies(self, key: str) -> list[str]:
        """The currencies a table by currency names; unknown codes are problems."""
        value = self.raw(key)
        if not isinstance(value, Mapping):
            self.problem(key, "must be a table by currency, such as EUR = …")
            return []
        known = []
        for currency in value:
            try:
                money.exponent(currency)
                known.append(currency)
            except Invalid:
                self.problem(f"{key}.{currency}", "is not an ISO 4217 currency such as EUR")
        return known

    def amounts(self, key: str) -> dict[str, int]:
        """Minor units by currency."""
        inner = Table(self.raw(key), self.at(key), self.problems, {})
        read = {currency: inner.amount(currency, currency) for currency in self.currencies(key)}
        return {currency: minor for currency, minor in read.items() if minor is not None}
