"""A zip that is written while it is collected, equal for equal content, with the SHA-256 of each of its files in the
last of them. It appears under its name complete, or not at all."""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from domain.errors import Invalid

LIST = "SHA256SUMS"
"""As coreutils' `sha256sum --check` reads it."""
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""No zip knows a time before."""
IN_MEMORY = 1 << 20
_UNFIT = re.compile(r"[^\w.+-]+")
_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Parcel:
    """`at` is the business time that every file carries; `step` is told of each file."""

    def __init__(self, zip_: zipfile.ZipFile, at: datetime, step: Callable[[int], Any]) -> None:
        self._zip, self._step = zip_, step
        self._at = max(at, EARLIEST).astimezone(UTC).timetuple()[:6]
        self._sums: list[str] = []

    def add(self, name: str, data: bytes) -> str:
        """The name it got: that of another file is not taken twice."""
        return self._write(name, io.BytesIO(data))

    def json(self, name: str, value: Any) -> str:
        return self.add(name, f"{json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)}\n".encode())

    def lines(self, name: str, values: Iterable[Any]) -> str:
        """One JSON value a line."""
        with self.spool(name) as file:
            for value in values:
                file.write(line(value))
        return name

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
        with self.spool(name) as file:
            write = writer(file, columns)
            for row in rows:
                write(row)
        return name

    @contextmanager
    def spool(self, name: str) -> Iterator[IO[str]]:
        """A text that grows while other files are added; it is added at the end of the block."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            file.seek(0)
            self._write(name, file)

    def close(self) -> int:
        """Adds the list; how many files it names."""
        count = len(self._sums)
        self._write(LIST, io.BytesIO("".join(self._sums).encode()))
        return count

    def _write(self, wanted: str, content: IO[Any]) -> str:
        name, n = wanted, 1
        while name in self._zip.NameToInfo:
            n += 1
            stem, dot, suffix = wanted.rpartition(".")
            name = f"{stem}-{n}{dot}{suffix}"
        info = zipfile.ZipInfo(name, self._at)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.create_system, info.external_attr = 3, 0o100644 << 16
        digest = sha256()
        with self._zip.open(info, "w", force_zip64=True) as file:
            while chunk := content.read(IN_MEMORY):
                data = chunk.encode() if isinstance(chunk, str) else chunk
                digest.update(data)
                file.write(data)
        self._sums.append(f"{digest.hexdigest()}  {name}\n")
        self._step(1)
        return name


@contextmanager
def parcel(path: Path, at: datetime, step: Callable[[int], Any]) -> Iterator[Parcel]:
    """Invalid when the file cannot be written; then nothing stays."""
    try:
        handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False)  # noqa: SIM115 renamed below
    except OSError as error:
        raise Invalid.at("--out", f"{path} cannot be written: {error.strerror}") from None
    part = Path(handle.name)
    try:
        with handle, zipfile.ZipFile(handle, "w", compresslevel=6) as zip_:
            made = Parcel(zip_, at, step)
            yield made
            made.close()
        part.chmod(0o644)
        part.replace(path)
    except OSError as error:
        raise Invalid.at("--out", f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def line(value: Any) -> str:
    return f"{json.dumps(value, ensure_ascii=False, sort_keys=True)}\n"


def writer(file: IO[str], columns: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """Writes the header, and answers what writes a row. Whoever wrote a cell, no spreadsheet runs it."""
    made = csv.writer(file, lineterminator="\n")
    made.writerow(columns)
    return lambda cells: made.writerow([_said(cell) if isinstance(cell, str) else cell for cell in cells])


def fit(name: str) -> str:
    """A name as a part of a path anywhere: letters, digits and `. + - _`, never hidden, never long."""
    return _UNFIT.sub("-", name).lstrip(".-")[-100:] or "file"


def _said(text: str) -> str:
    """What a spreadsheet would run as a formula is told to be a text; `verify.py` takes the mark off again."""
    return f"'{text}" if text.startswith(_FORMULA) and not _AMOUNT.fullmatch(text) else text
