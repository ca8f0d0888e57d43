"""`duely archive …` and `duely export`: what they print, how they end, and what they leave."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

import settings
from adapters.documents.archive import Archive
from tests.cli.conftest import Duely
from tests.story import Story


@pytest.fixture
def issued(seeded_duely: Duely, story: Story, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Archive:
    """ORD-1, issued and delivered; the archive it lies in."""
    monkeypatch.chdir(tmp_path)
    archive = settings.current().archive
    told = Story(story.books.engine, "demo", "ORD-1", archive)
    told.command("approve", "ana")
    told.run(0)
    return Archive(archive)


def test_a_whole_archive(seeded_duely: Duely, issued: Archive) -> None:
    ended = seeded_duely("archive", "check")
    assert (ended.code, ended.out, ended.err) == (0, "archive: 2 files read, all whole\n", "")
    assert json.loads(seeded_duely("archive", "check", "--json").out) == {"files": 2, "rot": []}


def test_rot_ends_with_one_and_waits_in_the_queue_until_it_is_mended(seeded_duely: Duely, issued: Archive) -> None:
    [key] = filter(lambda key: issued.path(key).suffix == ".pdf", issued.keys())
    path = issued.path(key)
    whole = path.read_bytes()
    path.unlink()
    ended = seeded_duely("archive", "check")
    row = "documents invoice-demo-ORD-1/invoice"
    told = f"missing: PDF of RE-2026-00001 ({row}), {key}\narchive: 2 files read, 1 missing\n"
    assert (ended.code, ended.out) == (1, told)
    [asked] = json.loads(seeded_duely("queue", "--json").out)
    assert (asked["kind"], asked["owner"], asked["evidence"]["file"]) == ("archive_rot", "sam", key[7:])
    assert "duely archive check" in seeded_duely("queue").out
    path.write_bytes(whole)
    assert seeded_duely("archive", "check").code == 0
    assert json.loads(seeded_duely("queue", "--json").out) == []


def test_a_legal_hold_and_its_end(seeded_duely: Duely, issued: Archive) -> None:
    def due() -> list[str]:
        return [
            item["number"] for item in json.loads(seeded_duely("archive", "due", "--on", "2040-01-01", "--json").out)
        ]

    assert due() == []  # it is still owed
    seeded_duely("verify")
    held = seeded_duely("archive", "hold", "RE-2026-00001", "--by", "ben", "--reason", "they sue")
    assert (held.code, held.out) == (0, "invoice-demo-ORD-1: on legal hold\n")
    again = seeded_duely("archive", "hold", "ORD-1", "--by", "ben", "--reason", "they sue")
    assert (again.code, again.out) == (1, "")
    assert again.err == "invoice-demo-ORD-1 is on legal hold already; `duely archive release` ends it\n"
    whole = seeded_duely("archive", "hold", "--seller", "demo", "--by", "ben", "--reason", "audit", "--json")
    assert json.loads(whole.out) == {"contract": 1, "result": "done", "seller": "demo", "invoice": None}
    for of in (("ORD-1",), ("--seller", "demo")):
        assert seeded_duely("archive", "release", *of, "--by", "ben", "--reason", "over").code == 0
    ended = seeded_duely("archive", "release", "ORD-1", "--by", "ben", "--reason", "over")
    assert (ended.code, ended.err) == (1, "invoice-demo-ORD-1 is not on legal hold\n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("archive", "hold", "--by", "ben", "--reason", "x"), 2, "ID: name a receivable, or a whole seller"),
        (("archive", "hold", "ORD-1", "--by", "ana", "--reason", "x"), 1, "ana has approver; hold needs"),
        (("archive", "hold", "ORD-9", "--by", "ben", "--reason", "x"), 1, "no receivable is called ORD-9"),
        (("archive", "hold", "--seller", "nobody", "--by", "ben", "--reason", "x"), 1, "there is no seller nobody"),
        (("archive", "due", "--on", "soon"), 2, "--on: 'soon' is not a date"),
        (("export",), 2, "ID: give a receivable, or --year YEAR"),
        (("export", "ORD-1", "--year", "2026"), 2, "ID: give a receivable, or --year YEAR"),
        (("export", "ORD-9"), 1, "no receivable is called ORD-9"),
        (("export", "ORD-1", "--out", "no/x.zip"), 2, "--out: no/x.zip cannot be written"),
        (("export", "--year", "2025"), 1, "no document was issued in 2025"),
        (("export", "--year", "3"), 2, "--year: 3 must be 1990 to 9998"),
        (("export", "--year", "2026", "--seller", "nobody"), 1, "there is no seller nobody"),
    ],
)
def test_what_is_refused_in_one_line(
    seeded_duely: Duely, issued: Archive, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = seeded_duely(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(told)
    assert ended.err.count("\n") == 1
    assert list(Path.cwd().glob("*.zip")) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("RE-2026-00001",), "RE-2026-00001.zip"),
        (("ORD-1", "--out", "mine.zip"), "mine.zip"),
        (("--year", "2026"), "duely-2026.zip"),
        (("--year", "2026", "--seller", "demo"), "demo-2026.zip"),
    ],
)
def test_an_export_verifies_itself(
    seeded_duely: Duely, issued: Archive, arguments: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    told = json.loads(seeded_duely("export", *arguments, "--json").out)
    zip_ = Path(name)
    assert told == {
        "file": name,
        "files": len(zipfile.ZipFile(zip_).namelist()),
        "bytes": zip_.stat().st_size,
        "sha256": sha256(zip_.read_bytes()).hexdigest(),
    }
    with zipfile.ZipFile(zip_) as file:
        file.extractall(tmp_path / "unpacked")
    script = tmp_path / "unpacked" / "verify.py"
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("verified\n")
    assert name in seeded_duely("export", *arguments).out


def test_an_export_has_the_mails_of_the_outbox(seeded_duely: Duely, issued: Archive, tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from adapters.mail.outbox import Outbox
    from adapters.mail.port import Address, Message

    mail = Message(
        key="invoice-demo-ORD-1/invoice", kind="invoice", invoice="invoice-demo-ORD-1", rung=None,
        sender=Address("Demo", "billing@demo.example"), to=(Address("AP", "ap@globex.example"),),
        reply_to="ar@demo.example", subject="Your invoice", text="Dear", html="<p>Dear</p>", language="en",
        at=datetime(2026, 1, 7, 9, tzinfo=UTC), attachments=(), references=(),
    )  # fmt: skip
    keys = [m["key"] for m in json.loads(seeded_duely("show", "ORD-1", "--json").out)["messages"]]
    assert mail.key in keys
    Outbox(settings.current().outbox).send(mail)
    seeded_duely("export", "ORD-1")
    with zipfile.ZipFile("ORD-1.zip") as file:
        mails = [name for name in file.namelist() if name.startswith("mails/")]
        assert mails == ["mails/20260107T090000Z-invoice.eml"]
        assert b"Subject: Your invoice" in file.read(mails[0])
