"""Looks at every row that a transaction touched, as it is committed: invariants 2 and 4 to 8, each with a few
comparisons and without a query. It knows the tables and none of the code that writes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import Session

from domain import audit
from domain.ledger import RECEIVABLE
from schemas import tables as t

TOUCHED = "sim_touched"
Complain = Callable[[str, str, str], None]


@dataclass
class Watch:
    """`items`: of each message what it is about: kind, rung, amount. `withheld`: reasons told, by verdict and code."""

    complain: Complain
    items: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    balances: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _items: dict[tuple[Any, ...], str] = field(default_factory=dict)
    _chains: dict[str, tuple[int, str]] = field(default_factory=dict)
    _series: dict[tuple[str, str, int], tuple[int, date]] = field(default_factory=dict)
    _receipts: dict[int, int] = field(default_factory=dict)
    _external: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _allocated: dict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))

    def on(self, engine: Engine, seller: str) -> None:
        """Begins with the chain as it stands."""
        with Session(engine) as session:
            row = session.get_one(t.Seller, seller)
            self._chains[seller] = (row.audit_seq, row.audit_head or "")
        _watching[id(engine)] = self

    def off(self, engine: Engine) -> None:
        _watching.pop(id(engine), None)

    def committed(self, new: list[Any], changed: list[Any]) -> None:
        postings = [row for row in new if isinstance(row, t.Posting)]
        if postings:
            self._posted(postings)
        for entry in sorted((row for row in new if isinstance(row, t.AuditEntry)), key=lambda row: row.seq):
            self._chained(entry)
        for row in new:
            match row:
                case t.NumberTaken():
                    self._numbered(row)
                case t.MessageItem():
                    self._about(row)
                case t.Receipt():
                    self._received(row)
                case t.Why():
                    self.reasons[row.verdict, row.code] += 1
        touched = (*new, *changed)
        self._assigned([row for row in touched if isinstance(row, t.Allocation)])
        for row in touched:
            if isinstance(row, t.MessageItem):
                self.items[row.message] = (row.kind, row.rung, row.amount)

    def _posted(self, postings: list[t.Posting]) -> None:
        sums: Counter[tuple[str, int, str]] = Counter()
        for row in postings:
            sums[row.seller, row.transaction, row.currency] += row.amount
            if row.account == RECEIVABLE and row.invoice:
                self.balances[row.invoice] += row.amount
        about = postings[0].invoice or ""
        for (seller, number, currency), total in sums.items():
            if total:
                self.complain("I5", about, f"transaction {seller}/{number} is {total} {currency} out of balance")
        for invoice in {row.invoice for row in postings if row.account == RECEIVABLE and row.invoice}:
            if self.balances[invoice] < 0:
                self.complain("I7", invoice, f"its balance is {self.balances[invoice]}")

    def _chained(self, row: t.AuditEntry) -> None:
        seq, head = self._chains.get(row.seller, (0, ""))
        entry = audit.Entry(
            seller=row.seller, seq=row.seq, at=row.at, type=row.type, actor=row.actor, actor_kind=row.actor_kind,
            keys=row.keys, previous=row.previous,
        )  # fmt: skip
        if (row.seq, row.previous) != (seq + 1, head):
            self.complain("I6", row.invoice or "", f"audit entry {row.seq} ({row.type}) does not continue {seq}")
        if audit.digest(entry) != row.digest:
            self.complain("I6", row.invoice or "", f"audit entry {row.seq} ({row.type}) is not what its digest says")
        self._chains[row.seller] = (row.seq, row.digest)

    def _numbered(self, row: t.NumberTaken) -> None:
        series = (row.seller, row.kind, row.year)
        last, on = self._series.get(series, (0, row.issued_on))
        about = row.document.partition("/")[0]
        if row.n != last + 1:
            self.complain("I4", about, f"{row.number} follows number {last} of its series")
        if row.issued_on < on or row.issued_on.year != row.year:
            self.complain("I4", about, f"{row.number} is dated {row.issued_on}, the one before {on}")
        self._series[series] = (row.n, row.issued_on)

    def _about(self, row: t.MessageItem) -> None:
        about = (row.invoice, row.due, row.episode, row.kind, row.rung, row.ref)
        other = self._items.setdefault(about, row.message)
        if other != row.message:
            self.complain("I2", row.invoice, f"{row.message} is about the same as {other}")

    def _received(self, row: t.Receipt) -> None:
        key = (row.seller, row.source, row.external_id)
        if self._external.setdefault(key, row.id or 0) != row.id:
            self.complain("I8", "", f"{row.source} {row.external_id} is booked twice")
        self._receipts[row.id or 0] = row.amount

    def _assigned(self, rows: list[t.Allocation]) -> None:
        """Judged when all are taken in: one is released so that another can take its place."""
        for row in rows:
            self._allocated[row.receipt][row.id or 0] = 0 if row.released_at is not None else row.amount
        for row in rows:
            assigned, came = sum(self._allocated[row.receipt].values()), self._receipts.get(row.receipt, 0)
            if assigned > came:
                self.complain("I7", row.invoice, f"{assigned} of receipt {row.receipt} is assigned, it was {came}")


_watching: dict[int, Watch] = {}
"""By the engine: sessions come and go."""


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: object) -> None:
    if id(session.bind) in _watching:
        new, changed = session.info.setdefault(TOUCHED, ([], []))
        new.extend(session.new)
        changed.extend(row for row in session.dirty if row not in session.new)


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    """Only what a rolled back savepoint has not taken away again."""
    watch = _watching.get(id(session.bind))
    if watch is None or session.in_nested_transaction():
        return
    new, changed = session.info.pop(TOUCHED, ([], []))
    watch.committed([row for row in new if row in session], [row for row in changed if row in session])


@event.listens_for(Session, "after_soft_rollback")
def _undone(session: Session, previous: Any) -> None:
    if not previous.nested:
        session.info.pop(TOUCHED, None)
