"""Rot is found, asked about once, and settled by the true copy; retention and legal holds say what may go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from adapters.books import files, legal_holds, outlived, rereading, views
from adapters.books.engine import open_engine, read
from adapters.books.filed import references
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from domain.errors import NotAllowed, NotFound, Refused
from tests.bank import Bank, line, reference
from tests.conftest import Databases, Prepare
from tests.story import Story, told_book

NOW = datetime(2026, 4, 1, 6, tzinfo=UTC)
BUSY, PAID = "invoice-demo-BUSY", "invoice-demo-PAID"


@pytest.fixture(scope="module")
def drawn(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepare, Path]:
    """What tells a book with its documents, and the folder they are put into: drawing them is the long part."""
    folder = tmp_path_factory.mktemp(f"drawn-{databases.kind}")
    return partial(told_book, archive=folder), folder


@pytest.fixture
def book(databases: Databases, drawn: tuple[Prepare, Path]) -> Iterator[Engine]:
    url = databases.copy(drawn[0])
    engine = open_engine(url)
    yield engine
    engine.dispose()
    databases.remove(url)


@pytest.fixture
def archive(book: Engine, drawn: tuple[Prepare, Path], tmp_path: Path) -> Archive:
    """The documents of `book`, this test's own."""
    return Archive(Path(shutil.copytree(drawn[1], tmp_path / "archive")))


def asked(engine: Engine) -> list[str]:
    return [e["key"] for e in views.exceptions(engine, "demo") if e["kind"] == rereading.KIND]


def test_a_whole_archive_is_read_in_full(book: Engine, archive: Archive) -> None:
    report = rereading.reread(book, archive, NOW, rereading.part_of(book, NOW))
    assert (report.files, report.rot) == (len(set(archive.keys())), ())
    assert str(report) == f"{report.files} files read, all whole"
    with book.connect() as connection:
        keys = connection.execute(text("SELECT keys FROM audit WHERE type = 'archive.read'")).scalar_one()
    assert f'"files": "{report.files}"' in str(keys).replace("'", '"')
    assert verify(book) == []


def test_rot_is_asked_about_once_and_the_true_copy_settles_it(book: Engine, archive: Archive) -> None:
    lost, rotten = sorted(archive.keys())[:2]
    true = {key: (archive.path(key), archive.get(key)) for key in (lost, rotten)}
    true[lost][0].unlink()
    true[rotten][0].chmod(0o644)
    true[rotten][0].write_bytes(b"rot")
    for _ in range(2):
        report = rereading.reread(book, archive, NOW, None)
        assert sorted((each.reference.key, each.state) for each in report.rot) == [
            (lost, "missing"),
            (rotten, "changed"),
        ]
        assert sorted(asked(book)) == [lost, rotten]
    [one] = [e for e in views.exceptions(book, "demo") if e["key"] == lost]
    assert (one["owner"], one["commands"], one["evidence"]["state"]) == ("sam", ["archive check"], "missing")
    for path, data in true.values():
        path.unlink(missing_ok=True)
        path.write_bytes(data)
    other = next(p for p in range(30) if not {lost, rotten} & {key for _, key in rereading.chosen(book, p)})
    assert rereading.reread(book, archive, NOW, other).rot == ()  # settled on a day of another part, too
    assert asked(book) == []
    assert verify(book) == []


