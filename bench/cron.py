"""The peer: a reminder loop as one would write it with cron and SQL, and honestly: each reminder is claimed in the
transaction that takes a last look at what is owed, sent, and confirmed; a crash at any point sends nothing twice. It
writes the same words to the same outbox as Duely. `LACKS` says what it does not do.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from adapters.mail.outbox import Outbox
from adapters.mail.port import Address, Message
from adapters.mail.render import render
from domain.keys import creditor_reference

LADDER = ((-3, "friendly"), (1, "reminder"), (7, "firmer"))
"""Days from the due date, and the words."""
MAX_AGE = timedelta(hours=26)
SELLER = {
    "name": "Duely Demo GmbH", "email": "rechnung@demo.example", "phone": None, "address": {}, "vat_id": "DE811569869",
    "bank": {"iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "name": "Duely Demo GmbH"},
}  # fmt: skip

LACKS = (
    ("when it acts", "the loop's next turn; a table scan each", "a timer of its own for each invoice"),
    ("last look", "in the claiming transaction", "in the claiming transaction, in every attempt"),
    (
        "a crash between claim and confirm",
        "repeated under the same key",
        "the same; parked where a provider has no keys",
    ),
    (
        "the provider is down",
        "the next turn, without limit",
        "15 min, 1 h, 4 h, next window, one exception for a person",
    ),
    ("a late turn after an outage", "every missed rung at once", "declared for each rung: send, collapse, skip, shift"),
    ("send window, holidays, time zones", "none", "the customer's"),
    ("disputes, promises, holds, plans", "two flags that stop everything", "amounts and ends; the ladder moves along"),
    ("why a message left or did not", "not kept", "a why-record for each, with policy version and balance"),
    ("approval, issue, numbers, documents", "none", "the same workflow"),
    ("books and audit", "a balance column that others must write", "double entry, hash chain, `verify`"),
    ("who sees it", "whoever writes SQL", "Web UI, status, exceptions with owners and deadlines"),
    (
        "several at a time",
        "one process: a second repeats what the first has in hand",
        "workers by number; one seller's writes queue",
    ),
)
"""What, here, in Duely."""

SCHEMA = """
CREATE TABLE receivables (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, number TEXT NOT NULL UNIQUE, issued_on TEXT NOT NULL,
  due_on TEXT NOT NULL, total INTEGER NOT NULL, balance INTEGER NOT NULL CHECK (balance >= 0),
  disputed INTEGER NOT NULL DEFAULT 0, stopped INTEGER NOT NULL DEFAULT 0);
CREATE TABLE source (read_at TEXT NOT NULL);
CREATE TABLE messages (
  receivable TEXT NOT NULL REFERENCES receivables, rung INTEGER NOT NULL, key TEXT NOT NULL UNIQUE, words TEXT NOT NULL,
  amount INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('claimed', 'sent')), claimed_at TEXT NOT NULL,
  provider_id TEXT, PRIMARY KEY (receivable, rung));
