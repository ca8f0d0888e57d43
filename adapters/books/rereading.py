"""Finds rot in the archive: reads again what the books refer to, a part each day so that everything is read within
`PARTS` days, and puts what is missing or changed before the seller's owner. A copy put back settles that by itself. It
mends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, func, select

from adapters.books.engine import read
from adapters.books.filed import Reference, references
from adapters.books.tx import SYSTEM, Tx, booking
from adapters.books.unclear import owner
from adapters.documents.store import Store
from domain.errors import Conflict, NotFound, Unavailable
from schemas import tables as t

KIND = "archive_rot"
PARTS = 30
SMALL = 2_000
"""Documents that are all read every day."""
MOST_ASKED = 20
"""Exceptions that one run opens for a seller: a folder that is not mounted is one mishap, not ten thousand."""


@dataclass(frozen=True, slots=True)
class Rot:
    """`state`: missing, changed, or unreadable when the store did not answer for this one file."""

    reference: Reference
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    files: int
    rot: tuple[Rot, ...]

    def __str__(self) -> str:
        counts = Counter(each.state for each in self.rot)
        bad = ", ".join(f"{counts[state]} {state}" for state in ("missing", "changed", "unreadable") if counts[state])
        return f"{self.files} files read, {bad or 'all whole'}"


def part_of(engine: Engine, now: datetime) -> int | None:
    """The part to read on this day; None for everything, when there is little."""
    with read(engine) as session:
        count = session.exec(select(func.count()).select_from(t.Document)).one()
    return None if count <= SMALL else now.date().toordinal() % PARTS


def chosen(engine: Engine, part: int | None) -> dict[tuple[str, str], Reference]:
    """What a part covers, once a seller and file. Keys are hashes: each part is as large as any other."""
    with read(engine) as session:
        return {(each.seller, each.key): each for each in references(session) if _within(each.key, part)}


def reread(
    engine: Engine, store: Store, now: datetime, part: int | None, step: Callable[[int], Any] = lambda _: None
) -> Report:
    """Reads a part and books what was found. `step` is told of each file read."""
    found = chosen(engine, part)
    rot = tuple(_rotten(store, found.values(), step))
    told = "1/1" if part is None else f"{part + 1}/{PARTS}"
    for seller in sorted({seller for seller, _ in found} | _asked(engine)):
        own = [each for each in rot if each.reference.seller == seller]
        with booking(engine, seller, now) as tx:
            _ask(tx, own)
            _settle(tx, store)
            counts = Counter(each.state for each in own)
            files = sum(of == seller for of, _ in found)
            tx.audit(
                "archive.read",
                SYSTEM,
                part=told,
                files=str(files),
                missing=str(counts["missing"]),
                changed=str(counts["changed"]),
                unreadable=str(counts["unreadable"]),
            )
    return Report(len(found), rot)


def _within(key: str, part: int | None) -> bool:
    digest = key.removeprefix("sha256:")[:8]
    return part is None or not _hex(digest) or int(digest, 16) % PARTS == part


def _hex(digest: str) -> bool:
    return len(digest) == 8 and all(c in "0123456789abcdef" for c in digest)


def _rotten(store: Store, found: Iterable[Reference], step: Callable[[int], Any]) -> Iterator[Rot]:
    for each in found:
        state, text = _state(store, each.key)
        if state:
            yield Rot(each, state, text)
        step(1)


def _state(store: Store, key: str) -> tuple[str, str]:
    """Empty for a file that is there and whole."""
    try:
        store.get(key)
    except NotFound as error:
        return "missing", str(error)
    except Conflict as error:
        return "changed", str(error)
    except Unavailable as error:
        return "unreadable", str(error)
    return "", ""


def _ask(tx: Tx, rot: list[Rot]) -> None:
    for each in rot[:MOST_ASKED]:
        about = each.reference
        tx.open_exception(
            KIND,
            about.key,
            owner(tx),
            None,
            why=f"{about.what} is {each.state}: restore it from the backup, then `duely archive check`",
            file=about.key.removeprefix("sha256:"),
            row=about.row,
            receivable=about.invoice,
            state=each.state,
        )


def _settle(tx: Tx, store: Store) -> None:
    """What is whole again is nobody's to decide any more."""
    query = select(t.OpenException).where(
        t.OpenException.seller == tx.seller.key,
        t.OpenException.kind == KIND,
        col(t.OpenException.decided_at).is_(None),
    )
    for row in tx.session.exec(query).all():
        if not _state(store, row.key)[0]:
            tx.settle_exceptions(SYSTEM, "the file is whole again", kind=KIND, key=row.key)


def _asked(engine: Engine) -> set[str]:
    """The sellers with a question open."""
    query = select(t.OpenException.seller).where(
        t.OpenException.kind == KIND, col(t.OpenException.decided_at).is_(None)
    )
    with read(engine) as session:
        return set(session.exec(query))
