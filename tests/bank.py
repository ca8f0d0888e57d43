"""Statements told to the books without a file or a server: lines as a bank's reader gives them, booked to the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from adapters.books import statements as books
from adapters.documents.archive import Archive
from domain.keys import creditor_reference
from domain.statements import Entry, Line, Statement, keyed
from schemas.incoming import Booked, FileHint, FileStep

IBAN = "DE89370400440532013000"
"""The demo seller's account."""
PAYER = "DE02120300000000202051"


def reference(number: str, seller: str = "demo") -> str:
    return creditor_reference(f"{seller}{number}")


def line(amount: int, on: str = "2026-01-20", **said: Any) -> Line:
    day = date.fromisoformat(on)
    return Line(key="", booked_on=day, value_on=day, amount=amount, currency=said.pop("currency", "EUR"), **said)


def statement(*lines: Line | Entry, closed: str = "2026-01-20", account: str = IBAN, **more: Any) -> Statement:
    day = date.fromisoformat(closed)
    entries = [one if isinstance(one, Entry) else Entry(whole=one) for one in lines]
    total = sum(one.whole.amount for one in entries)
    made = Statement(
        account=account,
        currency=more.pop("currency", "EUR"),
        id=f"S-{closed}",
        number="1",
        opening=0,
        closing=total,
        opened_on=day,
        closed_on=day,
        created_at=more.pop("created_at", datetime(day.year, day.month, day.day, 20, tzinfo=UTC)),
        format="test",
    )
    return keyed([(made, entries)])[0]


class Bank:
    """Sends statements to one seller's books. `now` is the workflow's. Files land in `archive` when there is one."""

    def __init__(self, engine: Engine, now: datetime, seller: str = "demo", archive: Path | None = None) -> None:
        self.engine, self.now, self.seller = engine, now, seller
        self.told: list[str] = []
        self._archive = Archive(archive) if archive else None

    def send(self, *lines: Line | Entry, **about: Any) -> Booked:
        """One statement in one file, booked to the end; its balances tell nothing."""
        return self.file(replace(statement(*lines, **about), opening=None, closing=None))

    def file(self, *statements: Statement) -> Booked:
        content = repr([(each.created_at, each.id, [one.key for one in each.lines]) for each in statements]).encode()
        if self._archive:
            self._archive.put(content, "csv")
        hint = FileHint(seller=self.seller, object=f"sha256:{sha256(content).hexdigest()}", format="csv")
        said = books.receive(self.engine, hint, statements, self.now)
        step = FileStep(hint=hint, now=self.now)
        while said.more:
            said, _ = books.book(self.engine, step, None)
            self.told += said.told
            step = FileStep(hint=hint, now=self.now, position=said.position, after=said.after)
        return said