def test_an_attachment_is_read_again_too(seeded: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    key = files.keep(seeded, archive, b"hours", "txt", NOW)
    story = Story(seeded, "demo", "WITH", tmp_path)
    story.start("globex", "100.00", attachments=[{"name": "hours.txt", "file": key}])
    story.command("approve", "ana")
    story.run(0)
    archive.path(key).unlink()
    [rot] = rereading.reread(seeded, archive, NOW, None).rot
    assert (rot.reference.what, rot.state) == ("attachment hours.txt of RE-2026-00001", "missing")
    assert [(b.invariant, b.row) for b in verify(seeded, tmp_path)] == [(5, "documents invoice-demo-WITH/invoice")]


def test_a_folder_that_is_gone_asks_a_few_questions_only(
    book: Engine, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereading, "MOST_ASKED", 3)
    report = rereading.reread(book, Archive(tmp_path / "unmounted"), NOW, None)
    assert len(report.rot) == report.files > 3
    assert len(asked(book)) == 3


def test_thirty_days_read_everything_once(book: Engine, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rereading, "SMALL", 0)
    days = [rereading.part_of(book, NOW + timedelta(days=day)) for day in range(30)]
    parts = [set(rereading.chosen(book, part)) for part in days]
    with read(book) as session:
        everything = {(each.seller, each.key) for each in references(session)}
    assert sum(map(len, parts)) == len(everything)
    assert set().union(*parts) == everything


def test_nothing_is_due_before_its_time(book: Engine) -> None:
    assert list(outlived.due(book, date(2034, 12, 31))) == []


def test_past_their_time_closed_receivables_without_a_hold_are_due(book: Engine) -> None:
    found = list(outlived.due(book, date(2035, 1, 1)))
    papers = {each["id"] for each in found if each["kind"] != "bank_file"}
    assert f"{PAID}/invoice" in papers
    assert not any(name.startswith((BUSY, "invoice-demo-LATE")) for name in papers)  # on hold; still open
    assert {each["kept_until"] for each in found} == {"2034-12-31"}
    assert all("AO" in each["law"] for each in found)
    assert any(each["kind"] == "bank_file" for each in found)


def test_an_invoice_is_kept_as_long_as_its_latest_credit_note(book: Engine) -> None:
    paid = Story(book, "demo", "PAID")
    paid.now = datetime(2027, 2, 1, 9, tzinfo=UTC)
    paid.command("credit", "ben", amount="10.00", reason="late goodwill")

    def due(on: date) -> set[str]:
        return {each["id"] for each in outlived.due(book, on) if each["id"].startswith(PAID)}

    assert due(date(2035, 1, 1)) == set()
    assert due(date(2036, 1, 1)) == {f"{PAID}/invoice", f"{PAID}/credit_note"}


def test_a_hold_keeps_and_its_release_lets_go(book: Engine) -> None:
    def due() -> set[str]:
        return {each["id"] for each in outlived.due(book, date(2040, 1, 1), "demo")}

    before = due()
    legal_holds.hold(book, "demo", PAID, "ben", "they sue", NOW)
    assert before - due() == {f"{PAID}/invoice"}
    legal_holds.hold(book, "demo", None, "sam", "tax audit", NOW)
    assert due() == set()
    legal_holds.release(book, "demo", None, "ben", "done", NOW)
    legal_holds.release(book, "demo", PAID, "ben", "settled", NOW)
    assert due() == before
    assert verify(book) == []


def test_a_statement_is_kept_as_long_as_what_it_pays(book: Engine) -> None:
    bank = Bank(book, NOW)
    story = Story(book, "demo", "BANK")
    story.now = NOW
    story.start("globex", "100.00")
    story.run(0)
    story.command("approve", "ana")
    account = story.run(1)
    bank.now = story.now
    day = story.now.date().isoformat()

    def due() -> set[str]:
        return {each["id"] for each in outlived.due(book, date(2040, 1, 1), "demo") if each["kind"] == "bank_file"}

    before = due()
    bank.send(line(1_00, day, reference=reference(str(account.number))), closed=day)
    assert due() == before, "the receivable is open"
    bank.send(line(account.balance - 1_00, day, reference=reference(str(account.number)), text="rest"), closed=day)
    assert len(due() - before) == 2
    legal_holds.hold(book, "demo", story.id, "ben", "they sue", story.now)
    assert due() == before


def test_what_a_hold_refuses(book: Engine) -> None:
    with pytest.raises(Refused, match="already"):
        legal_holds.hold(book, "demo", BUSY, "ben", "again", NOW)
    with pytest.raises(Refused, match="not on legal hold"):
        legal_holds.release(book, "demo", PAID, "ben", "why not", NOW)
    with pytest.raises(NotAllowed, match="hold needs"):
        legal_holds.hold(book, "demo", PAID, "ana", "no role", NOW)
    with pytest.raises(NotFound, match="not in the books"):
        legal_holds.hold(book, "demo", "invoice-demo-NONE", "ben", "what", NOW)
