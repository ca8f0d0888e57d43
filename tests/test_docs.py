"""What the docs name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.exceptions import SETTLED_BY
from tests import invariants

TESTS = Path(__file__).parent
RUNBOOK = (TESTS.parent / "docs" / "runbook.md").read_text("utf-8")


def test_there_are_names() -> None:
    assert len(list(invariants.named())) > 40


@pytest.mark.parametrize(("file", "test"), [(file, test) for _, file, test in invariants.named()])
def test_each_test_that_holds_an_invariant_exists(file: str, test: str) -> None:
    source = (TESTS / file).read_text("utf-8")
    for depth, name in enumerate(test.split("::")):
        found = re.search(rf"^{'    ' * depth}(?:async def|def|class) {name}\b", source, re.MULTILINE)
        assert found, f"{file} has no {test}"


@pytest.mark.parametrize("kind", SETTLED_BY)
def test_the_runbook_says_what_each_exception_means_and_asks_for(kind: str) -> None:
    rows = [row.split("|") for row in RUNBOOK.splitlines() if row.startswith("| `")]
    assert [row for row in rows if f"`{kind}`" in row[1] and len(row) == 5 and all(map(str.strip, row[1:4]))], kind
