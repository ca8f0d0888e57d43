"""A store that lasts as long as the program: for a simulation, and for whatever must leave no files."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from adapters.documents.archive import SUFFIXES
from domain.errors import Conflict, NotFound


class Shelf:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, data: bytes, suffix: str) -> str:
        if suffix not in SUFFIXES:
            raise ValueError(f"suffix must be one of {', '.join(SUFFIXES)}")
        key = f"sha256:{sha256(data).hexdigest()}"
        self.files[key] = data
        return key

    def get(self, key: str) -> bytes:
        data = self.files.get(key)
        if data is None:
            raise NotFound(f"archive: no document {key!r}")
        if f"sha256:{sha256(data).hexdigest()}" != key:
            raise Conflict(f"archive: the file of {key} has changed; restore it from the backup")
        return data

    def keys(self) -> Iterator[str]:
        yield from tuple(self.files)
