"""Whatever is asked and whatever is missing, an error is for people to read: no traceback, and nothing was done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import settings
from tests.cli.conftest import Duely

HUGE = "9" * 30


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("unapply", HUGE, "--by", "ben", "--reason", "wrong"), "or equal to"),
        (("decide", HUGE, "--by", "ben", "--decision", "fine"), "or equal to"),
        (("decide", "0", "--by", "ben", "--decision", "fine"), "or equal to"),
        (("apply", "9999999999", "7", "--by", "ben"), "waits for a decision"),
        (("apply", HUGE, "ORD-1", "--by", "ben"), "of a bank line, name the number of the one receipt it returns"),
        (("apply", HUGE, HUGE, "--by", "ben"), "of a bank line, name the number of the one receipt it returns"),
        (("apply", "9" * 5000, "7", "--by", "ben"), "waits for a decision"),
        (("apply", HUGE, "7", "--by", "ben"), "waits for a decision"),
        (("apply", "7", "ORD-1", "--by", "ben"), "no receivable is called ORD-1"),
    ],
)
def test_a_number_of_any_size_is_answered(seeded_duely: Duely, given: tuple[str, ...], said: str) -> None:
    ended = seeded_duely(*given)
    assert ended.code in (1, 2)
    assert ended.out == ""
    assert said in " ".join(ended.err.split())


@pytest.mark.parametrize("verb", ["show", "list", "why"])
def test_bytes_that_are_no_text_are_refused(seeded_duely: Duely, verb: str) -> None:
    ended = seeded_duely(verb, os.fsdecode(b"RE-\xff"))
    assert (ended.code, ended.out, ended.err) == (2, "", "'RE-\\udcff': is not UTF-8\n")


def test_a_folder_that_cannot_be_made_is_named(duely: Duely, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DUELY_DATABASE_URL", f"sqlite:///{tmp_path}/file/books.db")
    settings.current.cache_clear()
    ended = duely("list")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"the database's folder {tmp_path}/file cannot be made: File exists\n"


def test_a_folder_of_the_server_that_cannot_be_made_is_named(
    seeded_duely: Duely, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DUELY_VAR", f"{tmp_path}/file")
    settings.current.cache_clear()
    ended = seeded_duely("init")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"{tmp_path}/file/temporal: Not a directory\n"
