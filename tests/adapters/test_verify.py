"""Whole books have no breach; every changed amount, number, effect, audit row and file is found and named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, Connection, Engine, Table, Update, create_engine, select, text, true
from sqlalchemy.pool import NullPool

from adapters.books.engine import open_engine
from adapters.books.verify import Breach, verify
from schemas.tables import metadata
from tests.conftest import Databases
from tests.story import tell, told_book

ONLY_GROW = ("audit", "legal_holds", "numbers", "postings")
AMOUNTS = [
    (table, column)
    for table in metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, BigInteger)
    # The one is a key, the other what a decision saw at its time: nothing else in the books can tell it again.
    and f"{table.name}.{column.name}" not in {"postings.transaction", "whys.balance"}
]
BUSY = "invoice-demo-BUSY"
OTHER_DRAFT = "SELECT draft FROM invoices WHERE reference = 'PAID'"
LAST_DATE = "SELECT issued_on FROM numbers WHERE kind = 'invoice' AND n = 4"


@pytest.fixture(scope="module")
def shared(databases: Databases) -> Iterator[Engine]:
    """One engine for all tests of this file: it compiles the checks' SQL once."""
    url = databases.copy(told_book)
    engine = open_engine(url)
    yield engine
    engine.dispose()
    databases.remove(url)


@pytest.fixture
def book(databases: Databases, shared: Engine) -> Engine:
    """The told book as it was."""
    shared.dispose()
    databases.copy(told_book, shared.url.render_as_string(hide_password=False).replace("+psycopg", ""))
    return shared


@contextmanager
def tampering(engine: Engine) -> Iterator[Connection]:
    """Somebody with all rights on the database: no trigger and no foreign key holds them back."""
    owner = create_engine(engine.url, poolclass=NullPool)
    with owner.begin() as connection:
        for table in ONLY_GROW:
            for event in ("update", "delete"):
                on = f" ON {table}" if engine.dialect.name == "postgresql" else ""
                connection.execute(text(f"DROP TRIGGER {table}_no_{event}{on}"))
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET session_replication_role = replica"))
        yield connection


def loosen(connection: Connection, name: str) -> None:
    """Takes all rules off a table."""
    cascade = "CASCADE" if connection.dialect.name == "postgresql" else ""
    for statement in (
        f"CREATE TABLE loose AS SELECT * FROM {name}",
        f"DROP TABLE {name} {cascade}",
        f"ALTER TABLE loose RENAME TO {name}",
    ):
        connection.execute(text(statement))


def again(connection: Connection, table: Table, where: str, **changed: Any) -> None:
    """Repeats one row with some columns changed."""
    found = connection.execute(select(table).where(text(where)).limit(1)).mappings().one()
    connection.execute(table.insert().values({**found, **changed}))


def names(breaches: list[Breach], table: str, key: str) -> bool:
    """Whether a finding names the row itself, or what holds it, such as the transaction of a posting."""
    return any(f"{table} {key}".startswith(breach.row) for breach in breaches)


def test_whole_books_have_no_breach(book: Engine) -> None:
    assert [str(breach) for breach in verify(book)] == []


def test_a_seed_alone_has_no_breach(seeded: Engine, tmp_path: Path) -> None:
    assert verify(seeded, tmp_path) == []


def test_the_book_has_a_row_of_every_kind(book: Engine) -> None:
    with book.connect() as connection:
        empty = {table.name for table, _ in AMOUNTS if connection.execute(select(table).limit(1)).first() is None}
    assert empty == set()
    assert len(AMOUNTS) >= 11