CREATE INDEX claimed ON messages (state) WHERE state = 'claimed';
"""


@dataclass(frozen=True, slots=True)
class Claim:
    key: str
    receivable: str
    words: str
    amount: int


class Cron:
    """One process. `turn` is what cron calls."""

    def __init__(self, file: Path, outbox: Path):
        self._db = sqlite3.connect(file, isolation_level=None, timeout=5)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        self._mail = Outbox(outbox)

    def turn(self, now: datetime) -> int:
        """Finishes what an earlier turn left claimed, then reminds whoever is due; answers how many left."""
        sent = 0
        for claim in self._claimed():
            self._send(claim, now)
            sent += 1
        for receivable, rung, words in self._due(now.date()):
            claim_ = self._claim(receivable, rung, words, now)
            if claim_ is not None:
                self._send(claim_, now)
                sent += 1
        return sent

    def _claimed(self) -> list[Claim]:
        rows = self._db.execute("SELECT key, receivable, words, amount FROM messages WHERE state = 'claimed'")
        return [Claim(*row) for row in rows]

    def _due(self, today: date) -> list[tuple[str, int, str]]:
        found = []
        for rung, words in LADDER:
            rows = self._db.execute(
                "SELECT id FROM receivables r WHERE balance > 0 AND NOT disputed AND NOT stopped AND due_on <= ? "
                "AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.receivable = r.id AND m.rung = ?) ORDER BY id",
                ((today - timedelta(days=rung)).isoformat(), rung),
            )
            found += [(row[0], rung, words) for row in rows]
        return found

    def _claim(self, receivable: str, rung: int, words: str, now: datetime) -> Claim | None:
        """The last look and the claim are one transaction: money booked before it withholds the reminder."""
        with self._writing():
            row = self._db.execute(
                "SELECT balance FROM receivables WHERE id = ? AND balance > 0 AND NOT disputed AND NOT stopped "
                "AND (? < 0 OR (SELECT max(read_at) FROM source) >= ?)",
                (receivable, rung, (now - MAX_AGE).isoformat()),
            ).fetchone()
            if row is None:
                return None
            key = f"{receivable}/{rung}"
            taken = self._db.execute(
                "INSERT INTO messages VALUES (?, ?, ?, ?, ?, 'claimed', ?, NULL) ON CONFLICT DO NOTHING",
                (receivable, rung, key, words, row[0], now.isoformat()),
            )
            return Claim(key, receivable, words, row[0]) if taken.rowcount else None

    def _send(self, claim: Claim, now: datetime) -> None:
        """The outbox takes a key once; a second attempt finds the first."""
        provider_id = self._mail.send(self._letter(claim, now))
        with self._writing():
            self._db.execute(
                "UPDATE messages SET state = 'sent', provider_id = ? WHERE key = ?", (provider_id, claim.key)
            )

    def _letter(self, claim: Claim, now: datetime) -> Message:
        name, email, number, issued, due, total = self._db.execute(
            "SELECT name, email, number, issued_on, due_on, total FROM receivables WHERE id = ?", (claim.receivable,)
        ).fetchone()
        due_on = date.fromisoformat(due)
        words = render(claim.words, "de", {
            "seller": SELLER, "customer": {"name": name}, "number": number, "reference": number, "currency": "EUR",
            "issued_on": date.fromisoformat(issued), "due_on": due_on, "total": total, "balance": claim.amount,
            "open": claim.amount, "amount": claim.amount, "days_late": max(0, (now.date() - due_on).days),
            "payment_reference": creditor_reference(number), "pay_by": now.date() + timedelta(days=5),
        })  # fmt: skip
        return Message(
            key=claim.key, kind="reminder", invoice=claim.receivable, rung=claim.key.rpartition("/")[2],
            sender=Address(str(SELLER["name"]), str(SELLER["email"])), to=(Address(name, email),),
            reply_to=str(SELLER["email"]), subject=words.subject, text=words.text, html=words.html, language="de",
            at=now,
        )  # fmt: skip

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def fill(file: Path, count: int, now: datetime) -> None:
    """As many receivables, overdue since yesterday, of which the friendly reminder is long gone."""
    with sqlite3.connect(file) as db:
        db.executescript(SCHEMA)
        issued, due = ((now.date() - timedelta(days=days)).isoformat() for days in (31, 1))
        db.execute("INSERT INTO source VALUES (?)", (now.isoformat(),))
        db.executemany(
            "INSERT INTO receivables VALUES (?, ?, ?, ?, ?, ?, 11900, 11900, 0, 0)",
            ((f"invoice-now-B{n:06d}", f"Customer {n}", f"b{n:06d}@ap.example", f"RE-{now.year}-{n:05d}",
              issued, due) for n in range(count)),
        )  # fmt: skip
        db.execute(
            "INSERT INTO messages "
            "SELECT id, -3, id || '/-3', 'friendly', balance, 'sent', ?, '<x@outbox>' FROM receivables",
            (now.isoformat(),),
        )
    db.close()


def run(folder: Path, count: int) -> tuple[float, float]:
    """Messages a second and milliseconds of processor for one, over one turn of `count` receivables. AssertionError
    unless each was reminded once, and the next turn sends none."""
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    fill(folder / "cron.db", count, now)
    loop = Cron(folder / "cron.db", folder / "outbox")
    began, own = time.perf_counter(), time.process_time()
    sent = loop.turn(now)
    own, wall = time.process_time() - own, time.perf_counter() - began
    assert (sent, loop.turn(now)) == (count, 0), "each receivable is reminded once"
    return count / wall, own / count * 1000
