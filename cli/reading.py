"""Reads requests from JSON, JSON Lines and CSV, one at a time: a file of any length is never held at once.
It checks the form of files, not of requests, and starts nothing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from domain.errors import Problem
from schemas.parsing import read_json

LINES_SUFFIXES = (".jsonl", ".ndjson")
_PART = re.compile(r"([^.\[\]]+)|\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Found:
    """One request of a file as it stands there. `line`: where it begins, 0 when the file has only one; `lines`: where
    each of its line items stands (CSV). With problems there is no body."""

    file: str
    line: int
    body: Any = None
    lines: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()

    def place(self, problem: Problem) -> str:
        """`orders.csv:7 line.tax.rate: is required`, the way editors and people find it."""
        path, line = problem.path, self.line
        item = re.match(r"lines\[(\d+)\]", path)
        if item and int(item[1]) < len(self.lines):
            line, path = self.lines[int(item[1])], f"line{path[item.end() :]}"
        where = f"{self.file}:{line}" if line else self.file
        return f"{where} {Problem(path, problem.message)}"


def read(file: TextIO, name: str) -> Iterator[Found]:
    """The requests of an open text file. Its form follows from the name's ending, else from how it begins."""
    form = form_of(name, file)
    try:
        if form == "csv":
            yield from _csv(file, name)
        elif form == "lines":
            yield from _json_lines(file, name)
        else:
            yield from _json(file, name)
    except UnicodeDecodeError:
        yield _broken(name, 0, "is not UTF-8 text from here on; save it as UTF-8")


def form_of(name: str, file: TextIO) -> str:
    """json, lines or csv."""
    suffix = Path(name).suffix.lower()
    if suffix in LINES_SUFFIXES:
        return "lines"
    if suffix == ".csv":
        return "csv"
    if suffix == ".json":
        return "json"
    start = file.tell()
    try:
        first = next((line for line in file_lines(file) if line.strip()), "").strip()
    except UnicodeDecodeError:
        first = ""
    file.seek(start)
    if not first.startswith(("{", "[")):
        return "csv"
    return "lines" if first.startswith("{") and isinstance(_loaded(first), dict) else "json"


def file_lines(file: TextIO) -> Iterator[str]:
    """Like iterating, but `tell` stays allowed."""
    return iter(file.readline, "")


def _loaded(text: str) -> Any:
    """The JSON value, or the ValueError that says why there is none."""
    try:
        return read_json(text)
    except ValueError as error:
        return error


def _json(file: TextIO, name: str) -> Iterator[Found]:
    """One request, or a list of them."""
    value = _loaded(file.read().removeprefix("\ufeff"))
    if isinstance(value, ValueError):
        yield _broken(name, getattr(value, "lineno", 0), f"is not JSON: {value}")
    elif isinstance(value, list):
        for position, body in enumerate(value, 1):
            yield Found(f"{name}[{position}]", 0, body)
    else:
        yield Found(name, 0, value)


def _json_lines(file: TextIO, name: str) -> Iterator[Found]:
    for number, line in enumerate(file, 1):
        text = line.removeprefix("\ufeff").strip()
        if not text:
            continue
        value = _loaded(text)
        if isinstance(value, ValueError):
            yield _broken(name, number, f"is not JSON: {value}")
        else:
            yield Found(name, number, value)


def _csv(file: TextIO, name: str) -> Iterator[Found]:
    """Rows with the same seller and reference, one after the other, are the line items of one request.

    A row that cannot be read may belong to the request before or after it, and a reference whose rows lie apart would
    be billed in part: none of these may be started.
    """
    start = file.tell()
    split = _split(_Table().rows(file))
    file.seek(start)
    group: _Group | None = None
    doubt: tuple[int, ...] = ()
    for number, cells in _Table().rows(file):
        if isinstance(cells, Problem):
            doubt = (number,)
            if group is not None:
                group.doubt(number)
                yield group.found()
                group = None
            yield Found(name, number, problems=(cells,))
            continue
        if group is None or group.key != _key(cells):
            if group is not None:
                yield group.found()
            group = _Group(name, number, cells)
            for line in doubt:
                group.doubt(line)
            doubt = ()
            if hash(group.key) in split:
                group.problems.append(Problem("reference", "has rows elsewhere in the file: put them together"))
        group.add(number, cells)
    if group is not None:
        yield group.found()


def _key(cells: dict[str, str]) -> tuple[str | None, str | None]:
    return cells.get("seller"), cells.get("reference")