@pytest.mark.parametrize(("table", "column"), AMOUNTS, ids=[f"{t.name}.{c.name}" for t, c in AMOUNTS])
def test_every_changed_amount_is_named(book: Engine, table: Table, column: Column[int]) -> None:
    keys = list(table.primary_key.columns)
    with tampering(book) as connection:
        rows = connection.execute(select(*keys, column).order_by(*keys)).all()
    for *key, amount in {rows[0], rows[len(rows) // 2], rows[-1]}:
        here = [column_ == value for column_, value in zip(keys, key, strict=True)]
        more = 1 if amount != -1 else 2  # no posting is of nothing
        change(book, table.update().where(*here).values({column.name: column + more}))
        assert names(verify(book), table.name, "/".join(map(str, key))), key
        change(book, table.update().where(*here).values({column.name: amount}))
    assert verify(book) == []


def change(engine: Engine, statement: Update) -> None:
    owner = create_engine(engine.url, poolclass=NullPool)
    with owner.begin() as connection:
        assert connection.execute(statement).rowcount == 1


DAMAGES = {
    "a number deleted": (4, "numbers demo/invoice/2026/3", ["DELETE FROM numbers WHERE kind = 'invoice' AND n = 2"]),
    "the last number deleted": (
        4,
        "number_series demo/invoice/2026",
        ["DELETE FROM numbers WHERE kind = 'invoice' AND n = 7"],
    ),
    "the last number deleted and its series set back": (
        4,
        "documents invoice-demo-OVER/invoice",
        [
            "DELETE FROM numbers WHERE kind = 'invoice' AND n = 7",
            f"UPDATE number_series SET last = 6, last_on = ({LAST_DATE}) WHERE kind = 'invoice'",
        ],
    ),
    "a series deleted": (4, "number_series demo/invoice/2026", ["DELETE FROM number_series WHERE kind = 'invoice'"]),
    "all numbers of a series deleted": (
        4,
        "number_series demo/invoice/2026",
        ["DELETE FROM numbers WHERE kind = 'invoice'"],
    ),
    "a series counted on": (4, "number_series demo/invoice/2026", ["UPDATE number_series SET last = last + 1"]),
    "dates swapped": (
        4,
        "numbers demo/invoice/2026/2",
        ["UPDATE numbers SET issued_on = '2026-01-01' WHERE kind = 'invoice' AND n = 2"],
    ),
    "another number on the document": (
        4,
        "numbers demo/invoice/2026/1",
        [f"UPDATE documents SET number = 'RE-2026-00099' WHERE id = '{BUSY}/invoice'"],
    ),
    "another number on the invoice": (
        4,
        f"invoices {BUSY}",
        [f"UPDATE invoices SET number = 'RE-2026-00099' WHERE id = '{BUSY}'"],
    ),
    "another date on the invoice": (
        4,
        f"invoices {BUSY}",
        [f"UPDATE invoices SET issued_on = '2026-01-06' WHERE id = '{BUSY}'"],
    ),
    "a document deleted": (
        4,
        "numbers demo/credit_note/2026/1",
        [f"DELETE FROM documents WHERE id = '{BUSY}/credit_note'"],
    ),
    "a posting deleted": (5, "postings demo/1", ['DELETE FROM postings WHERE "transaction" = 1 AND position = 0']),
    "a transaction deleted": (5, f"invoices {BUSY}", ['DELETE FROM postings WHERE "transaction" = 1']),
    "a posting moved to another currency": (
        5,
        "postings demo/1",
        ["UPDATE postings SET currency = 'USD' WHERE \"transaction\" = 1 AND position = 0"],
    ),
    "a posting moved to another invoice": (
        5,
        f"invoices {BUSY}",
        ["UPDATE postings SET invoice = 'invoice-demo-PAID' WHERE kind = 'credit'"],
    ),
    "a posting of another kind": (
        5,
        "postings demo/1/0",
        ["UPDATE postings SET kind = 'gift' WHERE \"transaction\" = 1 AND position = 0"],
    ),
    "a receipt deleted": (5, "postings demo/", ["DELETE FROM allocations", "DELETE FROM receipts"]),
    "an allocation deleted": (5, f"invoices {BUSY}", [f"DELETE FROM allocations WHERE invoice = '{BUSY}'"]),
    "an allocation released in silence": (
        5,
        f"invoices {BUSY}",
        [f"UPDATE allocations SET released_at = at WHERE invoice = '{BUSY}'"],
    ),
    "a message deleted": (2, f"effects {BUSY}/1/1/D-3", [f"DELETE FROM messages WHERE key = '{BUSY}/1/1/D-3'"]),
    "an effect deleted": (2, f"messages {BUSY}/1/1/D-3", [f"DELETE FROM effects WHERE key = '{BUSY}/1/1/D-3'"]),
    "what a message is about deleted": (
        2,
        f"messages {BUSY}/1/1/D-3",
        [f"DELETE FROM message_items WHERE message = '{BUSY}/1/1/D-3'"],
    ),
    "a rung renamed": (
        2,
        f"message_items {BUSY}/1/1/D-3/{BUSY}",
        [f"UPDATE message_items SET rung = 'D-4' WHERE message = '{BUSY}/1/1/D-3'"],
    ),
    "a printed text changed": (
        6,
        f"documents {BUSY}/invoice",
        [f"UPDATE documents SET content = ({OTHER_DRAFT}) WHERE id = '{BUSY}/invoice'"],
    ),
    "an approved text changed": (
        6,
        f"invoices {BUSY}",
        [f"UPDATE invoices SET draft = ({OTHER_DRAFT}) WHERE id = '{BUSY}'"],
    ),
    "a chargeback deleted": (8, "postings demo/", ["DELETE FROM reversals WHERE kind = 'chargeback'"]),
    "a refund told as failed": (
        8,
        "reversals invoice-demo-OVER/refund-1",
        ["UPDATE reversals SET state = 'failed' WHERE key = 'invoice-demo-OVER/refund-1'"],
    ),
    "a refund explained in silence": (
        8,
        "reversals demo/stripe/re_1",
        ["UPDATE reversals SET state = 'booked' WHERE state = 'unexplained'"],
    ),
    "a payout that no line brought": (8, "payouts stripe/po_1", ["UPDATE payouts SET line = NULL"]),
    "the end of a promise not told": (
        6,
        f"promises {BUSY}/p1",
        ["DELETE FROM audit WHERE type = 'promise.kept'"],
    ),
    "a payout deleted": (8, "postings demo/", ["DELETE FROM payouts"]),
    "a fee posted to another payment": (
        6,
        "postings demo/",
        ["UPDATE postings SET note = 'stripe pi_9' WHERE note = 'stripe pi_0'"],
    ),
    "a hash changed": (6, f"invoices {BUSY}", [f"UPDATE invoices SET hash = 'sha256:0' WHERE id = '{BUSY}'"]),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(book: Engine, damage: str) -> None:
    invariant, row, statements = DAMAGES[damage]
    with tampering(book) as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0
    found = verify(book)
    assert any(b.invariant == invariant and b.row.startswith(row) for b in found), [str(b) for b in found]


ENDS = [
    ("disputes", f"{BUSY}/d1", "rejected"),
    ("disputes", f"{BUSY}/d1", None),
    ("promises", f"{BUSY}/p1", "broken"),
    ("promises", f"{BUSY}/p1", None),
    ("approval_subjects", f"{BUSY}/draft", "rejected"),
    ("approval_subjects", f"{BUSY}/draft", None),
    ("approval_subjects", "invoice-demo-WAITS/draft", "granted"),
]


@pytest.mark.parametrize(("table", "row", "outcome"), ENDS, ids=[f"{row}-{outcome}" for _, row, outcome in ENDS])
def test_an_end_that_was_not_told_is_named(book: Engine, table: str, row: str, outcome: str | None) -> None:
    """Another than the audit knows, one it never heard of, and one it knows that was taken back."""
    rows = metadata.tables[table]
    invoice, _, id_ = row.partition("/")
    ended = {} if outcome is not None or "resolved_at" not in rows.c else {"resolved_at": None}
    here = (rows.c.invoice == invoice, rows.c.id == id_)
    change(book, rows.update().where(*here).values(outcome=outcome, **ended))
    assert [(b.invariant, b.row) for b in verify(book)] == [(6, f"{table} {row}")]


BEGUN = ["disputes", "promises", "approval_subjects", "payment_sessions", "allocations", "documents"]


@pytest.mark.parametrize("name", BEGUN)
def test_a_row_that_was_taken_away_is_named(book: Engine, name: str) -> None:
    """Whole and with all that hangs on it: no count and no sum is left that could miss it."""
    rows = metadata.tables[name]
    only = rows.c.kind == "credit_note" if name == "documents" else true()
    keys = list(rows.primary_key.columns)
    with tampering(book) as connection:
        found = connection.execute(select(*keys).where(only).order_by(*keys)).first()
        assert found is not None
        connection.execute(rows.delete().where(*(key == value for key, value in zip(keys, found, strict=True))))
    gone = f"{name} {'/'.join(map(str, found))}"
    assert gone in [b.row for b in verify(book) if b.invariant == 6 and b.text.startswith("is missing")]


AUDIT = {
    "at": "UPDATE audit SET at = '2026-01-08 00:00:00.000000+00:00'",
    "type": "UPDATE audit SET type = 'message.claimed'",
    "type nobody writes": "UPDATE audit SET type = 'x'",
    "actor": "UPDATE audit SET actor = 'cho'",
    "actor_kind": "UPDATE audit SET actor_kind = 'customer'",
    "keys": 'UPDATE audit SET keys = \'{"subject": "other"}\'',
    "invoice": "UPDATE audit SET invoice = 'invoice-demo-PAID'",
    "previous": "UPDATE audit SET previous = 'x'",
    "digest": "UPDATE audit SET digest = 'x'",
    "deleted": "DELETE FROM audit",
    "renumbered": "UPDATE audit SET seq = 100000",
}


@pytest.mark.parametrize("change", AUDIT)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_an_altered_audit_row_is_named(book: Engine, change: str, place: str) -> None:
    with tampering(book) as connection:
        last = connection.execute(text("SELECT audit_seq FROM sellers WHERE key = 'demo'")).scalar_one()
        seq = {"first": 1, "middle": last - 5, "last": last}[place]
        connection.execute(text(f"{AUDIT[change]} WHERE seller = 'demo' AND seq = {seq}"))
    found = [str(b) for b in verify(book) if b.invariant == 6 and b.row.startswith("audit demo")]
    named = (f"entry {seq} ", f"entries {seq} ", f"audit demo/{seq}:", f"entry {last}", "entry 100000")
    assert any(name in line for line in found for name in named), found


def test_two_audit_rows_swapped_are_named(book: Engine) -> None:
    with tampering(book) as connection:
        for seq, to in ((40, 100_000), (41, 40), (100_000, 41)):
            connection.execute(text(f"UPDATE audit SET seq = {to} WHERE seller = 'demo' AND seq = {seq}"))
    assert any("entry 40" in str(b) for b in verify(book))


@pytest.mark.parametrize("column", ["audit_seq = audit_seq - 1", "audit_head = 'x'"])
def test_a_changed_head_is_found(book: Engine, column: str) -> None:
    with tampering(book) as connection:
        connection.execute(text(f"UPDATE sellers SET {column} WHERE key = 'demo'"))
    assert {b.row.partition("/")[0] for b in verify(book)} == {"audit demo"}


def test_a_repeated_effect_is_named(book: Engine) -> None:
    """A second mail for the same rung, with its effect alone, with a message, and with all its rows."""
    key, copy = f"{BUSY}/1/1/D-3", f"{BUSY}/1/1/D-3x"
    tables = metadata.tables
    with tampering(book) as connection:
        again(connection, tables["effects"], f"key = '{key}'", key=copy, provider_id="other")
    assert names(verify(book), "effects", copy)
    with create_engine(book.url, poolclass=NullPool).begin() as connection:
        again(connection, tables["messages"], f"key = '{key}'", key=copy)
    assert names(verify(book), "messages", copy)
    with create_engine(book.url, poolclass=NullPool).begin() as connection:
        again(connection, tables["message_items"], f"message = '{key}'", message=copy, rung="D-3x")
    assert names(verify(book), "effects", copy)  # all rows fit, but the audit never heard of it


@pytest.mark.parametrize(
    ("table", "where", "changed", "invariant"),
    [
        ("message_items", f"message = '{BUSY}/1/1/D-3'", {}, 2),
        ("effects", f"key = '{BUSY}/1/1/D-3'", {"key": "zzz"}, 2),
        ("numbers", "kind = 'invoice' AND n = 1", {}, 4),
        ("receipts", "external_id = 'B-1'", {"id": 99}, 8),
    ],
)
def test_a_repeat_is_found_without_the_unique_rule(
    book: Engine, table: str, where: str, changed: dict[str, Any], invariant: int
) -> None:
    with tampering(book) as connection:
        loosen(connection, table)
        again(connection, metadata.tables[table], where, **changed)
    assert any(b.invariant == invariant and b.row.startswith(table) for b in verify(book))


def test_money_assigned_beyond_its_receipt_is_named(book: Engine) -> None:
    with tampering(book) as connection:
        again(connection, metadata.tables["allocations"], f"invoice = '{BUSY}'", id=99)
    found = verify(book)
    assert any(b.invariant == 7 and b.row.startswith("receipts ") for b in found)


def test_a_receivable_below_zero_is_named(book: Engine) -> None:
    postings = metadata.tables["postings"]
    with tampering(book) as connection:
        for position, sign in ((0, 1), (1, -1)):
            where = f"kind = 'allocate' AND invoice = 'invoice-demo-PAID' AND position = {position}"
            again(connection, postings, where, transaction=999, amount=sign * 100)
    assert any(b.invariant == 7 and b.row == "invoices invoice-demo-PAID" for b in verify(book))


def test_a_damaged_archive_is_named(seeded: Engine, tmp_path: Path) -> None:
    tell(seeded, tmp_path)
    assert verify(seeded, tmp_path) == []
    name = f"{BUSY}/invoice"
    with seeded.connect() as connection:
        key = connection.execute(text(f"SELECT object_key FROM documents WHERE id = '{name}'")).scalar_one()
    file = tmp_path / f"{key.removeprefix('sha256:')}.pdf"
    whole = file.read_bytes()
    file.unlink()
    assert [b.row for b in verify(seeded, tmp_path)] == [f"documents {name}"]
    file.write_bytes(b"%PDF forged")
    assert [b.row for b in verify(seeded, tmp_path)] == [f"documents {name}"]
    file.write_bytes(whole)
    assert verify(seeded, tmp_path) == []
    with tampering(seeded) as connection:
        connection.execute(text(f"UPDATE documents SET object_key = 'x' WHERE id = '{name}'"))
    assert [(b.invariant, b.row) for b in verify(seeded, tmp_path)] == [(n, f"documents {name}") for n in (6, 5)]


def test_a_damaged_rendition_as_data_is_named(seeded: Engine, tmp_path: Path) -> None:
    tell(seeded, tmp_path)
    name = f"{BUSY}/invoice"
    with seeded.connect() as connection:
        key = connection.execute(text(f"SELECT xml_key FROM documents WHERE id = '{name}'")).scalar_one()
    file = tmp_path / f"{key.removeprefix('sha256:')}.xml"
    file.chmod(0o644)
    file.write_bytes(b"<Forged/>")
    assert [b.row for b in verify(seeded, tmp_path)] == [f"documents {name}"]


@pytest.mark.parametrize("column", ["object_key", "xml_key", "model"])
def test_another_rendition_or_model_is_named(seeded: Engine, tmp_path: Path, column: str) -> None:
    """Even one that is whole in itself, such as that of another document."""
    tell(seeded, tmp_path)
    other = f"SELECT {column} FROM documents WHERE id = 'invoice-demo-PAID/invoice'"
    with tampering(seeded) as connection:
        connection.execute(text(f"UPDATE documents SET {column} = ({other}) WHERE id = '{BUSY}/invoice'"))
    assert {(b.invariant, b.row) for b in verify(seeded, tmp_path)} == {(6, f"documents {BUSY}/invoice")}


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ("UPDATE legal_holds SET reason = 'nobody asked' WHERE id = 1", "legal_holds 1"),
        ("UPDATE legal_holds SET invoice = NULL WHERE id = 1", "legal_holds 1"),
        ("UPDATE legal_holds SET releases = 1 WHERE id = 3", "legal_holds 3"),
        ("DELETE FROM legal_holds WHERE id = 1", "legal_holds 1"),
        ("INSERT INTO legal_holds SELECT 9, seller, invoice, 1, by, reason, at FROM legal_holds WHERE id = 1",
         "legal_holds 9"),
    ],
)  # fmt: skip
def test_a_legal_hold_that_was_tampered_with_is_named(book: Engine, change: str, row: str) -> None:
    with tampering(book) as connection:
        connection.execute(text(change))
    assert [(b.invariant, b.row) for b in verify(book)] == [(6, row)]


def test_an_amount_in_the_draft_alone_is_named(book: Engine) -> None:
    with tampering(book) as connection:
        found = connection.execute(text(f"SELECT draft FROM invoices WHERE id = '{BUSY}'")).scalar_one()
        draft = json.loads(found) if isinstance(found, str) else found
        draft["totals"]["total"] += 1
        connection.execute(
            text(f"UPDATE invoices SET draft = :draft WHERE id = '{BUSY}'"), {"draft": json.dumps(draft)}
        )
    assert {b.invariant for b in verify(book) if b.row == f"invoices {BUSY}"} == {5, 6}
