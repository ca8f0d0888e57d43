"""The worker dies between claim and call, between call and confirm, between confirm and return, as the dice fall: each
reminder is one mail, and its books are whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from activities.sending import Sender
from adapters.books.books import Books
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from adapters.mail.port import Message
from tests.conftest import Databases
from tests.faults.test_crash_between import let_the_lease_run_out
from tests.faults.test_race import about_to_remind

SEEDS = {"sqlite": 50, "postgres": 10}
CHANCE = 0.3


class Crash(BaseException):
    """The process is gone: nothing may catch it."""


def dying(dice: random.Random, real: Callable[..., Any]) -> Callable[..., Any]:
    def act(*args: Any, **named: Any) -> Any:
        if dice.random() < CHANCE:
            raise Crash
        answer = real(*args, **named)
        if dice.random() < CHANCE:
            raise Crash
        return answer

    return act


class Unasked(Outbox):
    """A provider that takes the same key twice and cannot say what it took, as SMTP."""

    idempotent = False

    def send(self, message: Message) -> str:
        return super().send(replace(message, key=f"{message.key}@{len(list(self._folder.glob('*.eml')))}"))

    def find(self, key: str) -> str | None:
        return None


def test_where_the_provider_cannot_be_asked_a_crash_leaves_at_most_one(seeded: Engine, tmp_path: Path) -> None:
    """It died after the mail had left: nobody guesses, a person decides."""
    story, step = about_to_remind(seeded, "DIES")
    story.books = Books(seeded, idempotent=False)
    sender = Sender(story.books, Unasked(tmp_path / "out"), Composer(TypstDocuments(), Archive(tmp_path / "archive")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Books, "confirm", _gone)
        with pytest.raises(Crash):
            sender.attempt(step)
    let_the_lease_run_out(seeded)
    outcome = sender.attempt(step)
    assert len(list((tmp_path / "out").glob("*.eml"))) == 1
    assert outcome.account is not None
    assert "delivery_unknown" in outcome.account.exceptions
    assert verify(seeded) == []


def _gone(*_: Any) -> None:
    raise Crash


def test_however_often_the_worker_dies_a_reminder_is_one_mail(
    seeded: Engine, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice, deaths = random.Random(), 0
    for seed in range(SEEDS[databases.kind]):
        story, step = about_to_remind(seeded, f"DIES-{seed}")
        outbox = tmp_path / str(seed)
        sender = Sender(story.books, Outbox(outbox), Composer(TypstDocuments(), Archive(tmp_path / "archive")))
        dice.seed(seed)
        with monkeypatch.context() as patch:
            patch.setattr(Books, "claim", dying(dice, Books.claim))
            patch.setattr(Outbox, "send", dying(dice, Outbox.send))
            patch.setattr(Books, "confirm", dying(dice, Books.confirm))
            for _ in range(60):
                try:
                    sender.attempt(step)
                    break
                except Crash:
                    deaths += 1
            else:
                raise AssertionError(f"seed {seed} never ends")
        assert len(list(outbox.glob("*.eml"))) == 1, seed
    assert deaths > SEEDS[databases.kind]
    assert verify(seeded) == []
