"""The peer is honest: it reminds once, whatever happens between claim and confirm, and never of what is settled."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.mail.port import Message
from bench import cron

NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)
COUNT = 5


class Crash(BaseException):
    """As good as a power cut."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cron.db"
    cron.fill(path, COUNT, NOW)
    return path


def mails(file: Path) -> int:
    return len(list((file.parent / "outbox").glob("*.eml")))


def do(file: Path, sql: str) -> None:
    db = sqlite3.connect(file)
    with db:
        db.execute(sql)
    db.close()


def test_each_is_reminded_once(file: Path) -> None:
    loop = cron.Cron(file, file.parent / "outbox")
    assert (loop.turn(NOW), loop.turn(NOW + timedelta(hours=1)), mails(file)) == (COUNT, 0, COUNT)


@pytest.mark.parametrize("sent", [False, True], ids=["before the mail", "after the mail"])
def test_a_crash_between_claim_and_confirm_sends_nothing_twice(
    file: Path, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = cron.Cron(file, file.parent / "outbox")
    send = loop._mail.send

    def dies(message: Message) -> str:
        if sent:
            send(message)
        raise Crash

    monkeypatch.setattr(loop._mail, "send", dies)
    with pytest.raises(Crash):
        loop.turn(NOW)
    after = cron.Cron(file, file.parent / "outbox")
    assert (after.turn(NOW), after.turn(NOW), mails(file)) == (COUNT, 0, COUNT)


@pytest.mark.parametrize("change", ["balance = 0", "disputed = 1", "stopped = 1"])
def test_the_last_look_withholds(file: Path, change: str) -> None:
    """What changes after the list was made and before the claim counts."""
    loop = cron.Cron(file, file.parent / "outbox")
    due = loop._due(NOW.date())
    do(file, f"UPDATE receivables SET {change}")
    assert [loop._claim(*each, NOW) for each in due] == [None] * COUNT


def test_no_reminder_while_the_bank_was_not_read(file: Path) -> None:
    do(file, "UPDATE source SET read_at = '2026-06-08T09:00:00+00:00'")
    assert cron.Cron(file, file.parent / "outbox").turn(NOW) == 0
