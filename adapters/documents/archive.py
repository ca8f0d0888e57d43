"""Legal documents, attachments, bank statements and mails that came in, by their content: written once, never changed,
checked whenever they are read. Never deletes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from adapters.files import write_atomically
from domain.errors import Conflict, NotFound, Unavailable

SUFFIXES = ("pdf", "xml", "png", "jpeg", "svg", "csv", "txt", "sta", "eml")
_KEY = re.compile(r"sha256:([0-9a-f]{64})")


class Archive:
    """The `Store` on disk."""

    def __init__(self, folder: Path):
        self._folder = folder

    def put(self, data: bytes, suffix: str) -> str:
        """`sha256:<hex>` of the content, stored as `<hex>.<suffix>`. The same content again changes nothing,
        and heals a copy that rotted. Unavailable when the disk is full or gone; no half file stays."""
        if suffix not in SUFFIXES:
            raise ValueError(f"suffix must be one of {', '.join(SUFFIXES)}")
        digest = sha256(data).hexdigest()
        path = self._folder / f"{digest}.{suffix}"
        try:
            if not (path.exists() and path.read_bytes() == data):
                self._folder.mkdir(parents=True, exist_ok=True)
                write_atomically(path, data, mode=0o444)
        except OSError as error:
            raise _unavailable(error) from error
        return f"sha256:{digest}"

    def get(self, key: str) -> bytes:
        """The content of `key`. NotFound when it was never stored, Conflict when the stored bytes are not
        those the key names, Unavailable when the disk does not answer."""
        try:
            data = self.path(key).read_bytes()
        except OSError as error:
            raise _unavailable(error) from error
        if f"sha256:{sha256(data).hexdigest()}" != key:
            raise Conflict(f"archive: the file of {key} has changed on disk; restore it from the backup")
        return data

    def keys(self) -> Iterator[str]:
        """Every key, in no order. Unavailable when the disk does not answer; a folder that is not there has none."""
        try:
            with os.scandir(self._folder) as found:
                for entry in found:
                    digest, _, suffix = entry.name.partition(".")
                    if suffix in SUFFIXES and _KEY.fullmatch(f"sha256:{digest}"):
                        yield f"sha256:{digest}"
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unavailable(error) from error

    def path(self, key: str) -> Path:
        """Where the file lies. NotFound when it was never stored."""
        if match := _KEY.fullmatch(key):
            for suffix in SUFFIXES:
                if (path := self._folder / f"{match[1]}.{suffix}").exists():
                    return path
        raise NotFound(f"archive: no document {key!r}")


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"archive: {error.strerror or type(error).__name__}; free space or rights")
