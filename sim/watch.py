"""Looks at every row that a transaction touched, as it is committed: invariants 2 and 4 to 8, each with a few
comparisons and without a query. It knows the tables and none of the code that writes them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine, Insert, event
from sqlmodel import Session

from domain import audit
from domain.ledger import RECEIVABLE
from schemas import tables as t

Complain = Callable[[str, str, str], None]
Rows = list[Any]
PLAIN = frozenset({"postings", "audit", "whys", "numbers"})
"""Tables whose rows are only added, some by statements of their own."""
OBJECTS = (t.Receipt, t.Allocation, t.MessageItem)


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
    _pending: list[tuple[str, Any]] = field(default_factory=list)
    _parts: dict[str, int] = field(default_factory=dict)

    def on(self, engine: Engine, seller: str) -> None:
        """Begins with the chain as it stands."""
        with Session(engine) as session:
            row = session.get_one(t.Seller, seller)
            self._chains[seller] = (row.audit_seq, row.audit_head or "")
        _watching[id(engine)] = self
        _listen(engine, self)

    def off(self, engine: Engine) -> None:
        _watching.pop(id(engine), None)

    def committed(self) -> None:
        """What was pending holds: judge it."""
        pending, self._pending = self._pending, []
        for table, row in pending:
            match table:
                case "receipts":
                    self._received(row)
                case "numbers":
                    self._numbered(row)
                case "message_items":
                    self._about(row)
                case "whys":
                    self.reasons[row.verdict, row.code] += 1
        for name, judge in (("postings", self._posted), ("audit", self._chained), ("allocations", self._assigned)):
            rows = [row for table, row in pending if table == name]
            if rows:
                judge(rows)

    def _posted(self, postings: Rows) -> None:
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

    def _chained(self, entries: Rows) -> None:
        for row in sorted(entries, key=lambda row: row.seq):
            seq, head = self._chains.get(row.seller, (0, ""))
            names = ("seller", "seq", "at", "type", "actor", "actor_kind", "keys", "previous")
            entry = audit.Entry(**{name: getattr(row, name) for name in names})
            if (row.seq, row.previous) != (seq + 1, head):
                self.complain("I6", row.invoice or "", f"audit entry {row.seq} ({row.type}) does not continue {seq}")
            if audit.digest(entry) != row.digest:
                self.complain(
                    "I6", row.invoice or "", f"audit entry {row.seq} ({row.type}) is not what its digest says"
                )
            self._chains[row.seller] = (row.seq, row.digest)

    def _numbered(self, row: Any) -> None:
        series = (row.seller, row.kind, row.year)
        last, on = self._series.get(series, (0, row.issued_on))
        about = row.document.partition("/")[0]
        if row.n != last + 1:
            self.complain("I4", about, f"{row.number} follows number {last} of its series")
        if row.issued_on < on or row.issued_on.year != row.year:
            self.complain("I4", about, f"{row.number} is dated {row.issued_on}, the one before {on}")
        self._series[series] = (row.n, row.issued_on)

    def _about(self, row: Any) -> None:
        about = (row.invoice, row.due, row.episode, row.kind, row.rung, row.ref)
        self.items[row.message] = (row.kind, row.rung, row.amount)
        other = self._items.setdefault(about, row.message)
        if other != row.message:
            self.complain("I2", row.invoice, f"{row.message} is about the same as {other}")

    def _received(self, row: Any) -> None:
        key = (row.seller, row.source, row.external_id)
        if self._external.setdefault(key, row.id or 0) != row.id:
            self.complain("I8", "", f"{row.source} {row.external_id} is booked twice")
        self._receipts[row.id or 0] = row.amount

    def _assigned(self, rows: Rows) -> None:
        """Judged when all are taken in: one is released so that another can take its place."""
        for row in rows:
            self._allocated[row.receipt][row.id or 0] = 0 if row.released_at is not None else row.amount
        for row in rows:
            assigned, came = sum(self._allocated[row.receipt].values()), self._receipts.get(row.receipt, 0)
            if assigned > came:
                self.complain("I7", row.invoice, f"{assigned} of receipt {row.receipt} is assigned, it was {came}")

    def take(self, table: str, row: Any) -> None:
        """A row that was written; its transaction may still be undone."""
        self._pending.append((table, row))

    def begin_part(self, name: str) -> None:
        self._parts[name] = len(self._pending)

    def undo_part(self, name: str) -> None:
        del self._pending[self._parts.get(name, 0) :]

    def undo(self) -> None:
        self._pending.clear()


_watching: dict[int, Watch] = {}
"""By the engine: sessions come and go."""


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: object) -> None:
    """Rows that the books hold as objects."""
    watch = _watching.get(id(session.bind))
    if watch is None:
        return
    for row in (*session.new, *session.dirty):
        if isinstance(row, OBJECTS):
            watch.take(str(row.__tablename__), row)


def _listen(engine: Engine, watch: Watch) -> None:
    @event.listens_for(engine, "after_execute")
    def _executed(_: object, statement: object, rows: Any, row: Any, *__: object) -> None:
        """Rows that are written as they are, whoever writes them."""
        if isinstance(statement, Insert) and statement.table.name in PLAIN:
            for values in rows or [row]:
                watch.take(statement.table.name, SimpleNamespace(**values))

    event.listen(engine, "commit", lambda _: watch.committed())
    event.listen(engine, "rollback", lambda _: watch.undo())
    event.listen(engine, "savepoint", lambda _, name: watch.begin_part(name))
    event.listen(engine, "rollback_savepoint", lambda _, name, __: watch.undo_part(name))
