"""Where files lie for years: by their content, written once. Nothing here deletes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol


class Store(Protocol):
    def put(self, data: bytes, suffix: str) -> str:
        """`sha256:<hex>` of the content, kept from now on; the same content again changes nothing and heals a copy that
        rotted. ValueError for a suffix that is not one of `archive.SUFFIXES`, Unavailable when it cannot be kept."""

    def get(self, key: str) -> bytes:
        """The content of `key`. NotFound when it was never stored, Conflict when what is stored is not what the key
        names, Unavailable when the store does not answer."""

    def keys(self) -> Iterator[str]:
        """Every key, in no order."""
