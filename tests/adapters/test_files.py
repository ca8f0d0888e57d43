"""What a request attaches must have been handed in, and must fit into a mail."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.books import files
from adapters.books.engine import read
from adapters.documents.archive import Archive
from schemas import tables as t
from tests.conftest import SEEDED_AT
from tests.story import Story


def attach(*keys: str) -> dict[str, object]:
    return {"attachments": [{"name": f"{number}.pdf", "file": key} for number, key in enumerate(keys)]}


def test_an_unknown_file_is_named_before_a_number_is_taken(seeded: Engine) -> None:
    story = Story(seeded, "demo", "ATT")
    with pytest.raises(AssertionError, match=r"attachments\[0\].file.*POST /v1/files"):
        story.start("globex", "1.00", **attach("sha256:" + "0" * 64))


def test_the_same_file_is_kept_once_and_may_be_attached(seeded: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    key = files.keep(seeded, archive, b"%PDF-1.7 a", "pdf", SEEDED_AT)
    assert files.keep(seeded, archive, b"%PDF-1.7 a", "pdf", SEEDED_AT) == key
    with read(seeded) as session:
        kept = session.get_one(t.File, key)
    assert (kept.suffix, kept.size) == ("pdf", 10)
    story = Story(seeded, "demo", "ATT")
    assert story.start("globex", "1.00", **attach(key)).total


def test_together_they_fit_into_a_mail(seeded: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    half = files.MOST_BYTES // 2
    keys = [files.keep(seeded, archive, bytes([n]) * half, "txt", SEEDED_AT) for n in (1, 2, 3)]
    assert Story(seeded, "demo", "TWO").start("globex", "1.00", **attach(*keys[:2])).total
    with pytest.raises(AssertionError, match="at most 10,000,000 can be mailed"):
        Story(seeded, "demo", "THREE").start("globex", "1.00", **attach(*keys))
