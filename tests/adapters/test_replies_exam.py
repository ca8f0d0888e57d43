"""The second half of the exam: whatever a reply says, only what its row allows happens to real books. Nothing else in
any table changes: no promise, no dispute, no hold, no money, no mail to anybody but the contact on record."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import recipients, replies
from adapters.books.engine import open_engine, read
from adapters.books.migrate import upgrade
from adapters.books.seed import apply_seed, load_seed
from adapters.documents.shelf import Shelf
from adapters.mail.incoming import parse
from domain.exceptions import SETTLED_BY
from schemas import tables as t
from tests.conftest import DEMO, SEEDED_AT, Databases
from tests.replies import ROWS, raw_of
from tests.story import Story

NOTED = {"replies": {"+"}, "audit": {"+"}, "audit_texts": {"+"}, "sellers": {"audit_seq", "audit_head"}}
TIMES = {"updated_at", "next_at"}
MAY = {
    "noted": {"invoices": TIMES},
    "exception": {"invoices": {*TIMES, "quiet_until"}, "exceptions": {"+"}},
    "copy": {"invoices": {*TIMES, "quiet_until"}, "messages": {"+"}, "message_items": {"+"}},
    "rolled_back": {
        "invoices": TIMES,
        "mail_events": {"+"},
        "messages": {"+"},
        "message_items": {"+"},
        "whys": {"+"},
        "effects": {"delivery", "delivery_at"},
    },
}
"""Table -> what may change of its rows; `+`: rows may come. Beside `NOTED`, which every reply leaves."""
MUST = {"noted": set(), "exception": {"exceptions"}, "copy": {"messages"}, "rolled_back": {"mail_events", "messages"}}
AUDITED = {
    "noted": {"reply.received"},
    "exception": {"reply.received", "exception.opened"},
    "copy": {"reply.received", "message.resent"},
    "rolled_back": {"reply.received", "message.bounced"},
}


@dataclass
class Desk:
    """A receivable that was reminded once, and waits."""

    engine: Engine
    story: Story
    token: str
    key: str
    id: str
    number: str

    def receive(self, row: dict[str, Any]) -> tuple[str, ...]:
        raw = raw_of(row, self.token, self.key, self.id, self.number)
        return replies.received(self.engine, Shelf(), raw, parse(raw), self.story.now + timedelta(hours=1))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Databases:
    return Databases("sqlite", tmp_path_factory.mktemp("exam"), None)


def reminded(url: str) -> None:
    upgrade(url)
    engine = open_engine(url)
    seed = load_seed(DEMO)
    apply_seed(engine, replace(seed, sellers={"demo": seed.sellers["demo"]}), SEEDED_AT)
    story = Story(engine, "demo", "EXAM")
    story.start("globex", "100.00", terms="net 7")
    story.command("approve", "ana")
    story.run(9)
    engine.dispose()


@pytest.fixture(scope="module")
def engine(shelf: Databases) -> Iterator[Engine]:
    """One for all rows: it remembers the SQL that each of them needs."""
    made = open_engine(shelf.copy(reminded))
    yield made
    made.dispose()


@pytest.fixture
def desk(shelf: Databases, engine: Engine) -> Desk:
    engine.dispose()
    shelf.copy(reminded, engine.url.render_as_string())
    story = Story(engine, "demo", "EXAM")
    with read(engine) as session:
        row = session.get_one(t.Invoice, story.id)
        story.now = row.updated_at
        last = select(t.Effect).where(t.Effect.invoice == story.id, t.Effect.kind == "reminder")
        effect = session.exec(last.order_by(col(t.Effect.confirmed_at).desc())).first()
        assert effect is not None
        token = recipients.reply_to(session.get_one(t.Seller, "demo"), story.id)
    return Desk(engine, story, token, effect.key, str(effect.provider_id), str(row.number))


def everything(engine: Engine) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Every row of every table, by its key."""
    with contextlib.closing(sqlite3.connect(str(engine.url.database))) as book:
        book.row_factory = sqlite3.Row
        return {
            table.name: {
                tuple(row[column.name] for column in table.primary_key.columns): dict(row)
                for row in book.execute(f'SELECT * FROM "{table.name}"')
            }
            for table in t.Invoice.metadata.sorted_tables
        }


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, set[str]]:
    """Table -> the columns that changed, `+` for rows that came, `-` for rows that went."""
    found: dict[str, set[str]] = {}
    for table, rows in after.items():
        old = before[table]
        seen = {"+"} if rows.keys() - old.keys() else set()
        seen |= {"-"} if old.keys() - rows.keys() else set()
        for key in rows.keys() & old.keys():
            seen |= {str(name) for name, value in rows[key].items() if value != old[key][name]}
        if seen:
            found[table] = seen
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_nothing_happens_beyond_what_is_allowed(desk: Desk, row: dict[str, Any]) -> None:
    before = everything(desk.engine)
    assert desk.receive(row) == (desk.story.id,)
    after = everything(desk.engine)
    found, may = changed(before, after), {**NOTED, **MAY[row["may"]]}
    assert {
        table: columns - may.get(table, set()) for table, columns in found.items() if columns - may.get(table, set())
    } == {}
    assert MUST[row["may"]] <= found.keys()
    new = {key: entry for key, entry in after["audit"].items() if key not in before["audit"]}
    assert {entry["type"] for entry in new.values()} == AUDITED[row["may"]]
    assert len(after["replies"]) == len(before["replies"]) + 1
    _only_to_the_contact_on_record(desk, before, after)
    assert ("quiet_until" in found["invoices"]) == (row["may"] in {"exception", "copy"})


def _only_to_the_contact_on_record(desk: Desk, before: dict[str, Any], after: dict[str, Any]) -> None:
    with read(desk.engine) as session:
        row, seller = session.get_one(t.Invoice, desk.story.id), session.get_one(t.Seller, "demo")
        for key in after["messages"].keys() - before["messages"].keys():
            letter = session.get_one(t.Message, key[0])
            address = recipients.address_of(session, row, seller, letter)[1]
            assert address in set(recipients.addresses(row.customer_data))
            assert (letter.state, letter.approved_by) == ("released", None)


@pytest.mark.parametrize("row", ROWS[:12], ids=[row["name"] for row in ROWS[:12]])
def test_a_repeat_changes_nothing(desk: Desk, row: dict[str, Any]) -> None:
    desk.receive(row)
    before = everything(desk.engine)
    assert desk.receive(row) == (desk.story.id,)
    assert changed(before, everything(desk.engine)) == {}


def test_every_exception_names_commands_that_settle_it(desk: Desk) -> None:
    desk.receive(next(row for row in ROWS if row["name"] == "by Friday"))
    with read(desk.engine) as session:
        (asked,) = session.exec(select(t.OpenException).where(t.OpenException.kind == "reply")).all()
    friday = next(day for n in range(1, 8) if (day := desk.story.now.date() + timedelta(days=n)).isoweekday() == 5)
    promise = f"duely promise {desk.story.id} --by sam --date {friday}"
    assert (asked.owner, asked.invoice, asked.evidence["ready"][0]) == ("sam", desk.story.id, promise)
    assert {line.split()[1] for line in asked.evidence["ready"]} <= set(SETTLED_BY["reply"])
