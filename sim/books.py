"""The books of a town: the real ones on a database in memory, a fresh copy of a seeded one for each town, or those of
`sim/memory`; and what stands between them and the production activities, so that a transaction can fail or a worker
die beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, cast

from sqlalchemy import Engine
from sqlmodel import col, func, select

from activities.sending import Sender
from adapters.books import by_hand, provider, stops, verify
from adapters.books.books import Books
from adapters.books.engine import memory_engine, read
from adapters.books.migrate import upgrade_opened
from adapters.books.seed import apply_seed, load_seed
from adapters.documents.archive import Archive
from adapters.documents.shelf import Shelf
from adapters.letters import Composer
from domain import lifecycle
from domain.delivery import MailEvent
from domain.errors import NotFound, Refused, Unavailable
from domain.payments import PaymentState
from schemas import tables as t
from schemas.commands import Release
from schemas.steps import Outcome
from schemas.stops import Stop
from sim.memory import books as memory_books
from sim.memory.ledger import Memory
from sim.memory.parties import Parties
from sim.post import Blank, Killed, Post
from sim.watch import Complain, Watch

SEED = Path(__file__).resolve().parents[1] / "templates" / "seed" / "demo.toml"
SEEDED_AT = datetime(2026, 1, 5, 8, tzinfo=UTC)
SELLER = "demo"
STEPS = frozenset(
    {"draft", "command", "look", "claim", "confirm", "give_back", "refuse", "park", "withhold", "release"}
)
"""Each is one transaction."""


class Ledger(Protocol):
    """The books of one town. `books` has the steps of `adapters.books.books.Books`, `sender` sends what they claim;
    `about` says of a claimed message its kind, rung and amount, `reasons` counts the why-records by verdict and code.
    The rest is what happens beside the activities."""

    @property
    def books(self) -> Any: ...
    @property
    def reasons(self) -> Mapping[tuple[str, str], int]: ...
    def about(self, key: str) -> tuple[str, str, int]: ...
    def sender(self, between: Between, post: Post) -> Sender: ...
    def pause_all(self, by: str, now: datetime) -> None: ...
    def resume_all(self, by: str, now: datetime) -> None: ...
    def stop(self, customer: str, by: str, kind: str, now: datetime) -> None: ...
    def free(self, customer: str, by: str, now: datetime) -> None: ...
    def paid(self, state: PaymentState, now: datetime) -> tuple[str, ...]: ...
    def unapply(self, invoice: str, now: datetime) -> int: ...
    def delivered(self, event: MailEvent, now: datetime) -> tuple[str, ...]: ...
    def outcome(self, invoice: str) -> Outcome: ...
    def freed(self, invoice: str) -> bool: ...
    def commands(self, invoice: str) -> int | None: ...
    def breaches(self) -> list[str]: ...
    def close(self) -> None: ...


@dataclass
class Database:
    """The books in a database; `watch` sees each row that is committed."""

    engine: Engine
    books: Books
    watch: Watch

    def about(self, key: str) -> tuple[str, str, int]:
        return self.watch.items[key]

    @property
    def reasons(self) -> Mapping[tuple[str, str], int]:
        return self.watch.reasons

    def sender(self, between: Between, post: Post) -> Sender:
        return Sender(cast(Books, between), post, Composer(Blank(), cast(Archive, Shelf())))

    def pause_all(self, by: str, now: datetime) -> None:
        stops.pause_all(self.engine, by, "everybody stop", now)

    def resume_all(self, by: str, now: datetime) -> None:
        stops.resume_all(self.engine, by, now)

    def stop(self, customer: str, by: str, kind: str, now: datetime) -> None:
        said = Stop.model_validate({"by": by, "reason": "a word with them", "kind": kind})
        stops.command(self.engine, SELLER, customer, said, now)

    def free(self, customer: str, by: str, now: datetime) -> None:
        stops.command(self.engine, SELLER, customer, Release(by=by), now)

    def paid(self, state: PaymentState, now: datetime) -> tuple[str, ...]:
        return provider.book_payment(self.engine, state, now)

    def unapply(self, invoice: str, now: datetime) -> int:
        """Takes the last assignment back; how much it was, 0 when there is none."""
        with read(self.engine) as session:
            live = select(t.Allocation).where(t.Allocation.invoice == invoice, col(t.Allocation.released_at).is_(None))
            found = session.exec(live.order_by(col(t.Allocation.id).desc())).first()
        if found is None or found.id is None:
            return 0
        by_hand.unapply(self.engine, found.id, "ben", "another's money", now)
        return found.amount

    def delivered(self, event: MailEvent, now: datetime) -> tuple[str, ...]:
        return self.books.delivered([event], now)

    def outcome(self, invoice: str) -> Outcome:
        return self.books.outcome(invoice)

    def freed(self, invoice: str) -> bool:
        with read(self.engine) as session:
            row = session.get(t.Invoice, invoice)
            return row is None or row.freed

    def commands(self, invoice: str) -> int | None:
        """How many were judged; None where none is kept, because no draft is."""
        with read(self.engine) as session:
            if session.get(t.Invoice, invoice) is None:
                return None
            count = select(func.count()).select_from(t.CommandDone).where(col(t.CommandDone.invoice) == invoice)
            return session.exec(count).one()

    def breaches(self) -> list[str]:
        return [str(breach) for breach in verify.verify(self.engine)]

    def close(self) -> None:
        self.watch.off(self.engine)
        self.engine.dispose()


Keep = Callable[[bool, Complain, Callable[[], datetime]], Ledger]
"""From (idempotent mail, whom to tell of breaches, the server's clock) to empty books with the seller of the plan."""


def database(idempotent: bool, complain: Complain, _: Callable[[], datetime]) -> Database:
    engine = emptied()
    source, copy = template().raw_connection(), engine.raw_connection()
    source.driver_connection.backup(copy.driver_connection)  # type: ignore[union-attr]
    source.close()
    copy.close()
    watch = Watch(complain)
    watch.on(engine, SELLER)
    return Database(engine, Books(engine, idempotent, not idempotent), watch)


@cache
def opened() -> Engine:
    return memory_engine()


def emptied() -> Engine:
    """One engine plays all towns of a process, one after the other: it keeps what it compiled, and forgets the rows."""
    engine = opened()
    engine.dispose()
    return engine


@cache
def template() -> Engine:
    """Made once a process: the demo's seller without its copies."""
    engine = memory_engine()
    upgrade_opened(engine)
    seed = load_seed(SEED)
    apply_seed(engine, replace(seed, sellers={SELLER: seed.sellers[SELLER]}), SEEDED_AT)
    return engine


@dataclass
class Between:
    """The books as activities reach them. `fault`: takes the fault that this step of the attempt meets, if any;
    `booked`: told of each step after its commit, before anything else can happen."""

    books: Any
    fault: Callable[[], str]
    booked: Callable[[str, tuple[Any, ...], Any], None]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.books, name)
        return partial(self._step, name, found) if name in STEPS else found

    def _step(self, name: str, step: Callable[..., Any], *arguments: Any) -> Any:
        fault = self.fault()
        if fault == "database_down":
            raise Unavailable("the database does not answer")
        if fault == "killed_before":
            raise Killed
        said = step(*arguments)
        self.booked(name, arguments, said)
        if fault == "killed_after":
            raise Killed
        return said


def lives(outcome: Outcome) -> bool:
    """Whether a closed run is to be opened again: the rule of `workers.client.tell`."""
    account, action = outcome.account, outcome.action
    return account is not None and (action is None or not lifecycle.finished(account, action))


def memory(idempotent: bool, _: Complain, clock: Callable[[], datetime]) -> Memory:
    """Plain Python, without a row to watch: they look at what a step touched themselves, and tell it at the end."""
    return Memory(memory_books.Books(parties(), idempotent, not idempotent, clock), SELLER)


@cache
def parties() -> Parties:
    return Parties.read(template())


REFUSALS = (Refused, NotFound)
BOOKS: dict[str, Keep] = {"database": database, "memory": memory}
"""Where a town may keep its books."""