def _split(rows: Iterator[tuple[int, dict[str, str] | Problem]]) -> set[int]:
    """Hashes of the references whose rows lie apart: eight bytes for each reference, whatever its rows hold."""
    seen: set[int] = set()
    split: set[int] = set()
    last: int | None = None
    for _, cells in rows:
        if isinstance(cells, Problem):
            continue
        key = hash(_key(cells))
        if key != last and key in seen:
            split.add(key)
        seen.add(key)
        last = key
    return split


@dataclass
class _Table:
    header: list[str] = field(default_factory=list)

    def rows(self, file: TextIO) -> Iterator[tuple[int, dict[str, str] | Problem]]:
        """(line, filled cells by header), or what is wrong with the row. Ends where the file cannot be read on."""
        first = file.readline().removeprefix("\ufeff")
        delimiter = max(",;\t", key=first.count)
        try:
            self.header = [each.strip() for each in next(csv.reader([first], delimiter=delimiter), [])]
            wrong = self._header_problem()
        except csv.Error as error:
            wrong = Problem("", f"cannot be read as CSV: {error}")
        if wrong is not None:
            yield 1, wrong
            return
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            number = reader.line_num + 2
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield number, Problem("", f"cannot be read as CSV from here on: {error}")
                return
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield number, self._row(cells)

    def _row(self, cells: list[str]) -> dict[str, str] | Problem:
        if len(cells) != len(self.header):
            return Problem("", f"has {len(cells)} cells, the header has {len(self.header)}")
        return {name: cell.strip() for name, cell in zip(self.header, cells, strict=True) if cell.strip()}

    def _header_problem(self) -> Problem | None:
        if not any(self.header):
            return Problem("", "is empty: the first line names the fields, such as seller,reference,customer.name")
        for name in self.header:
            if not name or "".join(part.group() for part in _PART.finditer(name)) != name.replace(".", ""):
                return Problem("", f"{name!r} is no field name; write a path such as line.tax.rate")
        twice = {name for name in self.header if self.header.count(name) > 1}
        if twice:
            return Problem("", f"names {', '.join(sorted(twice))} twice")
        return None


class _Group:
    """The consecutive rows of one reference."""

    def __init__(self, name: str, line: int, cells: dict[str, str]):
        self._name, self._line = name, line
        self.key = _key(cells)
        self.problems: list[Problem] = []
        self._head = {path: value for path, value in cells.items() if not path.startswith("line.")}
        self._items: list[dict[str, str]] = []
        self._lines: list[int] = []

    def doubt(self, line: int) -> None:
        self.problems.append(Problem("", f"line {line} cannot be read and may belong to it"))

    def add(self, line: int, cells: dict[str, str]) -> None:
        for path, value in cells.items():
            if not path.startswith("line.") and self._head.get(path) != value:
                said = self._head.get(path)
                self.problems.append(Problem(path, f"line {line} says {value!r}, line {self._line} {said!r}"))
        self._items.append({path[5:]: value for path, value in cells.items() if path.startswith("line.")})
        self._lines.append(line)

    def found(self) -> Found:
        try:
            body = nested(self._head)
            if any(self._items):
                body["lines"] = [nested(item) for item in self._items]
        except ValueError as error:
            self.problems.append(Problem("", str(error)))
            body = {}
        if self.problems:
            return Found(self._name, self._line, problems=tuple(self.problems))
        return Found(self._name, self._line, body, tuple(self._lines))


def nested(cells: dict[str, str]) -> dict[str, Any]:
    """`{"customer.name": "Globex", "customer.contacts[0].email": "a@b.example"}` as objects and lists. ValueError
    when one cell says that a field is a text and another that it has fields of its own."""
    made: dict[Any, Any] = {}
    for path, value in cells.items():
        keys = [int(index) if index else word for word, index in _PART.findall(path)]
        place = made
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ValueError(f"{path} and {key} cannot both be filled")
        if keys[-1] in place:
            raise ValueError(f"{path} and its fields cannot both be filled")
        place[keys[-1]] = value
    listed: dict[str, Any] = _listed(made)
    return listed


def _listed(value: Any) -> Any:
    """Objects whose keys are all positions become lists, in order of the positions."""
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(key, int) for key in value):
        return [_listed(value[key]) for key in sorted(value)]
    return {str(key): _listed(item) for key, item in value.items()}


def _broken(name: str, line: int, message: str) -> Found:
    return Found(name, line, problems=(Problem("", message),))
