"""Frozen dataclasses to plain JSON and back, loss-free. It reads our own JSON only and trusts its types.

Decimals become normalised texts (1.50 is "1.5": numerically equal is equal content), dates ISO, tuples lists. A field
made by `later` is left out while it has its default, so that content hashed before it existed keeps its hash.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Hashable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from domain.keys import plain_decimal

T = TypeVar("T")


def later(default: Any) -> Any:
    """A dataclass field that came after content was first stored and hashed."""
    return dataclasses.field(default=default, metadata={"later": True})


def encode(value: Any) -> Any:
    """The JSON form of a dataclass instance, or of anything it may hold."""
    if dataclasses.is_dataclass(value):
        fields = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {f.name: encode(v) for f, v in fields if not ("later" in f.metadata and v == f.default)}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def decode(kind: type[T], data: dict[str, Any]) -> T:
    """The dataclass `kind` that `encode` gave `data` for. TypeError when fields are missing or unknown."""
    hints = _hints(typing.cast("Hashable", kind))
    unknown = data.keys() - hints.keys()
    if unknown:
        raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return kind(**{name: _decoded(hints[name], item) for name, item in data.items()})


def _decoded(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [arg for arg in args if arg is not type(None)]
        return _decoded(inner[0], value) if len(inner) == 1 else value
    if origin is tuple:
        return tuple(_decoded(args[0], item) for item in value)
    if hint is Decimal:
        return Decimal(value)
    if hint is date:
        return date.fromisoformat(value)
    return decode(hint, value) if isinstance(hint, type) and dataclasses.is_dataclass(hint) else value


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)
