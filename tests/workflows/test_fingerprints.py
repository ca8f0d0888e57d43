"""I10: the commands that a fresh life gives today are those in `commands.txt`, task by task. A change of them is legal
when it is guarded and recorded; this test sees to it that nobody makes one unawares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.sending import Sender
from adapters.books.books import Books
from adapters.documents.archive import Archive
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from settings import Settings
from tests.conftest import Databases
from tests.workflows import commands
from tests.workflows.conftest import seed_many
from tests.workflows.endings import ENDINGS
from tests.workflows.stage import Blank, Stage, played, stage
from adapters.books.engine import open_engine


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    url = Databases("sqlite", folder, None).empty()
    seed_many(url, folder)
    settings = Settings(var=folder)
    engine = open_engine(url)
    mail = Outbox(settings.outbox)
    books = Books(engine, mail.idempotent, mail.reports)
    yield stage(engine, Sender(books, mail, Composer(Blank(), Archive(settings.archive))), settings)
    engine.dispose()


@pytest.mark.parametrize("name", ENDINGS)
def test_a_life(theatre: Stage, name: str) -> None:
    life = played(ENDINGS[name](theatre))
    print(name, life.run.shape())
